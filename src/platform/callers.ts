// Who called which models lately, from the sums by the hour.

/** A target as the ledger has it. */
export type Called = { readonly provider: string; readonly model: string }

/** `hash` and `name` are `null` for a key that is gone; `lastHour` is the beginning of the last hour with a call, in milliseconds. */
export type Caller = Called & {
  readonly keyId: string
  readonly hash: string | null
  readonly name: string | null
  readonly requests: number
  readonly lastHour: number
}

/** The targets that were called since then. */
export async function calledSince(db: D1Database, since: number): Promise<readonly Called[]> {
  const { results } = await db
    .prepare("SELECT DISTINCT provider, model FROM hourly WHERE hour >= ?1 AND provider <> '' AND requests > 0")
    .bind(since)
    .all<Called>()
  return results
}

/** The keys that called these targets since then, at most `limit` rows, the busiest first. */
export async function callersOf(db: D1Database, targets: readonly Called[], since: number, limit: number): Promise<readonly Caller[]> {
  if (targets.length === 0) return []
  const named = JSON.stringify(targets.map(({ provider, model }) => `${provider}/${model}`))
  const { results } = await db
    .prepare(
      `SELECT sums.*, keys.hash, keys.name FROM (
SELECT provider, model, key_id AS keyId, sum(requests) AS requests, max(hour) AS lastHour FROM hourly
WHERE hour >= ?1 AND provider || '/' || model IN (SELECT value FROM json_each(?2)) GROUP BY 1, 2, 3 HAVING sum(requests) > 0
ORDER BY 4 DESC, 3, 1, 2 LIMIT ?3) AS sums LEFT JOIN keys ON keys.id = sums.keyId AND keys.deleted_at IS NULL
ORDER BY requests DESC, keyId, provider, model`,
    )
    .bind(since, named, limit)
    .all<Caller>()
  return results
}
