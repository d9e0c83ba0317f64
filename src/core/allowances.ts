// What a key may spend of the budgets that it shares: leased from them (shared-budget.ts), held and spent here. What is told and given
// back in full is forgotten, so that a key that meets many scopes keeps only those in use. Pure and synchronous.

import type { Heard, LeaseAnswer, LeaseAsk, Told } from './shared-budget.ts'
import type { Over, Warning } from './soft-limit.ts'

/** What a hold takes of one shared budget. `turn`: the allowance it was taken from, a new one each period and after one is forgotten. `covered`: it is leased; until then it waits. */
export type Share = { readonly scope: string; readonly turn: number; readonly nanoUsd: number; readonly covered: boolean }

/** A share that was booked. `period`: as its budget names it; empty: not known. */
export type BookedShare = Share & { readonly period: string }

type Allowance = {
  readonly turn: number
  /** As the budget names it; empty: nothing was leased yet. */
  period: string
  resetsAt: number | null
  granted: number
  spent: number
  returned: number
  refunded: number
  /** Covered holds. */
  held: number
  /** What waits to be covered. */
  waiting: number
  /** What of `spent`, `returned` and `refunded` the budget is known to know. */
  toldSpent: number
  toldReturned: number
  toldRefunded: number
  /** As the budget last said; the keys that share it spend meanwhile. */
  over?: Over | undefined
}

/** What must survive a restart. */
export type AllowancesJournal = readonly (readonly [scope: string, allowance: Readonly<Allowance>])[]

/** Turns are instants, so that they grow over restarts too: more than so many begin in no millisecond. */
const TURNS_A_MS = 1000

export class Allowances {
  readonly #all = new Map<string, Allowance>()
  #lastTurn = 0

  get size(): number {
    return this.#all.size
  }

  /** Sets money aside, out of what is leased where that is enough. */
  reserve(scope: string, nanoUsd: number, now: number): Share {
    const allowance = this.#present(scope, now)
    allowance.waiting += nanoUsd
    return cover(allowance, { scope, turn: allowance.turn, nanoUsd, covered: false })
  }

  /** Sets more aside for what is held already; all of it anew where a new period has begun since, for then nothing of it is held there. */
  reserveMore({ scope, turn, nanoUsd }: Share, moreNanoUsd: number, now: number): Share {
    return this.reserve(scope, this.#present(scope, now).turn === turn ? moreNanoUsd : nanoUsd + moreNanoUsd, now)
  }

  /** What is leased and neither held nor spent. */
  free(scope: string): number {
    const allowance = this.#all.get(scope)
    return allowance === undefined ? 0 : free(allowance)
  }

  /** Holds what a crash may have forgotten, whether or not it is leased as far as this key remembers. */
  holdLost(scope: string, nanoUsd: number, now: number): Share {
    const allowance = this.#present(scope, now)
    allowance.held += nanoUsd
    return { scope, turn: allowance.turn, nanoUsd, covered: true }
  }

  /** Books what nobody asked for, as far as it can have been spent: never beyond what was leased. Gives back how much that is. */
  bookLost(share: Share): BookedShare {
    const allowance = this.#all.get(share.scope)
    if (allowance === undefined || allowance.turn !== share.turn) return { ...share, nanoUsd: 0, period: '' }
    allowance.held -= share.nanoUsd
    const nanoUsd = Math.min(share.nanoUsd, free(allowance))
    allowance.spent += nanoUsd
    return { ...share, nanoUsd, period: allowance.period }
  }

  /** What to ask the budget for, for this share alone and for all that waits. */
  asking(share: Share): LeaseAsk {
    const allowance = this.#all.get(share.scope) ?? this.#begin(share.scope, 0)
    const used = allowance.spent + allowance.returned + allowance.held
    return { told: told(allowance), least: used + share.nanoUsd, hoped: used + Math.max(share.nanoUsd, allowance.waiting) }
  }

  /** Takes what was leased and covers the share with it, where nobody was faster: else it must be asked for again. */
  fund(share: Share, answer: LeaseAnswer & { readonly kind: 'leased' }): Share {
    let allowance = this.#all.get(share.scope) ?? this.#begin(share.scope, 0)
    if (answer.turn === allowance.turn) {
      if (allowance.period !== '' && allowance.period !== answer.period) allowance = this.#begin(share.scope, 0)
      else {
        allowance.period = answer.period
        allowance.resetsAt = answer.resetsAt
        allowance.granted = Math.max(allowance.granted, answer.granted)
      }
    }
    // The budget was asked under a later turn, which a crash has forgotten before anything was admitted under it: a newer one is begun.
    if (answer.turn > allowance.turn) {
      this.#lastTurn = Math.max(this.#lastTurn, answer.turn)
      if (allowance.held === 0) allowance = this.#begin(share.scope, 0)
    }
    allowance.over = answer.over
    if (share.covered) return share
    if (share.turn === allowance.turn) return cover(allowance, share)
    allowance.waiting += share.nanoUsd // its period is over: it waits in the new one
    return cover(allowance, { ...share, turn: allowance.turn })
  }

  /** Replaces what was held by what it cost, zero where nothing was sent. What was held in an earlier period is settled there, with it. */
  settle({ scope, turn, nanoUsd, covered }: Share, costNanoUsd: number): void {
    const allowance = this.#all.get(scope)
    if (allowance === undefined || allowance.turn !== turn) return
    if (covered) allowance.held -= nanoUsd
    else allowance.waiting -= nanoUsd
    allowance.spent += costNanoUsd
  }

  /** Something was spent that nothing was held for here. */
  charge(scope: string, costNanoUsd: number, now: number): void {
    if (costNanoUsd > 0) this.#present(scope, now).spent += costNanoUsd
  }

  /** Settles a share at what is booked for it, all that it holds or less, so that it may be corrected later. */
  book(share: Share, nanoUsd: number): BookedShare {
    const allowance = this.#all.get(share.scope)
    this.settle(share, nanoUsd)
    return { ...share, nanoUsd, period: allowance?.turn === share.turn ? allowance.period : '' }
  }

  /** A booked cost turns out otherwise. What it was booked on may be forgotten: its period decides where it goes. Less in one that is not known cannot be taken back. */
  correct({ scope, turn, period }: BookedShare, byNanoUsd: number, now: number): void {
    let allowance = this.#all.get(scope)
    if (allowance === undefined && (period !== '' || byNanoUsd > 0)) {
      allowance = this.#begin(scope, now)
      allowance.period = period
    }
    if (allowance === undefined) return
    const isSame = allowance.turn === turn || allowance.period === period
    if (byNanoUsd < 0 && isSame) allowance.refunded -= byNanoUsd
    else if (byNanoUsd > 0 && (isSame || period === '')) allowance.spent += byNanoUsd
  }

  /** Gives back what is neither held nor spent. `granted`: what the budget has granted in all, which may still be on its way here. `null`: nothing is known of this turn. */
  recall(scope: string, turn: number, period: string, granted: number): Told | null {
    const allowance = this.#all.get(scope)
    if (allowance === undefined || allowance.turn !== turn) return null
    if (allowance.period === '') allowance.period = period
    if (allowance.period === period) {
      allowance.granted = Math.max(allowance.granted, granted)
      allowance.returned += free(allowance)
    }
    return told(allowance)
  }

  /** What to tell each budget now; what an idle key does not need goes back with it, and what it has told is forgotten. */
  reports(): readonly { readonly scope: string; readonly told: Told }[] {
    return [...this.#all].flatMap(([scope, allowance]) => {
      if (isIdle(allowance)) allowance.returned += free(allowance)
      if (this.#forget(scope, allowance) || isTold(allowance)) return []
      return [{ scope, told: told(allowance) }]
    })
  }

  /** The budget knows this now, and has said which period it counts in. */
  confirm(scope: string, { turn, spent, returned, refunded }: Told, { period, resetsAt, over }: Heard): void {
    const allowance = this.#all.get(scope)
    if (allowance === undefined || allowance.turn !== turn) return
    if (allowance.period === '') {
      allowance.period = period
      allowance.resetsAt = resetsAt
    }
    allowance.over = over
    allowance.toldSpent = spent
    allowance.toldReturned = returned
    allowance.toldRefunded = refunded
    this.#forget(scope, allowance)
  }

  /** Those whose soft limit is reached, as far as it is known here. */
  warnings(scopes: readonly string[]): readonly Warning[] {
    return scopes.flatMap((scope) => {
      const over = this.#all.get(scope)?.over
      return over === undefined ? [] : [{ scope, ...over }]
    })
  }

  snapshot(): AllowancesJournal {
    return [...this.#all].map(([scope, allowance]) => [scope, { ...allowance }] as const)
  }

  restore(journal: AllowancesJournal): void {
    for (const [scope, allowance] of journal) {
      if (!this.#all.has(scope)) this.#all.set(scope, { ...allowance })
      this.#lastTurn = Math.max(this.#lastTurn, allowance.turn)
    }
  }

  #present(scope: string, now: number): Allowance {
    const allowance = this.#all.get(scope)
    const isOver = allowance !== undefined && allowance.resetsAt !== null && allowance.resetsAt <= now
    return allowance === undefined || isOver ? this.#begin(scope, now) : allowance
  }

  #begin(scope: string, now: number): Allowance {
    const turn = Math.max(this.#lastTurn + 1, now * TURNS_A_MS)
    this.#lastTurn = turn
    const sums = { granted: 0, spent: 0, returned: 0, refunded: 0, held: 0, waiting: 0, toldSpent: 0, toldReturned: 0, toldRefunded: 0 }
    const allowance: Allowance = { turn, period: '', resetsAt: null, ...sums }
    this.#all.set(scope, allowance)
    return allowance
  }

  /** Nothing is held, and the budget knows all: its own sums are enough, and the next turn begins at nothing. */
  #forget(scope: string, allowance: Allowance): boolean {
    if (allowance.over !== undefined && !isNamed(scope)) return false // what costs nothing is not leased, and is warned all the same
    return isIdle(allowance) && free(allowance) === 0 && isTold(allowance) && this.#all.delete(scope)
  }
}

/** Named by requests: there may be many. */
function isNamed(scope: string): boolean {
  return scope.startsWith('customer:') || scope.startsWith('tag:')
}

function isIdle({ held, waiting }: Allowance): boolean {
  return held === 0 && waiting === 0
}

function isTold({ spent, returned, refunded, toldSpent, toldReturned, toldRefunded }: Allowance): boolean {
  return spent === toldSpent && returned === toldReturned && refunded === toldRefunded
}

function free({ granted, spent, returned, held }: Allowance): number {
  return Math.max(0, granted - spent - returned - held)
}

function cover(allowance: Allowance, share: Share): Share {
  if (share.covered || free(allowance) < share.nanoUsd) return share
  allowance.waiting -= share.nanoUsd
  allowance.held += share.nanoUsd
  return { ...share, covered: true }
}

function told({ turn, period, spent, returned, refunded }: Allowance): Told {
  return { turn, period, spent, returned, refunded }
}
