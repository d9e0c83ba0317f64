// One Durable Object for one call that must be read to its end although its client may leave: it calls the provider, passes the answer on
// as it comes, and reads along. A Worker's context ends with its client, and a call cannot change its owner. Nothing is stored.

import { DurableObject } from 'cloudflare:workers'
import { settledRow, type Estate, type Testimony } from '../core/estate.ts'
import { logLine } from '../gateway/log-line.ts'
import { Witness } from '../gateway/witness.ts'
import type { Language, LastingCall } from '../ports.ts'
import { accountOf } from './account.ts'
import { numberSetting, setting, type Env } from './env.ts'

/** What the Worker says of a call; credentials are in its headers, as they go out. */
const SAID = 'x-sluice-lasting'
/** How long a call runs on whose reader is gone and did not say that it be taken over: a timeout of ours ends it, or a crash. */
const GRACE_MS = 10_000
const LOOKS_MS = 1000
const SMALL_BYTES = 262_144

/** One call, who listens to it, and what is known of its answer. */
class Call {
  /** When the provider last said something; `null`: it has not begun to answer. */
  heardAt: number | null = null
  readonly #stop = new AbortController()
  readonly #over = Promise.withResolvers<Testimony | null>()
  #witness: Witness | null = null
  #out: WritableStreamDefaultWriter<Uint8Array> | null = null
  #hasLeft = false
  #isTaken = false

  get signal(): AbortSignal {
    return this.#stop.signal
  }

  /** What is known when nothing more will come; `null`: nobody answered, or nobody understands it. */
  get over(): Promise<Testimony | null> {
    return this.#over.promise
  }

  /** Nobody listens any more: a piece that waits to be taken is let go. What nobody takes over soon is ended. */
  left(): void {
    if (this.#hasLeft) return
    this.#hasLeft = true
    void this.#out?.abort().catch(() => undefined)
    this.#out = null
    const grace = setInterval(() => {
      if (!this.#isTaken) this.stop()
    }, GRACE_MS)
    void this.over.then(() => clearInterval(grace))
  }

  /** `false`: somebody has it already. */
  take(): boolean {
    if (this.#isTaken) return false
    this.#isTaken = true
    this.left()
    return true
  }

  end(): void {
    let testimony: Testimony | null = null
    this.#see((eye) => {
      testimony = eye.tell()
    })
    this.#over.resolve(testimony)
  }

  /** What does not end by being ended is given up. */
  stop(): void {
    if (this.#stop.signal.aborted) this.end()
    else this.#stop.abort()
  }

  /** One piece at a time, and no faster than it is taken while somebody listens. */
  async read(witness: Witness, body: ReadableStream<Uint8Array>, out: WritableStreamDefaultWriter<Uint8Array>): Promise<void> {
    this.#witness = witness
    if (!this.#hasLeft) this.#out = out
    const reader = body.getReader()
    try {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) break
        this.heardAt = Date.now()
        this.#see((eye) => eye.take(value))
        await this.#out?.write(value).catch(() => this.left())
      }
      this.#see((eye) => eye.end())
      await this.#out?.close().catch(() => this.left())
    } catch (cause) {
      await this.#out?.abort(cause).catch(() => undefined)
    }
    this.end()
  }

  /** What cannot be understood passes all the same. */
  #see(look: (witness: Witness) => void): void {
    try {
      if (this.#witness !== null) look(this.#witness)
    } catch {
      this.#witness = null
    }
  }
}

export class DrainObject extends DurableObject<Env> {
  #call: Call | null = null

  /** The call itself. That it failed is told in a header: an object that throws is broken for whoever asks it next. */
  override async fetch(request: Request): Promise<Response> {
    const headers = new Headers(request.headers)
    const language = JSON.parse(headers.get(SAID) ?? 'null') as Language // as `lasting` wrote it
    headers.delete(SAID)
    const call = new Call()
    this.#call = call
    this.ctx.waitUntil(call.over)
    request.signal.addEventListener('abort', () => call.left(), { once: true })
    let answer: Response
    try {
      const { method } = request
      // A small body is all here before the call begins: a client that leaves cannot take the rest of it along.
      const isSmall = Number(headers.get('content-length') ?? Number.NaN) <= SMALL_BYTES
      const body = isSmall ? await request.arrayBuffer() : request.body
      answer = await fetch(request.url, { method, headers, body, redirect: 'manual', signal: call.signal })
    } catch {
      call.end()
      return new Response(null, { status: 502, headers: { [SAID]: 'failed' } })
    }
    call.heardAt = Date.now()
    const told = new Headers(answer.headers)
    for (const name of [SAID, 'content-length', 'content-encoding', 'transfer-encoding']) told.delete(name)
    const { readable, writable } = new IdentityTransformStream()
    void call.read(new Witness(language, answer), answer.body ?? emptyBody(), writable.getWriter())
    return new Response(answer.body === null ? null : readable, { status: answer.status, headers: told })
  }

  /** The client has left. At once: what it left is settled when the answer has ended. `false`: this object reads no such answer. */
  async takeOver(estate: Estate): Promise<boolean> {
    const call = this.#call
    if (call === null) return false
    if (call.take()) this.ctx.waitUntil(this.#settle(call, estate))
    return true
  }

  /** Keeps the hold alive while the answer lasts, and ends an answer that lasts too long or says nothing. */
  async #settle(call: Call, estate: Estate): Promise<void> {
    const { hold } = estate.bill
    const account = accountOf(this.env, estate.row.keyId, (work) => this.ctx.waitUntil(work))
    const renew = (): void => void account.renew(hold).catch(() => undefined)
    const holdMs = numberSetting(this.env, 'SLUICE_HOLD_SECONDS', 300) * 1000
    const idleMs = numberSetting(this.env, 'SLUICE_IDLE_TIMEOUT_MS', 120_000)
    const until = Date.now() + numberSetting(this.env, 'SLUICE_DRAIN_SECONDS', 300) * 1000
    renew()
    const renewing = setInterval(renew, Math.max(1000, Math.floor(holdMs / 2)))
    const looking = setInterval(() => {
      const now = Date.now()
      // Before its first word a provider may think for as long as all of this may take.
      if (now >= until || (call.heardAt !== null && now - call.heardAt >= idleMs)) call.stop()
    }, LOOKS_MS)
    try {
      const testimony = await call.over
      const row = settledRow(estate, testimony, Date.now())
      if (setting(this.env, 'SLUICE_LOG') !== 'off') console.log(JSON.stringify(logLine(row)))
      await account.settle({ hold, row, answer: null })
    } finally {
      clearInterval(renewing)
      clearInterval(looking)
    }
  }
}

function emptyBody(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.close() })
}

/** A call by an object of its own, made where the client is. */
export function lasting(env: Env, language: Language): LastingCall {
  const object = env.DRAINS.get(env.DRAINS.newUniqueId())
  return {
    async fetch(url, init) {
      const headers = new Headers(init.headers)
      headers.set(SAID, JSON.stringify(language))
      const answer = await object.fetch(url, { ...init, headers })
      if (answer.headers.has(SAID)) throw new Error('The provider could not be reached.')
      return answer
    },
    async takeOver(estate) {
      try {
        return await (object as unknown as Pick<DrainObject, 'takeOver'>).takeOver(estate)
      } catch {
        return false
      }
    },
  }
}
