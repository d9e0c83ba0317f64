// Carries a committed answer to the client and says exactly once how it ended. What the bytes become is the carriers' work.

import { joinBytes } from '../core/bytes.ts'
import { GatewayError } from '../core/errors.ts'
import { counted } from '../core/bill.ts'
import { isWrapped } from '../core/framing.ts'
import type { Ending } from '../core/account.ts'
import { NO_BYTES, type Carrier, type Delivery, type Step, type StoppableCarrier } from './carrier.ts'
import type { CommittedLarge, CommittedStream, Reader } from './commit.ts'
import type { Continuation } from './trying/continuation.ts'
import { jobFor } from './planning/changes.ts'
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
export function deliver(
  job: ChatJob,
  from: CommittedStream,
  meter: Meter | null = null,
  continuation: Continuation | null = null,
): Delivery {
  const forwards = from.opened.way.kind === 'forward'
  const { readable, writable } = job.deps.pipe()
  const ear = job.companion?.ear
  const heard = <C extends Carrier>(carrier: C): C => (ear === undefined ? carrier : ear.along(carrier, job, from))
  if (continuation !== null) {
    // Also where the bytes could pass: what goes on is written by the same hand.
    const carrier = translator(job, from, continuation)
    const resume: Resume = async (error, gone) => {
      const next = await continuation.resume(error, gone).catch(() => null)
      if (next === null) return null
      carrier.goOn(next)
      ear?.deafen()
      return { ...next, carrier }
    }
    return { readable, done: run(job, from, heard(carrier), writable.getWriter(), null, resume) }
  }
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

type Running = Passing & { readonly over: boolean }
/** Who goes on with an answer that broke off; `null`: nobody. `gone` fires when the client is seen to have left meanwhile. */
type Resume = (error: GatewayError, gone: AbortSignal) => Promise<(Running & { readonly carrier: Carrier }) | null>

async function run(
  job: Job,
  from: Running,
  begun: Carrier,
  out: WritableStreamDefaultWriter<Uint8Array>,
  stop: Stopper | null = null,
  resume: Resume | null = null,
): ReturnType<typeof settled> {
  let at = from
  let carrier = begun
  const gone = new AbortController()
  const voice = breakSilence(job, out, () => {
    gone.abort()
    at.opened.stop(CLIENT_GONE())
  })
  try {
    for (;;) {
      const end = await carryOne(job, at, carrier, out, voice, stop)
      if (end.kind === 'settled') return end
      const next = resume === null || !end.mayResume ? null : await resume(end.error, gone.signal)
      if (next === null) return await brokenOff(carrier, out, end.error)
      at = next
      carrier = next.carrier
    }
  } finally {
    void voice.end()
  }
}

/** `mayResume`: it is not the way to the client that broke. */
type End =
  | ({ readonly kind: 'settled' } & Awaited<ReturnType<typeof settled>>)
  | { readonly kind: 'broken'; readonly error: GatewayError; readonly mayResume: boolean }

/** One target's answer, to its end or to where it breaks off. */
async function carryOne(
  job: Job,
  { opened, rest, over: isOver, tally }: Running,
  carrier: Carrier,
  out: WritableStreamDefaultWriter<Uint8Array>,
  voice: ReturnType<typeof breakSilence>,
  stop: Stopper | null,
): Promise<End> {
  const provider = opened.candidate.provider.id
  const watch = watchIdle(jobFor(job, opened.candidate), () => opened.stop(tooSlow(job, provider)))
  let mayResume = true
  const write = async (bytes: Uint8Array): Promise<void> => {
    mayResume = false
    await out.write(bytes)
    mayResume = true
  }
  try {
    let step = carrier.begin()
    for (let over = isOver; ;) {
      if (step.bytes.length > 0) {
        voice.spoke()
        await write(step.bytes)
      }
      if (step.failure !== null) return { kind: 'broken', error: step.failure, mayResume }
      if (over) break
      const last = stop === null ? null : await stop()
      if (last !== null) {
        opened.stop(OUT_OF_MONEY())
        await out.write(last)
        await out.close()
        return { kind: 'settled', ending: 'budget-stop', error: OUT_OF_MONEY() }
      }
      const { done, value } = await rest.read()
      over = done
      step = done ? carrier.end() : carrier.take(value)
      if (step.progress) watch.progress()
    }
    mayResume = false
    await out.close()
    return { kind: 'settled', ending: tally.failure === null ? 'complete' : 'upstream-cut', error: tally.failure }
  } catch (cause) {
    carrier.cut()
    const error = whyEnded(job, opened, cause)
    if (error !== null) return { kind: 'broken', error, mayResume }
    void out.abort().catch(() => undefined)
    return { kind: 'settled', ending: 'client-gone', error: CLIENT_GONE() }
  } finally {
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
    carrier.cut()
    const error = whyEnded(job, opened, cause)
    const out = writable.getWriter()
    if (error !== null) return await brokenOff(carrier, out, error)
    void out.abort().catch(() => undefined)
    return await settled('client-gone', CLIENT_GONE())
  } finally {
    watch.end()
    opened.stop(null)
  }
}

/** Why a stream broke off in the middle: we ended it, or the provider did; `null`: the client left. */
function whyEnded(job: Job, opened: Opened, cause: unknown): GatewayError | null {
  const reason = opened.reason()
  if (job.signal.aborted || reason?.code === 'client-gone') return null
  if (reason !== null) return reason
  if (cause instanceof GatewayError) return cause
  const provider = opened.candidate.provider.id
  return new GatewayError('upstream-cut', `The connection to ${provider} broke off in the middle of the answer.`, { cause })
}

const CLIENT_GONE = (): GatewayError => new GatewayError('client-gone', 'The client left.')

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
    return settled('client-gone', CLIENT_GONE())
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
