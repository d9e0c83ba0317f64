// Rows for the tests of the ledger, and a way for them into D1 that is the key object's.

import type { Row } from '../../src/core/account.ts'
import type { Booked } from '../../src/core/book.ts'
import { usageOf } from '../../src/core/usage.ts'
import { Outbox } from '../../src/platform/outbox.ts'
import { bindings } from './bindings.ts'
import { rowOf as plainRow } from '../support/rows.ts'

export const HOUR = 3_600_000

export const rowOf = (id: string, more: Partial<Row> = {}): Row =>
  plainRow(id, {
    keyId: 'sums',
    createdAt: 1_000 * HOUR,
    dialect: 'openai-chat',
    usage: usageOf({ input: 10, output: 5 }),
    costNanoUsd: 7,
    priceVersion: 'v',
    finish: 'stop',
    scopes: [],
    ...more,
  })

/** As a key's object carries rows; its storage is only asked to keep what nobody reads here. */
export async function carry(batches: readonly (readonly Booked[])[]): Promise<void> {
  const storage = {
    put: () => Promise.resolve(),
    delete: () => Promise.resolve(0),
    sync: () => Promise.resolve(),
  } as unknown as DurableObjectStorage
  const outbox = new Outbox(storage)
  for (const batch of batches) outbox.keep(batch)
  const report = (): readonly D1PreparedStatement[] => [bindings.DB.prepare('UPDATE keys SET spend = spend WHERE id = ?1').bind('sums')]
  await outbox.flush(bindings.DB, report, () => Promise.resolve())
}

export const fresh = (row: Row): Booked => ({ row, corrects: false })
export const corrects = (row: Row): Booked => ({ row, corrects: true })
