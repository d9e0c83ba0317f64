// Judges one recorded answer of a chat API: whole, streamed (also cut anywhere), or an error.

import type { ChatEvent } from '../../src/core/canonical.ts'
import { collect, replay } from '../../src/core/collect.ts'
import { GatewayError, type ErrorCode } from '../../src/core/errors.ts'
import { framingReader, isWrapped, type Framing } from '../../src/core/framing.ts'
import { JsonArrayReader } from '../../src/core/json-array.ts'
import type { FrameSource } from '../../src/core/sse.ts'
import type { UpstreamDialect } from '../../src/dialects/contract.ts'
import { differences, says, short } from './compare.ts'
import { bodyText, type Exchange } from './exchange.ts'
import { facts, wordsOf, type Facts } from './facts.ts'
import { valuesOf, wrappedValuesOf } from './frames.ts'
import { at, parsed } from './look.ts'
import { factsOf, factsOfEvents } from './ours.ts'
import { isDeepStrictEqual } from 'node:util'

/** Reads what a recording holds; shares nothing with our readers. */
export type Held = {
  /** Is the body in the shape of an answer (or an error) of this API at all? */
  isAnswer(body: unknown): boolean
  whole(body: unknown): Facts
  events(values: readonly unknown[]): Facts
}

/** What is no answer, and a stream without a single event, must be read as an error, in whatever words. */
const NO_ANSWER = facts({ error: '' })

const CUTS = 6

/** `bytesAre`: how a stream that is no text is framed. */
export function checkAnswer(
  dialect: UpstreamDialect,
  held: Held,
  exchange: Exchange,
  bytesAre: Framing = 'aws-event-stream',
): readonly string[] {
  if (exchange.status >= 400) return checkError(dialect, exchange)
  return exchange.streaming ? checkStream(dialect, held, exchange, bytesAre) : checkWhole(dialect, held, exchange)
}

function checkWhole(dialect: UpstreamDialect, held: Held, exchange: Exchange): readonly string[] {
  const text = bodyText(exchange)
  const body = parsed(text)
  const want = held.isAnswer(body) ? held.whole(body) : NO_ANSWER
  try {
    const response = dialect.read(text)
    const found = [...differences(want, factsOf(response))]
    const error = dialect.readError(exchange.status, exchange.headers, text)
    if (error !== null && want.error === null) found.push(`a good answer is taken for an error: ${error.message}`)
    if (!isDeepStrictEqual(dialect.readUsage(text).usage, response.usage)) found.push('usage: the forward way reads other counts')
    if (!isDeepStrictEqual(collect(replay(response)), response)) found.push('the whole answer told as a stream is another answer')
    return found
  } catch (error) {
    return thrown(error, (said) => differences(want, { ...want, error: said }))
  }
}

function checkStream(dialect: UpstreamDialect, held: Held, exchange: Exchange, bytesAre: Framing): readonly string[] {
  const bytes = bytesOf(exchange)
  const values = isWrapped(bytesAre) ? wrappedValuesOf(exchange.answer) : valuesOf(exchange.answer)
  const read = (pieces: readonly Uint8Array[]): readonly ChatEvent[] => eventsOf(dialect, sourceOf(exchange, bytesAre), pieces)
  const want = values.length === 0 ? NO_ANSWER : held.events(values)
  const events = read([bytes])
  const { facts: told, response } = factsOfEvents(events)
  const found = [...differences(want, told)]
  const ends = events.filter(({ kind }) => kind === 'finish' || kind === 'error').length
  if (ends !== 1) found.push(`the stream ends ${ends} times`)
  const uncut = JSON.stringify(events)
  for (let i = 0; i < CUTS; i++) {
    const pieces = cut(bytes, `${exchange.id} ${i}`, 2 ** i)
    if (JSON.stringify(read(pieces)) !== uncut) found.push(`cut into ${pieces.length} pieces it is another reply`)
  }
  if (response !== null && !isDeepStrictEqual(collect(replay(response)), response)) found.push('collected and replayed it is another reply')
  // A Responses stream closes with the whole answer: streamed must equal whole.
  const closing = values.map((value) => at(value, 'response')).at(-1)
  if (response !== null && want.error === null && Array.isArray(at(closing, 'output')) && at(closing, 'output', 0) !== undefined)
    found.push(...differences(factsOf(dialect.read(JSON.stringify(closing))), told).map((said) => `streamed and whole: ${said}`))
  return found
}

/** An answer with a status of an error: its class, and its words. */
export function checkError(dialect: Pick<UpstreamDialect, 'readError'>, exchange: Exchange): readonly string[] {
  const text = bodyText(exchange)
  const error = dialect.readError(exchange.status, exchange.headers, text)
  if (error === null) return [`status ${exchange.status} is not read as an error`]
  const found: string[] = []
  if (error.detail.upstream?.status !== exchange.status)
    found.push(`error status: held ${exchange.status}, read ${error.detail.upstream?.status}`)
  const codes = codesFor(exchange.status)
  if (!codes.includes(error.code)) found.push(`error class: ${exchange.status} is read as ${error.code}, not ${codes.join(' or ')}`)
  const words = wordsOf(parsed(text) ?? text)
  if (words !== null && !says(error.message, words)) found.push(`error words: held ${short(words)}, read ${short(error.message)}`)
  return found
}

/** What a status may mean; which of them it does, the body decides. */
function codesFor(status: number): readonly ErrorCode[] {
  if (status === 401) return ['credential-refused']
  if (status === 402) return ['credential-refused', 'upstream-refused', 'upstream-limited']
  if (status === 403) return ['credential-refused', 'upstream-refused', 'upstream-content-refused']
  if (status === 408 || status === 504) return ['upstream-timeout']
  if (status === 429) return ['upstream-limited', 'upstream-overloaded']
  if (status === 503 || status === 529) return ['upstream-overloaded']
  if (status >= 500) return ['upstream-failed', 'upstream-overloaded']
  return ['upstream-refused', 'upstream-context-too-long', 'upstream-content-refused']
}

/** All events of a stream whose bytes come in these pieces. */
function eventsOf(dialect: UpstreamDialect, source: FrameSource, pieces: readonly Uint8Array[]): readonly ChatEvent[] {
  const reader = dialect.reader()
  const events: ChatEvent[] = []
  for (const piece of pieces) for (const frame of source.push(piece)) events.push(...reader.read(frame))
  for (const frame of source.end()) events.push(...reader.read(frame))
  events.push(...reader.end())
  return events
}

function sourceOf({ answer }: Exchange, bytesAre: Framing): FrameSource {
  return 'json' in answer ? new JsonArrayReader() : framingReader('bytes' in answer ? bytesAre : 'sse')
}

function bytesOf({ answer }: Exchange): Uint8Array {
  if ('bytes' in answer) return answer.bytes
  return new TextEncoder().encode('stream' in answer ? answer.stream : JSON.stringify(answer.json))
}

/** The bytes cut at `count` places that depend on the seed alone (FNV-1a into xorshift32). */
function cut(bytes: Uint8Array, seed: string, count: number): readonly Uint8Array[] {
  let state = 0x811c9dc5
  for (const letter of seed) state = Math.imul(state ^ (letter.codePointAt(0) ?? 0), 0x01000193)
  const marks = new Set<number>()
  for (let i = 0; i < count; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    marks.add((state >>> 0) % (bytes.length + 1))
  }
  const ends = [...marks].toSorted((a, b) => a - b)
  return [...ends, bytes.length].map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end))
}

function thrown(error: unknown, judge: (said: string) => readonly string[]): readonly string[] {
  if (error instanceof GatewayError) return judge(error.message)
  return [`it throws ${error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 2).join(' ') : String(error)}`]
}
