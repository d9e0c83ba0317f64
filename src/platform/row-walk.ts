// Walks through the rows of a span of time, key by key, with few questions and never more than a page of them in memory.

import type { Row } from '../core/account.ts'
import { fromStored, type Stored } from './rows.ts'

/** Half-open, in milliseconds. `keyId: null`: all keys. */
export type Span = { readonly from: number; readonly until: number; readonly keyId: string | null }

/** Where a walk goes on: behind all rows of this key, or, with `row`, behind that one of it. */
export type Place = { readonly keyId: string; readonly row: { readonly createdAt: number; readonly id: string } | null }

/** `questions`: after so many it stops, at the next place where it can. */
export type Measure = { readonly page: number; readonly keys: number; readonly questions: number }

/** What one invocation may ask on D1's free plan is 50. */
const MEASURE: Measure = { page: 1000, keys: 64, questions: 36 }

/**
 * Gives each row to `see`, once; no order is promised. `null`: that was all of them; else where to go on.
 * Rows that are written meanwhile may be missed. @throws what D1 throws
 */
export async function walkRows(
  db: D1Database,
  span: Span,
  after: Place | null,
  see: (row: Row) => void,
  { page, keys: most, questions }: Measure = MEASURE,
): Promise<Place | null> {
  let place = after
  let asked = 0
  const all = async (sql: string, ...values: readonly (string | number)[]): Promise<readonly Stored[]> => {
    asked++
    return (
      await db
        .prepare(sql)
        .bind(...values)
        .all<Stored>()
    ).results
  }
  let width = most // keys that are asked for together; fewer where their rows do not fit into a page
  while (asked < questions) {
    if (place?.row == null) {
      const found = span.keyId === null ? await all(KEYS, place?.keyId ?? '', width) : []
      let keys = span.keyId === null ? found.map(({ id }) => String(id)) : place === null ? [span.keyId] : []
      let rows: readonly Stored[] = []
      while (keys.length > 1) {
        rows = await all(OF_KEYS, JSON.stringify(keys), span.from, span.until, page + 1)
        if (rows.length <= page) break
        keys = keys.slice(0, Math.ceil(keys.length / 2))
      }
      const last = keys.at(-1)
      if (last === undefined) return null
      width = Math.min(most, keys.length * 2)
      if (keys.length === 1) place = { keyId: last, row: { createdAt: span.from, id: '' } }
      else {
        for (const row of rows) see(fromStored(row))
        place = { keyId: last, row: null }
      }
    }
    if (place.row === null) continue
    const rows = await all(OF_KEY, place.keyId, place.row.createdAt, place.row.id, span.until, page)
    for (const row of rows) see(fromStored(row))
    const last = rows.at(-1)
    const isWhole = last === undefined || rows.length < page
    place = { keyId: place.keyId, row: isWhole ? null : { createdAt: Number(last.created_at), id: String(last.id) } }
  }
  return place
}

const KEYS = 'SELECT id FROM keys WHERE id > ?1 ORDER BY id LIMIT ?2'
const OF_KEYS = 'SELECT * FROM requests WHERE key_id IN (SELECT value FROM json_each(?1)) AND created_at >= ?2 AND created_at < ?3 LIMIT ?4'
const OF_KEY =
  'SELECT * FROM requests WHERE key_id = ?1 AND (created_at, id) > (?2, ?3) AND created_at < ?4 ORDER BY created_at, id LIMIT ?5'
