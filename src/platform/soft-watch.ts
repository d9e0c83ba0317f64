// Says once a period that a budget has reached its soft limit: a line in the log at once, and a row in D1 as soon as it can be reached.
// Kept on disk until it is there.

import type { Over } from '../core/soft-limit.ts'
import { dollarsText } from '../core/money.ts'
import { setting, type Env } from './env.ts'
import { insertEvent, type Happened } from './events.ts'

const STORED = 'soft'
type Stored = { readonly told: string; readonly waiting: readonly Happened[] }

export class SoftWatch {
  readonly #storage: DurableObjectStorage
  readonly #env: Env
  /** The last period that was told of. */
  #told = ''
  #waiting: readonly Happened[] = []

  constructor(storage: DurableObjectStorage, env: Env) {
    this.#storage = storage
    this.#env = env
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0
  }

  async restore(): Promise<void> {
    const stored = await this.#storage.get<Stored>(STORED)
    if (stored === undefined) return
    this.#told = stored.told
    this.#waiting = stored.waiting
  }

  /** `true`: this is new, and waits to be carried. */
  see(scope: string, keyId: string | null, period: string, over: Over | undefined, now: number): boolean {
    if (over === undefined || period === this.#told) return false
    this.#told = period
    const event: Happened = {
      id: `budget.soft_limit|${keyId ?? scope}|${period}`,
      createdAt: now,
      kind: 'budget.soft_limit',
      scope,
      keyId,
      period,
      spentNanoUsd: over.spentNanoUsd,
      limitNanoUsd: over.softNanoUsd,
    }
    this.#waiting = [...this.#waiting, event]
    this.#keep()
    if (setting(this.#env, 'SLUICE_LOG') !== 'off')
      console.log(
        JSON.stringify({
          level: 'warning',
          event: event.kind,
          scope,
          ...(keyId === null ? {} : { key_id: keyId }),
          period,
          spent_usd: dollarsText(over.spentNanoUsd),
          soft_limit_usd: dollarsText(over.softNanoUsd),
        }),
      )
    return true
  }

  /** @throws what D1 throws: the rest stays */
  async carry(): Promise<void> {
    for (let [event] = this.#waiting; event !== undefined; [event] = this.#waiting) {
      await insertEvent(this.#env.DB, event)
      const { id } = event
      this.#waiting = this.#waiting.filter((one) => one.id !== id)
      this.#keep()
    }
  }

  #keep(): void {
    void this.#storage.put(STORED, { told: this.#told, waiting: this.#waiting } satisfies Stored, { allowUnconfirmed: true })
  }
}
