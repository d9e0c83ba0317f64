// Prepaid credit in D1: the grants of an account. Their sum is the limit of the budget `credit:account`, their number its version.

import type { BudgetPolicy } from '../core/shared-budget.ts'

const PREFIX = 'credit:'

/** Whole nano-dollars; a negative amount takes back. */
export type Grant = {
  readonly id: string
  readonly account: string
  readonly createdAt: number
  readonly amountNanoUsd: number
  readonly note: string | null
}

type Stored = {
  readonly id: string
  readonly account: string
  readonly created_at: number
  readonly amount_nano_usd: number
  readonly note: string | null
}

/** The account whose budget this is; `null`: it is another kind of budget. */
export function accountOf(scope: string): string | null {
  return scope.startsWith(PREFIX) ? scope.slice(PREFIX.length) : null
}

export function creditScope(account: string): string {
  return PREFIX + account
}

/** Never resets. Without a grant nothing can be spent. */
export function creditPolicy(account: string, grants: number, sumNanoUsd: number): BudgetPolicy {
  return { scope: creditScope(account), version: grants, createdAt: 0, limitNanoUsd: sumNanoUsd, limitReset: null }
}

export async function readCredit(db: D1Database, account: string): Promise<BudgetPolicy> {
  const found = await db
    .withSession('first-primary')
    .prepare('SELECT COUNT(*) AS grants, COALESCE(SUM(amount_nano_usd), 0) AS sum FROM grants WHERE account = ?1')
    .bind(account)
    .first<{ readonly grants: number; readonly sum: number }>()
  return creditPolicy(account, found?.grants ?? 0, found?.sum ?? 0)
}

/** `null`: there is none of this id. */
export async function findGrant(db: D1Database, id: string): Promise<Grant | null> {
  const found = await db.withSession('first-primary').prepare('SELECT * FROM grants WHERE id = ?1').bind(id).first<Stored>()
  return found === null ? null : grantOf(found)
}

/** Newest first. */
export async function listGrants(db: D1Database, account: string, limit: number, offset: number): Promise<readonly Grant[]> {
  const { results } = await db
    .prepare('SELECT * FROM grants WHERE account = ?1 ORDER BY created_at DESC, id DESC LIMIT ?2 OFFSET ?3')
    .bind(account, limit, offset)
    .all<Stored>()
  return results.map(grantOf)
}

export async function insertGrant(db: D1Database, { id, account, createdAt, amountNanoUsd, note }: Grant): Promise<void> {
  await db
    .prepare('INSERT INTO grants (id, account, created_at, amount_nano_usd, note) VALUES (?1, ?2, ?3, ?4, ?5)')
    .bind(id, account, createdAt, amountNanoUsd, note)
    .run()
}

function grantOf(stored: Stored): Grant {
  return {
    id: stored.id,
    account: stored.account,
    createdAt: stored.created_at,
    amountNanoUsd: stored.amount_nano_usd,
    note: stored.note,
  }
}
