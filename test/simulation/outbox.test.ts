// What waits for the ledger while that is away for long: nothing is lost, and memory does not grow with it.

import { describe, expect, it } from 'vitest'
import type { Row } from '../../src/core/account.ts'
import type { Booked } from '../../src/core/book.ts'
import { expiredRow } from '../../src/core/expired-row.ts'
import { Outbox } from '../../src/platform/outbox.ts'
import { Disk } from './disk.ts'
import { FakeLedger } from './ledger.ts'

const rowOf = (id: string, costNanoUsd: number): Row => ({
  ...expiredRow('k', { requestId: id, period: 'ever', nanoUsd: 0, takenAt: 0, expiresAt: 0, budgeted: true }, 0),
  costNanoUsd,
})
const batchOf = (from: number, count: number): readonly Booked[] =>
  Array.from({ length: count }, (_, i) => ({ row: rowOf(`r${from + i}`, from + i), corrects: false }))

/** A disk on which everything is at once. */
function quickDisk(): Disk {
  const disk: Disk = new Disk(() => disk.carry())
  return disk
}

describe('rows that wait for a ledger that is away', () => {
  it('are carried in order, each once, also those that are on disk only and after a restart', async () => {
    const disk = quickDisk()
    const ledger = new FakeLedger(
      () => Promise.resolve(),
      () => false,
    )
    const outbox = new Outbox(disk.storage())
    ledger.isAway = true
    const flush = (of: Outbox): Promise<readonly string[]> => {
      const all: string[] = []
      return of
        .flush(
          ledger.database(),
          () => [],
          (_, ids) => {
            all.push(...ids)
            return Promise.resolve()
          },
        )
        .then(() => all)
    }
    for (let i = 0; i < 5000; i += 90) outbox.keep(batchOf(i, Math.min(90, 5000 - i)))
    await expect(flush(outbox)).rejects.toThrow('away')
    expect(outbox.size).toBe(5000)
    expect((await outbox.find('r10'))?.costNanoUsd).toBe(10)
    expect((await outbox.find('r4990'))?.costNanoUsd).toBe(4990)
    expect(await outbox.find('nobody')).toBeNull()

    disk.crash(Number.MAX_SAFE_INTEGER)
    const again = new Outbox(disk.storage())
    const seen: string[] = []
    await again.restore(({ id }) => seen.push(id))
    expect(seen).toEqual(Array.from({ length: 5000 }, (_, i) => `r${i}`))
    again.keep([{ row: rowOf('r4', 1), corrects: true }])
    ledger.isAway = false
    expect(await flush(again)).toHaveLength(5001)
    expect([ledger.rows.size, again.size, again.isEmpty]).toEqual([5000, 0, true])
    expect([...ledger.rows.values()].filter(({ cost }, i) => cost !== i)).toMatchObject([{ id: 'r4', cost: 1, writes: 2 }])
    expect(await again.find('r10')).toBeNull()
    const third = new Outbox(disk.storage())
    await third.restore(({ id }) => expect(id).toBe('none is left'))
    expect(third.isEmpty).toBe(true)
  })
})
