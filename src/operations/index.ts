// The registry of languages beside chat: one line for each half.

import { cohereEmbedUpstream } from './cohere-embed.ts'
import { COUNTING_CLIENTS, COUNTING_UPSTREAMS } from './counters.ts'
import { geminiEmbeddingClient, geminiEmbeddingsClient, geminiEmbeddingsUpstream, geminiEmbeddingUpstream } from './gemini-embeddings.ts'
import { openaiEmbeddingsClient, openaiEmbeddingsUpstream } from './openai-embeddings.ts'
import { openaiAudioClients, openaiAudioUpstreams } from './openai-audio.ts'
import { openaiImageClients, openaiImageUpstreams } from './openai-images.ts'
import { openaiModerationsClient, openaiModerationsUpstream } from './openai-moderations.ts'
import type { OperationClient, OperationUpstream } from './contract.ts'
import { rerankClient, rerankUpstream } from './rerank.ts'
import { underOpenRouter } from './under-openrouter.ts'
import { voyageRerankUpstream } from './voyage-rerank.ts'

/** Those that also stand below OpenRouter's mount, with its names of models and its errors. */
const SHARED: readonly OperationClient[] = [
  openaiEmbeddingsClient,
  rerankClient,
  openaiModerationsClient,
  ...openaiImageClients,
  ...openaiAudioClients,
]

export const OPERATION_CLIENTS: readonly OperationClient[] = [
  ...SHARED,
  ...SHARED.flatMap(underOpenRouter),
  geminiEmbeddingsClient,
  geminiEmbeddingClient,
  ...COUNTING_CLIENTS,
]

export const OPERATION_UPSTREAMS: readonly OperationUpstream[] = [
  openaiEmbeddingsUpstream,
  ...openaiImageUpstreams,
  ...openaiAudioUpstreams,
  geminiEmbeddingsUpstream,
  geminiEmbeddingUpstream,
  cohereEmbedUpstream,
  rerankUpstream,
  voyageRerankUpstream,
  openaiModerationsUpstream,
  ...COUNTING_UPSTREAMS,
]

const byId = new Map(OPERATION_UPSTREAMS.map((upstream) => [upstream.id, upstream]))

/** @throws Error when a provider names a language that is not registered: a mistake in the code, shown by the contract tests */
export function operationUpstream(id: string): OperationUpstream {
  const upstream = byId.get(id)
  if (upstream === undefined) throw new Error(`No operation ${id} is registered.`)
  return upstream
}
