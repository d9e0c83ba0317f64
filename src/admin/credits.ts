// `GET /api/v1/credits`: what may be spent and what of it is spent, of one key or of all.

import type { KeyView } from '../core/account.ts'
import { dollarsNumber } from '../core/money.ts'
import { readSpend } from '../core/spend.ts'
import { periodAt } from '../core/window.ts'
import type { StoredKey } from '../platform/policies.ts'

type Json = { readonly [name: string]: unknown }
type Counted = Pick<StoredKey, 'id' | 'created_at' | 'limit_nano_usd' | 'limit_reset' | 'spend'>

const PAGE = 1000

/** A key's limit and what is booked on it in the limit's present period. */
export function ownCredits(view: KeyView): Json {
  return {
    total_credits: view.limitNanoUsd === null ? null : dollarsNumber(view.limitNanoUsd),
    total_usage: dollarsNumber(view.spentNanoUsd),
    sluice: { spent_nano_usd: view.spentNanoUsd, held_nano_usd: view.heldNanoUsd, limit_nano_usd: view.limitNanoUsd },
  }
}

/** The sums over all keys that are not deleted, as their objects last reported. One key without a limit: there is no sum of limits. */
export async function allCredits(db: D1Database, now: number): Promise<Json> {
  let credits = 0n // whole nano-dollars; three of the largest limits are more than a number holds exactly
  let usage = 0n
  let keys = 0
  let unlimited = 0
  let after = ''
  for (;;) {
    const { results } = await db
      .prepare(
        'SELECT id, created_at, limit_nano_usd, limit_reset, spend FROM keys WHERE id > ?1 AND deleted_at IS NULL ORDER BY id LIMIT ?2',
      )
      .bind(after, PAGE)
      .all<Counted>()
    for (const key of results) {
      const spend = readSpend(key.spend)
      keys++
      if (key.limit_nano_usd === null) unlimited++
      else credits += BigInt(key.limit_nano_usd)
      if (spend.period === periodAt(key.limit_reset, key.created_at, now).id) usage += BigInt(spend.periodNanoUsd)
    }
    const last = results.at(-1)
    if (last === undefined || results.length < PAGE) break
    after = last.id
  }
  return {
    total_credits: unlimited > 0 ? null : dollarsOf(credits),
    total_usage: dollarsOf(usage),
    sluice: { keys, keys_without_limit: unlimited },
  }
}

function dollarsOf(nanoUsd: bigint): number {
  return Number(nanoUsd) / 1_000_000_000
}
