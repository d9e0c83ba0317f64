// The books of a budget that several keys share (a team's, a user's, an organisation's). Keys lease allowances from it and spend them
// without asking again; what is leased and not spent is recalled before anything is refused. All that a key tells is absolute (a sum
// since the period began), so an answer that got lost or is repeated changes nothing. Pure and synchronous, as the book of a key.

import { overSoft, type Over } from './soft-limit.ts'
import { periodAt } from './window.ts'

/** What D1 says of a shared budget. `limitNanoUsd: null`: none, only counted. */
export type BudgetPolicy = {
  readonly scope: string
  readonly version: number
  readonly createdAt: number
  readonly limitNanoUsd: number | null
  readonly limitReset: string | null
  /** Absent or `null`: none. */
  readonly softNanoUsd?: number | null
  /** Nobody has set it: it is the default of its kind, which may change. */
  readonly isDefault?: boolean
}

/**
 * A key's sums under one budget, whole nano-dollars. `turn`: which of the key's allowances these are of; turns of a key only grow, and a
 * key begins a new one only when all of the one before is told, or its period is over. `period`: empty while the key does not know it.
 */
export type Told = {
  readonly turn: number
  readonly period: string
  readonly spent: number
  readonly returned: number
  /** What of the period's spending turned out to be less. It goes back to the budget, not to the allowance: all sums only grow. */
  readonly refunded: number
}

/** What a key needs granted in all: for one request at the least, and for all that wait there. */
export type LeaseAsk = { readonly told: Told; readonly least: number; readonly hoped: number }

export type LeaseAnswer =
  | {
      readonly kind: 'leased'
      readonly turn: number
      readonly period: string
      readonly resetsAt: number | null
      readonly granted: number
      /** Its soft limit is reached. */
      readonly over?: Over
    }
  | { readonly kind: 'short'; readonly period: string; readonly spent: number; readonly leased: number; readonly limit: number }

/** What a key learns when it tells. */
export type Heard = { readonly period: string; readonly resetsAt: number | null; readonly over?: Over }

export type BudgetView = {
  readonly spentNanoUsd: number
  readonly leasedNanoUsd: number
  readonly limitNanoUsd: number | null
  readonly period: string
  readonly resetsAt: number | null
}

/** `before`: what the key has spent in this period under earlier turns. */
type Lease = { turn: number; granted: number; spent: number; returned: number; refunded: number; before: number }

/** What must survive a restart. */
export type BudgetJournal = {
  readonly period: string
  readonly leases: readonly (readonly [keyId: string, lease: Readonly<Lease>])[]
}

/** What is new since it was last asked for; `gone`: keys whose lease is no more, before what is changed. */
export type BudgetChanges = {
  readonly period: string
  readonly changed: BudgetJournal['leases']
  readonly gone: readonly string[]
}

/** A grant is more than what is needed by this share of what is left, so that a key need not ask for each request. */
const EXTRA_SHARE = 32
/** And by at most so many times what is needed. */
const EXTRA_TIMES = 8

export class SharedBudget {
  #policy: BudgetPolicy
  #period = ''
  #leases = new Map<string, Lease>()
  readonly #changed = new Set<string>()
  #gone: readonly string[] = []

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
    // What counts in a period that is over says nothing here: the key learns of the new one, and asks again.
    if (told.period !== '' && told.period !== period) return { kind: 'leased', turn: told.turn, period, resetsAt, granted: 0 }
    const lease = this.#tell(keyId, told)
    if (lease.turn !== told.turn) return { kind: 'leased', turn: lease.turn, period, resetsAt, granted: lease.granted } // overtaken
    // What was recalled from it since it asked is missing there now.
    const need = least + (lease.returned - told.returned) - lease.granted
    const { limitNanoUsd: limit } = this.#policy
    const left = limit === null ? Number.MAX_SAFE_INTEGER : limit - this.#sum(spent) - this.#sum(open)
    if (need > 0) {
      // What was spent beyond the grants before is in `left` already.
      const takes = open({ ...lease, granted: lease.granted + need }) - open(lease)
      if (takes > left) return { kind: 'short', period, spent: this.#sum(spent), leased: this.#sum(open), limit: limit ?? 0 }
      const more = Math.min(Math.max(0, hoped - least), left - takes)
      const extra = exact ? 0 : Math.min(Math.floor((left - takes - more) / EXTRA_SHARE), takes * EXTRA_TIMES)
      lease.granted += need + more + extra
      this.#changed.add(keyId)
    }
    return { kind: 'leased', turn: lease.turn, period, resetsAt, granted: lease.granted, ...this.#over() }
  }

  /** What a key's object says of itself, unasked or when it is recalled. */
  tell(keyId: string, told: Told, now: number): Heard {
    const { id: period, resetsAt } = this.#roll(now)
    if (told.period === '' || told.period === period) this.#tell(keyId, told)
    return { period, resetsAt, ...this.#over() }
  }

  /** The key knows nothing of this turn any more and will use nothing of it: what is open was granted to nobody. */
  gone(keyId: string, turn: number): void {
    const lease = this.#leases.get(keyId)
    if (lease?.turn !== turn) return
    lease.returned += open(lease)
    this.#changed.add(keyId)
  }

  /** Keys that hold more than they have spent, with what each was granted in all. */
  lessees(now: number): readonly { readonly keyId: string; readonly turn: number; readonly period: string; readonly granted: number }[] {
    const { id: period } = this.#roll(now)
    return [...this.#leases].filter(([, lease]) => open(lease) > 0).map(([keyId, { turn, granted }]) => ({ keyId, turn, period, granted }))
  }

  /** The period that is over its soft limit, and by how much. */
  over(now: number): { readonly period: string; readonly over?: Over } {
    return { period: this.#roll(now).id, ...this.#over() }
  }

  view(now: number): BudgetView {
    const { id: period, resetsAt } = this.#roll(now)
    return {
      spentNanoUsd: this.#sum(spent),
      leasedNanoUsd: this.#sum(open),
      limitNanoUsd: this.#policy.limitNanoUsd,
      period,
      resetsAt,
    }
  }

  /** What must be written down, once. */
  takeChanges(): BudgetChanges {
    const changed = [...this.#changed].flatMap((keyId) => {
      const lease = this.#leases.get(keyId)
      return lease === undefined ? [] : [[keyId, { ...lease }] as const]
    })
    const gone = this.#gone
    this.#changed.clear()
    this.#gone = []
    return { period: this.#period, changed, gone }
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
      this.#gone = [...this.#gone, ...this.#leases.keys()]
      this.#leases = new Map()
      this.#changed.clear()
    }
    return period
  }

  #tell(keyId: string, told: Told): Lease {
    let lease = this.#leases.get(keyId)
    if (lease === undefined || lease.turn < told.turn) {
      lease = { turn: told.turn, granted: 0, spent: 0, returned: 0, refunded: 0, before: lease === undefined ? 0 : spent(lease) }
      this.#leases.set(keyId, lease)
      this.#changed.add(keyId)
    }
    const isNews = told.spent > lease.spent || told.returned > lease.returned || told.refunded > lease.refunded
    if (told.turn === lease.turn && isNews) {
      this.#changed.add(keyId)
      lease.spent = Math.max(lease.spent, told.spent)
      lease.returned = Math.max(lease.returned, told.returned)
      lease.refunded = Math.max(lease.refunded, told.refunded)
    }
    return lease
  }

  #over(): { readonly over?: Over } {
    const over = overSoft(this.#sum(spent), this.#policy.softNanoUsd)
    return over === undefined ? {} : { over }
  }

  #sum(of: (lease: Lease) => number): number {
    let sum = 0
    for (const lease of this.#leases.values()) sum += of(lease)
    return sum
  }
}

function spent({ before, spent, refunded }: Lease): number {
  return before + spent - refunded
}

/** What is granted and neither spent nor given back. A late correction may spend beyond a grant: that is not outstanding. */
function open({ granted, spent, returned }: Lease): number {
  return Math.max(0, granted - spent - returned)
}
