// Judges one recorded exchange beside chat: what was answered, what was counted, or an error. What was asked is judged in check-asked.ts.

import type { Usage } from '../../src/core/canonical.ts'
import { GatewayError } from '../../src/core/errors.ts'
import type { OperationClient, OperationRequest, OperationResponse, OperationUpstream } from '../../src/operations/contract.ts'
import { OPERATION_CLIENTS, OPERATION_UPSTREAMS } from '../../src/operations/index.ts'
import { checkError } from './check-answer.ts'
import { checkAsked, intentOf, requestOf } from './check-asked.ts'
import { short } from './compare.ts'
import { bodyText, type Exchange } from './exchange.ts'
import { valuesOf } from './frames.ts'
import { decoded } from './held/embeddings.ts'
import { HELD_OPERATIONS } from './held/operations.ts'
import { at, parsed } from './look.ts'
import { countDifferences, counts, factDifferences, type Asked, type Counts, type HeldOperation, type Told } from './operation-facts.ts'
import type { Findings } from './verdict.ts'

/** The halves of one language. */
export type Language = {
  readonly id: string
  readonly upstream: OperationUpstream
  readonly client: OperationClient | undefined
  readonly held: HeldOperation
}

export function language(id: string): Language {
  const upstream: OperationUpstream | undefined = OPERATION_UPSTREAMS.find((one) => one.id === id)
  const held = HELD_OPERATIONS.get(id)
  if (upstream === undefined || held === undefined) throw new Error(`The language ${id} is not registered, or has no reader here.`)
  return { id, upstream, client: OPERATION_CLIENTS.find((one) => one.id === id), held }
}

export function checkOperation(spoken: Language, exchange: Exchange): Findings {
  const asked = checkAsked(spoken, exchange)
  const answer = exchange.status >= 400 ? checkError(spoken.upstream, exchange) : checkTold(spoken, exchange)
  return { faults: [...answer, ...asked.faults], notes: asked.notes }
}

function checkTold({ upstream, held, id }: Language, exchange: Exchange): readonly string[] {
  const { answer, request } = exchange
  // Sound and pictures as bytes are nobody's to read.
  const text = 'bytes' in answer ? null : bodyText(exchange)
  const values = 'bytes' in answer ? [] : 'stream' in answer ? valuesOf(answer) : [parsed(text ?? '')]
  const want = held.counts(values)
  const found = [...countDifferences('usage on the forward way', want, countsOf(upstream.readUsage(text, intentOf(exchange))))]
  if (text === null) return found
  const error = upstream.readError(exchange.status, exchange.headers, text)
  if (error !== null) found.push(`a good answer is taken for an error: ${error.message}`)
  if (held.told === undefined || upstream.read === undefined) return found
  const asked = request === null ? null : (held.asked?.(request) ?? null)
  const told = held.told(values[0], asked)
  let response: OperationResponse
  try {
    response = upstream.read(text, requestFor(upstream, asked, told, values[0]))
  } catch (cause) {
    if (!(cause instanceof GatewayError)) throw cause
    return told === null ? found : [...found, `an error instead of an answer: ${cause.message}`]
  }
  if (told === null) return [...found, 'what is no answer is read as one']
  found.push(...factDifferences('answer', rounded(told, response), plain(response)))
  if ('usage' in response) found.push(...countDifferences('usage', want, countsOf(response.usage)))
  for (const client of OPERATION_CLIENTS)
    found.push(...checkRetold(client, response, told, want, exchange).map((said) => `${id} told as ${client.id}: ${said}`))
  return found
}

/** What a client is told in its own language, read as a recording of that language would be. */
function checkRetold(
  client: OperationClient,
  response: OperationResponse,
  told: Told,
  want: Counts | null,
  exchange: Exchange,
): readonly string[] {
  const reader = HELD_OPERATIONS.get(client.id)
  if (client.kind !== response.kind || client.write === undefined || reader?.told === undefined) return []
  // A call for one vector is answered with one.
  if (client.id === 'gemini-embedding' && told.kind === 'embeddings' && told.vectors.length !== 1) return []
  const served = { requestId: 'req', provider: { id: 'p', name: 'P' }, model: exchange.model, costNanoUsd: () => null }
  const body = parsed(client.write(response, intentOf(exchange), served))
  const again = reader.told(body, null)
  if (again === null) return ['it is no answer there']
  return [...factDifferences('answer', rounded(told, response), again), ...countDifferences('usage', want, reader.counts([body]))]
}

/** The request in front of the answer; where it was not recorded, one that fits what was answered. */
function requestFor({ kind }: OperationUpstream, asked: Asked | null, told: Told | null, body: unknown): OperationRequest {
  if (asked !== null) return requestOf(asked)
  if (kind === 'rerank') return { kind, query: '', documents: [], topN: null, returnDocuments: false, others: [] }
  if (kind !== 'embeddings')
    return { kind: 'count-tokens', chat: { turns: [], tools: [], sampling: {}, extras: { dialect: '', fields: {} } } }
  const inputs = told?.kind === 'embeddings' ? told.vectors.map(() => '') : []
  const format = typeof at(body, 'data', 0, 'embedding') === 'string' ? 'base64' : 'float'
  return { kind, inputs, dimensions: null, format, purpose: null, others: [] }
}

function plain(response: OperationResponse): object {
  if (response.kind !== 'embeddings') return response
  return { vectors: response.vectors.map((vector) => (typeof vector === 'string' ? decoded(vector) : vector)) }
}

/** What was held, in float32 where ours was asked to be so. */
function rounded(told: Told, response: OperationResponse): Told {
  if (told.kind !== 'embeddings' || response.kind !== 'embeddings' || typeof response.vectors[0] !== 'string') return told
  return { ...told, vectors: told.vectors.map((vector) => vector.map(Math.fround)) }
}

function countsOf(usage: Usage | null): Counts | null {
  if (usage === null) return null
  const { units, aside, billed, service: _service, ...tokens } = usage
  if (aside !== undefined || billed !== undefined) throw new Error(`Counts beside the reply's own: ${short(usage)}`)
  return counts({ ...tokens, ...units })
}
