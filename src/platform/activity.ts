// Reads the sums by the hour, day by day.

import { HOURLY_SUMS, type HourlySums } from './hourly.ts'

const DAY_MS = 86_400_000
const KINDS = ['team', 'user', 'organization'] as const

/** What rows may be told apart by beside day, provider and model. By `tag` a request counts once for each of its tags. */
export const GROUPS = ['key', ...KINDS, 'tag'] as const
export type Group = (typeof GROUPS)[number]

/** Whole UTC days, `until` not among them, in milliseconds. A request must have all of `scopes` (`team:blue`) and `tags`. */
export type ActivityAsk = {
  readonly from: number
  readonly until: number
  readonly keyId: string | null
  readonly scopes: readonly string[]
  readonly tags: readonly string[]
  readonly group: Group | null
}

/** `provider` and `model` are empty where nothing is known to have been sent. `grouped: null`: it has none. */
export type ActivityRow = HourlySums & {
  readonly day: number
  readonly provider: string
  readonly model: string
  readonly grouped: string | null
}

/** Newest days first, in them the dearest. */
export async function readActivity(db: D1Database, ask: ActivityAsk): Promise<readonly ActivityRow[]> {
  const found = await db
    .prepare(activitySql(ask))
    .bind(ask.from, ask.until, JSON.stringify(ask.scopes), JSON.stringify(ask.tags), ...(ask.keyId === null ? [] : [ask.keyId]))
    .all<ActivityRow>()
  return found.results
}

function activitySql({ keyId, group }: ActivityAsk): string {
  const sums = HOURLY_SUMS.map((sum) => `sum(${sum}) AS ${sum}`).join(', ')
  return `SELECT hour - hour % ${DAY_MS} AS day, provider, model, ${grouped(group)} AS grouped, ${sums}
FROM hourly${group === 'tag' ? ' LEFT JOIN json_each(hourly.tags) AS tag' : ''}
WHERE hour >= ?1 AND hour < ?2${keyId === null ? '' : ' AND key_id = ?5'} AND ${hasAll('scopes', '?3')} AND ${hasAll('tags', '?4')}
GROUP BY 1, 2, 3, 4 HAVING sum(requests) > 0 ORDER BY 1 DESC, sum(cost_nano_usd) DESC, 2, 3, 4`
}

function hasAll(column: 'scopes' | 'tags', wanted: string): string {
  return `NOT EXISTS (SELECT 1 FROM json_each(${wanted}) AS wanted WHERE wanted.value NOT IN (SELECT value FROM json_each(hourly.${column})))`
}

function grouped(group: Group | null): string {
  if (group === null) return 'NULL'
  if (group === 'key') return 'key_id'
  if (group === 'tag') return 'tag.value'
  const prefix = `${group}:`
  // A key has one of each kind.
  return `(SELECT substr(value, ${prefix.length + 1}) FROM json_each(hourly.scopes) WHERE substr(value, 1, ${prefix.length}) = '${prefix}')`
}
