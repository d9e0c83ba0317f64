// Every place the gateway can call: one line each.

import { anthropic } from './anthropic.ts'
import { cerebras } from './cerebras.ts'
import type { Provider } from './contract.ts'
import { deepseek } from './deepseek.ts'
import { demo } from './demo.ts'
import { fireworks } from './fireworks.ts'
import { google } from './google.ts'
import { groq } from './groq.ts'
import { mistral } from './mistral.ts'
import { ollama } from './ollama.ts'
import { openai } from './openai.ts'
import { openrouter } from './openrouter.ts'
import { perplexity } from './perplexity.ts'
import { together } from './together.ts'
import { vllm } from './vllm.ts'
import { xai } from './xai.ts'

export const PROVIDERS: readonly Provider[] = [
  openai,
  anthropic,
  google,
  groq,
  mistral,
  deepseek,
  xai,
  together,
  fireworks,
  openrouter,
  perplexity,
  cerebras,
  vllm,
  ollama,
  demo,
]

const BY_ID: ReadonlyMap<string, Provider> = new Map(PROVIDERS.map((provider) => [provider.id, provider]))

export function providerById(id: string): Provider | undefined {
  return BY_ID.get(id)
}
