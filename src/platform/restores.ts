// A database that was put back to an earlier time, as keys and budgets have noticed it: one row each, and a line in the log.

export type Restore = {
  readonly createdAt: number
  readonly kind: 'key' | 'budget'
  /** The key's id, or the budget's scope. */
  readonly scope: string
  /** What D1 held, what the object knows, and what was done. No secrets. */
  readonly detail: { readonly [name: string]: unknown }
}

/** `mark`: what the object had told D1 by then, so that a repeated write counts once. */
export function insertRestore(db: D1Database, { createdAt, kind, scope, detail }: Restore, mark: string): D1PreparedStatement {
  return db
    .prepare('INSERT INTO restores (id, created_at, kind, scope, detail) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO NOTHING')
    .bind(`${kind}:${scope}:${mark}`, createdAt, kind, scope, JSON.stringify(detail))
}

export function logRestore({ kind, scope, detail }: Restore): void {
  console.log(JSON.stringify({ level: 'error', event: 'd1-restored', kind, scope, ...detail }))
}

type Stored = { readonly created_at: number; readonly kind: string; readonly scope: string; readonly detail: string }

/** The newest first. */
export async function listRestores(db: D1Database, limit: number, offset: number): Promise<readonly Restore[]> {
  const { results } = await db
    .prepare('SELECT * FROM restores ORDER BY created_at DESC, id LIMIT ?1 OFFSET ?2')
    .bind(limit, offset)
    .all<Stored>()
  return results.map((stored) => ({
    createdAt: stored.created_at,
    kind: stored.kind === 'budget' ? 'budget' : 'key',
    scope: stored.scope,
    detail: JSON.parse(stored.detail) as Restore['detail'], // as insertRestore wrote it
  }))
}

/** How many keys and budgets have noticed one, and when last (milliseconds). */
export async function countRestores(db: D1Database): Promise<{ readonly count: number; readonly last: number | null }> {
  const found = await db.prepare('SELECT COUNT(*) AS count, MAX(created_at) AS last FROM restores').first<{
    readonly count: number
    readonly last: number | null
  }>()
  return found ?? { count: 0, last: null }
}
