// Lets go of rows that are older than the operator wants to keep: of requests and of refusals. The sums by the hour stay.

import { numberSetting, type Env } from './env.ts'

const DAY_MS = 86_400_000
/** Deleted by one statement, and statements a run: within what D1 gives one invocation on its free plan (50 queries). */
const BATCH = 2000
const MOST_STATEMENTS = 45

/**
 * A key's object looks in the ledger for requests that it has forgotten, or a settle that is told twice would count twice. It may be told
 * until the hold has expired and nobody tries any more, counted from the end of the request: rows are dated by its beginning, so a request
 * may have lasted a day.
 */
const LEAST_DAYS = 2

/** How long rows are kept, in milliseconds: `SLUICE_RETENTION_DAYS`, but never so short that something could be booked twice. */
export function retentionMs(env: Env): number {
  const holdMs = numberSetting(env, 'SLUICE_HOLD_SECONDS', 300) * 1000
  return Math.max(numberSetting(env, 'SLUICE_RETENTION_DAYS', 90) * DAY_MS, LEAST_DAYS * DAY_MS + 2 * holdMs)
}

type Table = 'requests' | 'refusals'

/** Steps from key to key in the index that each table has, so no index over time alone is needed: it would be a third write a request. */
const deleteSql = (table: Table): string => `DELETE FROM ${table} WHERE id IN (
WITH RECURSIVE keyed (id) AS (
  SELECT min(key_id) FROM ${table}
  UNION ALL SELECT (SELECT min(key_id) FROM ${table} WHERE key_id > keyed.id) FROM keyed WHERE keyed.id IS NOT NULL)
SELECT ${table}.id FROM keyed CROSS JOIN ${table} ON ${table}.key_id = keyed.id AND ${table}.created_at < ?1 LIMIT ?2)`

export type LetGo = { readonly requests: number; readonly refusals: number; readonly isAll: boolean }

/** Deletes what is older, in batches, so many at most; `isAll: false`: the next run goes on. @throws what D1 throws */
export async function letGo(
  db: D1Database,
  olderThan: number,
  { batch = BATCH, statements = MOST_STATEMENTS }: { readonly batch?: number; readonly statements?: number } = {},
): Promise<LetGo> {
  const gone = { requests: 0, refusals: 0 }
  let left = statements
  for (const table of ['requests', 'refusals'] as const) {
    for (let deleted = batch; deleted >= batch; left--) {
      if (left === 0) return { ...gone, isAll: false }
      const { meta } = await db.prepare(deleteSql(table)).bind(olderThan, batch).run()
      deleted = meta.changes
      gone[table] += deleted
    }
  }
  return { ...gone, isAll: true }
}

/** What the cron trigger does. */
export async function keepHouse(env: Env, now: number): Promise<void> {
  const gone = await letGo(env.DB, now - retentionMs(env))
  if (gone.requests + gone.refusals > 0)
    console.log(JSON.stringify({ level: 'info', message: 'Rows past their retention are deleted.', ...gone }))
}
