import { describe, expect, it } from 'vitest'
import worker from '../../src/index.ts'
import type { Env } from '../../src/platform/env.ts'
import { writeRefusals } from '../../src/platform/refusals.ts'
import { letGo, retentionMs } from '../../src/platform/retention.ts'
import { bindings } from './bindings.ts'
import { carry, fresh, rowOf } from './ledger-rows.ts'

const DAY = 86_400_000
const NOW = Date.now()
const ids = async (table: string): Promise<readonly string[]> =>
  (await bindings.DB.prepare(`SELECT id FROM ${table} ORDER BY id`).all<{ readonly id: string }>()).results.map(({ id }) => id)
const refused = (id: string, createdAt: number) =>
  ({ id, createdAt, model: null, code: 'rate-exceeded', message: '', money: null, retryAfterMs: null, leftOut: 0 }) as const
const settings = (more: Record<string, string>): Env => ({ ...bindings, ...more }) as unknown as Env

describe('retention', () => {
  it('deletes what is older of every key, requests and refusals, in batches; sums stay', async () => {
    const made = ['a', 'b', 'c', 'd'].flatMap((keyId) =>
      [0, 1, 2, 3, 4].map((days) => fresh(rowOf(`${keyId}-${days}`, { keyId, createdAt: NOW - days * DAY }))),
    )
    await carry([made])
    await writeRefusals(bindings.DB, 'z', [refused('r-old', NOW - 5 * DAY), refused('r-new', NOW)], false)
    const sums = await bindings.DB.prepare('SELECT sum(requests) AS n FROM hourly').first('n')
    const before = NOW - 2.5 * DAY
    expect(await letGo(bindings.DB, before, { batch: 3, statements: 2 })).toEqual({ requests: 6, refusals: 0, isAll: false })
    expect(await ids('requests')).toHaveLength(14)
    expect(await letGo(bindings.DB, before, { batch: 3, statements: 9 })).toEqual({ requests: 2, refusals: 1, isAll: true })
    expect(await ids('requests')).toEqual(['a-0', 'a-1', 'a-2', 'b-0', 'b-1', 'b-2', 'c-0', 'c-1', 'c-2', 'd-0', 'd-1', 'd-2'])
    expect(await ids('refusals')).toEqual(['r-new'])
    expect(await letGo(bindings.DB, before)).toEqual({ requests: 0, refusals: 0, isAll: true })
    expect(await bindings.DB.prepare('SELECT sum(requests) AS n FROM hourly').first('n')).toBe(sums)
  })

  it('is run by the cron trigger, at ninety days unless set', async () => {
    await carry([[fresh(rowOf('gen-89', { createdAt: NOW - 89 * DAY })), fresh(rowOf('gen-91', { createdAt: NOW - 91 * DAY }))]])
    const event = { scheduledTime: NOW, cron: '17 * * * *', noRetry: () => undefined } as unknown as ScheduledController
    await worker.scheduled(event, settings({}))
    expect(await ids('requests')).toContain('gen-89')
    expect(await ids('requests')).not.toContain('gen-91')
    await worker.scheduled(event, settings({ SLUICE_RETENTION_DAYS: '30' }))
    expect(await ids('requests')).not.toContain('gen-89')
  })

  it('is never so short that a request which is told twice could be booked twice', () => {
    expect(retentionMs(settings({}))).toBe(90 * DAY)
    expect(retentionMs(settings({ SLUICE_RETENTION_DAYS: '7' }))).toBe(7 * DAY)
    expect(retentionMs(settings({ SLUICE_RETENTION_DAYS: '1' }))).toBe(2 * DAY + 600_000)
    expect(retentionMs(settings({ SLUICE_RETENTION_DAYS: '2', SLUICE_HOLD_SECONDS: '864000' }))).toBe(22 * DAY)
    for (const bad of ['0', '-1', 'never']) expect(retentionMs(settings({ SLUICE_RETENTION_DAYS: bad }))).toBe(90 * DAY)
  })
})
