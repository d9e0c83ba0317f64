// Words for a client whose stream is silent, in languages that have some: before the commit point and within the answer. The first
// one fixes status 200 and the headers, so what fails after it is told inside the stream.

import { GatewayError } from '../core/errors.ts'
import { Afterwards } from './afterwards.ts'
import type { Candidate } from './planning/candidate.ts'
import type { Job } from './job.ts'
import { refuse } from './respond.ts'

type Serve<J> = (job: J, afterwards: Afterwards) => Promise<Response>
/** Ends a stream in the client's language; `at`: who was asked last. */
export type Farewell<J> = (job: J, error: GatewayError, at: Candidate | null) => string

const encoder = new TextEncoder()

/**
 * Serves, and keeps the client awake meanwhile where its language knows how. A client that has left is noticed by the words that
 * nobody takes: then the call ends as if it had said so. `known`: the headers of a stream that begins before anybody has answered.
 */
export async function keptAwake<J extends Job>(
  job: J,
  afterwards: Afterwards,
  serve: Serve<J>,
  farewell: Farewell<J> | undefined,
  at: { readonly candidate: Candidate | null },
  known: () => Headers,
): Promise<Response> {
  const { keepAlive } = job.client
  if (keepAlive === undefined || farewell === undefined || !isEvents(job)) return serve(job, afterwards)
  const left = new AbortController()
  const booked = new Afterwards((work) => afterwards.until(work))
  const serving = serve({ ...job, signal: AbortSignal.any([job.signal, left.signal]) }, booked).finally(() => booked.end())
  const first = await Promise.race([serving, after(keepAlive.everyMs, serving)])
  if (first !== null) return first
  const { readable, writable } = job.deps.pipe()
  const out = writable.getWriter()
  const voice = new Voice(keepAlive, out, () => left.abort())
  voice.say()
  void carryOn(serving, voice, out, (cause) => {
    const error = cause instanceof GatewayError ? cause : new GatewayError('gateway-bug', 'Sluice failed at this request.', { cause })
    refuse(cause, job.client, job.id, job.deps.log, at.candidate) // logs what is a bug of ours
    return encoder.encode(farewell(job, error, at.candidate))
  })
  const headers = known()
  headers.set('content-type', 'text/event-stream; charset=utf-8')
  return new Response(readable, { headers })
}

async function carryOn(
  serving: Promise<Response>,
  voice: Voice,
  out: WritableStreamDefaultWriter<Uint8Array>,
  told: (cause: unknown) => Uint8Array,
): Promise<void> {
  let rest: ReadableStreamDefaultReader<Uint8Array> | null = null
  try {
    const answer = await serving.then(
      ({ body }) => body,
      (cause: unknown) => told(cause),
    )
    await voice.end()
    if (answer instanceof Uint8Array) await out.write(answer)
    else if (answer !== null) {
      // Bytes by hand: workerd pipes no identity stream into another.
      rest = answer.getReader() as ReadableStreamDefaultReader<Uint8Array>
      for (let next = await rest.read(); !next.done; next = await rest.read()) await out.write(next.value)
    }
    await out.close()
  } catch (cause) {
    // The client left, or the answer broke off without a word: whoever carries it has noticed, and books it.
    void rest?.cancel(cause).catch(() => undefined)
    void out.abort(cause).catch(() => undefined)
  }
}

/** Says the word whenever nothing was said for a while. One at a time: a client that does not read is not flooded. */
class Voice {
  readonly #out: WritableStreamDefaultWriter<Uint8Array>
  readonly #word: Uint8Array
  readonly #gone: () => void
  readonly #timer: ReturnType<typeof setInterval>
  #saying: Promise<void> | null = null
  #spoke = false

  constructor({ comment, everyMs }: KeepAlive, out: WritableStreamDefaultWriter<Uint8Array>, gone: () => void) {
    this.#out = out
    this.#word = encoder.encode(comment)
    this.#gone = gone
    this.#timer = setInterval(() => {
      if (!this.#spoke) this.say()
      this.#spoke = false
    }, everyMs)
  }

  say(): void {
    this.#saying ??= this.#out
      .write(this.#word)
      .catch(() => this.#gone())
      .finally(() => (this.#saying = null))
  }

  /** Something else was said. */
  spoke(): void {
    this.#spoke = true
  }

  /** When the last word is out. */
  async end(): Promise<void> {
    clearInterval(this.#timer)
    await this.#saying
  }
}

type KeepAlive = NonNullable<Job['client']['keepAlive']>

/** Within an answer whose frames are written whole: a word may stand between any two. `gone`: nobody takes it. */
export function breakSilence(job: Job, out: WritableStreamDefaultWriter<Uint8Array>, gone: () => void): Pick<Voice, 'spoke' | 'end'> {
  const { keepAlive } = job.client
  return keepAlive === undefined || !isEvents(job) ? MUTE : new Voice(keepAlive, out, gone)
}

const MUTE: Pick<Voice, 'spoke' | 'end'> = { spoke: () => undefined, end: () => Promise.resolve() }

function isEvents({ intent }: Job): boolean {
  return intent.stream && intent.framing !== 'json-array'
}

/** `null` when the time is up; the timer does not outlive what it is for. */
async function after(ms: number, work: Promise<unknown>): Promise<null> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(null), ms)
    const clear = (): void => clearTimeout(timer)
    work.then(clear, clear)
  })
}
