// What a key has spent, holds and was asked under each of its model limits (model-limits.ts). A purse is in all respects a key's own book in
// small: money by period, rate windows, requests at once. A hold lies in the purses of every target that may serve it; when it settles, the
// purses of the one that did are charged and the others get everything back. Pure and synchronous.

import type { Hold, Money, Row } from './account.ts'
import type { Taken } from './ahead.ts'
import { isUnder, scopeOf, type ModelLimit, type ModelLimitView, type ModelTerms } from './model-limits.ts'
import type { Place } from './permits.ts'
import { Rates, tighterView, type RatesSnapshot, type RatesView, type Wait } from './rates.ts'
import { purseTaken, type PurseTaken } from './taken.ts'
import { periodAt } from './window.ts'

/** What a hold takes of one purse. `purse` is its number at this key: globs are long, and every hold carries it. */
export type PurseHold = { readonly purse: number; readonly nanoUsd: number; readonly tokens: number }

/** What its purses say of a target. `wait: null`: none of them stands against it now. */
export type Look = {
  readonly under: readonly ModelLimit[]
  readonly budgeted: boolean
  readonly leftNanoUsd: number
  readonly wait: Wait | null
}

/** A target that fits, with what it needs. */
export type Fitting = { readonly look: Look; readonly nanoUsd: number; readonly tokens: number }

/** Spent in a period, as D1 keeps it. */
export type PurseSpent = { readonly glob: string; readonly period: string; readonly nanoUsd: number }

/** What a crash may have forgotten of one purse. `of`: the lost hold it belongs to (lost.ts). */
type LostPart = {
  readonly of: string
  readonly purse: number
  readonly at: number
  readonly nanoUsd: number
  readonly requests: number
  readonly booked: boolean
}

/** What must survive a restart; what is held is in the holds. */
export type PursesJournal = {
  readonly purses: readonly (PurseSpent & { readonly purse: number; readonly rates: RatesSnapshot })[]
  readonly lost: readonly LostPart[]
  readonly lastNumber: number
}

type Purse = {
  readonly number: number
  readonly glob: string
  period: string
  spent: number
  held: number
  running: number
  readonly rates: Rates
}

const UNBOUND: Look = { under: [], budgeted: false, leftNanoUsd: Number.MAX_SAFE_INTEGER, wait: null }

export class ModelPurses {
  #terms: ModelTerms = { createdAt: 0 }
  readonly #all = new Map<string, Purse>()
  #lost: readonly LostPart[] = []
  /** No number is given twice: holds of a purse that is gone must not be taken for another's. */
  #lastNumber = 0

  /** Takes what the policy says. A limit that was taken away is forgotten with its purse: set again, it begins anew. */
  apply(terms: ModelTerms): void {
    this.#terms = terms
    const globs = new Set(this.#limits.map(({ glob }) => glob))
    for (const glob of this.#all.keys()) if (!globs.has(glob)) this.#all.delete(glob)
    for (const glob of globs) this.#present(glob)
  }

  look(place: Pick<Place, 'model'>, tokens: number, now: number, requests = 1): Look {
    if (this.#limits.length === 0) return UNBOUND
    const under = this.#limits.filter(({ glob }) => isUnder(glob, place))
    if (under.length === 0) return UNBOUND
    return {
      under,
      budgeted: under.some(({ limitNanoUsd }) => limitNanoUsd !== null),
      leftNanoUsd: Math.min(...under.map((limit) => this.#left(limit, now))),
      wait: longest(under.map((limit) => this.#wait(limit, tokens, now, requests))),
    }
  }

  /** The purse that leaves a target less than `leftNanoUsd`; `null`: none does. */
  lacking({ under }: Look, leftNanoUsd: number, now: number): Money | null {
    let least = leftNanoUsd
    let found: ModelLimit | null = null
    for (const limit of under) {
      const left = this.#left(limit, now)
      if (left < least) [least, found] = [left, limit]
    }
    if (found === null) return null
    const { held } = this.#present(found.glob)
    return { spentNanoUsd: this.#spent(found, now), heldNanoUsd: held, limitNanoUsd: found.limitNanoUsd ?? 0, scope: scopeOf(found.glob) }
  }

  /** Sets aside, in each purse, what the dearest of its targets needs. */
  reserve(fitting: readonly Fitting[], now: number): readonly PurseHold[] {
    const needs = new Map<ModelLimit, { nanoUsd: number; tokens: number }>()
    for (const { look, nanoUsd, tokens } of fitting) {
      for (const limit of look.under) {
        const need = needs.get(limit) ?? { nanoUsd: 0, tokens: 0 }
        needs.set(limit, { nanoUsd: Math.max(need.nanoUsd, nanoUsd), tokens: Math.max(need.tokens, tokens) })
      }
    }
    const holds = [...needs].map(([{ glob, limits }, need]) => {
      const purse = this.#present(glob)
      purse.rates.count(limits, 1, need.tokens, now)
      return { purse: purse.number, ...need }
    })
    this.hold(holds)
    return holds
  }

  /** Holds what was reserved before: of a restored hold, or of one that a crash has forgotten. */
  hold(holds: readonly PurseHold[]): void {
    for (const { purse, nanoUsd } of this.#of(holds)) {
      purse.held += nanoUsd
      purse.running++
    }
  }

  /** The key's own view, or that of a purse that these targets are under: of each kind the one with the least left. */
  tightest(own: RatesView | undefined, looks: readonly Look[], now: number): RatesView | undefined {
    let view = own
    for (const limit of new Set(looks.flatMap(({ under }) => under)))
      view = tighterView(view, this.#present(limit.glob).rates.view(limit.limits, now))
    return view
  }

  /** What an admission took. */
  taken(holds: readonly PurseHold[]): Taken {
    return [...this.#of(holds)].flatMap(({ purse, nanoUsd, tokens }) => purseTaken(purse.glob, nanoUsd, tokens))
  }

  /** The most of its money that may still be held. */
  room(glob: string, now: number): number {
    const limit = this.#limit(glob)
    return limit === undefined ? 0 : this.#left(limit, now)
  }

  /**
   * Replaces what was held by what it cost: nothing where `row` is `null`, or where another target served. `was`: as its purses have it until
   * now. What nobody knows exactly is booked no higher than what its purse held: the hold is of the dearest target, under whatever purse.
   */
  settle(hold: Hold, row: Row | null, was: 'held' | 'expired' | 'forgotten', now: number): void {
    const place = row === null || row.provider === null ? null : { model: `${row.provider}/${row.model ?? ''}` }
    const caps = new Map<string, number>()
    for (const { purse, nanoUsd, tokens } of this.#of(hold.purses ?? [])) {
      if (nanoUsd > 0) caps.set(purse.glob, nanoUsd)
      if (was === 'expired') this.#spend(purse, -nanoUsd, hold.takenAt, now)
      if (was !== 'held') continue
      letGo(purse, nanoUsd)
      const limits = this.#limit(purse.glob)?.limits
      if (limits === undefined) continue
      const served = place !== null && isUnder(purse.glob, place) ? row : null
      purse.rates.trueUp(limits, tokens, hold.takenAt, served)
    }
    const cost = row?.costNanoUsd ?? 0
    if (row === null || place === null || cost === 0) return
    for (const { glob, limitNanoUsd } of this.#limits) {
      if (!isUnder(glob, place)) continue
      const cap = row.usageFrom === 'provider' || limitNanoUsd === null ? cost : (caps.get(glob) ?? cost)
      this.#spend(this.#present(glob), Math.min(cost, cap), hold.takenAt, now)
    }
  }

  /** Nobody knows who served it: each purse that held it is charged in full. */
  expire(hold: Hold, now: number): void {
    for (const { purse, nanoUsd } of this.#of(hold.purses ?? [])) {
      letGo(purse, nanoUsd)
      this.#spend(purse, nanoUsd, hold.takenAt, now)
    }
  }

  /** Holds what a crash may have forgotten. */
  holdLost(of: string, purses: ReadonlyMap<string, PurseTaken>, now: number): void {
    for (const [glob, { nanoUsd, requests, tokens }] of purses) {
      const purse = this.#present(glob)
      const limits = this.#limit(glob)?.limits
      if (limits !== undefined) purse.rates.count(limits, requests, tokens, now)
      const part = { of, purse: purse.number, at: now, nanoUsd, requests, booked: false }
      this.#lost = [...this.#lost, part]
      this.#holdPart(part)
    }
  }

  /** A request that a crash has forgotten takes its part out of what is held (or, to settle, was booked) for such. */
  drawLost(hold: Hold, evenBooked: boolean, now: number): void {
    for (const { purse, nanoUsd } of this.#of(hold.purses ?? [])) {
      let wanted = { nanoUsd, requests: 1 }
      this.#lost = this.#lost.map((part) => {
        if (part.purse !== purse.number || hold.takenAt > part.at || (part.booked && !evenBooked)) return part
        const drawn = { nanoUsd: Math.min(wanted.nanoUsd, part.nanoUsd), requests: Math.min(wanted.requests, part.requests) }
        wanted = less(wanted, drawn)
        if (part.booked) this.#spend(purse, -drawn.nanoUsd, part.at, now)
        else {
          purse.held -= drawn.nanoUsd
          purse.running -= drawn.requests
        }
        return { ...part, ...less(part, drawn) }
      })
    }
  }

  /** Books what nobody asked for until its time was over. */
  bookLost(of: string, now: number): void {
    this.#lost = this.#lost.map((part) => {
      if (part.of !== of || part.booked) return part
      const purse = this.#numbered(part.purse)
      if (purse !== undefined) {
        purse.held -= part.nanoUsd
        purse.running -= part.requests
        this.#spend(purse, part.nanoUsd, part.at, now)
      }
      return { ...part, requests: 0, booked: true }
    })
  }

  /** Lets go of parts of lost holds that are forgotten themselves. */
  forgetLost(alive: readonly { readonly id: string }[]): void {
    if (this.#lost.length > 0) this.#lost = this.#lost.filter(({ of }) => alive.some(({ id }) => id === of))
  }

  views(now: number): readonly ModelLimitView[] {
    return this.#limits.map((limit) => {
      const { held, running } = this.#present(limit.glob)
      const { resetsAt } = periodAt(limit.limitReset, this.#terms.createdAt, now)
      return { ...limit, resetsAt, spentNanoUsd: this.#spent(limit, now), heldNanoUsd: held, running }
    })
  }

  /** What is spent, by period. */
  spent(): readonly PurseSpent[] {
    return [...this.#all.values()].map(({ glob, period, spent }) => ({ glob, period, nanoUsd: spent }))
  }

  snapshot(now: number): PursesJournal {
    const purses = [...this.#all.values()].map(({ number, glob, period, spent, rates }) => {
      return { purse: number, glob, period, nanoUsd: spent, rates: rates.snapshot(now) }
    })
    return { purses, lost: this.#lost, lastNumber: this.#lastNumber }
  }

  /** Before anything is held here, and before `apply`. */
  restore({ purses, lost, lastNumber }: PursesJournal): void {
    this.#all.clear()
    for (const { purse: number, glob, period, nanoUsd, rates } of purses) {
      const purse = { number, glob, period, spent: nanoUsd, held: 0, running: 0, rates: new Rates() }
      purse.rates.restore(rates)
      this.#all.set(glob, purse)
    }
    this.#lastNumber = Math.max(this.#lastNumber, lastNumber)
    this.#lost = lost
    for (const part of lost) if (!part.booked) this.#holdPart(part)
  }

  /** What was spent as D1 has it, where nothing else is left of this key. */
  restoreSpent(spent: readonly PurseSpent[]): void {
    for (const { glob, period, nanoUsd } of spent) {
      const purse = this.#all.get(glob)
      if (purse !== undefined) [purse.period, purse.spent] = [period, nanoUsd]
    }
  }

  get #limits(): readonly ModelLimit[] {
    return this.#terms.modelLimits ?? []
  }

  #limit(glob: string): ModelLimit | undefined {
    return this.#limits.find((limit) => limit.glob === glob)
  }

  #present(glob: string): Purse {
    let purse = this.#all.get(glob)
    if (purse === undefined) {
      purse = { number: ++this.#lastNumber, glob, period: '', spent: 0, held: 0, running: 0, rates: new Rates() }
      this.#all.set(glob, purse)
    }
    return purse
  }

  #numbered(number: number): Purse | undefined {
    for (const purse of this.#all.values()) if (purse.number === number) return purse
    return undefined
  }

  /** Without those whose purse is gone. */
  #of(holds: readonly PurseHold[]): readonly (Omit<PurseHold, 'purse'> & { readonly purse: Purse })[] {
    return holds.flatMap((hold) => {
      const purse = this.#numbered(hold.purse)
      return purse === undefined ? [] : [{ ...hold, purse }]
    })
  }

  #holdPart({ purse: number, nanoUsd, requests }: LostPart): void {
    const purse = this.#numbered(number)
    if (purse === undefined) return
    purse.held += nanoUsd
    purse.running += requests
  }

  #left(limit: ModelLimit, now: number): number {
    if (limit.limitNanoUsd === null) return Number.MAX_SAFE_INTEGER
    return limit.limitNanoUsd - this.#spent(limit, now) - this.#present(limit.glob).held
  }

  #wait({ glob, limits }: ModelLimit, tokens: number, now: number, requests: number): Wait | null {
    const { rates, running } = this.#present(glob)
    const wait = rates.wait(limits, tokens, running, now, requests)
    return wait === null ? null : { ...wait, scope: scopeOf(glob) }
  }

  #spent({ glob, limitReset }: ModelLimit, now: number): number {
    const { period, spent } = this.#present(glob)
    return period === periodAt(limitReset, this.#terms.createdAt, now).id ? spent : 0
  }

  /** `at`: when it was held, for that is the period it belongs to. A correction of what another period's sum had takes nothing from this one. */
  #spend(purse: Purse, nanoUsd: number, at: number, now: number): void {
    const limit = this.#limit(purse.glob)
    if (limit === undefined) return
    const present = periodAt(limit.limitReset, this.#terms.createdAt, now).id
    if (purse.period !== present) [purse.period, purse.spent] = [present, 0]
    if (periodAt(limit.limitReset, this.#terms.createdAt, at).id === present) purse.spent = Math.max(0, purse.spent + nanoUsd)
  }
}

/** The soonest that one of them may go; `null`: one may go now, or there is none. */
export function soonest(looks: readonly Look[]): Wait | null {
  let found: Wait | null = null
  for (const { wait } of looks) {
    if (wait === null) return null
    if (found === null || wait.waitMs < found.waitMs) found = wait
  }
  return found
}

export function longest(waits: readonly (Wait | null)[]): Wait | null {
  let found: Wait | null = null
  for (const wait of waits) if (wait !== null && (found === null || wait.waitMs > found.waitMs)) found = wait
  return found
}

type Some = { readonly nanoUsd: number; readonly requests: number }
function less(from: Some, by: Some): Some {
  return { nanoUsd: from.nanoUsd - by.nanoUsd, requests: from.requests - by.requests }
}

function letGo(purse: Purse, nanoUsd: number): void {
  purse.held -= nanoUsd
  purse.running--
}
