// The books of a budget that several keys share (a team's, a user's, an organisation's). Keys lease allowances from it and spend them
// without asking again; what is leased and not spent is recalled before anything is refused. All that a key tells is absolute (a sum
// since the period began), so an answer that got lost or is repeated changes nothing. Pure and synchronous, as the book of a key.

import { periodAt } from './window.ts'

/** What D1 says of a shared budget. `limitNanoUsd: null`: none, only counted. */
export type BudgetPolicy = {
  readonly scope: string
  readonly version: number
  readonly createdAt: number
  readonly limitNanoUsd: number | null
  readonly limitReset: string | null
}

/** A key's sums under one budget in one period, whole nano-dollars. */
export type Told = { readonly period: string; readonly spent: number; readonly returned: number }

/** What a key needs granted in all: for one request at the least, and for all that wait there. */
export type LeaseAsk = { readonly told: Told; readonly least: number; readonly hoped: number }

export type LeaseAnswer =
  | { readonly kind: 'leased'; readonly period: string; readonly resetsAt: number | null; readonly granted: number }
  | { readonly kind: 'short'; readonly period: string; readonly spent: number; readonly leased: number; readonly limit: number }

export type BudgetView = {
  readonly spentNanoUsd: number
  readonly leasedNanoUsd: number
  readonly limitNanoUsd: number | null
  readonly period: string
  readonly resetsAt: number | null
}

type Lease = { granted: number; spent: number; returned: number }

/** What must survive a restart. */
export type BudgetJournal = {
  readonly period: string
  readonly leases: readonly (readonly [keyId: string, lease: Readonly<Lease>])[]
}

/** A grant is more than what is needed by this share of what is left, so that a key need not ask for each request. */
const EXTRA_SHARE = 32
/** And by at most so many times what is needed. */
const EXTRA_TIMES = 8

export class SharedBudget {
  #policy: BudgetPolicy
  #period = ''
  #leases = new Map<string, Lease>()

  constructor(policy: BudgetPolicy) {
    this.#policy = policy
  }

  get policy(): BudgetPolicy {
    return this.#policy
  }

  /** Takes a policy unless a newer one is known. */
  apply(policy: BudgetPolicy): boolean {
    if (policy.version < this.#policy.version) return false
    this.#policy = policy
    return true
  }

  /** Grants a key what it asks for, all of it or at least the least; `exact`: and nothing beyond. */
  lease(keyId: string, { told, least, hoped }: LeaseAsk, exact: boolean, now: number): LeaseAnswer {
    const { id: period, resetsAt } = this.#roll(now)
    const lease = this.#tell(keyId, told)
    // A key that has not seen the new period asks for what it needs there: nothing of the old one counts.
    const known = told.period === period || told.period === '' ? lease.granted : told.spent + told.returned
    // What was recalled from it since it asked is missing there now.
    const recalled = told.period === period ? lease.returned - told.returned : 0
    const need = least + recalled - known
    const { limitNanoUsd: limit } = this.#policy
    const left = limit === null ? Number.MAX_SAFE_INTEGER : limit - this.#sum((one) => one.spent) - this.#outstanding()
    if (need > 0) {
      if (need > left)
        return { kind: 'short', period, spent: this.#sum((one) => one.spent), leased: this.#outstanding(), limit: limit ?? 0 }
      const more = Math.min(Math.max(0, hoped - least), left - need)
      const extra = exact ? 0 : Math.min(Math.floor((left - need - more) / EXTRA_SHARE), need * EXTRA_TIMES)
      lease.granted += need + more + extra
    }
    return { kind: 'leased', period, resetsAt, granted: lease.granted }
  }

  /** What a key's object says of itself, unasked or when it is recalled. */
  tell(keyId: string, told: Told, now: number): void {
    this.#roll(now)
    this.#tell(keyId, told)
  }

  /** Keys that hold more than they have spent, with what each was granted in all. */
  lessees(now: number): readonly { readonly keyId: string; readonly period: string; readonly granted: number }[] {
    const { id: period } = this.#roll(now)
    return [...this.#leases].filter(([, lease]) => open(lease) > 0).map(([keyId, { granted }]) => ({ keyId, period, granted }))
  }

  view(now: number): BudgetView {
    const { id: period, resetsAt } = this.#roll(now)
    return {
      spentNanoUsd: this.#sum((lease) => lease.spent),
      leasedNanoUsd: this.#outstanding(),
      limitNanoUsd: this.#policy.limitNanoUsd,
      period,
      resetsAt,
    }
  }

  snapshot(): BudgetJournal {
    return { period: this.#period, leases: [...this.#leases].map(([keyId, lease]) => [keyId, { ...lease }] as const) }
  }

  restore({ period, leases }: BudgetJournal): void {
    this.#period = period
    this.#leases = new Map(leases.map(([keyId, lease]) => [keyId, { ...lease }]))
  }

  #roll(now: number): ReturnType<typeof periodAt> {
    const period = periodAt(this.#policy.limitReset, this.#policy.createdAt, now)
    if (period.id !== this.#period) {
      this.#period = period.id
      this.#leases = new Map()
    }
    return period
  }

  #tell(keyId: string, told: Told): Lease {
    const lease = this.#leases.get(keyId) ?? { granted: 0, spent: 0, returned: 0 }
    this.#leases.set(keyId, lease)
    if (told.period === this.#period) {
      lease.spent = Math.max(lease.spent, told.spent)
      lease.returned = Math.max(lease.returned, told.returned)
    }
    return lease
  }

  #outstanding(): number {
    return this.#sum(open)
  }

  #sum(of: (lease: Lease) => number): number {
    let sum = 0
    for (const lease of this.#leases.values()) sum += of(lease)
    return sum
  }
}

/** What is granted and neither spent nor given back. A late correction may spend beyond a grant: that is not outstanding. */
function open({ granted, spent, returned }: Lease): number {
  return Math.max(0, granted - spent - returned)
}
