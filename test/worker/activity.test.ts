import { beforeAll, describe, expect, it } from 'vitest'
import { usageOf } from '../../src/core/usage.ts'
import { ADMIN, call, echo, makeKey, type Made } from './bindings.ts'
import { carry, corrects, fresh, HOUR, rowOf } from './ledger-rows.ts'

const DAY = 24 * HOUR
const today = Date.now() - (Date.now() % DAY)
const dateOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
type Row = { readonly [name: string]: unknown; readonly sluice: { readonly [name: string]: unknown } }
const read = async (query: string): Promise<readonly Row[]> => {
  const response = await call('GET', `/api/v1/activity${query}`, ADMIN)
  expect(response.status).toBe(200)
  return (await response.json<{ readonly data: readonly Row[] }>()).data
}
let mine: Made

beforeAll(async () => {
  mine = await makeKey()
  const yesterday = today - DAY
  const usage = usageOf({ input: 10, cacheRead: 3, cacheWrite5m: 2, cacheWrite1h: 1, output: 5, reasoning: 4 })
  await carry([
    [
      fresh(rowOf('a-1', { keyId: mine.id, createdAt: yesterday, usage, costNanoUsd: 1_500_000_000, tags: ['x', 'y'], scopes: ['team:blue', 'user:ann'] })),
      fresh(rowOf('a-2', { keyId: mine.id, createdAt: yesterday + DAY - 1, usage, costNanoUsd: null, ended: 'client-gone', scopes: ['team:blue'] })),
      fresh(rowOf('a-3', { keyId: 'other', createdAt: yesterday + HOUR, provider: 'q', usage: null, costNanoUsd: 3, ended: 'failed', tags: ['x'], scopes: ['team:red'] })),
      fresh(rowOf('a-4', { keyId: mine.id, createdAt: yesterday, provider: null, model: null, usage: null, ended: 'expired', costNanoUsd: 8 })),
      fresh(rowOf('a-5', { keyId: mine.id, createdAt: today - 30 * DAY, costNanoUsd: 9, model: 'oldest' })),
      fresh(rowOf('a-6', { keyId: mine.id, createdAt: today - 30 * DAY - 1, model: 'older' })),
      fresh(rowOf('a-7', { keyId: mine.id, createdAt: today, model: 'of today' })),
      corrects(rowOf('a-4', { keyId: mine.id, createdAt: yesterday, usage, costNanoUsd: 500_000_000 })),
    ],
  ]) // prettier-ignore
})

describe('activity', () => {
  it('tells completed days by model in the shape of OpenRouter, and what is unknown apart from what is nothing', async () => {
    const rows = await read(`?date=${dateOf(today - DAY)}`)
    expect(rows).toEqual([
      {
        date: dateOf(today - DAY),
        model: 'p/m',
        model_permaslug: 'p/m',
        endpoint_id: 'p/m',
        provider_name: 'p',
        usage: 2,
        byok_usage_inference: 0,
        requests: 3,
        prompt_tokens: 48,
        completion_tokens: 15,
        reasoning_tokens: 12,
        sluice: {
          cost_nano_usd: 2_000_000_000,
          requests_of_unknown_cost: 1,
          requests_of_unknown_usage: 0,
          cache_read_tokens: 9,
          cache_write_5m_tokens: 6,
          cache_write_1h_tokens: 3,
          ended: { complete: 2, failed: 0, upstream_cut: 0, client_gone: 1, expired: 0 },
        },
      },
      expect.objectContaining({ model: 'q/m', requests: 1, usage: 3e-9, prompt_tokens: 0 }),
    ])
    const all = await read('')
    expect(all.map(({ date, model }) => [date, model])).toEqual([
      [dateOf(today - DAY), 'p/m'],
      [dateOf(today - DAY), 'q/m'],
      [dateOf(today - 30 * DAY), 'p/oldest'],
    ])
    expect((await read('?include_today=true')).map(({ model }) => model)).toContain('p/of today')
    expect((await read(`?include_today=true&date=${dateOf(today)}`)).map(({ model }) => model)).toEqual(['p/of today'])
  })

  it('is filtered by key, scope, user and tag, all of which must be so', async () => {
    const counted = async (query: string): Promise<number> =>
      (await read(`?date=${dateOf(today - DAY)}&${query}`)).reduce((sum, { requests }) => sum + Number(requests), 0)
    expect(await counted(`api_key_hash=${mine.hash}`)).toBe(3)
    expect(await counted('scope=team:blue')).toBe(2)
    expect(await counted('scope=team:blue&user_id=ann')).toBe(1)
    expect(await counted('tag=x')).toBe(2)
    expect(await counted('tag=x&tag=y')).toBe(1)
    expect(await counted('tag=x&scope=team:red')).toBe(1)
    expect(await counted('tag=none')).toBe(0)
  })

  it('is grouped by workspace, key, scope or tag', async () => {
    const grouped = async (by: string): Promise<readonly unknown[]> =>
      (await read(`?date=${dateOf(today - DAY)}&group_by=${by}`)).map(({ model, requests, sluice }) => [
        model,
        requests,
        sluice[by === 'key' ? 'key_id' : by],
      ])
    expect((await read('?group_by=workspace')).every(({ workspace_id }) => workspace_id === 'default')).toBe(true)
    expect(await grouped('key')).toEqual([['p/m', 3, mine.id], ['q/m', 1, 'other']]) // prettier-ignore
    expect(await grouped('team')).toEqual([['p/m', 2, 'blue'], ['p/m', 1, null], ['q/m', 1, 'red']]) // prettier-ignore
    expect(await grouped('tag')).toEqual([['p/m', 1, 'x'], ['p/m', 1, 'y'], ['p/m', 2, null], ['q/m', 1, 'x']]) // prettier-ignore
  })

  it('of a key has what it has just used', async () => {
    const { key, hash } = await makeKey()
    await call('POST', '/v1/chat/completions', key, echo('one'))
    await call('GET', '/v1/key', key) // the isolate tells what it has not told yet
    expect(await read(`?include_today=true&api_key_hash=${hash}`)).toMatchObject([{ model: 'demo/echo', requests: 1 }])
  })

  it('refuses what it cannot do, and everybody but the administrator', async () => {
    for (const query of ['date=yesterday', 'date=2026-02-30', `date=${dateOf(today)}`, `date=${dateOf(today - 31 * DAY)}`, `date=${dateOf(today + DAY)}&include_today=true`, 'group_by=model', 'group_by=constructor', 'scope=blue', 'scope=city:x', 'scope=team:', 'user_id=a%20b', 'tag=', 'include_today=1', 'api_key_hash=1', 'workspace_id=w', 'model=x']) {
      const response = await call('GET', `/api/v1/activity?${query}`, ADMIN)
      expect([query, response.status]).toEqual([query, 400])
      const { error } = await response.json<{ readonly error: { readonly metadata: { readonly at: string } } }>()
      expect(error.metadata.at).toBe(query.split('=')[0])
    } // prettier-ignore
    expect((await call('GET', `/api/v1/activity?api_key_hash=${'0'.repeat(64)}`, ADMIN)).status).toBe(404)
    expect((await call('GET', '/api/v1/activity', mine.key)).status).toBe(403)
    expect((await call('GET', '/api/v1/activity', null)).status).toBe(401)
  })
})
