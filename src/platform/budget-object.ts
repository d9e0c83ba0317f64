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
import { readBudget } from './budgets.ts'
import type { Env } from './env.ts'
import type { KeyObject } from './key-object.ts'

type Stored = { readonly policy: BudgetPolicy; readonly journal: BudgetJournal }

export class BudgetObject extends DurableObject<Env> {
  #book: SharedBudget | null = null
  #opening: Promise<SharedBudget> | null = null
  #round: Promise<void> | null = null
  #nextRound: Promise<void> | null = null

  /** Gives a key what it needs; before it is refused, what other keys do not need is recalled. On disk when this answers. */
  async lease(keyId: string, ask: LeaseAsk): Promise<LeaseAnswer> {
    const book = this.#book ?? (await this.#open())
    let answer = book.lease(keyId, ask, false, Date.now())
    if (answer.kind === 'short') {
      await this.#recall(book)
      answer = book.lease(keyId, ask, true, Date.now())
    }
    this.#keep(book)
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

  /** An administrator's change, on disk when this answers. `false`: a newer one is known here. What keys do not need comes back under it. */
  async apply(policy: BudgetPolicy): Promise<boolean> {
    const book = this.#book ?? (await this.#open())
    if (!book.apply(policy)) return false
    this.#keep(book)
    await this.#recall(book)
    this.#keep(book)
    return true
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
    this.#book = book
    return book
  }

  #keep(book: SharedBudget): void {
    void this.ctx.storage.put('book', { policy: book.policy, journal: book.snapshot() } satisfies Stored)
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
export function budgetOf(env: Env, scope: string): Pick<BudgetObject, 'lease' | 'tell' | 'view' | 'apply'> {
  return env.BUDGETS.getByName(scope) as unknown as Pick<BudgetObject, 'lease' | 'tell' | 'view' | 'apply'>
}
