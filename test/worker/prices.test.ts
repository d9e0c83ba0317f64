import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Env } from '../../src/platform/env.ts'
import { forgetPrices, readPrices, writePrices } from '../../src/platform/prices.ts'
import { ADMIN, bindings, call, echo, makeKey, until } from './bindings.ts'

type Json = { readonly [name: string]: unknown }
const put = (document: unknown): Promise<Response> => call('PUT', '/api/v1/prices', ADMIN, document)
const away = {
  get: () => Promise.reject(new Error('KV is away')),
  put: () => Promise.reject(new Error('KV is away')),
} as unknown as KVNamespace
const noDatabase = { withSession: () => { throw new Error('D1 is away') } } as unknown as D1Database // prettier-ignore
const env = (more: Partial<Env> = {}): Env => ({ ...bindings, ...more }) as unknown as Env
const nothingLater = (): never => {
  throw new Error('nothing was to be done later')
}
const rowOf = async (response: Response): Promise<Json> => {
  const id = response.headers.get('x-sluice-request-id')
  const answer = await until(
    () => call('GET', `/api/v1/generation?id=${id}`, ADMIN),
    ({ status }) => status === 200,
  )
  return (await answer.json<{ readonly data: Json }>()).data
}

beforeEach(async () => {
  await bindings.DB.prepare('DELETE FROM prices').run()
  await bindings.ROUTES.delete('prices/current')
  forgetPrices()
})

describe('the prices of the operator', () => {
  it('are set, looked at and taken away, and every version is kept', async () => {
    expect((await call('GET', '/api/v1/prices', ADMIN)).status).toBe(404)
    const document = { prices: { 'demo/echo': { input: '0.5', output: 1 } }, markup_basis_points: { 'openai/*': 500 } }
    expect(await (await put(document)).json()).toMatchObject({ data: { version: 1, price_version: 'prices-1', document } })
    expect(await (await call('GET', '/api/v1/prices', ADMIN)).json()).toMatchObject({ data: { version: 1, document } })
    await put({ markup_basis_points: { 'openai/*': 600 } })
    expect(await (await call('DELETE', '/api/v1/prices', ADMIN)).json()).toEqual({ deleted: true })
    expect(await (await call('GET', '/api/v1/prices', ADMIN)).json()).toMatchObject({ data: { version: 3, document: {} } })
    expect(await (await call('GET', '/api/v1/prices?version=1', ADMIN)).json()).toMatchObject({ data: { version: 1, document } })
    expect((await call('GET', '/api/v1/prices?version=9', ADMIN)).status).toBe(404)
    expect((await call('GET', '/api/v1/prices?version=x', ADMIN)).status).toBe(400)
  })

  it('name the place of a mistake, of which nothing counts, and are not for keys', async () => {
    const response = await put({ prices: { 'demo/echo': { input: 1, output: 'much' } } })
    expect([response.status, (await response.json<{ readonly error: { readonly metadata: Json } }>()).error.metadata['at']]).toEqual([
      400,
      'prices.demo/echo.output',
    ])
    expect((await call('GET', '/api/v1/prices', ADMIN)).status).toBe(404)
    const { key } = await makeKey()
    for (const method of ['GET', 'PUT', 'DELETE'])
      expect((await call(method, '/api/v1/prices', key, method === 'PUT' ? {} : undefined)).status).toBe(403)
  })

  it('and the markups of place, model and key are what is held, booked, told and spent', async () => {
    const { key, hash } = await makeKey({ limit: 1, sluice: { markup_basis_points: 2000 } })
    const spent = async (): Promise<unknown> =>
      (await (await call('GET', '/v1/key', key)).json<{ readonly data: { readonly sluice: Json } }>()).data.sluice['spent_nano_usd']
    const before = await call('POST', '/v1/chat/completions', key, echo('one two'))
    await put({
      prices: { 'demo/*': { input: 1, output: 2, perRequest: '0.000000003' } },
      markup_basis_points: { 'demo/*': 700, 'demo/echo': 1000 },
    })
    const response = await call('POST', '/v1/chat/completions', key, echo('one two'))
    const { usage } = await response.json<{ readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number } }>()
    const cost = Math.ceil((1000 * usage.prompt_tokens + 2000 * usage.completion_tokens + 3) * 1.1 * 1.2)
    expect(response.headers.get('x-sluice-cost-usd')).toBe((cost / 1e9).toFixed(9).replace(/0+$/, ''))
    expect(await rowOf(response)).toMatchObject({ sluice: { cost_nano_usd: cost, price_version: 'prices-1+key-2000' } })
    expect(await spent()).toBe(cost)
    expect(before.headers.get('x-sluice-cost-usd')).toBe('0')

    const at = new Date(Date.now() + 60_000).toISOString()
    const recost = { from: '2020-01-01T00:00:00Z', to: at, api_key_hash: hash, prices: 'current' }
    const now = Math.ceil((1000 * usage.prompt_tokens + 2000 * usage.completion_tokens + 3) * 1.1)
    expect(await (await call('POST', '/api/v1/recost', ADMIN, recost)).json()).toMatchObject({
      total: { sluice: { booked_nano_usd: cost, other_nano_usd: 2 * now } },
    })

    const listed = async (): Promise<Json> =>
      (await (await call('GET', `/api/v1/keys/${hash}`, ADMIN)).json<{ readonly data: { readonly sluice: Json } }>()).data.sluice
    expect((await listed())['markup_basis_points']).toBe(2000)
    await call('PATCH', `/api/v1/keys/${hash}`, ADMIN, { name: 'as before' })
    expect((await listed())['markup_basis_points']).toBe(2000)
    await call('PATCH', `/api/v1/keys/${hash}`, ADMIN, { sluice: { markup_basis_points: null } })
    expect(await listed()).not.toHaveProperty('markup_basis_points')
    expect(await rowOf(await call('POST', '/v1/chat/completions', key, echo('x')))).toMatchObject({ sluice: { price_version: 'prices-1' } })
    for (const wrong of [-1, 0.5, 100_001, '10'])
      expect((await call('PATCH', `/api/v1/keys/${hash}`, ADMIN, { sluice: { markup_basis_points: wrong } })).status).toBe(400)
  })

  it('refuse what they make too dear for a budget', async () => {
    const { key } = await makeKey({ limit: 0.00001 })
    await put({ prices: { 'demo/echo': { input: 1, output: 1 } } })
    expect((await call('POST', '/v1/chat/completions', key, echo('x', { max_tokens: 50 }))).status).toBe(429)
  })

  it('are the last good ones where a store is away or what it says is none, and never a guess', async () => {
    await writePrices(env(), { prices: { 'demo/echo': { input: 1, output: 1 } } }, 1)
    // This isolate knows them; a cold one asks KV, then D1.
    expect((await readPrices(env({ ROUTES: away, DB: noDatabase }), nothingLater))?.version).toBe(1)
    forgetPrices()
    expect((await readPrices(env({ DB: noDatabase }), nothingLater))?.version).toBe(1)
    forgetPrices()
    expect((await readPrices(env({ ROUTES: away }), nothingLater))?.prices.size).toBe(1)
    forgetPrices()
    await expect(readPrices(env({ ROUTES: away, DB: noDatabase }), nothingLater)).rejects.toMatchObject({ code: 'gateway-unavailable' })
    await bindings.ROUTES.put('prices/current', '{"version": 7, "document": {"prices": 5}}')
    expect((await readPrices(env(), nothingLater))?.version).toBe(1)
  })

  it('of an older version never replace newer ones, and half a change is a 503 that may be repeated', async () => {
    await writePrices(env(), { markup_basis_points: { 'demo/*': 1 } }, 1)
    const old = (await bindings.ROUTES.get('prices/current')) ?? ''
    await expect(writePrices(env({ ROUTES: away }), { markup_basis_points: { 'demo/*': 2 } }, 2)).rejects.toThrow('KV is away')
    expect((await readPrices(env(), nothingLater))?.version).toBe(1)
    await writePrices(env(), { markup_basis_points: { 'demo/*': 2 } }, 3)
    const later: Promise<unknown>[] = []
    const readLater = async (seconds: number): Promise<number | undefined> => {
      vi.setSystemTime(Date.now() + seconds * 1000)
      await readPrices(env(), (work) => later.push(work))
      await Promise.all(later)
      return (await readPrices(env(), nothingLater))?.version
    }
    try {
      await bindings.ROUTES.put('prices/current', old) // an edge that is behind
      expect([await readLater(60), later.length]).toEqual([3, 1])
      await bindings.ROUTES.put('prices/current', old.replace('"version":1', '"version":4'))
      expect([await readLater(10), later.length]).toEqual([3, 1])
      expect([await readLater(60), later.length]).toEqual([4, 2])
    } finally {
      vi.useRealTimers()
    }
  })
})
