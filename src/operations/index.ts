// The registry of languages beside chat: one line for each half.

import { openaiEmbeddingsClient, openaiEmbeddingsUpstream } from './openai-embeddings.ts'
import { openaiAudioClients, openaiAudioUpstreams } from './openai-audio.ts'
import { openaiImageClients, openaiImageUpstreams } from './openai-images.ts'
import type { OperationClient, OperationUpstream } from './contract.ts'
import { underOpenRouter } from './under-openrouter.ts'

const CLIENTS: readonly OperationClient[] = [openaiEmbeddingsClient, ...openaiImageClients, ...openaiAudioClients]

/** Each also stands below OpenRouter's mount, with its names of models and its errors. */
export const OPERATION_CLIENTS: readonly OperationClient[] = [...CLIENTS, ...CLIENTS.flatMap(underOpenRouter)]

export const OPERATION_UPSTREAMS: readonly OperationUpstream[] = [
  openaiEmbeddingsUpstream,
  ...openaiImageUpstreams,
  ...openaiAudioUpstreams,
]

const byId = new Map(OPERATION_UPSTREAMS.map((upstream) => [upstream.id, upstream]))

/** @throws Error when a provider names a language that is not registered: a mistake in the code, shown by the contract tests */
export function operationUpstream(id: string): OperationUpstream {
  const upstream = byId.get(id)
  if (upstream === undefined) throw new Error(`No operation ${id} is registered.`)
  return upstream
}
