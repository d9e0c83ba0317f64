// Carries a committed answer to the client and says exactly once how it ended. What the bytes become is the carriers' work.

import { joinBytes } from '../core/bytes.ts'
import { GatewayError } from '../core/errors.ts'
import { counted } from '../core/bill.ts'
import { isWrapped } from '../core/framing.ts'
import type { Ending } from '../core/account.ts'
import { NO_BYTES, type Carrier, type Delivery, type Step, type StoppableCarrier } from './carrier.ts'
import type { CommittedLarge, CommittedStream, Reader } from './commit.ts'
import { forwarder } from './forwarder.ts'
import type { ChatJob, Job } from './job.ts'
import { breakSilence } from './keep-alive.ts'
import type { Meter } from './meter.ts'
import { passNatively } from './native-pass.ts'
import type { Opened } from './send.ts'
import type { Tally } from './tally.ts'
import { translator } from './translator.ts'
import { stoppableForwarder } from './whole-frames.ts'

/** An answer that passes on as it comes; `held` is what was read of it. */
export type Passing = {
  readonly opened: Opened
  readonly held?: readonly Uint8Array[]
  readonly rest: Reader
  readonly tally: Tally
}

/** Starts carrying. The loop runs on by itself: the response can be returned at once. */
export function deliver(job: ChatJob, from: CommittedStream, meter: Meter | null = null): Delivery {
  const forwards = from.opened.way.kind === 'forward'
  const { readable, writable } = job.deps.pipe()
  const ear = job.companion?.ear
  const heard = <C extends Carrier>(carrier: C): C => (ear === undefined ? carrier : ear.along(carrier, job, from))
  if (meter !== null) {
    const carrier = heard(forwards ? stoppableForwarder(job, from) : translator(job, from))
    return { readable, done: run(job, from, carrier, writable.getWriter(), stopper(from, carrier, meter)) }
  }
  const carrier = heard(forwards ? forwarder(job, from) : translator(job, from))
  const { body } = from.opened.response
  const { provider } = from.opened.candidate
  // Nothing is done to the bytes: they can pass without us. Places inside the Worker have no native stream.
  const isNative = provider.local === undefined && !isWrapped(from.opened.way.voice.framing)
  if (forwards && job.intent.wantsUsage && isNative && !from.over && body !== null)
    return { readable, done: runNatively(job, from, carrier, body, writable) }
  return { readable, done: run(job, from, carrier, writable.getWriter()) }
}

async function run(
  job: Job,
  from: Passing & { readonly over: boolean },
  carrier: Carrier,
  out: WritableStreamDefaultWriter<Uint8Array>,
  stop: Stopper | null = null,
): ReturnType<typeof settled> {
  const { opened, rest } = from
  const provider = opened.candidate.provider.id
  const watch = watchIdle(job, () => opened.stop(tooSlow(job, provider)))
  const voice = breakSilence(job, out, () => opened.stop(new GatewayError('client-gone', 'The client left.')))
  try {
    let step = carrier.begin()
    for (let over = from.over; ;) {
      if (step.bytes.length > 0) {
        voice.spoke()
        await out.write(step.bytes)
      }
      if (step.failure !== null) return await brokenOff(carrier, out, step.failure)
      if (over) break
      const last = stop === null ? null : await stop()
      if (last !== null) {
        opened.stop(OUT_OF_MONEY())
        await out.write(last)
        await out.close()
        return await settled('budget-stop', OUT_OF_MONEY())
      }
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
    void voice.end()
    watch.end()
    opened.stop(null)
  }
}

/** What ends the answer now, in the client's language; `null`: it goes on. */
type Stopper = () => Promise<Uint8Array | null> | null

/** Ends an answer whose elastic hold cannot grow. One that has said how it ends may still tell its usage, and what its reader kept back is counted late. */
function stopper({ opened, tally }: CommittedStream, carrier: StoppableCarrier, meter: Meter): Stopper {
  let tokensAtEnd: number | null = null
  const refused = (): Uint8Array | null => {
    const last = carrier.stop(counted(meter.counts, tally))
    if (last !== null) return last
    tokensAtEnd ??= meter.outputTokens
    if (meter.outputTokens > tokensAtEnd + Math.max(tokensAtEnd, LATE_TOKENS))
      throw new GatewayError('upstream-garbled', `${opened.candidate.provider.id} went on after the end of its answer.`)
    return null
  }
  return () => {
    const may = meter.mayGoOn()
    return may === true ? null : may.then((goesOn) => (goesOn ? null : refused()))
  }
}

const LATE_TOKENS = 256

const OUT_OF_MONEY = (): GatewayError => new GatewayError('budget-exceeded', 'The budget was used up while the answer ran.')

async function runNatively(
  job: Job,
  from: CommittedStream,
  carrier: Carrier,
  body: ReadableStream<Uint8Array>,
  writable: WritableStream<Uint8Array>,
): ReturnType<typeof settled> {
  const { opened, rest, tally } = from
  const provider = opened.candidate.provider.id
  const watch = watchIdle(job, () => opened.stop(tooSlow(job, provider)))
  try {
    await put(writable, carrier.begin().bytes)
    rest.releaseLock()
    await passNatively(body, writable, {
      look(bytes) {
        if (carrier.take(bytes).progress) watch.progress()
      },
      broken: () => opened.stop(null),
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
  carrier.cut()
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

function tooSlow(job: Job, provider: string): GatewayError {
  if (job.deadlineAt != null && job.deps.now() >= job.deadlineAt)
    return new GatewayError('upstream-timeout', `The answer of ${provider} was not whole by the request's own deadline.`)
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
  const deadlineAt = job.deadlineAt ?? Number.POSITIVE_INFINITY
  const timer = setInterval(
    () => {
      const now = job.deps.now()
      if (now - last >= idleMs || now >= deadlineAt) idle()
    },
    Math.min(Math.ceil(idleMs / 4), job.deadlineAt == null ? 5000 : 250),
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

/**
 * An answer that is passed on as it comes, unread but for its end, in which its usage is looked for.
 * `fail` says in the client's language that it broke off; no bytes: nothing can be said there, and the connection is broken off instead.
 */
export function pass(
  job: Job,
  from: Passing & { readonly held: readonly Uint8Array[]; readonly over?: boolean },
  readEnd: (tail: string) => void,
  fail: (error: GatewayError) => Uint8Array = () => NO_BYTES,
): Delivery {
  const { opened, rest, tally } = from
  const { readable, writable } = job.deps.pipe()
  let tail: Uint8Array = NO_BYTES
  const take = (bytes: Uint8Array): Step => {
    const joined = joinBytes([tail, bytes])
    tail = joined.length > TAIL_BYTES ? joined.slice(joined.length - TAIL_BYTES) : joined
    tally.contentLength += bytes.length
    return { bytes, progress: true, failure: null }
  }
  const end = (): Step => {
    readEnd(new TextDecoder().decode(tail))
    return { bytes: NO_BYTES, progress: true, failure: null }
  }
  const carrier: Carrier = {
    begin: () => {
      const step = take(joinBytes(from.held))
      if (from.over === true) end()
      return step
    },
    take,
    end,
    cut: () => undefined,
    fail,
  }
  return { readable, done: run(job, { opened, rest, tally, over: from.over === true }, carrier, writable.getWriter()) }
}

/** A whole chat answer too large to be buffered. */
export function deliverLarge(job: Job, from: CommittedLarge): Delivery {
  const { opened, tally } = from
  return pass(job, from, (tail) => {
    // The tail of an object, from the member before its end: `{"usage":{…}}` is what the dialect can read. Responses tell their tier before it.
    const usageAt = tail.lastIndexOf('"usage"')
    if (usageAt < 0) return
    const tierAt = tail.lastIndexOf('"service_tier"', usageAt)
    for (const at of tierAt < 0 ? [usageAt] : [tierAt, usageAt]) {
      try {
        tally.usage = opened.way.upstream.readUsage(`{${tail.slice(at)}`).usage
        return
      } catch {
        // not among the last members: the usage stays unknown and is counted
      }
    }
  })
}

const TAIL_BYTES = 16_384
