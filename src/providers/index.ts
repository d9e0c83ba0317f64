// Every place the gateway can call: one line each.

import { alibaba } from './alibaba.ts'
import { anthropic } from './anthropic.ts'
import { azure } from './azure.ts'
import { bedrock } from './bedrock.ts'
import { cerebras } from './cerebras.ts'
import { cloudflare } from './cloudflare.ts'
import { cohere } from './cohere.ts'
import type { Provider } from './contract.ts'
import { deepinfra } from './deepinfra.ts'
import { deepseek } from './deepseek.ts'
import { demo } from './demo.ts'
import { fireworks } from './fireworks.ts'
import { google } from './google.ts'
import { groq } from './groq.ts'
import { huggingface } from './huggingface.ts'
import { hyperbolic } from './hyperbolic.ts'
import { jina } from './jina.ts'
import { llamacpp } from './llamacpp.ts'
import { lmstudio } from './lmstudio.ts'
import { mistral } from './mistral.ts'
import { moonshot } from './moonshot.ts'
import { novita } from './novita.ts'
import { nvidia } from './nvidia.ts'
import { ollama } from './ollama.ts'
import { openai } from './openai.ts'
import { openrouter } from './openrouter.ts'
import { perplexity } from './perplexity.ts'
import { sambanova } from './sambanova.ts'
import { together } from './together.ts'
import { vertex } from './vertex.ts'
import { venice } from './venice.ts'
import { vllm } from './vllm.ts'
import { voyage } from './voyage.ts'
import { xai } from './xai.ts'
import { zai } from './zai.ts'

export const PROVIDERS: readonly Provider[] = [
  openai,
  anthropic,
  google,
  bedrock,
  azure,
  vertex,
  groq,
  mistral,
  deepseek,
  xai,
  together,
  fireworks,
  openrouter,
  perplexity,
  cerebras,
  cohere,
  moonshot,
  zai,
  alibaba,
  huggingface,
  nvidia,
  sambanova,
  deepinfra,
  novita,
  hyperbolic,
  venice,
  cloudflare,
  voyage,
  jina,
  vllm,
  ollama,
  llamacpp,
  lmstudio,
  demo,
]

const BY_ID: ReadonlyMap<string, Provider> = new Map(PROVIDERS.map((provider) => [provider.id, provider]))

export function providerById(id: string): Provider | undefined {
  return BY_ID.get(id)
}
