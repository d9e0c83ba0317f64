import { describe, expect, it } from 'vitest'
import type { Row } from '../../src/core/account.ts'
import { usageOf } from '../../src/core/usage.ts'
import { ALL_CELLS, HOURLY_SUMS } from '../../src/platform/hourly.ts'
import { d1Ledger } from '../../src/platform/ledger.ts'
import type { Booked } from '../../src/core/book.ts'
import { chance as chanceOf, oneOf, whole } from '../support/chance.ts'
import { bindings, call, echo, makeKey, until } from './bindings.ts'
import { carry, corrects, fresh, HOUR, rowOf } from './ledger-rows.ts'

type Cell = { readonly [column: string]: string | number }

const told = async (): Promise<readonly Cell[]> =>
  (await bindings.DB.prepare('SELECT * FROM hourly ORDER BY 1, 2, 3, 4, 5, 6').all<Cell>()).results
const counted = async (): Promise<readonly Cell[]> =>
  (await bindings.DB.prepare(`SELECT * FROM (${ALL_CELLS}) ORDER BY 1, 2, 3, 4, 5, 6`).all<Cell>()).results
const valuesOf = (cells: readonly Cell[]): readonly unknown[] => cells.map((cell) => Object.values(cell))

describe('sums by the hour', () => {
  it('are what the rows come to, whatever is repeated, corrected and mixed', async () => {
    const chance = chanceOf('hourly')
    const below = (n: number): number => whole(chance, n)
    const pick = <T>(list: readonly T[]): T => oneOf(chance, list)
    const some = <T>(list: readonly T[]): readonly T[] => list.filter(() => chance() < 0.4).toSorted(() => chance() - 0.5)
    const random = (id: string, createdAt: number): Row =>
      rowOf(id, {
        keyId: `sums-${Number(id.slice(4)) % 3}`,
        createdAt,
        provider: pick(['p', 'q', null]),
        model: pick(['m', 'n', null]),
        usage: chance() < 0.2 ? null : usageOf({ input: below(50), cacheRead: below(9), cacheWrite5m: below(9), cacheWrite1h: below(9), output: below(50), inputAudio: below(3), reasoning: pick([null, 3]), ...(chance() < 0.3 ? { inputImage: 4 } : {}) }),
        costNanoUsd: pick([null, 0, below(1e6), 1e12]),
        ended: pick(['complete', 'client-gone', 'upstream-cut', 'failed', 'expired']),
        tags: some(['a', 'b', 'a', 'ü"']),
        scopes: some(['team:blue', 'user:ann']),
      }) // prettier-ignore
    const sent: Booked[][] = []
    let made = 0
    for (let step = 0; step < 60; step++) {
      const at = (1_000 + below(4)) * HOUR + below(HOUR)
      const batch: Booked[] = []
      const count = below(12)
      for (let i = 0; i < count; i++) {
        if (made > 0 && chance() < 0.35) batch.push(corrects(random(`sum-${below(made)}`, at)))
        else batch.push(fresh(random(`sum-${made++}`, at)))
      }
      sent.push(batch)
      // Lost answers: a batch, or one of long ago, is carried again; and one of two in the same transaction.
      const again = chance() < 0.3 ? [pick(sent)] : []
      await carry([batch, ...again, ...(chance() < 0.2 ? [batch] : [])])
      if (step % 10 === 9) {
        const cells = await told()
        expect(valuesOf(cells.filter(({ requests }) => requests !== 0))).toEqual(valuesOf(await counted()))
        for (const cell of cells) if (cell['requests'] === 0) expect(HOURLY_SUMS.map((sum) => cell[sum])).toEqual(HOURLY_SUMS.map(() => 0))
      }
    }
    expect(made).toBeGreaterThan(150)
    const rows = await bindings.DB.prepare("SELECT count(*) AS n FROM requests WHERE key_id LIKE 'sums-%'").first<{ readonly n: number }>()
    expect(rows?.n).toBe(made)
  })

  it('of rows that were there before are made by the migration', async () => {
    const before = await counted()
    const backfill = bindings.MIGRATIONS.find(({ name }) => name.startsWith('0006'))?.queries.find((sql) =>
      sql.includes('INSERT INTO hourly'),
    )
    await bindings.DB.prepare('DELETE FROM hourly').run()
    await bindings.DB.prepare(backfill ?? '').run()
    expect(before.length).toBeGreaterThan(20)
    expect(valuesOf(await told())).toEqual(valuesOf(before))
  })

  it('of the largest batch are one write a cell', async () => {
    const many = Array.from({ length: 250 }, (_, i) =>
      fresh(rowOf(`large-${i}`, { keyId: 'large', tags: ['x'.repeat(64), String(i % 2)] })),
    )
    await carry([many.slice(0, 125), many.slice(125)])
    const cells = (await told()).filter(({ key_id }) => key_id === 'large')
    expect(cells.map((cell) => [cell['requests'], cell['prompt'], cell['completion'], cell['cost_nano_usd']])).toEqual([
      [125, 1250, 625, 875],
      [125, 1250, 625, 875],
    ])
  })

  it('leave rows alone that a version without sums has written', async () => {
    await bindings.DB.prepare(
      "INSERT INTO requests (id, key_id, created_at, period, dialect, requested_model, streamed, usage_from, attempts, ended, total_ms, tags, dropped) VALUES ('gen-old', 'old', 1, 'ever', 'd', 'm', 0, 'none', '[]', 'expired', 1, '[]', '[]')",
    ).run()
    await carry([[fresh(rowOf('gen-old', { keyId: 'old' }))]])
    expect((await told()).filter(({ key_id }) => key_id === 'old')).toEqual([])
    await carry([[corrects(rowOf('gen-old', { keyId: 'old' }))]])
    expect((await told()).filter(({ key_id }) => key_id === 'old')).toMatchObject([{ requests: 1, cost_nano_usd: 7 }])
  })

  it('have the scopes of a key and the tags of a request', async () => {
    const { key, id } = await makeKey({ sluice: { team: 'blue', user: 'ann' } })
    await call('POST', '/v1/chat/completions', key, echo('one'), { 'x-sluice-tags': 'b,a' })
    const cells = await until(
      async () => (await told()).filter(({ key_id }) => key_id === id),
      (found) => found.length > 0,
    )
    expect(cells).toMatchObject([{ provider: 'demo', model: 'echo', scopes: '["team:blue","user:ann"]', tags: '["a","b"]', requests: 1 }])
  })
})

describe('a row', () => {
  it('keeps the tier that served it, and what is billed beside the answer', async () => {
    const usage = usageOf({ input: 3, service: 'priority', billed: usageOf({ input: 9 }), aside: usageOf({ output: 2 }) })
    await carry([[fresh(rowOf('gen-tier', { keyId: 'tier', usage, scopes: ['team:x'] }))]])
    expect(await d1Ledger(bindings.DB).find('gen-tier')).toMatchObject({ usage, scopes: ['team:x'] })
    await carry([[fresh(rowOf('gen-plain', { keyId: 'tier' }))]])
    expect((await d1Ledger(bindings.DB).find('gen-plain'))?.usage).toEqual({ ...usageOf({ input: 10, output: 5 }), reasoning: null })
  })
})
