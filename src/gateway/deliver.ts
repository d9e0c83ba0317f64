// Carries a committed stream to the client and says exactly once how it ended. Forward: the bytes as they are, read along for the
// books. Translate: one loop of read, parse, write; what one read brought is written in one go.

import { joinBytes } from '../core/bytes.ts'
import type { ChatEvent } from '../core/canonical.ts'
import { GatewayError } from '../core/errors.ts'
import { JsonArrayWriter } from '../core/json-array.ts'
import { SSE_SINK, type FrameSink } from '../core/sse.ts'
import type { Frame } from '../dialects/contract.ts'
import type { Ending } from '../core/account.ts'
import type { CommittedLarge, CommittedStream } from './commit.ts'
import type { Job } from './job.ts'
import { passNatively } from './native-pass.ts'
import type { Opened } from './send.ts'
import { named, servedBy } from './served-by.ts'
import { UsageFilter } from './usage-filter.ts'

/** `done` never rejects. */
export type Delivery = {
  readonly readable: ReadableStream<Uint8Array>
  readonly done: Promise<{ readonly ending: Ending; readonly error: GatewayError | null }>
}

/** What one step of the reply brings: bytes for the client, whether there was content in it, and the error it ended in. */
type Step = { readonly bytes: Uint8Array; readonly progress: boolean; readonly failure: GatewayError | null }

/** Turns what arrives into what is sent. `fail` ends a broken reply in the client's dialect. */
type Carrier = {
  /** What was held until the target was committed. */
  begin(): Step
  take(bytes: Uint8Array): Step
  end(): Step
  fail(error: GatewayError): Uint8Array
}

const encoder = new TextEncoder()
const EMPTY = new Uint8Array(0)

/** Starts carrying. The loop runs on by itself: the response can be returned at once. */
export function deliver(job: Job, from: CommittedStream): Delivery {
  const forwards = from.opened.way.kind === 'forward'
  const carrier = forwards ? forwarder(job, from) : translator(job, from)
  const { readable, writable } = job.deps.pipe()
  const { body } = from.opened.response
  // Nothing is taken out of the bytes: they can pass without us.
  if (forwards && job.intent.wantsUsage && !from.over && body !== null)
    return { readable, done: runNatively(job, from, carrier, body, writable) }
  return { readable, done: run(job, from, carrier, writable.getWriter()) }
}

async function run(
  job: Job,
  from: Pick<CommittedStream, 'opened' | 'rest' | 'tally' | 'over'>,
  carrier: Carrier,
  out: WritableStreamDefaultWriter<Uint8Array>,
): ReturnType<typeof settled> {
  const { opened, rest } = from
  const provider = opened.candidate.provider.id
  const watch = watchIdle(job, () => opened.stop(silent(provider)))
  try {
    let step = carrier.begin()
    for (let over = from.over; ;) {
      if (step.bytes.length > 0) await out.write(step.bytes)
      if (step.failure !== null) return await brokenOff(carrier, out, step.failure)
      if (over) break
      const { done, value } = await rest.read()
      over = done
      step = done ? carrier.end() : carrier.take(value)
      if (step.progress) watch.progress()
    }
    await out.close()
    return await settled(from.tally.failure === null ? 'complete' : 'upstream-cut', from.tally.failure)
  } catch (cause) {
    return await ended(job, opened, carrier, out, cause)
  } finally {
    watch.end()
    opened.stop(null)
  }
}

async function runNatively(
  job: Job,
  from: CommittedStream,
  carrier: Carrier,
  body: ReadableStream<Uint8Array>,
  writable: WritableStream<Uint8Array>,
): ReturnType<typeof settled> {
  const { opened, rest, tally } = from
  const provider = opened.candidate.provider.id
  const watch = watchIdle(job, () => opened.stop(silent(provider)))
  try {
    await put(writable, carrier.begin().bytes)
    rest.releaseLock()
    await passNatively(body, writable, {
      look(bytes) {
        if (carrier.take(bytes).progress) watch.progress()
      },
    })
    const { failure } = carrier.end()
    const out = writable.getWriter()
    if (failure !== null) return await brokenOff(carrier, out, failure)
    await out.close()
    return await settled(tally.failure === null ? 'complete' : 'upstream-cut', tally.failure)
  } catch (cause) {
    return await ended(job, opened, carrier, writable.getWriter(), cause)
  } finally {
    watch.end()
    opened.stop(null)
  }
}

/** Why a stream broke off in the middle: the client left, we ended it, or the provider did. */
function ended(
  job: Job,
  opened: Opened,
  carrier: Carrier,
  out: WritableStreamDefaultWriter<Uint8Array>,
  cause: unknown,
): ReturnType<typeof settled> {
  const reason = opened.reason()
  if (job.signal.aborted || reason?.code === 'client-gone') {
    void out.abort().catch(() => undefined)
    return settled('client-gone', new GatewayError('client-gone', 'The client left.'))
  }
  const provider = opened.candidate.provider.id
  return brokenOff(
    carrier,
    out,
    reason ??
      (cause instanceof GatewayError
        ? cause
        : new GatewayError('upstream-cut', `The connection to ${provider} broke off in the middle of the answer.`, { cause })),
  )
}

async function put(writable: WritableStream<Uint8Array>, bytes: Uint8Array): Promise<void> {
  if (bytes.length === 0) return
  const writer = writable.getWriter()
  try {
    await writer.write(bytes)
  } finally {
    writer.releaseLock()
  }
}

function silent(provider: string): GatewayError {
  return new GatewayError('upstream-timeout', `${provider} went silent in the middle of its answer.`)
}

/** The client is told in its own dialect; if it cannot be told, it was the client that left. */
async function brokenOff(carrier: Carrier, out: WritableStreamDefaultWriter<Uint8Array>, error: GatewayError): ReturnType<typeof settled> {
  try {
    const farewell = carrier.fail(error)
    if (farewell.length === 0) {
      await out.abort(error)
      return await settled('upstream-cut', error)
    }
    await out.write(farewell)
    await out.close()
    return settled('upstream-cut', error)
  } catch {
    return settled('client-gone', new GatewayError('client-gone', 'The client left.'))
  }
}

function settled(ending: Ending, error: GatewayError | null): Promise<{ readonly ending: Ending; readonly error: GatewayError | null }> {
  return Promise.resolve({ ending, error })
}

/** One watch for the whole stream: a timer for each read would cost more than the read. */
function watchIdle(job: Job, idle: () => void): { progress(): void; end(): void } {
  let last = job.deps.now()
  const { idleMs } = job.deps.limits
  const timer = setInterval(
    () => {
      if (job.deps.now() - last >= idleMs) idle()
    },
    Math.min(Math.ceil(idleMs / 4), 5000),
  )
  return {
    progress() {
      last = job.deps.now()
    },
    end() {
      clearInterval(timer)
    },
  }
}

function forwarder(job: Job, from: CommittedStream): Carrier {
  const { source, frames, tally, opened } = from
  const { upstream } = opened.way
  const filter = job.intent.wantsUsage ? null : new UsageFilter(upstream)
  const see = (list: readonly Frame[]): void => {
    for (const frame of list) {
      if (upstream.worthReading(frame.data)) for (const event of frames.read(frame)) tally.see(event)
      else tally.contentLength += frame.data.length >> 3 // an event is mostly its envelope
    }
  }
  const pass = (bytes: Uint8Array): Uint8Array => (filter === null ? bytes : filter.push(bytes))
  const end = (): Step => {
    if (!from.over) {
      see(source.end())
      if (tally.failure === null) for (const event of frames.end()) tally.see(event)
    }
    // An error that the provider itself sent has passed through; one that nobody sent must be said.
    const unsaid = tally.failure?.code === 'upstream-cut' || tally.failure?.code === 'upstream-garbled' ? tally.failure : null
    return { bytes: filter === null ? EMPTY : filter.end(), progress: true, failure: unsaid }
  }
  return {
    begin() {
      const pieces = from.held.map(pass)
      const last = from.over ? end() : { bytes: EMPTY, progress: true, failure: null }
      return { ...last, bytes: joinBytes([...pieces, last.bytes]) }
    },
    take(bytes) {
      const list = source.push(bytes)
      see(list)
      return { bytes: pass(bytes), progress: list.length > 0, failure: null }
    },
    end,
    fail(error) {
      return encoder.encode(source.farewell(job.client.writer(job.intent, null).fail(error)) ?? '')
    },
  }
}

function translator(job: Job, from: CommittedStream): Carrier {
  const { source, frames, tally, opened } = from
  const sink: FrameSink = job.intent.framing === 'json-array' ? new JsonArrayWriter() : SSE_SINK
  const writer = job.client.writer(job.intent, servedBy(job, opened.candidate))
  let failure: GatewayError | null = null
  const write = (events: readonly ChatEvent[]): string => {
    let text = ''
    for (const event of events) {
      if (failure !== null) break
      if (event.kind === 'error') failure = new GatewayError(event.code, opened.hide(event.message))
      else text += sink.text(writer.write(event.kind === 'start' ? named(event, job) : event))
    }
    return text
  }
  const read = (list: readonly Frame[]): { readonly text: string; readonly progress: boolean } => {
    let text = ''
    let progress = false
    for (const frame of list) {
      const events = frames.read(frame)
      for (const event of events) {
        tally.see(event)
        progress ||= event.kind !== 'ping'
      }
      text += write(events)
    }
    return { text, progress }
  }
  const step = (text: string, progress: boolean): Step => ({ bytes: text === '' ? EMPTY : encoder.encode(text), progress, failure })
  const close = (): string => (failure === null ? sink.end(writer.end()) : '')
  return {
    begin() {
      const text = write(from.events)
      return step(from.over ? text + close() : text, true)
    },
    take(bytes) {
      const { text, progress } = read(source.push(bytes))
      return step(text, progress)
    },
    end() {
      const { text } = read(source.end())
      const last = frames.end()
      for (const event of last) tally.see(event)
      const whole = text + write(last)
      return step(whole + close(), true)
    },
    fail(error) {
      return encoder.encode(sink.end(writer.fail(error)))
    },
  }
}

/** A whole answer too large to be buffered: passed on as it comes; its usage is looked for in its end. */
export function deliverLarge(job: Job, from: CommittedLarge): Delivery {
  const { opened, rest, tally } = from
  const { readable, writable } = job.deps.pipe()
  let tail: Uint8Array = EMPTY
  const take = (bytes: Uint8Array): Step => {
    const joined = joinBytes([tail, bytes])
    tail = joined.length > TAIL_BYTES ? joined.slice(joined.length - TAIL_BYTES) : joined
    tally.contentLength += bytes.length
    return { bytes, progress: true, failure: null }
  }
  const carrier: Carrier = {
    begin: () => take(joinBytes(from.held)),
    take,
    end() {
      const text = new TextDecoder().decode(tail)
      const at = text.lastIndexOf('"usage"')
      // The tail of an object, from the member before its end: `{"usage":{…}}` is what the dialect can read.
      if (at >= 0) {
        try {
          tally.usage = opened.way.upstream.readUsage(`{${text.slice(at)}`).usage
        } catch {
          // not the last member: the usage stays unknown and is counted
        }
      }
      return { bytes: EMPTY, progress: true, failure: null }
    },
    fail: () => EMPTY, // nothing can be said inside somebody's JSON; the connection is broken off instead
  }
  return { readable, done: run(job, { opened, rest, tally, over: false }, carrier, writable.getWriter()) }
}

const TAIL_BYTES = 16_384
