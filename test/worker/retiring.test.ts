// GET /api/v1/models/retiring: who still calls what ends.

import { expect, it } from 'vitest'
import { ADMIN, call, makeKey } from './bindings.ts'
import { carry, fresh, HOUR, rowOf } from './ledger-rows.ts'

type Answer = {
  readonly data: readonly {
    readonly model: string
    readonly sunset: string
    readonly days_left: number
    readonly deprecated_since: string | null
    readonly substitute: string | null
    readonly callers: readonly {
      readonly key_id: string
      readonly api_key_hash: string | null
      readonly name: string | null
      readonly requests: number
      readonly last_called_at: string
    }[]
  }[]
  readonly truncated: boolean
}

it('names the models that end, their callers and a substitute; not what nobody called lately', async () => {
  const [busy, calm] = [await makeKey({ name: 'busy' }), await makeKey({ name: 'calm' })]
  const hour = Math.floor(Date.now() / HOUR) * HOUR - HOUR
  const old = { provider: 'anthropic', model: 'claude-3-opus-20240229', createdAt: hour }
  await carry([
    [
      fresh(rowOf('gen-r1', { ...old, keyId: busy.id })),
      fresh(rowOf('gen-r2', { ...old, keyId: busy.id, tags: ['a'] })),
      fresh(rowOf('gen-r3', { ...old, keyId: calm.id, createdAt: hour - 24 * HOUR })),
      fresh(rowOf('gen-r4', { ...old, keyId: 'gone' })),
      fresh(rowOf('gen-r5', { ...old, keyId: calm.id, model: 'claude-haiku-4-5' })),
      fresh(rowOf('gen-r6', { keyId: calm.id, provider: 'xai', model: 'grok-3', createdAt: hour - 31 * 24 * HOUR })),
      fresh(rowOf('gen-r7', { keyId: calm.id, provider: 'openai', model: 'gpt-4-0613', createdAt: hour })),
    ],
  ])
  const response = await call('GET', '/api/v1/models/retiring', ADMIN)
  expect(response.status).toBe(200)
  expect(response.headers.get('cache-control')).toBe('no-store')
  const { data, truncated } = await response.json<Answer>()
  expect(truncated).toBe(false)
  expect(data.map(({ model }) => model)).toEqual(['openai/gpt-4-0613', 'anthropic/claude-3-opus-20240229'])
  const opus = data[1]
  expect(opus).toMatchObject({ sunset: '2026-05-01', deprecated_since: null })
  expect(opus?.substitute).toMatch(/^anthropic\/claude-opus-/)
  expect(opus?.days_left).toBeLessThan(0)
  expect(opus?.callers.map(({ key_id, name, requests, last_called_at }) => [key_id, name, requests, Date.parse(last_called_at)])).toEqual([
    [busy.id, 'busy', 2, hour],
    ...[
      [calm.id, 'calm', 1, hour - 24 * HOUR],
      ['gone', null, 1, hour],
    ].toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  ])
  expect(opus?.callers[0]?.api_key_hash).toBe(busy.hash)
})

it('is for the admin key only', async () => {
  const { key } = await makeKey()
  expect((await call('GET', '/api/v1/models/retiring', key)).status).toBe(403)
})
