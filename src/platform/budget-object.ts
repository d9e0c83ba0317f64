// One Durable Object for each budget that keys share: keeps its book, writes it down, and recalls what keys do not need. It decides nothing.

import { DurableObject } from 'cloudflare:workers'
import {
  SharedBudget,
  type BudgetJournal,
  type BudgetPolicy,
  type BudgetView,
  type LeaseAnswer,
  type LeaseAsk,
  type Told,
} from '../core/shared-budget.ts'
import { findBudget, readBudget, writeForward } from './budgets.ts'
import type { Env } from './env.ts'
import type { KeyObject } from './key-object.ts'
import { insertRestore, logRestore, type Restore } from './restores.ts'

/** `seen`: the newest version that D1 was seen to have. */
type Stored = { readonly policy: BudgetPolicy; readonly journal: BudgetJournal; readonly seen?: number }

/** D1 is looked at no more often than this, to notice that it was put back to an earlier time. */
const COMPARE_MS = 60_000

export class BudgetObject extends DurableObject<Env> {
  #book: SharedBudget | null = null
  #opening: Promise<SharedBudget> | null = null
  #round: Promise<void> | null = null
  #nextRound: Promise<void> | null = null
  #seen = 0
  #comparedAt = 0
  #mending: Promise<void> | null = null

  /** Gives a key what it needs; before it is refused, what other keys do not need is recalled. On disk when this answers. */
  async lease(keyId: string, ask: LeaseAsk): Promise<LeaseAnswer> {
    const book = this.#book ?? (await this.#open())
    let answer = book.lease(keyId, ask, false, Date.now())
    if (answer.kind === 'short') {
      await this.#recall(book)
      answer = book.lease(keyId, ask, true, Date.now())
    }
    this.#keep(book)
    this.#compareSoon()
    return answer
  }

  async tell(keyId: string, told: Told): Promise<void> {
    const book = this.#book ?? (await this.#open())
    book.tell(keyId, told, Date.now())
    this.#keep(book)
  }

  async view(): Promise<BudgetView> {
    return (this.#book ?? (await this.#open())).view(Date.now())
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
    if (!book.apply(policy)) return false
    if (inD1) this.#seen = Math.max(this.#seen, policy.version)
    this.#keep(book)
    if (again) return true
    await this.#recall(book)
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
    const found = await findBudget(this.env.DB, this.ctx.id.name ?? '')
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
    const compared = findBudget(this.env.DB, this.ctx.id.name ?? '').then((found) => this.reconcile(found))
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
    const scope = this.ctx.id.name ?? ''
    const book = new SharedBudget(stored?.policy ?? (await readBudget(this.env.DB, scope)))
    if (stored !== undefined) book.restore(stored.journal)
    this.#seen = stored === undefined ? book.policy.version : (stored.seen ?? 0)
    this.#book = book
    return book
  }

  #keep(book: SharedBudget): void {
    void this.ctx.storage.put('book', { policy: book.policy, journal: book.snapshot(), seen: this.#seen } satisfies Stored)
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
    const round = this.#askAll(book).finally(() => {
      if (this.#round === round) this.#round = null
    })
    this.#round = round
    return round
  }

  /** A key that cannot be reached keeps what it has. */
  async #askAll(book: SharedBudget): Promise<void> {
    const scope = this.ctx.id.name ?? ''
    await Promise.all(
      book.lessees(Date.now()).map(async ({ keyId, period, granted }) => {
        try {
          const told = await (this.env.KEYS.getByName(keyId) as unknown as Pick<KeyObject, 'recall'>).recall(scope, period, granted)
          book.tell(keyId, told, Date.now())
        } catch {
          // it is asked again when somebody is short again
        }
      }),
    )
  }
}

/** A budget's object as its methods are written; the platform's own type of a stub wraps every answer once more. */
export function budgetOf(env: Env, scope: string): Reached {
  return env.BUDGETS.getByName(scope) as unknown as Reached
}

type Reached = Pick<BudgetObject, 'lease' | 'tell' | 'view' | 'apply' | 'reconcile'>

function sameBudget(a: BudgetPolicy, b: BudgetPolicy): boolean {
  return a.version === b.version && a.createdAt === b.createdAt && a.limitNanoUsd === b.limitNanoUsd && a.limitReset === b.limitReset
}
