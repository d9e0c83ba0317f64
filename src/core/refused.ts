// Requests that a key's object refused, on their way to D1: so many a minute and so many in memory, and the rest only counted.

import type { Ask, Money, Refusal } from './account.ts'
import type { ErrorCode } from './errors.ts'

export type Refused = {
  readonly id: string
  readonly createdAt: number
  readonly model: string | null
  readonly code: ErrorCode
  readonly message: string
  /** `null`: money was not the reason. */
  readonly money: Money | null
  readonly retryAfterMs: number | null
  /** Refusals that were not kept between the one before and this one. */
  readonly leftOut: number
}

export const MOST_WAITING = 1000
export const MOST_A_MINUTE = 100
const MINUTE_MS = 60_000
const LONGEST_MODEL = 512
const LONGEST_MESSAGE = 1000

export class RefusedLog {
  readonly #waiting = new Map<string, Refused>()
  #minute = 0
  #inMinute = 0
  #leftOut = 0

  get size(): number {
    return this.#waiting.size
  }

  /** A key that nobody here knows leaves nothing behind. `false`: not kept. */
  keep(ask: Ask, refusal: Refusal, now: number): boolean {
    if (refusal.code === 'key-unknown') return false
    this.drop(ask.requestId) // asked again at once, and refused again
    const minute = Math.floor(now / MINUTE_MS)
    if (minute !== this.#minute) [this.#minute, this.#inMinute] = [minute, 0]
    if (this.#waiting.size >= MOST_WAITING || this.#inMinute >= MOST_A_MINUTE) {
      this.#leftOut++
      return false
    }
    this.#inMinute++
    this.#waiting.set(ask.requestId, {
      id: ask.requestId,
      createdAt: now,
      model: ask.candidates[0]?.model.slice(0, LONGEST_MODEL) ?? null,
      code: refusal.code,
      message: refusal.message.slice(0, LONGEST_MESSAGE),
      money: refusal.money ?? null,
      retryAfterMs: refusal.retryAfterMs ?? null,
      leftOut: this.#leftOut,
    })
    this.#leftOut = 0
    return true
  }

  /** It was asked again at once. */
  drop(id: string): void {
    const dropped = this.#waiting.get(id)
    if (dropped === undefined) return
    this.#waiting.delete(id)
    if (Math.floor(dropped.createdAt / MINUTE_MS) === this.#minute) this.#inMinute--
    this.#leftOut += dropped.leftOut
  }

  waiting(): readonly Refused[] {
    return [...this.#waiting.values()]
  }

  /** They are in D1. */
  written(those: readonly Refused[]): void {
    for (const { id } of those) this.#waiting.delete(id)
  }
}
