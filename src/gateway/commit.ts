// Reads an answer up to the commit point: the whole of a short one, or a stream up to its first content. Until then a failure is
// another target's chance; after it, an event in the client's dialect.

import { joinBytes } from '../core/bytes.ts'
import type { ChatEvent, ChatResponse } from '../core/canonical.ts'
import { collect } from '../core/collect.ts'
import { GatewayError } from '../core/errors.ts'
import { framingReader } from '../core/framing.ts'
import { JsonArrayReader } from '../core/json-array.ts'
import type { FrameSource } from '../core/sse.ts'
import type { FrameReader } from '../dialects/contract.ts'
import { asksForArray, type Way } from './chat-request.ts'
import type { ChatJob } from './job.ts'
import { readWithin } from './read-within.ts'
import type { Opened } from './send.ts'
import { isContent, Tally } from './tally.ts'

export type Reader = ReadableStreamDefaultReader<Uint8Array>

/** An opened chat, and the language it is in. */
export type OpenedChat = Opened & { readonly way: Way }

/** A stream that has begun. `held` is what was read to know it; `events` is what that said. */
export type CommittedStream = {
  readonly kind: 'stream'
  readonly opened: OpenedChat
  readonly held: readonly Uint8Array[]
  readonly events: readonly ChatEvent[]
  readonly rest: Reader
  readonly source: FrameSource
  readonly frames: FrameReader
  readonly tally: Tally
  /** The stream ended while it was held: nothing is left to read. */
  readonly over: boolean
}

/** A whole answer. `response` is there when it must be written anew: translated, or put together from a stream that nobody asked for. */
export type CommittedWhole = {
  readonly kind: 'whole'
  readonly opened: OpenedChat
  readonly bytes: Uint8Array
  readonly response: ChatResponse | null
  readonly tally: Tally
}

/** A whole answer beyond what is buffered; it passes on as it comes and has no cost header. */
export type CommittedLarge = {
  readonly kind: 'large'
  readonly opened: OpenedChat
  readonly held: readonly Uint8Array[]
  readonly rest: Reader
  readonly tally: Tally
}

export type Committed = CommittedStream | CommittedWhole | CommittedLarge

const MOST_HELD_BYTES = 1_048_576
/** Answers known to be this small are read natively: a loop of reads costs more. */
const SMALL_BYTES = 262_144

/** @throws GatewayError what the provider said, or `upstream-timeout`, `upstream-garbled`, `upstream-cut`, `client-gone` */
export function commit(job: ChatJob, opened: OpenedChat): Promise<Committed> {
  const { firstContentMs, headersMs, idleMs, bodyMs } = job.deps.limits
  const limitMs = job.intent.stream ? firstContentMs : (bodyMs ?? Math.max(headersMs, idleMs))
  return readWithin(opened, limitMs, 'sent no content in time.', () =>
    job.intent.stream ? commitStream(job, opened) : commitWhole(job, opened),
  )
}

async function commitStream(job: ChatJob, opened: OpenedChat): Promise<Committed> {
  const { response, way, hide } = opened
  const provider = opened.candidate.provider.id
  if (response.body === null) throw new GatewayError('upstream-garbled', `${provider} answered without a body.`)
  const type = response.headers.get('content-type') ?? ''
  const rest = response.body.getReader() as Reader
  const isArray = asksForArray(job, way)
  if (isArray ? !type.includes('json') : type.includes('json') && !type.includes('stream')) {
    const { text } = await gather(rest, MOST_HELD_BYTES)
    const said = way.upstream.readError(response.status, response.headers, hide(text))
    throw said ?? new GatewayError('upstream-garbled', `${provider} answered a stream request with something else.`)
  }
  const source = frameSource(job, way)
  const frames = way.upstream.reader()
  const isFree = opened.candidate.provider.emptyIsFree !== undefined
  const tally = new Tally(isFree)
  const held: Uint8Array[] = []
  const events: ChatEvent[] = []
  let size = 0
  let committed = false
  const take = (event: ChatEvent): void => {
    if (event.kind === 'error' && !committed) {
      const detail = isFree && event.code !== 'upstream-garbled' ? { unbilled: true as const } : {}
      throw new GatewayError(event.code, hide(event.message), detail)
    }
    tally.see(event)
    events.push(event)
    committed ||= isContent(event)
  }
  for (;;) {
    const { done, value } = await rest.read()
    if (done) {
      for (const frame of source.end()) for (const event of frames.read(frame)) take(event)
      for (const event of frames.end()) take(event)
      if (!committed)
        throw new GatewayError('upstream-cut', `${provider} ended the stream before any content.`, isFree ? { unbilled: true } : {})
      tally.firstEventAt = job.deps.now()
      return { kind: 'stream', opened, held, events, rest, source, frames, tally, over: true }
    }
    held.push(value)
    size += value.length
    for (const frame of source.push(value)) for (const event of frames.read(frame)) take(event)
    if (committed) {
      tally.firstEventAt = job.deps.now()
      return { kind: 'stream', opened, held, events, rest, source, frames, tally, over: false }
    }
    if (size > MOST_HELD_BYTES) throw new GatewayError('upstream-garbled', `${provider} sent ${MOST_HELD_BYTES} bytes without any content.`)
  }
}

/** Takes the frames out of a stream's bytes. */
export function frameSource(job: ChatJob, way: Way): FrameSource {
  return asksForArray(job, way) ? new JsonArrayReader() : framingReader(way.voice.framing)
}

async function commitWhole(job: ChatJob, opened: OpenedChat): Promise<Committed> {
  const { response, way, hide } = opened
  const provider = opened.candidate.provider.id
  if (response.body === null) throw new GatewayError('upstream-garbled', `${provider} answered without a body.`)
  const said = Number(response.headers.get('content-length') ?? Number.NaN)
  const small = said <= Math.min(SMALL_BYTES, job.deps.limits.wholeAnswerBytes)
  const bytes = small ? new Uint8Array(await response.arrayBuffer()) : null
  const rest = bytes === null ? (response.body.getReader() as Reader) : null
  const read = rest === null ? wholeOf(bytes === null ? [] : [bytes]) : await gather(rest, job.deps.limits.wholeAnswerBytes)
  const tally = new Tally(opened.candidate.provider.emptyIsFree !== undefined)
  tally.firstEventAt = job.deps.now()
  if (!read.over) {
    if (way.kind === 'forward' && rest !== null) return { kind: 'large', opened, held: read.chunks, rest, tally }
    throw new GatewayError(
      'upstream-garbled',
      `The answer of ${provider} is larger than ${job.deps.limits.wholeAnswerBytes} bytes, too large to be translated.`,
    )
  }
  if (!isStream(response) && read.text.includes('"error"')) {
    const said = way.upstream.readError(response.status, response.headers, hide(read.text))
    if (said !== null) throw said
  }
  let whole: ChatResponse | null = null
  if (isStream(response)) {
    whole = collected(way, read.chunks, hide) // some hosts stream whatever was asked
    tally.usage = whole.usage
    tally.finished(whole.finish.native, whole.finish.reason)
  } else if (way.kind === 'translate') {
    whole = way.upstream.read(read.text)
    tally.usage = whole.usage
    tally.finished(whole.finish.native, whole.finish.reason)
    tally.upstreamId = whole.id === '' ? null : whole.id.slice(0, 128)
  } else {
    const told = way.upstream.readUsage(read.text)
    tally.usage = told.usage
    tally.finished(told.finish, null)
  }
  tally.contentLength = read.text.length
  return { kind: 'whole', opened, bytes: joinBytes(read.chunks), response: whole, tally }
}

function isStream(response: Response): boolean {
  return /text\/event-stream|amazon\.eventstream/.test(response.headers.get('content-type') ?? '')
}

/** A stream as the whole answer that was asked for. @throws GatewayError the error it ended in */
function collected(way: Way, chunks: readonly Uint8Array[], hide: (text: string) => string): ChatResponse {
  const framing = framingReader(way.voice.framing)
  const frames = way.upstream.reader()
  const events: ChatEvent[] = []
  for (const chunk of chunks) for (const frame of framing.push(chunk)) events.push(...frames.read(frame))
  for (const frame of framing.end()) events.push(...frames.read(frame))
  events.push(...frames.end())
  for (const event of events) if (event.kind === 'error') throw new GatewayError(event.code, hide(event.message))
  return collect(events)
}

type Gathered = { readonly chunks: readonly Uint8Array[]; readonly text: string; readonly over: boolean }

function wholeOf(chunks: readonly Uint8Array[]): Gathered {
  return { chunks, text: new TextDecoder().decode(joinBytes(chunks)), over: true }
}

/** Up to `most` bytes; `over` when that was all. The text is only made of what is whole. */
async function gather(reader: Reader, most: number): Promise<Gathered> {
  const chunks: Uint8Array[] = []
  let size = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return wholeOf(chunks)
    chunks.push(value)
    size += value.length
    if (size > most) return { chunks, text: '', over: false }
  }
}
