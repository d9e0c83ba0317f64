import { describe, expect, it } from 'vitest'
import { usageOf } from '../../src/core/usage.ts'
import { walkRows, type Place } from '../../src/platform/row-walk.ts'
import { ADMIN, bindings, call, makeKey } from './bindings.ts'
import { carry, fresh, HOUR, rowOf } from './ledger-rows.ts'

const AT = 2_000 * HOUR
const SPAN = { from: new Date(AT).toISOString(), to: new Date(AT + HOUR).toISOString() }
const recost = (body: Record<string, unknown>): Promise<Response> => call('POST', '/api/v1/recost', ADMIN, { ...SPAN, ...body })
const document = { version: 'what-if', models: { 'p/m': { input: 0.001, output: 0.002 }, 'p/gone': { unpriced: true } } }

describe('recosting', () => {
  it('tells what was booked and what it would have been, by model, and changes nothing', async () => {
    const { id, hash } = await makeKey()
    const other = await makeKey()
    await carry([
      [
        fresh(rowOf('rc-1', { keyId: id, createdAt: AT, costNanoUsd: 7 })),
        fresh(rowOf('rc-2', { keyId: id, createdAt: AT + HOUR - 1, costNanoUsd: 8 })),
        fresh(rowOf('rc-3', { keyId: id, createdAt: AT + HOUR })),
        fresh(rowOf('rc-4', { keyId: id, createdAt: AT - 1 })),
        fresh(rowOf('rc-5', { keyId: id, createdAt: AT, model: 'gone', costNanoUsd: 4 })),
        fresh(rowOf('rc-6', { keyId: other.id, createdAt: AT, costNanoUsd: null })),
        fresh(rowOf('rc-7', { keyId: other.id, createdAt: AT, provider: 'openai', model: 'gpt-4o-mini', usage: usageOf({ input: 1_000_000 }), costNanoUsd: 1 })),
        fresh(rowOf('rc-8', { keyId: other.id, createdAt: AT, provider: null, model: null, usage: null, usageFrom: 'hold', costNanoUsd: 99 })),
      ],
    ]) // prettier-ignore
    const before = await bindings.DB.prepare('SELECT * FROM requests ORDER BY id').all()
    const body = await (await recost({ prices: document })).json<{ readonly data: readonly unknown[]; readonly total: unknown; readonly next: unknown; readonly prices: string }>() // prettier-ignore
    expect(body.data).toMatchObject([
      { model: 'p/m', requests: 3, compared: 2, booked: 1.5e-8, other: 4e-8, difference: 2.5e-8, newly_priced: { requests: 1, other: 2e-8 }, sluice: { difference_nano_usd: 25 } },
      { model: 'openai/gpt-4o-mini', requests: 1, compared: 1, other: 0.15 },
      { model: 'p/gone', requests: 1, compared: 0, not_priced: { requests: 1, booked: 4e-9, because: { price: 1 } } },
      { model: 'unknown', requests: 1, not_priced: { because: { hold: 1 } }, sluice: { not_priced_booked_nano_usd: 99 } },
    ]) // prettier-ignore
    expect(body).toMatchObject({ total: { requests: 6, compared: 3 }, next: null })
    expect(body.prices).toContain('+what-if')
    expect(await (await recost({ prices: 'catalogue', api_key_hash: hash })).json()).toMatchObject({
      total: { requests: 3, compared: 0, not_priced: { because: { price: 3 } } },
    })
    expect(await bindings.DB.prepare('SELECT * FROM requests ORDER BY id').all()).toMatchObject({ results: before.results })
  })

  it('refuses what is wrong at its place, and everybody but the administrator', async () => {
    const at = async (body: Record<string, unknown>): Promise<unknown> => {
      const response = await recost(body)
      expect(response.status).toBe(400)
      return (await response.json<{ readonly error: { readonly metadata: { readonly at?: string } } }>()).error.metadata.at
    }
    const prices = 'catalogue'
    expect(await at({})).toBe('prices')
    expect(await at({ prices: 'cheap' })).toBe('prices')
    expect(await at({ prices: { version: '1', models: { 'p/m': { input: -1 } } } })).toBe('prices')
    expect(await at({ prices, from: 'then' })).toBe('from')
    expect(await at({ prices, to: SPAN.from })).toBe('to')
    expect(await at({ prices, after: "x' OR 1" })).toBe('after')
    expect(await at({ prices, api_key_hash: 'x' })).toBe('api_key_hash')
    expect((await recost({ prices, api_key_hash: '0'.repeat(64) })).status).toBe(404)
    const { key } = await makeKey()
    expect((await call('POST', '/api/v1/recost', key, { ...SPAN, prices })).status).toBe(403)
  })

  it('goes through any number of rows a page at a time, each once, and on where it stopped', async () => {
    const from = 3_000 * HOUR
    const keys = await Promise.all(Array.from({ length: 9 }, () => makeKey()))
    const made = keys.flatMap(({ id: keyId }, k) =>
      Array.from({ length: k * 3 }, (_, i) => rowOf(`walk-${k}-${i}`, { keyId, createdAt: from + (i % 3) })),
    )
    await carry([made.map(fresh)])
    for (const measure of [
      { page: 4, keys: 4, questions: 3 },
      { page: 1, keys: 1, questions: 2 },
      { page: 1000, keys: 64, questions: 40 },
    ]) {
      const seen: string[] = []
      let place: Place | null = null
      let calls = 0
      do {
        place = await walkRows(bindings.DB, { from, until: from + HOUR, keyId: null }, place, ({ id }) => seen.push(id), measure)
        calls++
      } while (place !== null && calls < 1000)
      expect(seen.toSorted()).toEqual(made.map(({ id }) => id).toSorted())
      if (measure.page < 1000) expect(calls).toBeGreaterThan(5)
    }
    const one: string[] = []
    await walkRows(bindings.DB, { from, until: from + 1, keyId: keys[8]?.id ?? '' }, null, ({ id }) => one.push(id), {
      page: 2,
      keys: 4,
      questions: 50,
    })
    expect(one).toHaveLength(8)
  })
})
