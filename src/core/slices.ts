// Slices of a leased key's limits, lent to isolates for a moment: what its object knows of them. A slice is one anonymous hold. Requests that
// were admitted out of it become holds of their own when they are named here (by their settle, a renewal, or the slice's end), and take
// their part along; the end gives back the rest; a slice that nobody ends is booked in one row when it expires. Pure.

import type { Hold } from './account.ts'
import { routerOf, type Policy } from './policy.ts'
import type { RatesView } from './rates.ts'

/** A slice is used no longer than this by the isolate's clock; the rest of the second is for what that clock leaves out (it stands still while code runs). */
const LIFE_MS = 900
/** Where a slice's requests stand in the windows of the rate limits: not before the last of them can have begun. */
const COUNTED_MS = 1000
/** A slice holds so many requests like the one that it comes with, or what the isolate hopes for, */
const USUAL = 32
/** but no more than one of so many parts of what is left: there may be as many isolates; */
const PARTS = 16
/** of requests at once fewer, for those come back as soon as they end; */
const PARALLEL_PARTS = 4
/** and none at all where it would hold fewer than so many. */
const LEAST = 4
/** Absurd prices must not spoil sums. */
const MOST = 100_000_000_000_000

/** What an isolate would like to have. It makes the id, so that it can give back what it never heard of. */
export type SliceWish = { readonly id: string; readonly nanoUsd: number; readonly requests: number; readonly tokens: number }

/** The isolate uses a slice no more. `holds`: its requests whose settle the object has not confirmed. */
export type SliceEnd = { readonly id: string; readonly holds: readonly Hold[] }

/** What travels with the question of a request that is admitted exactly. */
export type SliceTalk = { readonly wish: SliceWish | null; readonly ended: readonly SliceEnd[] }

/** What an isolate may admit by itself. Times by the clock of the key's object, but for the life: it counts from when the isolate asked. */
export type Slice = {
  readonly id: string
  readonly lifeMs: number
  readonly policy: Policy
  readonly period: string
  readonly takenAt: number
  readonly expiresAt: number
  readonly nanoUsd: number
  readonly requests: number
  readonly tokens: number
  /** At once; `null`: no limit. */
  readonly parallel: number | null
  readonly defaultCeiling: number
  /** What is left of the key's limits, without the slice. */
  readonly rates?: RatesView
  /** As in an admission, with the slice as used. */
  readonly budgetUsed?: number
}

/** What is still in a slice. `booked`: it has expired, and what was left is spent. What must survive a restart. */
export type Lent = {
  readonly id: string
  readonly period: string
  readonly at: number
  readonly expiresAt: number
  /** Of the policy. */
  readonly version: number
  readonly nanoUsd: number
  readonly requests: number
  readonly tokens: number
  readonly parallel: number
  readonly booked: boolean
}

/** What the key has left, and what a request like the present one takes. `null`: no limit. */
export type SliceRoom = {
  readonly like: { readonly nanoUsd: number; readonly tokens: number }
  readonly nanoUsd: number
  readonly requests: number | null
  readonly tokens: number | null
  readonly parallel: number | null
}

export type SliceSize = Pick<Slice, 'nanoUsd' | 'requests' | 'tokens' | 'parallel'>

/** `null`: too little is left to be lent. */
export function sizeOf(wish: SliceWish, { like, ...room }: SliceRoom): SliceSize | null {
  const part = (hoped: number, usual: number, left: number | null): number =>
    Math.min(Math.max(hoped, usual), left === null ? MOST : Math.floor(left / PARTS), MOST)
  const nanoUsd = part(wish.nanoUsd, USUAL * like.nanoUsd, room.nanoUsd)
  const requests = part(wish.requests, USUAL, room.requests)
  const tokens = part(wish.tokens, USUAL * like.tokens, room.tokens)
  const parallel = room.parallel === null ? null : Math.floor(room.parallel / PARALLEL_PARTS)
  const isWorthIt =
    nanoUsd >= LEAST * like.nanoUsd && requests >= LEAST && tokens >= LEAST * like.tokens && (parallel === null || parallel > 0)
  return isWorthIt ? { nanoUsd, requests, tokens, parallel } : null
}

/** A slice knows of the key's own limits only: whoever has others asks its object each time, leased or not. */
export function isLendable(policy: Policy): boolean {
  const {
    leased = false,
    scopes,
    modelLimits = [],
    mode = 'strict',
    naming,
    softNanoUsd = null,
    markupBasisPoints = 0,
    onDisconnect,
  } = policy
  const isNamed = naming?.customers === true || naming?.tagBudgets === true
  const isPlain = scopes.length === 0 && modelLimits.length === 0 && mode === 'strict' && softNanoUsd === null && markupBasisPoints === 0
  return leased && isPlain && !isNamed && onDisconnect !== 'drain' && routerOf(policy) === null
}

/** Milliseconds for which a slice of this policy may be used: long over when its hold expires, and not beyond anything that ends before. */
export function lifeOf(policy: Policy, periodEndsAt: number | null, holdMs: number, now: number): number {
  const ends = [periodEndsAt, policy.expiresAt, ...policy.secrets.map(({ until }) => until)]
  return ends.reduce<number>((life, at) => (at === null || at <= now ? life : Math.min(life, at - now)), Math.min(LIFE_MS, holdMs / 4))
}

/** The instant at which a slice's requests and tokens are counted; of a hold that was taken out of one too. */
export function countedAt(takenAt: number): number {
  return takenAt + COUNTED_MS
}

/** Where a hold stands in the windows of the rate limits. */
export function countedFrom({ takenAt, slice }: Hold): number {
  return slice === undefined ? takenAt : countedAt(takenAt)
}

export class Slices {
  readonly #open = new Map<string, Lent>()
  /** Lent in this life of the object: it remembers whatever it was told of them. */
  readonly #fresh = new Set<string>()
  /** Ended before they were lent: an answer was lost, or the question was slow. */
  readonly #never = new Map<string, number>()

  /** Held, in nano-dollars. */
  get nanoUsd(): number {
    let sum = 0
    for (const { nanoUsd, booked } of this.#open.values()) if (!booked) sum += nanoUsd
    return sum
  }

  /** Requests that may run without being named here. */
  get running(): number {
    let sum = 0
    for (const { parallel, booked } of this.#open.values()) if (!booked) sum += parallel
    return sum
  }

  earliestExpiry(): number | null {
    let earliest: number | null = null
    for (const { booked, expiresAt } of this.#open.values())
      if (!booked && (earliest === null || expiresAt < earliest)) earliest = expiresAt
    return earliest
  }

  snapshot(): readonly Lent[] {
    return [...this.#open.values()]
  }

  restore(lent: readonly Lent[]): void {
    for (const one of lent) if (!this.#open.has(one.id)) this.#open.set(one.id, one)
  }

  find(id: string): Lent | null {
    return this.#open.get(id) ?? null
  }

  isFresh(id: string): boolean {
    return this.#fresh.has(id)
  }

  /** `false`: the isolate has ended it already, or has it. */
  lend(lent: Lent): boolean {
    if (this.#never.has(lent.id) || this.#open.has(lent.id)) return false
    this.#open.set(lent.id, lent)
    this.#fresh.add(lent.id)
    return true
  }

  /** A request takes its part along. Gives back the slice as it was. `null`: it is not (or no longer) known here. */
  name({ nanoUsd, slice }: Hold): Lent | null {
    const from = slice === undefined ? undefined : this.#open.get(slice.id)
    if (slice === undefined || from === undefined) return null
    this.#open.set(from.id, {
      ...from,
      nanoUsd: Math.max(0, from.nanoUsd - nanoUsd),
      requests: Math.max(0, from.requests - 1),
      tokens: Math.max(0, from.tokens - slice.tokens),
    })
    return from
  }

  /** Takes out what is left. `null`: it is not known here; should it still come, it is not lent. */
  end(id: string, until: number): Lent | null {
    const lent = this.#open.get(id)
    this.#open.delete(id)
    this.#fresh.delete(id)
    if (lent === undefined) this.#never.set(id, until)
    return lent ?? null
  }

  /** Those whose time is over, once, with what is left in them. */
  expire(now: number): readonly Lent[] {
    const over = [...this.#open.values()].filter(({ booked, expiresAt }) => !booked && expiresAt <= now)
    for (const lent of over) this.#open.set(lent.id, { ...lent, booked: true })
    return over
  }

  forget(now: number, expiredBefore: number): void {
    for (const [id, until] of this.#never) if (until <= now) this.#never.delete(id)
    for (const { id, booked, expiresAt } of this.#open.values()) {
      if (!booked || expiresAt > expiredBefore) continue
      this.#open.delete(id)
      this.#fresh.delete(id)
    }
  }
}
