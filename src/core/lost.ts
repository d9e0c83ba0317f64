// What a crash may have forgotten: one anonymous hold a crash, as large as the slack of what was on disk (ahead.ts). Requests that turn up
// after it, to renew or to settle, draw their part from it; what nobody asks for until it expires is booked as one row. Pure.

import type { Hold } from './account.ts'
import type { BookedShare, Share } from './allowances.ts'

/** `at`: when the object found itself without its memory. `booked`: it has expired, and what was left is spent. */
export type Lost = {
  readonly id: string
  readonly at: number
  readonly period: string
  readonly expiresAt: number
  readonly nanoUsd: number
  readonly requests: number
  readonly shares: readonly (Share | BookedShare)[]
  readonly booked: boolean
}

/** What a request takes out of it: of the key's money, and of each shared budget's. */
export type Drawn = { readonly from: Lost; readonly nanoUsd: number; readonly shares: readonly (Share | BookedShare)[] }

export class LostHolds {
  #all: readonly Lost[] = []

  /** Held, in nano-dollars. */
  get nanoUsd(): number {
    return this.#sum((lost) => lost.nanoUsd)
  }

  /** Requests that may still run. */
  get requests(): number {
    return this.#sum((lost) => lost.requests)
  }

  earliestExpiry(): number | null {
    let earliest: number | null = null
    for (const { booked, expiresAt } of this.#all) if (!booked && (earliest === null || expiresAt < earliest)) earliest = expiresAt
    return earliest
  }

  snapshot(): readonly Lost[] {
    return this.#all
  }

  restore(lost: readonly Lost[]): void {
    this.#all = lost
  }

  add(lost: Lost): void {
    this.#all = [...this.#all, lost]
  }

  /** What an extension that nobody remembers takes out of what is held for such; its request is remembered. `null`: nothing is. */
  drawExtension(hold: Hold, nanoUsd: number, scopes: ReadonlySet<string>): Drawn | null {
    const from = this.#all.find((lost) => hold.takenAt <= lost.at && !lost.booked && lost.nanoUsd > 0)
    return from === undefined ? null : this.#take(from, nanoUsd, 0, scopes)
  }

  /** A request that nobody remembers takes its hold out of what is held (or, to settle, was booked) for such, in the shared budgets it was reserved in. `null`: nothing is. */
  draw(hold: Hold, scopes: ReadonlySet<string>, evenBooked: boolean): Drawn | null {
    const from = this.#all.find(
      (lost) => hold.takenAt <= lost.at && (lost.nanoUsd > 0 || lost.requests > 0) && (evenBooked || !lost.booked),
    )
    return from === undefined ? null : this.#take(from, hold.nanoUsd, 1, scopes)
  }

  #take(from: Lost, most: number, requests: number, scopes: ReadonlySet<string>): Drawn {
    const nanoUsd = Math.min(most, from.nanoUsd)
    const drawn = from.shares.map((share) => (scopes.has(share.scope) ? Math.min(most, share.nanoUsd) : 0))
    const shares = from.shares.map((share, i) => ({ ...share, nanoUsd: drawn[i] ?? 0 })).filter(({ scope }) => scopes.has(scope))
    this.#replace(from, {
      ...from,
      nanoUsd: from.nanoUsd - nanoUsd,
      requests: Math.max(0, from.requests - requests),
      shares: from.shares.map((share, i) => ({ ...share, nanoUsd: share.nanoUsd - (drawn[i] ?? 0) })),
    })
    return { from, nanoUsd, shares }
  }

  /** Those whose time is over, once. `book` says what of each share is booked. */
  expire(now: number, book: (share: Share) => BookedShare): readonly Lost[] {
    const over = this.#all.filter((lost) => !lost.booked && lost.expiresAt <= now)
    for (const lost of over) {
      const shares = lost.shares.map(book)
      this.#replace(lost, { ...lost, booked: true, requests: 0, shares })
    }
    return over
  }

  /** Lets go of those that nothing can be drawn from any more. */
  forget(expiredBefore: number): void {
    this.#all = this.#all.filter((lost) => !lost.booked || lost.expiresAt > expiredBefore)
  }

  #replace(lost: Lost, by: Lost): void {
    this.#all = this.#all.map((one) => (one === lost ? by : one))
  }

  #sum(of: (lost: Lost) => number): number {
    let sum = 0
    for (const lost of this.#all) if (!lost.booked) sum += of(lost)
    return sum
  }
}
