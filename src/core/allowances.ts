// What a key may spend of the budgets that it shares: leased from them (shared-budget.ts), held and spent here. Pure and synchronous.

import type { LeaseAnswer, Told } from './shared-budget.ts'

/** What a hold takes of one shared budget. `turn`: the period it was taken in, as this key counts them. */
export type Share = { readonly scope: string; readonly turn: number; readonly nanoUsd: number }

type Allowance = {
  turn: number
  /** As the budget names it; empty: nothing was leased yet. */
  period: string
  resetsAt: number | null
  granted: number
  spent: number
  returned: number
  held: number
}

/** What must survive a restart. */
export type AllowancesJournal = readonly (readonly [scope: string, allowance: Readonly<Allowance>])[]

export class Allowances {
  readonly #all = new Map<string, Allowance>()

  /** Sets money aside before anybody is asked. */
  reserve(scope: string, nanoUsd: number, now: number): Share {
    const allowance = this.#present(scope, now)
    allowance.held += nanoUsd
    return { scope, turn: allowance.turn, nanoUsd }
  }

  /** What must be leased in all so that everything held is covered; `null`: it is. */
  wanted(scope: string): { readonly told: Told; readonly wanted: number } | null {
    const allowance = this.#all.get(scope)
    if (allowance === undefined) return null
    const wanted = allowance.spent + allowance.returned + allowance.held
    return wanted <= allowance.granted ? null : { told: told(allowance), wanted }
  }

  /** Takes what was leased. Gives back the share anew where the budget's period has turned meanwhile. */
  fund(share: Share, answer: LeaseAnswer & { readonly kind: 'leased' }): Share {
    const allowance = this.#all.get(share.scope)
    if (allowance === undefined || allowance.turn !== share.turn) return share
    if (allowance.period !== '' && allowance.period !== answer.period) {
      turnOver(allowance)
      allowance.held = share.nanoUsd
    }
    allowance.period = answer.period
    allowance.resetsAt = answer.resetsAt
    allowance.granted = Math.max(allowance.granted, answer.granted)
    return { ...share, turn: allowance.turn }
  }

  /** Replaces what was held by what it cost: zero where nothing was sent. What was held in an earlier period is settled there, with it. */
  settle({ scope, turn, nanoUsd }: Share, costNanoUsd: number): void {
    const allowance = this.#all.get(scope)
    if (allowance === undefined || allowance.turn !== turn) return
    allowance.held -= nanoUsd
    allowance.spent += costNanoUsd
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
    allowance.returned += Math.max(0, allowance.granted - allowance.spent - allowance.returned - allowance.held)
    return told(allowance)
  }

  /** What to tell each budget now; `idle`: what is not needed goes back with it. */
  reports(idle: boolean): readonly { readonly scope: string; readonly told: Told }[] {
    return [...this.#all].flatMap(([scope, allowance]) => {
      if (allowance.period === '') return []
      if (idle && allowance.held === 0) allowance.returned += Math.max(0, allowance.granted - allowance.spent - allowance.returned)
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
      allowance = { turn: 0, period: '', resetsAt: null, granted: 0, spent: 0, returned: 0, held: 0 }
      this.#all.set(scope, allowance)
    }
    if (allowance.resetsAt !== null && allowance.resetsAt <= now) turnOver(allowance)
    return allowance
  }
}

function turnOver(allowance: Allowance): void {
  allowance.turn++
  allowance.period = ''
  allowance.resetsAt = null
  allowance.granted = 0
  allowance.spent = 0
  allowance.returned = 0
  allowance.held = 0
}

function told({ period, spent, returned }: Allowance): Told {
  return { period, spent, returned }
}
