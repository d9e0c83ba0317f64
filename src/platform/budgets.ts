// Shared budgets in D1: what the administrator set.

import type { BudgetPolicy } from '../core/shared-budget.ts'

type Stored = {
  readonly scope: string
  readonly created_at: number
  readonly version: number
  readonly limit_nano_usd: number | null
  readonly limit_reset: string | null
}

/** One that nobody has set has no limit: it is only counted. */
export async function readBudget(db: D1Database, scope: string): Promise<BudgetPolicy> {
  return (await findBudget(db, scope)) ?? { scope, version: 0, createdAt: 0, limitNanoUsd: null, limitReset: null }
}

/** `null`: nobody has set it. */
export async function findBudget(db: D1Database, scope: string): Promise<BudgetPolicy | null> {
  const stored = await db.withSession('first-primary').prepare('SELECT * FROM budgets WHERE scope = ?1').bind(scope).first<Stored>()
  return stored === null ? null : policyOf(stored)
}

export async function listBudgets(db: D1Database, limit: number, offset: number): Promise<readonly BudgetPolicy[]> {
  const found = await db.prepare('SELECT * FROM budgets ORDER BY scope LIMIT ?1 OFFSET ?2').bind(limit, offset).all<Stored>()
  return found.results.map(policyOf)
}

/** Writes a budget of a version; `false`: somebody else has changed it meanwhile. */
export async function writeBudget(db: D1Database, policy: BudgetPolicy, now: number): Promise<boolean> {
  const { scope, createdAt, version, limitNanoUsd, limitReset } = policy
  const result = await db
    .prepare(
      'INSERT INTO budgets (scope, created_at, updated_at, version, limit_nano_usd, limit_reset) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (scope) DO UPDATE SET updated_at = ?3, version = ?4, limit_nano_usd = ?5, limit_reset = ?6 WHERE budgets.version = ?4 - 1',
    )
    .bind(scope, createdAt, now, version, limitNanoUsd, limitReset)
    .run()
  return result.meta.changes > 0
}

/** Gives back to D1 what it has lost. */
export function writeForward(db: D1Database, policy: BudgetPolicy, now: number): D1PreparedStatement {
  const { scope, createdAt, version, limitNanoUsd, limitReset } = policy
  return db
    .prepare(
      'INSERT INTO budgets (scope, created_at, updated_at, version, limit_nano_usd, limit_reset) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (scope) DO UPDATE SET created_at = ?2, updated_at = ?3, version = ?4, limit_nano_usd = ?5, limit_reset = ?6 WHERE budgets.version < ?4',
    )
    .bind(scope, createdAt, now, version, limitNanoUsd, limitReset)
}

function policyOf(stored: Stored): BudgetPolicy {
  return {
    scope: stored.scope,
    version: stored.version,
    createdAt: stored.created_at,
    limitNanoUsd: stored.limit_nano_usd,
    limitReset: stored.limit_reset,
  }
}
