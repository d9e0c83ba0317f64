import { describe, expect, it } from 'vitest'
import type { Refused } from '../../src/core/refused.ts'
import { listRefusals, MOST_KEPT, writeRefusals } from '../../src/platform/refusals.ts'
import { ADMIN, bindings, call, echo, makeKey, until } from './bindings.ts'

type Row = { readonly id: string; readonly code: string; readonly [name: string]: unknown }
const one = async (key: string, id: string): Promise<{ readonly status: number; readonly row: Row | undefined }> => {
  const response = await call('GET', `/api/v1/refusals?id=${id}`, key)
  return { status: response.status, row: (await response.json<{ readonly data?: Row }>()).data }
}
const list = async (hash: string, more = ''): Promise<readonly Row[]> =>
  (await (await call('GET', `/api/v1/refusals?api_key_hash=${hash}${more}`, ADMIN)).json<{ readonly data: readonly Row[] }>()).data
const idOf = (response: Response): string => response.headers.get('x-sluice-request-id') ?? ''

describe('why a request was refused', () => {
  it('is told to its key and to the administrator, and to nobody else', async () => {
    const { key, hash, id: keyId } = await makeKey({ limit: 0.5, sluice: { requests_per_minute: 1 } })
    const other = await makeKey()
    const served = await call('POST', '/v1/chat/completions', key, echo('x'))
    expect(served.status).toBe(200)
    const limited = await call('POST', '/v1/chat/completions', key, echo('x'))
    expect(limited.status).toBe(429)
    await call('PATCH', `/api/v1/keys/${hash}`, ADMIN, { sluice: { providers: ['openai'] } })
    const forbidden = await call('POST', '/v1/chat/completions', key, echo('x'))
    expect(forbidden.status).toBe(403)

    const own = await one(key, idOf(limited))
    expect(own).toMatchObject({
      status: 200,
      row: { id: idOf(limited), model: 'demo/echo', code: 'rate-exceeded', scope: null, limit: null, sluice: { key_id: keyId, left_out_before: 0 } },
    }) // prettier-ignore
    expect(own.row?.['retry_after']).toBeGreaterThan(0)
    expect(await one(ADMIN, idOf(limited))).toEqual(own)
    expect((await one(other.key, idOf(limited))).status).toBe(404)
    expect((await one(key, idOf(served))).status).toBe(404)
    expect((await call('GET', `/api/v1/refusals?id=${idOf(limited)}`, null)).status).toBe(401)
    expect((await list(hash)).map(({ id, code }) => [id, code])).toEqual([
      [idOf(forbidden), 'model-forbidden'],
      [idOf(limited), 'rate-exceeded'],
    ])
    expect((await list(hash, '&limit=1&offset=1')).map(({ id }) => id)).toEqual([idOf(limited)])
    expect((await call('GET', `/api/v1/refusals?api_key_hash=${hash}`, key)).status).toBe(403)
    expect((await call('GET', '/api/v1/refusals', ADMIN)).status).toBe(400)
    expect(await (await call('GET', `/api/v1/generations?api_key_hash=${hash}`, ADMIN)).json()).toMatchObject({
      data: [{ id: idOf(served) }],
    })
  })

  it('tells spent, held, limit and scope of a budget, and arrives by itself', async () => {
    const { key, id: keyId } = await makeKey({ limit: 0.000001 })
    const hash = (await (await call('GET', '/v1/key', key)).json<{ readonly data: { readonly sluice: { readonly hash: string } } }>()).data
      .sluice.hash
    const dear = { model: 'p/m', provider: 'p', region: null, worst: { inputPico: 1e6, outputPico: 1e6, feesNanoUsd: 0 }, inputTokens: 9, maxOutputTokens: 9 } // prettier-ignore
    const asked = { requestId: 'gen-dear', secretHash: hash, clientIp: null, candidates: [dear], outputTokens: 9, leastOutputTokens: 1, choices: 1, idempotency: null } // prettier-ignore
    expect(await bindings.KEYS.getByName(keyId).admit(asked)).toMatchObject({ code: 'budget-exceeded' })
    const found = await until(
      () => one(ADMIN, 'gen-dear'),
      ({ status }) => status === 200,
    )
    expect(found.row).toMatchObject({
      code: 'budget-exceeded',
      scope: 'key',
      spent: 0,
      held: 0,
      limit: 0.000001,
      sluice: { limit_nano_usd: 1000 },
    })
  })

  it('is forgotten, the oldest first, where there are too many; and a repeated write counts once', async () => {
    const refused = (i: number): Refused => ({
      id: `gen-many-${i}`,
      createdAt: 1_000_000 + i,
      model: null,
      code: 'rate-exceeded',
      message: 'wait',
      money: null,
      retryAfterMs: null,
      leftOut: 0,
    })
    const many = Array.from({ length: MOST_KEPT + 20 }, (_, i) => refused(i))
    await writeRefusals(bindings.DB, 'many', many, false)
    await writeRefusals(bindings.DB, 'another', [{ ...refused(0), id: 'gen-another' }], true)
    expect(await listRefusals(bindings.DB, 'many', 5000, 0)).toHaveLength(MOST_KEPT + 20)
    await writeRefusals(bindings.DB, 'many', many.slice(-2), true)
    const kept = await listRefusals(bindings.DB, 'many', 5000, 0)
    expect([kept.length, kept[0]?.id, kept.at(-1)?.id]).toEqual([MOST_KEPT, `gen-many-${MOST_KEPT + 19}`, 'gen-many-20'])
    expect(await listRefusals(bindings.DB, 'another', 10, 0)).toHaveLength(1)
  })

  it('is not asked of a request that was granted in the end, and is looked up by indexes', async () => {
    const both = { createdAt: 1, model: null, code: 'rate-exceeded', message: '', money: null, retryAfterMs: null, leftOut: 0 } as const
    await writeRefusals(bindings.DB, 'both', [{ ...both, id: 'gen-both' }], false)
    expect((await one(ADMIN, 'gen-both')).status).toBe(200)
    await bindings.DB.prepare(
      "INSERT INTO requests (id, key_id, created_at, period, dialect, requested_model, streamed, usage_from, attempts, ended, total_ms, tags, dropped) VALUES ('gen-both', 'both', 1, 'ever', 'd', 'm', 0, 'none', '[]', 'complete', 1, '[]', '[]')",
    ).run()
    expect((await one(ADMIN, 'gen-both')).status).toBe(404)
    const plan = async (sql: string): Promise<string> =>
      (await bindings.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`).all<{ readonly detail: string }>()).results.map(({ detail }) => detail).join()
    const listed = await plan("SELECT * FROM refusals WHERE key_id = 'k' ORDER BY created_at DESC, id LIMIT 10")
    expect(listed).toContain('USING INDEX refusals_by_key (key_id=?)')
    expect(listed).not.toContain('SCAN')
  })
})
