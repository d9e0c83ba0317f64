// Requests that name themselves (`Idempotency-Key`): while one runs its repeat is refused, when it has ended its answer is given again.

import type { Ask, KeptAnswer, Refusal } from './account.ts'
import { refuse } from './refusing.ts'

type Known = { readonly requestId: string; readonly fingerprint: string; readonly until: number; ended: boolean; answer: KeptAnswer | null }

export type Repeat =
  | Refusal
  | { readonly kind: 'replay'; readonly requestId: string; readonly answer: KeptAnswer }
  /** It was asked before, and its answer is gone. */
  | { readonly kind: 'again' }

export class Repeats {
  readonly #rememberMs: number
  readonly #known = new Map<string, Known>()

  constructor(rememberMs: number) {
    this.#rememberMs = rememberMs
  }

  /** `null`: it was never asked before. */
  check({ idempotency }: Ask, runs: (requestId: string) => boolean, now: number): Repeat | null {
    const known = idempotency === null ? undefined : this.#known.get(idempotency.key)
    if (idempotency === null || known === undefined) return null
    if (known.fingerprint !== idempotency.fingerprint)
      return refuse('request-malformed', 'This Idempotency-Key was used for another request. Use a new one for each request.')
    if (!known.ended) {
      return runs(known.requestId)
        ? refuse('request-duplicate', 'A request with this Idempotency-Key is still running; it was not sent again.')
        : { kind: 'again' }
    }
    if (known.until <= now || known.answer === null) return { kind: 'again' }
    return { kind: 'replay', requestId: known.requestId, answer: known.answer }
  }

  begin({ idempotency, requestId }: Ask, now: number): void {
    if (idempotency === null) return
    const { key, fingerprint } = idempotency
    this.#known.set(key, { requestId, fingerprint, until: now + this.#rememberMs, ended: false, answer: null })
  }

  end(key: string | null, requestId: string, answer: KeptAnswer | null): void {
    const known = key === null ? undefined : this.#known.get(key)
    if (known === undefined || known.requestId !== requestId) return
    known.ended = true
    known.answer = answer
  }

  /** As if it had never been asked. */
  drop(key: string | null, requestId: string): void {
    if (key !== null && this.#known.get(key)?.requestId === requestId) this.#known.delete(key)
  }

  /** What neither runs nor can be given again: also one whose hold has expired, of whose end nobody ever told. */
  forget(now: number, runs: (requestId: string) => boolean): void {
    for (const [key, { until, ended, requestId }] of this.#known) if (until <= now && (ended || !runs(requestId))) this.#known.delete(key)
  }
}
