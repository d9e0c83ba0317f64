// How refused requests stand in D1: written by their key's object, read for "why was I refused".

import type { ErrorCode } from '../core/errors.ts'
import type { Refused } from '../core/refused.ts'

/** Of each key, and those written since room was last made; older ones make room. */
export const MOST_KEPT = 1000

type Stored = {
  readonly id: string
  readonly key_id: string
  readonly created_at: number
  readonly model: string | null
  readonly code: string
  readonly message: string
  readonly scope: string | null
  readonly spent_nano_usd: number | null
  readonly held_nano_usd: number | null
  readonly limit_nano_usd: number | null
  readonly retry_after_ms: number | null
  readonly left_out: number
}

export type KeptRefusal = Refused & { readonly keyId: string }

/** A repeated write counts once. */
const INSERT = `INSERT INTO refusals (id, key_id, created_at, model, code, message, scope, spent_nano_usd, held_nano_usd, limit_nano_usd, retry_after_ms, left_out)
SELECT json_extract(value, '$[0]'), ?2, ${Array.from({ length: 10 }, (_, i) => `json_extract(value, '$[${i + 1}]')`).join(', ')}
FROM json_each(?1) WHERE true ON CONFLICT (id) DO NOTHING`
const TRIM = `DELETE FROM refusals WHERE key_id = ?1 AND created_at <=
(SELECT created_at FROM refusals WHERE key_id = ?1 ORDER BY created_at DESC LIMIT 1 OFFSET ?2)`
/** A request that was asked about twice and granted in the end was sent: its row is the ledger's. */
const NOT_SENT = 'NOT EXISTS (SELECT 1 FROM requests WHERE requests.id = refusals.id)'

/** `trim`: makes room too, which reads as many rows as are kept. `first`: what else is read or written, before; its results are given back. */
export async function writeRefusals(
  db: D1Database,
  keyId: string,
  refused: readonly Refused[],
  trim: boolean,
  first: readonly D1PreparedStatement[] = [],
): Promise<readonly D1Result[]> {
  const rows = refused.map((one) => [
    one.id, one.createdAt, one.model, one.code, one.message, one.money?.scope ?? null, one.money?.spentNanoUsd ?? null,
    one.money?.heldNanoUsd ?? null, one.money?.limitNanoUsd ?? null, one.retryAfterMs, one.leftOut,
  ]) // prettier-ignore
  const insert = db.prepare(INSERT).bind(JSON.stringify(rows), keyId)
  const results = await db.batch([...first, insert, ...(trim ? [db.prepare(TRIM).bind(keyId, MOST_KEPT)] : [])])
  return results.slice(0, first.length)
}

/** `null`: it was not refused by its key's object, or is not kept. */
export async function findRefusal(db: D1Database, id: string): Promise<KeptRefusal | null> {
  const stored = await db.prepare(`SELECT * FROM refusals WHERE id = ?1 AND ${NOT_SENT}`).bind(id).first<Stored>()
  return stored === null ? null : fromStored(stored)
}

/** Of a key, newest first. */
export async function listRefusals(db: D1Database, keyId: string, limit: number, offset: number): Promise<readonly KeptRefusal[]> {
  const { results } = await db
    .prepare(`SELECT * FROM refusals WHERE key_id = ?1 AND ${NOT_SENT} ORDER BY created_at DESC, id LIMIT ?2 OFFSET ?3`)
    .bind(keyId, limit, offset)
    .all<Stored>()
  return results.map(fromStored)
}

function fromStored(stored: Stored): KeptRefusal {
  const { scope, spent_nano_usd: spent, held_nano_usd: held, limit_nano_usd: limit } = stored
  return {
    id: stored.id,
    keyId: stored.key_id,
    createdAt: stored.created_at,
    model: stored.model,
    code: stored.code as ErrorCode, // as we wrote it
    message: stored.message,
    money:
      scope === null || spent === null || held === null || limit === null
        ? null
        : { scope, spentNanoUsd: spent, heldNanoUsd: held, limitNanoUsd: limit },
    retryAfterMs: stored.retry_after_ms,
    leftOut: stored.left_out,
  }
}
