// Budgets of providers over all keys, in the real objects: who is short loses its targets, who is used is charged, who is new is seen.

import { runInDurableObject } from 'cloudflare:test'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Admission, CandidateAsk, Row } from '../../src/core/account.ts'
import { expiredRow } from '../../src/core/expired-row.ts'
import { ADMIN, ask, bindings, call, makeKey, until, type Made } from './bindings.ts'

const HOLD_NANO_USD = 200
const put = (provider: string, holds: number): Promise<Response> =>
  call('PUT', `/api/v1/budgets/provider/${provider}`, ADMIN, { limit: (holds * HOLD_NANO_USD) / 1e9 })
const at = (provider: string): CandidateAsk => ({
  model: `${provider}/m`,
  provider,
  region: null,
  worst: { inputPico: 1000, outputPico: 1000, feesNanoUsd: 0 },
  inputTokens: 100,
  maxOutputTokens: null,
})
const admit = (made: Made, id: string, ...providers: readonly string[]): Promise<Admission> =>
  bindings.KEYS.getByName(made.id).admit({ ...ask(id, made.hash), candidates: providers.map(at) }) as unknown as Promise<Admission>
const settle = (made: Made, granted: Admission, provider: string, costNanoUsd: number): Promise<void> => {
  if (granted.kind !== 'granted') throw new Error('It was refused.')
  const row: Row = { ...expiredRow(made.id, granted.hold, Date.now()), provider, costNanoUsd, ended: 'complete' }
  return bindings.KEYS.getByName(made.id).settle([{ hold: granted.hold, row, answer: null }]) as unknown as Promise<void>
}
type Money = { readonly spent_nano_usd: number; readonly leased_nano_usd: number }
const view = async (provider: string): Promise<Money> =>
  (await (await call('GET', `/api/v1/budgets/provider/${provider}`, ADMIN)).json<{ readonly data: { readonly sluice: Money } }>()).data
    .sluice
const untilIdle = (provider: string): Promise<Money> =>
  until(
    () => view(provider),
    ({ leased_nano_usd: leased }) => leased === 0,
  )

afterEach(() => void vi.restoreAllMocks())

describe('a budget of a provider', () => {
  it('is one over all keys, exactly, and what does not fit goes elsewhere while it can', async () => {
    expect((await put('groq', 4)).status).toBe(200)
    const keys = await Promise.all([makeKey(), makeKey(), makeKey()])
    const both = await Promise.all(Array.from({ length: 20 }, (_, i) => admit(keys[i % 3] as Made, `both-${i}`, 'groq', 'mistral')))
    const allowed = both.map((answer) => (answer.kind === 'granted' ? answer.allowed.join() : 'refused'))
    expect(allowed.filter((indexes) => indexes === '0,1')).toHaveLength(4)
    expect(allowed.filter((indexes) => indexes === '1')).toHaveLength(16)
    expect(await admit(keys[0], 'alone', 'groq')).toMatchObject({
      kind: 'refused',
      code: 'budget-exceeded',
      money: { scope: 'provider:groq' },
    })
    expect(await admit(keys[0], 'elsewhere', 'mistral')).toMatchObject({ kind: 'granted' })
  })

  it('is charged where the request went, and gets the rest back', async () => {
    await put('xai', 2)
    await put('cohere', 2)
    const made = await makeKey()
    const first = await admit(made, 'used-1', 'xai', 'cohere')
    const second = await admit(made, 'used-2', 'xai', 'cohere')
    expect([first, second]).toMatchObject([{ allowed: [0, 1] }, { allowed: [0, 1] }])
    await settle(made, first, 'cohere', 50)
    await settle(made, second, 'cohere', 60)
    expect([await untilIdle('xai'), await untilIdle('cohere')]).toMatchObject([{ spent_nano_usd: 0 }, { spent_nano_usd: 110 }])
    expect(await admit(made, 'used-3', 'cohere')).toMatchObject({ kind: 'granted' })
    expect(await admit(made, 'used-4', 'cohere', 'xai')).toMatchObject({ kind: 'granted', allowed: [1] })
  })

  it('that is new is seen within a minute of use, with D1 away the known ones count, and a change counts at once', async () => {
    await put('together', 1)
    const made = await makeKey()
    expect(await admit(made, 'new-1', 'together', 'fireworks')).toMatchObject({ allowed: [0, 1] })
    await put('fireworks', 0)
    expect(await admit(made, 'new-2', 'fireworks')).toMatchObject({ kind: 'granted' })
    const now = Date.now.bind(Date)
    vi.spyOn(Date, 'now').mockImplementation(() => now() + 61_000)
    const away = vi.spyOn(Object.getPrototypeOf(bindings.DB), 'prepare').mockImplementation(() => {
      throw new Error('D1 is away.')
    })
    expect(await admit(made, 'new-3', 'together')).toMatchObject({ kind: 'refused' })
    expect(away).toHaveBeenCalled()
    vi.restoreAllMocks()
    await put('together', 3)
    expect(await admit(made, 'new-4', 'together')).toMatchObject({ kind: 'granted' })
    vi.spyOn(Date, 'now').mockImplementation(() => now() + 122_000)
    await admit(made, 'new-5', 'mistral') // it reads again meanwhile
    const refused = await until(
      () => admit(made, `new-${Math.random()}`, 'fireworks'),
      ({ kind }) => kind === 'refused',
    )
    expect(refused).toMatchObject({ money: { scope: 'provider:fireworks' } })
    const kept = await runInDurableObject(bindings.KEYS.getByName(made.id), (_, { storage }) => storage.get('providers'))
    expect(kept).toEqual(expect.arrayContaining(['fireworks', 'together']))
  })

  it('that was taken away binds no key that comes after', async () => {
    await put('deepseek', 0)
    expect(await admit(await makeKey(), 'taken-1', 'deepseek')).toMatchObject({ kind: 'refused' })
    expect((await call('DELETE', '/api/v1/budgets/provider/deepseek', ADMIN)).status).toBe(200)
    expect((await call('GET', '/api/v1/budgets/provider/deepseek', ADMIN)).status).toBe(404)
    expect(await admit(await makeKey(), 'taken-2', 'deepseek')).toMatchObject({ kind: 'granted', hold: { budgeted: false } })
    await put('deepseek', 0)
    expect(await admit(await makeKey(), 'taken-3', 'deepseek')).toMatchObject({ kind: 'refused' })
  })

  it('is of a provider that there is', async () => {
    expect((await put('nobody', 1)).status).toBe(404)
  })
})
