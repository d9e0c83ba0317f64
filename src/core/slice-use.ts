// Slices of a leased key's limits, as the isolate that has them uses them: admits by the rules of the key's book, out of what it was lent,
// and says when a slice is over which of its requests still run. Whatever is no plain grant is the object's to answer. Pure.

import type { Admission, Ask, Hold, Settlement } from './account.ts'
import { ceilingFirst, ceilingsOf, holdFor, needsOf, planHold, tokensOf } from './hold-plan.ts'
import { forbiddenBy } from './permits.ts'
import { refuseSecret } from './policy.ts'
import type { RatesView, RateView } from './rates.ts'
import type { Slice, SliceEnd, SliceWish } from './slices.ts'

type Used = { nanoUsd: number; requests: number; tokens: number }
type Granted = Admission & { readonly kind: 'granted' }

/** Requests whose settle the object has not confirmed. */
type Unsettled = Map<string, Hold>

/** A slice that may be used. Gross: what a request did not need is free again when the slice ends. */
type Mine = {
  readonly slice: Slice
  /** By the isolate's clock. */
  readonly from: number
  readonly until: number
  readonly used: Used
  readonly running: Set<string>
  readonly unsettled: Unsettled
  /** It has little left, and a request found it too little. */
  isSpent: boolean
}

/** A slice that is used no more, until the object knows of it. */
type Ending = { readonly unsettled: Unsettled; toldAt: number }

/** Slices that one isolate uses of one key at once: a request that fits none may bring another, sized for its like. */
const MOST_AT_ONCE = 4
/** A key is worth a slice where this isolate asked for it so short a time ago. */
const BUSY_MS = 1000
/** An isolate hopes for so many times what it used of the slice before. */
const HOPE = 2
/** Whoever told an end, or asked for a slice, has heard nothing for so long: its request is gone. */
const UNHEARD_MS = 30_000

export class SliceUse {
  readonly #mine = new Map<string, Mine>()
  readonly #endings = new Map<string, Ending>()
  /** Slices that were asked for, until there is an answer. */
  readonly #wished = new Map<string, number>()
  #askedAt: number
  #usedLast: Used = { nanoUsd: 0, requests: 0, tokens: 0 }

  /** `askedAt`: when the key showed itself to be leased. */
  constructor(askedAt: number) {
    this.#askedAt = askedAt
  }

  /** Nothing is lent, and nothing is to be told. */
  get isEmpty(): boolean {
    return this.#mine.size === 0 && this.#endings.size === 0 && this.#wished.size === 0
  }

  /** A slice was asked for and is not here yet: what it holds is missing meanwhile. */
  get isWaiting(): boolean {
    return this.#wished.size > 0
  }

  /** Admits out of a slice. `null`: ask the key's object. */
  admit(ask: Ask, now: number): Granted | null {
    if (ask.idempotency !== null || ask.shadowOf !== undefined) return null
    for (const mine of this.#mine.values()) {
      const granted = isUsable(mine, now) ? admitFrom(mine, ask, now) : null
      if (granted !== null) return granted
    }
    return null
  }

  /** What to ask for with a request that is admitted exactly; `null`: nothing. Of those that ask at once only the first wishes. */
  wish(ask: Ask, id: string, now: number): SliceWish | null {
    const isBusy = now - this.#askedAt < BUSY_MS
    this.#askedAt = now
    const usable = [...this.#mine.values()].filter((mine) => isUsable(mine, now)).length
    if (!isBusy || ask.idempotency !== null || ask.shadowOf !== undefined || this.#wished.size > 0 || usable >= MOST_AT_ONCE) return null
    this.#wished.set(id, now)
    const { nanoUsd, requests, tokens } = this.#usedLast
    return { id, nanoUsd: HOPE * nanoUsd, requests: HOPE * requests, tokens: HOPE * tokens }
  }

  /** The answer to a wish. `askedAt`: the isolate's clock before it asked. */
  take({ id }: SliceWish, slice: Slice | null, askedAt: number): void {
    if (!this.#wished.delete(id) || slice === null) return
    const used = { nanoUsd: 0, requests: 0, tokens: 0 }
    this.#usedLast = used
    this.#mine.set(id, {
      slice,
      from: askedAt,
      until: askedAt + slice.lifeMs,
      used,
      running: new Set(),
      unsettled: new Map(),
      isSpent: false,
    })
  }

  /** No answer came: should the slice have been lent, it is given back. */
  giveUp({ id }: SliceWish): void {
    if (this.#wished.delete(id)) this.#endings.set(id, { unsettled: new Map(), toldAt: Number.NEGATIVE_INFINITY })
  }

  /** A request of a slice is over: of those at once, another may run. */
  over({ hold }: Settlement): void {
    if (hold.slice !== undefined) this.#mine.get(hold.slice.id)?.running.delete(hold.requestId)
  }

  /** The object has confirmed a settle. */
  settled({ hold }: Settlement): void {
    if (hold.slice === undefined) return
    const of = this.#mine.get(hold.slice.id) ?? this.#endings.get(hold.slice.id)
    of?.unsettled.delete(hold.requestId)
  }

  /**
   * Slices whose end is to be told now; none of them is used from here on. `all`: those too that have time left, and those that another
   * request is telling of: whoever asks is short of what they hold, and telling twice does no harm.
   */
  ends(now: number, all: boolean): readonly SliceEnd[] {
    for (const [id, mine] of this.#mine) {
      if (!all && isUsable(mine, now)) continue
      this.#mine.delete(id)
      this.#endings.set(id, { unsettled: mine.unsettled, toldAt: Number.NEGATIVE_INFINITY })
    }
    for (const [id, at] of this.#wished) if (now - at > UNHEARD_MS) this.giveUp({ id, nanoUsd: 0, requests: 0, tokens: 0 })
    const due = [...this.#endings].filter(([, { toldAt }]) => all || now - toldAt > UNHEARD_MS)
    for (const [, ending] of due) ending.toldAt = now
    return due.map(([id, { unsettled }]) => ({ id, holds: [...unsettled.values()] }))
  }

  /** The object knows of these ends; or it may not, and they must be told again. */
  told(ends: readonly SliceEnd[], arrived: boolean): void {
    for (const { id } of ends) {
      const ending = this.#endings.get(id)
      if (arrived) this.#endings.delete(id)
      else if (ending !== undefined) ending.toldAt = Number.NEGATIVE_INFINITY
    }
  }
}

/** A clock that was set back must not make a slice last. */
function isUsable({ from, until, isSpent }: Mine, now: number): boolean {
  return !isSpent && from <= now && now < until
}

/** The same rules in the same order as the book's own, but for the clamp: what does not fit as it is, is not for a slice. */
function admitFrom(mine: Mine, ask: Ask, now: number): Granted | null {
  const { slice, used, running, unsettled } = mine
  const { policy, defaultCeiling } = slice
  if (refuseSecret(policy, ask.secretHash, ask.clientIp, now) !== null) return null
  const permitted = ask.candidates
    .map((candidate, index) => ({ candidate, index }))
    .filter(({ candidate }) => forbiddenBy(policy, candidate) === null)
  if (permitted.length === 0) return null
  const budgeted = policy.limitNanoUsd !== null
  const plans = permitted.map(({ candidate, index }) => ({
    index,
    ...planHold(candidate, ask, budgeted, Number.MAX_SAFE_INTEGER, defaultCeiling),
  }))
  const fitting = plans.filter((plan) => plan.kind === 'fits')
  if (fitting.length === 0) return null
  const { nanoUsd } = holdFor(fitting, true)
  const tokens = Math.max(...permitted.map(({ candidate }) => tokensOf(candidate, ask, defaultCeiling)))
  if (nanoUsd > slice.nanoUsd - used.nanoUsd || tokens > slice.tokens - used.tokens || used.requests >= slice.requests) {
    mine.isSpent = (['nanoUsd', 'requests', 'tokens'] as const).some((of) => slice[of] > 0 && 2 * used[of] >= slice[of])
    return null
  }
  if (slice.parallel !== null && running.size >= slice.parallel) return null

  used.nanoUsd += nanoUsd
  used.requests++
  used.tokens += tokens
  const { requestId } = ask
  const { period, takenAt, expiresAt } = slice
  const hold: Hold = { requestId, period, nanoUsd, takenAt, expiresAt, budgeted, slice: { id: slice.id, tokens } }
  running.add(requestId)
  unsettled.set(requestId, hold)
  const rates = ratesOf(slice, used)
  return {
    kind: 'granted',
    hold,
    allowed: fitting.map(({ index }) => index),
    ...(fitting.length === 1 ? {} : { needs: needsOf(ask.candidates.length, fitting) }),
    ...ceilingFirst(fitting),
    ...ceilingsOf(ask.candidates.length, fitting),
    repeated: false,
    ...(slice.budgetUsed === undefined ? {} : { budgetUsed: slice.budgetUsed }),
    ...(rates === undefined ? {} : { rates }),
  }
}

/** What was left of the key's limits when the slice was lent, and what is left of the slice. */
function ratesOf({ rates, requests, tokens }: Slice, used: Used): RatesView | undefined {
  if (rates === undefined) return undefined
  const more = (view: RateView, unused: number): RateView => ({ ...view, remaining: view.remaining + unused })
  return {
    ...(rates.requests === undefined ? {} : { requests: more(rates.requests, requests - used.requests) }),
    ...(rates.tokens === undefined ? {} : { tokens: more(rates.tokens, tokens - used.tokens) }),
  }
}
