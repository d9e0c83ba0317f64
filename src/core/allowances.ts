// What a key may spend of the budgets that it shares: leased from them (shared-budget.ts), held and spent here. Pure and synchronous.

import type { LeaseAnswer, LeaseAsk, Told } from './shared-budget.ts'

/** What a hold takes of one shared budget. `turn`: the period it was taken in, as this key counts them. `covered`: it is leased; until then it waits. */
export type Share = { readonly scope: string; readonly turn: number; readonly nanoUsd: number; readonly covered: boolean }

type Allowance = {
  turn: number
  /** As the budget names it; empty: nothing was leased yet. */
  period: string
  resetsAt: number | null
  granted: number
  spent: number
  returned: number
  /** Covered holds. */
  held: number
  /** What waits to be covered. */
  waiting: number
}

/** What must survive a restart. */
export type AllowancesJournal = readonly (readonly [scope: string, allowance: Readonly<Allowance>])[]

export class Allowances {
  readonly #all = new Map<string, Allowance>()

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
  bookLost(share: Share): number {
    const allowance = this.#all.get(share.scope)
    if (allowance === undefined || allowance.turn !== share.turn) return 0
    allowance.held -= share.nanoUsd
    const booked = Math.min(share.nanoUsd, free(allowance))
    allowance.spent += booked
    return booked
  }

  /** What to ask the budget for, for this share alone and for all that waits. */
  asking(share: Share): LeaseAsk {
    const allowance = this.#all.get(share.scope)
    if (allowance === undefined) return { told: { period: '', spent: 0, returned: 0 }, least: share.nanoUsd, hoped: share.nanoUsd }
    const used = allowance.spent + allowance.returned + allowance.held
    return { told: told(allowance), least: used + share.nanoUsd, hoped: used + Math.max(share.nanoUsd, allowance.waiting) }
  }

  /** Takes what was leased and covers the share with it, where nobody was faster: else it must be asked for again. */
  fund(share: Share, answer: LeaseAnswer & { readonly kind: 'leased' }): Share {
    const allowance = this.#all.get(share.scope)
    if (allowance === undefined) return share
    if (allowance.period !== '' && allowance.period !== answer.period) turnOver(allowance)
    allowance.period = answer.period
    allowance.resetsAt = answer.resetsAt
    allowance.granted = Math.max(allowance.granted, answer.granted)
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
    this.#present(scope, now).spent += costNanoUsd
  }

  /** A booked cost turns out otherwise. */
  correct({ scope, turn }: Share, byNanoUsd: number): void {
    const allowance = this.#all.get(scope)
    if (allowance !== undefined && allowance.turn === turn) allowance.spent = Math.max(0, allowance.spent + byNanoUsd)
  }

  /** Gives back what is neither held nor spent. `granted`: what the budget has granted in all, which may still be on its way here. */
  recall(scope: string, period: string, granted: number): Told {
    const allowance = this.#all.get(scope)
    if (allowance === undefined || (allowance.period !== '' && allowance.period !== period)) return { period, spent: 0, returned: 0 }
    allowance.period = period
    allowance.granted = Math.max(allowance.granted, granted)
    allowance.returned += free(allowance)
    return told(allowance)
  }

  /** What to tell each budget now; what an idle key does not need goes back with it. */
  reports(): readonly { readonly scope: string; readonly told: Told }[] {
    return [...this.#all].flatMap(([scope, allowance]) => {
      if (allowance.period === '') return []
      if (allowance.held === 0 && allowance.waiting === 0) allowance.returned += free(allowance)
      return [{ scope, told: told(allowance) }]
    })
  }

  snapshot(): AllowancesJournal {
    return [...this.#all].map(([scope, allowance]) => [scope, { ...allowance }] as const)
  }

  restore(journal: AllowancesJournal): void {
    for (const [scope, allowance] of journal) if (!this.#all.has(scope)) this.#all.set(scope, { ...allowance })
  }

  #present(scope: string, now: number): Allowance {
    let allowance = this.#all.get(scope)
    if (allowance === undefined) {
      allowance = { turn: 0, period: '', resetsAt: null, granted: 0, spent: 0, returned: 0, held: 0, waiting: 0 }
      this.#all.set(scope, allowance)
    }
    if (allowance.resetsAt !== null && allowance.resetsAt <= now) turnOver(allowance)
    return allowance
  }
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

function turnOver(allowance: Allowance): void {
  allowance.turn++
  allowance.period = ''
  allowance.resetsAt = null
  allowance.granted = 0
  allowance.spent = 0
  allowance.returned = 0
  allowance.held = 0
  allowance.waiting = 0
}

function told({ period, spent, returned }: Allowance): Told {
  return { period, spent, returned }
}
