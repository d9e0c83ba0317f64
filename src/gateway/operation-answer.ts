// Reads the answer of an operation: a JSON whole, so that it can be booked and translated; sound, pictures and events pass on as they come.

import { joinBytes } from '../core/bytes.ts'
import { GatewayError } from '../core/errors.ts'
import type { OperationResponse } from '../operations/contract.ts'
import type { Reader } from './commit.ts'
import type { OperationJob, OperationWay } from './operation-way.ts'
import { readWithin } from './read-within.ts'
import type { Opened } from './send.ts'
import { Tally } from './tally.ts'

type Base = { readonly opened: Opened; readonly tally: Tally; readonly way: OperationWay }

export type OperationAnswer =
  /** `told`: what it says, where it must be written anew. */
  | (Base & { readonly kind: 'whole'; readonly bytes: Uint8Array; readonly told: OperationResponse | null })
  | (Base & { readonly kind: 'large'; readonly held: readonly Uint8Array[]; readonly rest: Reader; readonly over: boolean })

/** @throws GatewayError what the provider said, or `upstream-timeout`, `upstream-garbled`, `upstream-cut`, `client-gone` */
export function commitOperation(job: OperationJob, way: OperationWay, opened: Opened): Promise<OperationAnswer> {
  const { firstContentMs, headersMs, idleMs, bodyMs } = job.deps.limits
  return readWithin(opened, bodyMs ?? Math.max(firstContentMs, headersMs, idleMs), 'sent no answer in time.', () =>
    answerOf(job, way, opened),
  )
}

async function answerOf(job: OperationJob, way: OperationWay, opened: Opened): Promise<OperationAnswer> {
  const { response, hide } = opened
  const provider = opened.candidate.provider.id
  if (response.body === null) throw new GatewayError('upstream-garbled', `${provider} answered without a body.`)
  const type = response.headers.get('content-type') ?? 'application/json'
  const passes = type.includes('event-stream') || !/json|text\//.test(type)
  const rest = response.body.getReader() as Reader
  const { held, over } = await gather(rest, passes && way.kind === 'forward' ? 1 : job.deps.limits.wholeAnswerBytes)
  const tally = new Tally()
  tally.firstEventAt = job.deps.now()
  if (!over || passes) {
    if (held.length === 0) throw new GatewayError('upstream-cut', `${provider} ended its answer before it began.`)
    if (way.kind === 'forward') return { kind: 'large', opened, tally, way, held, rest, over }
    throw new GatewayError('upstream-garbled', `The answer of ${provider} cannot be translated: it is too large, or no JSON.`)
  }
  const bytes = joinBytes(held)
  const text = new TextDecoder().decode(bytes)
  if (type.includes('json') && !/^\s*[{[]/.test(text)) throw new GatewayError('upstream-garbled', `The answer of ${provider} is no JSON.`)
  if (text.includes('"error"')) {
    const said = way.upstream.readError(response.status, response.headers, hide(text))
    if (said !== null) throw said
  }
  if (way.kind === 'forward') {
    tally.usage = way.upstream.readUsage(text, job.intent)
    return { kind: 'whole', opened, tally, way, bytes, told: null }
  }
  const { client, body } = job
  if (client.read === undefined || way.upstream.read === undefined || !('parsed' in body))
    throw new Error(`${client.id} cannot be translated.`)
  const told = way.upstream.read(text, client.read(body))
  tally.usage = 'usage' in told ? told.usage : way.upstream.readUsage(text, job.intent)
  return { kind: 'whole', opened, tally, way, bytes, told }
}

/** Until more than `most` bytes are here, or all. */
async function gather(reader: Reader, most: number): Promise<{ readonly held: readonly Uint8Array[]; readonly over: boolean }> {
  const held: Uint8Array[] = []
  let size = 0
  while (size < most) {
    const { done, value } = await reader.read()
    if (done) return { held, over: true }
    held.push(value)
    size += value.length
  }
  return { held, over: false }
}
