// One Durable Object for each budget that keys share: keeps its book, writes it down, and recalls what keys do not need. It decides nothing.

import { DurableObject } from 'cloudflare:workers'
import {
  SharedBudget,
  type BudgetJournal,
  type BudgetPolicy,
  type BudgetView,
  type Heard,
  type LeaseAnswer,
  type LeaseAsk,
  type Told,
} from '../core/shared-budget.ts'
import { DEFAULT_CUSTOMER, defaultFor, findBudget, hasDefault, ownPolicy, readBudget, writeForward } from './budgets.ts'
import type { Env } from './env.ts'
import { grantCredit, type Granted } from './granting.ts'
import { accountOf, readCredit, type Grant } from './grants.ts'
import type { KeyObject } from './key-object.ts'
import { insertRestore, logRestore, type Restore } from './restores.ts'
import { SoftWatch } from './soft-watch.ts'

/** `seen`: the newest version that D1 was seen to have. What each key has leased stands in a value of its own: there may be many. */
type Stored = { readonly policy: BudgetPolicy; readonly period: string; readonly seen: number }
type StoredLease = BudgetJournal['leases'][number][1]

const LEASE = 'lease:'
/** Storage takes so many names in one call. */
const MOST_NAMES = 128
const PAGE = 1000

/** D1 is looked at no more often than this, to notice that it was put back to an earlier time. */
const COMPARE_MS = 60_000

/** A changed default is seen within so long. */
const DEFAULT_MS = 60_000
const RETRY_MS = 5000
const EVENT_MS = 300
const EVENT_RETRY_MS = 30_000

export class BudgetObject extends DurableObject<Env> {
  #book: SharedBudget | null = null
  #opening: Promise<SharedBudget> | null = null
  #round: Promise<void> | null = null
  #nextRound: Promise<void> | null = null
  #seen = 0
  #kept: Stored | null = null
  #comparedAt = 0
  #mending: Promise<void> | null = null
  readonly #soft = new SoftWatch(this.ctx.storage, this.env)
  #granting: Promise<unknown> = Promise.resolve()
  #readAt = 0
  #reading: Promise<void> | null = null

  /** Gives a key what it needs; before it is refused, what other keys do not need is recalled. On disk when this answers. */
  async lease(keyId: string, ask: LeaseAsk): Promise<LeaseAnswer> {
    const book = await this.#present()
    let answer = book.lease(keyId, ask, false, Date.now())
    if (answer.kind === 'short') {
      await this.#recall(book)
      answer = book.lease(keyId, ask, true, Date.now())
    }
    this.#keep(book)
    this.#compareSoon()
    this.#watch(book)
    return answer
  }

  /** On disk when this answers: the key may forget it then. */
  async tell(keyId: string, told: Told): Promise<Heard> {
    const book = this.#book ?? (await this.#open())
    const answer = book.tell(keyId, told, Date.now())
    this.#keep(book)
    this.#watch(book)
    return answer
  }

  async view(): Promise<BudgetView> {
    return (await this.#present()).view(Date.now())
  }

  /** What is known here without D1; `null`: nothing was ever set. */
  async known(): Promise<BudgetPolicy | null> {
    return this.#book?.policy ?? (await this.ctx.storage.get<Stored>('book'))?.policy ?? null
  }

  /**
   * An administrator's change, on disk when this answers; `inD1`: there it is already. `false`: another one is known here, so look again.
   * What keys do not need comes back under it.
   */
  async apply(policy: BudgetPolicy, inD1: boolean): Promise<boolean> {
    const book = this.#book ?? (await this.#open())
    const { version } = book.policy
    if (policy.version === version && this.#seen >= version && !sameBudget(policy, book.policy)) return false
    const again = sameBudget(policy, book.policy)
    const lessees = book.lessees(Date.now())
    if (!book.apply(policy)) return false
    if (inD1) this.#seen = Math.max(this.#seen, policy.version)
    this.#keep(book)
    if (again) return true
    await this.#askAll(book, lessees)
    this.#keep(book)
    return true
  }

  /** What D1 has of this budget, as somebody has read it. `true`: it was behind what was seen there before, so read again. */
  async reconcile(found: BudgetPolicy | null): Promise<boolean> {
    const book = this.#book ?? (await this.#open())
    const version = found?.version ?? 0
    if (version < this.#seen) {
      this.#mending ??= this.#mend(book).finally(() => {
        this.#mending = null
      })
      await this.#mending
      return true
    }
    // A change of which this object knows only a half: what D1 has taken is what counts.
    if (found !== null && this.#seen < version && version === book.policy.version) book.apply(found)
    if (version > this.#seen) {
      this.#seen = version
      this.#keep(book)
    }
    return false
  }

  /** If D1 is behind still it was put back to an earlier time, and gets back what is known here. */
  async #mend(book: SharedBudget): Promise<void> {
    const seen = this.#seen
    const scope = this.ctx.id.name ?? ''
    const found = ownPolicy(scope, await findBudget(this.env.DB, scope))
    if ((found?.version ?? 0) >= seen) return
    const { policy } = book
    const restore: Restore = {
      createdAt: Date.now(),
      kind: 'budget',
      scope: policy.scope,
      detail: {
        did: found === null ? 'row inserted' : 'row written forward',
        d1: found === null ? null : { version: found.version, limit_nano_usd: found.limitNanoUsd },
        object: { version: policy.version, limit_nano_usd: policy.limitNanoUsd },
      },
    }
    const { DB } = this.env
    await DB.batch([writeForward(DB, policy, restore.createdAt), insertRestore(DB, restore, `${seen}:${found?.version ?? 0}`)])
    logRestore(restore)
    this.#seen = Math.max(this.#seen, policy.version)
    this.#keep(book)
  }

  /** Beside the work, which does not wait for D1. */
  #compareSoon(): void {
    const now = Date.now()
    if (this.#seen === 0 || now - this.#comparedAt < COMPARE_MS) return
    this.#comparedAt = now
    const scope = this.ctx.id.name ?? ''
    if (accountOf(scope) !== null) return // its grants are rows of their own
    const compared = findBudget(this.env.DB, scope).then((found) => this.reconcile(ownPolicy(scope, found)))
    this.ctx.waitUntil(compared.catch(() => undefined)) // D1 is away: later
  }

  /** From storage, else from D1, once however many ask. */
  async #open(): Promise<SharedBudget> {
    this.#opening ??= this.#read().finally(() => {
      this.#opening = null
    })
    return this.#opening
  }

  async #read(): Promise<SharedBudget> {
    const stored = await this.ctx.storage.get<Stored>('book')
    const book = new SharedBudget(stored?.policy ?? (await this.#first()))
    if (stored !== undefined) book.restore({ period: stored.period, leases: await this.#leases() })
    this.#seen = stored?.seen ?? book.policy.version
    await this.#soft.restore()
    this.#book = book
    return book
  }

  async #leases(): Promise<BudgetJournal['leases']> {
    const leases: [string, StoredLease][] = []
    for (let startAfter: string | null = null; ;) {
      const page: Map<string, StoredLease> = await this.ctx.storage.list<StoredLease>({
        prefix: LEASE,
        limit: PAGE,
        ...(startAfter === null ? {} : { startAfter }),
      })
      for (const [name, lease] of page) {
        leases.push([name.slice(LEASE.length), lease])
        startAfter = name
      }
      if (page.size < PAGE) return leases
    }
  }

  /** An object that was never told anything asks D1; with D1 away the default still stands in its own object, where it was set. */
  async #first(): Promise<BudgetPolicy> {
    const scope = this.ctx.id.name ?? ''
    try {
      const account = accountOf(scope)
      const policy = await (account === null ? readBudget(this.env.DB, scope) : readCredit(this.env.DB, account))
      this.#readAt = Date.now()
      return policy
    } catch (cause) {
      const otherwise = hasDefault(scope) ? await budgetOf(this.env, DEFAULT_CUSTOMER).known() : null
      if (otherwise === null) throw cause
      return defaultFor(scope, 0, otherwise)
    }
  }

  /** The book under the present policy: a default is read again while it is in use, and waited for where it is older than a minute. */
  async #present(): Promise<SharedBudget> {
    const book = this.#book ?? (await this.#open())
    if (book.policy.isDefault !== true) return book
    const age = Date.now() - this.#readAt
    if (age > DEFAULT_MS) await this.#readAgain(book)
    else if (age > DEFAULT_MS / 2) this.ctx.waitUntil(this.#readAgain(book))
    return book
  }

  #readAgain(book: SharedBudget): Promise<void> {
    this.#reading ??= this.#readDefault(book).finally(() => {
      this.#reading = null
    })
    return this.#reading
  }

  async #readDefault(book: SharedBudget): Promise<void> {
    try {
      const policy = await readBudget(this.env.DB, this.ctx.id.name ?? '')
      this.#readAt = Date.now()
      const lessees = book.lessees(Date.now())
      if (JSON.stringify(policy) === JSON.stringify(book.policy) || !book.apply(policy)) return
      this.#keep(book)
      this.ctx.waitUntil(this.#askAll(book, lessees))
    } catch {
      this.#readAt = Date.now() - DEFAULT_MS + RETRY_MS // D1 is away: what is known counts on
    }
  }

  /** One after the other: two that take back must not both see the same credit. */
  async grant(grant: Grant): Promise<Granted> {
    const granted = this.#granting.then(async () => {
      const book = this.#book ?? (await this.#open())
      const keep = async (): Promise<void> => {
        this.#keep(book)
        await this.ctx.storage.sync()
      }
      return grantCredit(this.env.DB, { book, recall: () => this.#recall(book), keep }, grant)
    })
    this.#granting = granted.catch(() => undefined)
    return granted
  }

  override async alarm(): Promise<void> {
    if (this.#book === null) await this.#open()
    try {
      await this.#soft.carry()
    } catch {
      await this.ctx.storage.setAlarm(Date.now() + EVENT_RETRY_MS) // D1 is away
    }
  }

  /** Is the soft limit reached? What is to be said of it goes out by the alarm, which nobody waits for. */
  #watch(book: SharedBudget): void {
    const now = Date.now()
    const { period, over } = book.over(now)
    if (this.#soft.see(book.policy.scope, null, period, over, now))
      void this.ctx.storage.setAlarm(now + EVENT_MS, { allowUnconfirmed: true })
  }

  /** Only what is new. */
  #keep(book: SharedBudget): void {
    const { period, changed, gone } = book.takeChanges()
    const { storage } = this.ctx
    for (let i = 0; i < gone.length; i += MOST_NAMES) void storage.delete(gone.slice(i, i + MOST_NAMES).map((keyId) => LEASE + keyId))
    for (let i = 0; i < changed.length; i += MOST_NAMES)
      void storage.put(Object.fromEntries(changed.slice(i, i + MOST_NAMES).map(([keyId, lease]) => [LEASE + keyId, lease])))
    const { policy } = book
    if (this.#kept !== null && this.#kept.policy === policy && this.#kept.period === period && this.#kept.seen === this.#seen) return
    this.#kept = { policy, period, seen: this.#seen }
    void storage.put('book', this.#kept)
  }

  /** Many may be short at once: those who come while a round runs share the next one, which sees all that is free by then. */
  #recall(book: SharedBudget): Promise<void> {
    if (this.#round === null) return this.#startRound(book)
    this.#nextRound ??= this.#round.then(() => {
      this.#nextRound = null
      return this.#startRound(book)
    })
    return this.#nextRound
  }

  #startRound(book: SharedBudget): Promise<void> {
    const round = this.#askAll(book, book.lessees(Date.now())).finally(() => {
      if (this.#round === round) this.#round = null
    })
    this.#round = round
    return round
  }

  /** A key that cannot be reached keeps what it has. `lessees`: as they were before a change, which may begin another period. */
  async #askAll(book: SharedBudget, lessees: ReturnType<SharedBudget['lessees']>): Promise<void> {
    const scope = this.ctx.id.name ?? ''
    await Promise.all(
      lessees.map(async ({ keyId, turn, period, granted }) => {
        try {
          const told = await (this.env.KEYS.getByName(keyId) as unknown as Pick<KeyObject, 'recall'>).recall(scope, turn, period, granted)
          if (told === null) book.gone(keyId, turn)
          else book.tell(keyId, told, Date.now())
        } catch {
          // it is asked again when somebody is short again
        }
      }),
    )
  }
}

type Reached = Pick<BudgetObject, 'lease' | 'tell' | 'view' | 'apply' | 'reconcile' | 'known' | 'grant'>

/** A budget's object as its methods are written; the platform's own type of a stub wraps every answer once more. */
export function budgetOf(env: Env, scope: string): Reached {
  return env.BUDGETS.getByName(scope) as unknown as Reached
}

function sameBudget(a: BudgetPolicy, b: BudgetPolicy): boolean {
  return (
    a.version === b.version &&
    a.createdAt === b.createdAt &&
    a.limitNanoUsd === b.limitNanoUsd &&
    a.limitReset === b.limitReset &&
    (a.softNanoUsd ?? null) === (b.softNanoUsd ?? null) &&
    a.isDefault === b.isDefault
  )
}
