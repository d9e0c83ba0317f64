// What an operator should hear of, in D1: written once each, read newest first.

export const EVENT_KINDS = ['budget.soft_limit'] as const

/** `id`: of what happened, so that a repeated write counts once. `keyId`: whose budget, where the scope is `key`. */
export type Happened = {
  readonly id: string
  readonly createdAt: number
  readonly kind: (typeof EVENT_KINDS)[number]
  readonly scope: string
  readonly keyId: string | null
  readonly period: string
  readonly spentNanoUsd: number
  readonly limitNanoUsd: number
}

type Stored = {
  readonly id: string
  readonly created_at: number
  readonly kind: Happened['kind']
  readonly scope: string
  readonly key_id: string | null
  readonly period: string
  readonly spent_nano_usd: number
  readonly limit_nano_usd: number
}

export async function insertEvent(db: D1Database, event: Happened): Promise<void> {
  const { id, createdAt, kind, scope, keyId, period, spentNanoUsd, limitNanoUsd } = event
  await db
    .prepare(
      'INSERT INTO events (id, created_at, kind, scope, key_id, period, spent_nano_usd, limit_nano_usd) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO NOTHING',
    )
    .bind(id, createdAt, kind, scope, keyId, period, spentNanoUsd, limitNanoUsd)
    .run()
}

/** Newest first; `kind: null`: of all kinds. */
export async function listEvents(db: D1Database, kind: string | null, limit: number, offset: number): Promise<readonly Happened[]> {
  const { results } = await db
    .prepare('SELECT * FROM events WHERE (?1 IS NULL OR kind = ?1) ORDER BY created_at DESC, id DESC LIMIT ?2 OFFSET ?3')
    .bind(kind, limit, offset)
    .all<Stored>()
  return results.map((row) => ({
    id: row.id,
    createdAt: row.created_at,
    kind: row.kind,
    scope: row.scope,
    keyId: row.key_id,
    period: row.period,
    spentNanoUsd: row.spent_nano_usd,
    limitNanoUsd: row.limit_nano_usd,
  }))
}
