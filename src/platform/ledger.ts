// Reads the ledger in D1.

import type { Row } from '../core/account.ts'
import type { Ledger } from '../ports.ts'
import { fromStored, type Stored } from './rows.ts'

export function d1Ledger(db: D1Database): Ledger {
  return {
    async find(id) {
      const stored = await db.prepare('SELECT * FROM requests WHERE id = ?1').bind(id).first<Stored>()
      return stored === null ? null : fromStored(stored)
    },
  }
}

/** Rows of a key, newest first. */
export async function listRows(db: D1Database, keyId: string, limit: number, offset: number): Promise<readonly Row[]> {
  const found = await db
    .prepare('SELECT * FROM requests WHERE key_id = ?1 ORDER BY created_at DESC, id LIMIT ?2 OFFSET ?3')
    .bind(keyId, limit, offset)
    .all<Stored>()
  return found.results.map(fromStored)
}
