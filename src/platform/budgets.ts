// Shared budgets in D1: what the administrator set.

import type { BudgetPolicy } from '../core/shared-budget.ts'

type Stored = {
  readonly scope: string
  readonly created_at: number
  readonly version: number
  readonly limit_nano_usd: number | null
  readonly limit_reset: string | null
  readonly removed: number
  readonly soft_limit_nano_usd: number | null
}

/** The budget of every customer that has none of its own. */
export const DEFAULT_CUSTOMER = 'customer:*'

/** One that nobody has set has the default of its kind; where there is none it has no limit, and is only counted. */
export async function readBudget(db: D1Database, scope: string): Promise<BudgetPolicy> {
  const { own, otherwise } = await findBudget(db, scope)
  return own === null || own.removed ? defaultFor(scope, own?.policy.version ?? 0, otherwise) : own.policy
}

/** `version`: of what stood there before, so that nothing older comes back. */
export function defaultFor(scope: string, version: number, otherwise: BudgetPolicy | null): BudgetPolicy {
  const { createdAt = 0, limitNanoUsd = null, limitReset = null, softNanoUsd = null } = otherwise ?? {}
  return { scope, version, createdAt, limitNanoUsd, limitReset, softNanoUsd, ...(hasDefault(scope) ? { isDefault: true } : {}) }
}

/** What D1 has of a budget itself; `null`: nothing. One that was taken away has the default of its kind, in its own version. */
export function ownPolicy(scope: string, { own, otherwise }: Found): BudgetPolicy | null {
  if (own === null) return null
  return own.removed ? defaultFor(scope, own.policy.version, otherwise) : own.policy
}

export function hasDefault(scope: string): boolean {
  return scope.startsWith('customer:') && scope !== DEFAULT_CUSTOMER
}

/** `own: null`: nobody has set it; `removed`: it was taken away. `otherwise`: the default of its kind. */
export type Found = {
  readonly own: { readonly policy: BudgetPolicy; readonly removed: boolean } | null
  readonly otherwise: BudgetPolicy | null
}

export async function findBudget(db: D1Database, scope: string): Promise<Found> {
  const { results } = await db
    .withSession('first-primary')
    .prepare('SELECT * FROM budgets WHERE scope IN (?1, ?2)')
    .bind(scope, hasDefault(scope) ? DEFAULT_CUSTOMER : scope)
    .all<Stored>()
  const own = results.find((one) => one.scope === scope)
  const otherwise = hasDefault(scope) ? results.find((one) => one.scope === DEFAULT_CUSTOMER && one.removed === 0) : undefined
  return {
    own: own === undefined ? null : { policy: policyOf(own), removed: own.removed === 1 },
    otherwise: otherwise === undefined ? null : policyOf(otherwise),
  }
}

export async function listBudgets(db: D1Database, limit: number, offset: number): Promise<readonly BudgetPolicy[]> {
  const found = await db
    .prepare('SELECT * FROM budgets WHERE removed = 0 ORDER BY scope LIMIT ?1 OFFSET ?2')
    .bind(limit, offset)
    .all<Stored>()
  return found.results.map(policyOf)
}

/** Writes a budget of a version; `false`: somebody else has changed it meanwhile. */
export async function writeBudget(db: D1Database, policy: BudgetPolicy, removed: boolean, now: number): Promise<boolean> {
  const { scope, createdAt, version, limitNanoUsd, limitReset, softNanoUsd = null } = policy
  const result = await db
    .prepare(
      'INSERT INTO budgets (scope, created_at, updated_at, version, limit_nano_usd, limit_reset, removed, soft_limit_nano_usd) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (scope) DO UPDATE SET updated_at = ?3, version = ?4, limit_nano_usd = ?5, limit_reset = ?6, removed = ?7, soft_limit_nano_usd = ?8 WHERE budgets.version = ?4 - 1',
    )
    .bind(
      scope,
      createdAt,
      now,
      version,
      removed ? null : limitNanoUsd,
      removed ? null : limitReset,
      removed ? 1 : 0,
      removed ? null : softNanoUsd,
    )
    .run()
  return result.meta.changes > 0
}

/** Gives back to D1 what it has lost. */
export function writeForward(db: D1Database, policy: BudgetPolicy, now: number): D1PreparedStatement {
  const { scope, createdAt, version, limitNanoUsd, limitReset, softNanoUsd = null } = policy
  // What was taken away has the default of its kind again, or never began.
  const removed = policy.isDefault === true || createdAt === 0
  return db
    .prepare(
      'INSERT INTO budgets (scope, created_at, updated_at, version, limit_nano_usd, limit_reset, removed, soft_limit_nano_usd) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (scope) DO UPDATE SET created_at = ?2, updated_at = ?3, version = ?4, limit_nano_usd = ?5, limit_reset = ?6, removed = ?7, soft_limit_nano_usd = ?8 WHERE budgets.version < ?4',
    )
    .bind(
      scope,
      createdAt,
      now,
      version,
      removed ? null : limitNanoUsd,
      removed ? null : limitReset,
      removed ? 1 : 0,
      removed ? null : softNanoUsd,
    )
}

function policyOf(stored: Stored): BudgetPolicy {
  return {
    scope: stored.scope,
    version: stored.version,
    createdAt: stored.created_at,
    limitNanoUsd: stored.limit_nano_usd,
    limitReset: stored.limit_reset,
    softNanoUsd: stored.soft_limit_nano_usd,
  }
}
