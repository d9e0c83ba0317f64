// Limits of a key for some models, through the keys API and the real objects: kept, told, changed, obeyed, and not forgotten.

import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Admission, Ask, Row } from '../../src/core/account.ts'
import { expiredRow } from '../../src/core/expired-row.ts'
import { ADMIN, ask, bindings, call, echo, makeKey, type Made } from './bindings.ts'

type Told = { readonly [glob: string]: { readonly [member: string]: unknown } }
type KeyRow = { readonly data: { readonly sluice: { readonly model_limits?: Told } } }
const HOLD_NANO_USD = 200

const limited = (model_limits: object, more: object = {}): Promise<Made> => makeKey({ sluice: { model_limits }, ...more })
const change = (made: Made, model_limits: unknown): Promise<Response> =>
  call('PATCH', `/api/v1/keys/${made.hash}`, ADMIN, { sluice: { model_limits } })
const told = async (made: Made): Promise<Told | undefined> =>
  (await (await call('GET', `/api/v1/keys/${made.hash}`, ADMIN)).json<KeyRow>()).data.sluice.model_limits
const own = async ({ key }: Made): Promise<Told | undefined> =>
  (await (await call('GET', '/v1/key', key)).json<KeyRow>()).data.sluice.model_limits
const admit = (made: Made, id: string, ...models: readonly string[]): Promise<Admission> => {
  const question = ask(id, made.hash)
  const candidates = models.flatMap((model) => question.candidates.map((one) => ({ ...one, model, provider: model.split('/')[0] ?? '' })))
  return bindings.KEYS.getByName(made.id).admit({ ...question, candidates } satisfies Ask) as unknown as Promise<Admission>
}
const settle = (made: Made, granted: Admission, served: string, costNanoUsd: number): Promise<void> => {
  if (granted.kind !== 'granted') throw new Error('It was refused.')
  const [provider = '', model = ''] = served.split('/')
  const booked = { provider, model, costNanoUsd, ended: 'complete', usageFrom: 'provider' } as const
  const row: Row = { ...expiredRow(made.id, granted.hold, Date.now()), ...booked }
  return bindings.KEYS.getByName(made.id).settle([{ hold: granted.hold, row, answer: null }]) as unknown as Promise<void>
}
const crash = async ({ id }: Made): Promise<void> => {
  await runInDurableObject(bindings.KEYS.getByName(id), (_, state) => state.abort('a crash')).catch(() => undefined)
}

/** The echo costs something here, a dollar a thousand tokens: read once, before the first request. */
beforeAll(async () => {
  const models = { 'demo/echo': { input: 1000, output: 1000, contextTokens: 10_000, maxOutputTokens: 1000 } }
  await bindings.ROUTES.put('catalogue/overlay', JSON.stringify({ version: 'test', models }))
})

describe('limits of a key for some models', () => {
  it('are kept, told, changed member by member, and taken away', async () => {
    const made = await limited({ 'openai/gpt-5*': { limit: 2.5, limit_reset: 'daily', requests_per_minute: 10 }, 'demo/*': {} })
    const empty = { spent_nano_usd: 0, held_nano_usd: 0, running: 0 }
    const gpt = { limit: 2.5, limit_reset: 'daily', requests_per_minute: 10, limit_nano_usd: 2_500_000_000, ...empty }
    const demo = { limit: null, limit_reset: null, limit_nano_usd: null, resets_at: null, ...empty }
    for (const all of [await told(made), await own(made)]) {
      expect(all).toEqual({ 'openai/gpt-5*': { ...gpt, resets_at: expect.any(String) }, 'demo/*': demo })
    }
    await change(made, {
      'openai/gpt-5*': { requests_per_minute: null, tokens_per_day: 5 },
      'demo/*': null,
      'p/m': { parallel_requests: 2 },
    })
    const { requests_per_minute: _, ...rest } = gpt
    expect(await told(made)).toEqual({
      'openai/gpt-5*': { ...rest, tokens_per_day: 5, resets_at: expect.any(String) },
      'p/m': { ...demo, parallel_requests: 2 },
    })
    await call('PATCH', `/api/v1/keys/${made.hash}`, ADMIN, { name: 'other', sluice: { requests_per_day: 5 } })
    expect(Object.keys((await own(made)) ?? {})).toHaveLength(2)
    const listed = await (await call('GET', '/api/v1/keys', ADMIN)).json<{ readonly data: readonly KeyRow['data'][] }>()
    expect(listed.data.some(({ sluice }) => sluice.model_limits?.['p/m']?.['parallel_requests'] === 2)).toBe(true)
    await change(made, null)
    expect([await told(made), await own(made)]).toEqual([undefined, undefined])
  })

  it('are refused where they make no sense, and the place is named', async () => {
    const many = Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`p/${i}`, { requests_per_minute: 1 }]))
    const say = async (model_limits: unknown): Promise<unknown> => {
      const response = await call('POST', '/api/v1/keys', ADMIN, { name: 'x', sluice: { model_limits } })
      return [response.status, (await response.json<{ readonly error?: { readonly message: string } }>()).error?.message]
    }
    expect(await say({ 'p/*': { limit: -1 } })).toEqual([400, expect.stringContaining('sluice.model_limits.p/*.limit: must be US dollars')])
    expect(await say({ 'p/*': { limit_reset: 'often' } })).toEqual([400, expect.stringContaining('p/*.limit_reset')])
    expect(await say({ 'p/*': { requests_per_minute: 0 } })).toEqual([400, expect.stringContaining('p/*.requests_per_minute')])
    expect(await say({ 'p/*': { rpm: 1 } })).toEqual([400, expect.stringContaining('sluice.model_limits.p/*')])
    expect(await say({ '': {} })).toEqual([400, expect.stringContaining('sluice.model_limits')])
    expect(await say([])).toEqual([400, expect.stringContaining('sluice.model_limits')])
    expect(await say(many)).toEqual([400, expect.stringContaining('more than 32')])
    const made = await limited(Object.fromEntries(Object.entries(many).slice(0, 32)))
    expect((await change(made, { 'q/*': {} })).status).toBe(400)
    expect((await change(made, { 'q/*': {}, 'p/0': null })).status).toBe(200)
  })

  it('refuse a chat of their models, name themselves, and leave other models alone', async () => {
    const made = await limited({ 'demo/ec*': { requests_per_minute: 2 } }, { limit: 1 })
    const chat = (): Promise<Response> => call('POST', '/v1/chat/completions', made.key, echo('x'))
    const first = await chat()
    expect([first.status, first.headers.get('x-ratelimit-limit-requests'), first.headers.get('x-ratelimit-remaining-requests')]).toEqual([200, '2', '1']) // prettier-ignore
    expect((await chat()).status).toBe(200)
    const refused = await chat()
    expect([refused.status, refused.headers.get('x-ratelimit-remaining-requests')]).toEqual([429, '0'])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(50)
    expect(await refused.json()).toMatchObject({
      error: { message: expect.stringContaining('The limit of model demo/ec* is reached: 2 requests') },
    })
    expect(await admit(made, 'other-model', 'p/m')).toMatchObject({ kind: 'granted' })
    await change(made, { 'demo/ec*': null })
    expect((await chat()).status).toBe(200)
  })

  it('are charged what a chat costs, and refuse the next one that does not fit, in the words of each language', async () => {
    const made = await limited({ 'demo/*': { limit: 1.2 }, '*/echo': {}, 'openai/*': { limit: 1 } })
    const chat = (): Promise<Response> => call('POST', '/v1/chat/completions', made.key, echo('x', { max_tokens: 1000 }))
    const first = await chat()
    expect(first.status).toBe(200)
    const cost = Math.round(Number(first.headers.get('x-sluice-cost-usd')) * 1e9)
    expect(cost).toBeGreaterThan(0)
    const none = { spent_nano_usd: 0, held_nano_usd: 0 }
    expect(await own(made)).toMatchObject({
      'demo/*': { ...none, spent_nano_usd: cost },
      '*/echo': { spent_nano_usd: cost },
      'openai/*': none,
    })
    await change(made, { 'demo/*': { limit: cost / 1e9 } })
    const refused = await chat()
    expect([refused.status, refused.headers.get('x-should-retry')]).toEqual([429, 'false'])
    expect(await refused.json()).toMatchObject({ error: { message: expect.stringContaining('The budget of model demo/* is exhausted') } })
    expect((await call('POST', '/api/v1/chat/completions', made.key, echo('x', { max_tokens: 1000 }))).status).toBe(402)
  })

  it('admit exactly as many as fit, and more of other models; what is refused is told with its scope', async () => {
    const made = await limited({ 'p/*': { limit: (7 * HOLD_NANO_USD) / 1e9 } })
    const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => admit(made, `purse-${made.id}-${i}`, 'p/m')))
    const granted = answers.filter(({ kind }) => kind === 'granted')
    expect(granted).toHaveLength(7)
    expect(answers.find(({ kind }) => kind === 'refused')).toMatchObject({ code: 'budget-exceeded', money: { scope: 'model p/*' } })
    expect(await own(made)).toMatchObject({ 'p/*': { spent_nano_usd: 0, held_nano_usd: 7 * HOLD_NANO_USD, running: 7 } })
    expect(await admit(made, `purse-${made.id}-q`, 'p/m', 'q/m')).toMatchObject({ kind: 'granted', allowed: [1] })
    await Promise.all(granted.map((one) => settle(made, one, 'p/m', 50)))
    expect(await told(made)).toMatchObject({ 'p/*': { spent_nano_usd: 350, held_nano_usd: 0, running: 0 } })
    await call('GET', `/api/v1/refusals?api_key_hash=${made.hash}`, ADMIN)
    const rows = await (await call('GET', `/api/v1/refusals?api_key_hash=${made.hash}`, ADMIN)).json()
    expect(rows).toMatchObject({ data: expect.arrayContaining([expect.objectContaining({ scope: 'model p/*' })]) })
  })

  it('survive a crash: what is spent, what is held, and what may be forgotten', async () => {
    const made = await limited({ 'p/*': { limit: (4 * HOLD_NANO_USD) / 1e9 } })
    const first = await admit(made, `crash-${made.id}-1`, 'p/m')
    await settle(made, first, 'p/m', 30)
    const second = await admit(made, `crash-${made.id}-2`, 'p/m')
    await crash(made)
    const after = (await own(made))?.['p/*']
    expect(after).toMatchObject({ spent_nano_usd: 30 })
    const held = Number(after?.['held_nano_usd'])
    expect(held).toBeGreaterThanOrEqual(HOLD_NANO_USD)
    expect(30 + held).toBeLessThanOrEqual(4 * HOLD_NANO_USD)
    await settle(made, second, 'p/m', 40)
    expect((await own(made))?.['p/*']).toMatchObject({ spent_nano_usd: 70 })
    const granted = await Promise.all(Array.from({ length: 9 }, (_, i) => admit(made, `crash-${made.id}-more-${i}`, 'p/m')))
    expect(granted.filter(({ kind }) => kind === 'granted').length).toBeLessThanOrEqual(3)
  })

  it('come back from D1 where nothing else is left of the key', async () => {
    const made = await limited({ 'p/*': { limit: (2 * HOLD_NANO_USD) / 1e9 } })
    await settle(made, await admit(made, `d1-${made.id}`, 'p/m'), 'p/m', 300)
    const object = bindings.KEYS.getByName(made.id)
    await runDurableObjectAlarm(object)
    await runInDurableObject(object, async (_, state) => {
      await state.storage.deleteAll()
      await state.storage.sync()
      state.abort('its storage is gone')
    }).catch(() => undefined)
    expect(await own(made)).toMatchObject({ 'p/*': { spent_nano_usd: 300, held_nano_usd: 0 } })
    expect(await admit(made, `d1-${made.id}-2`, 'p/m')).toMatchObject({ kind: 'refused', code: 'budget-exceeded' })
  })

  it('an idle key that is changed or settled leaves nothing held for what it cannot have forgotten', async () => {
    const made = await limited({ 'p/*': { limit: 1 } })
    const granted = await admit(made, `idle-${made.id}`, 'p/m')
    await new Promise((resolve) => setTimeout(resolve, 3300)) // an idle key's journal is closed after three seconds
    await change(made, { 'q/*': {} })
    await settle(made, granted, 'p/m', 40)
    await crash(made)
    expect(await own(made)).toMatchObject({ 'p/*': { spent_nano_usd: 40, held_nano_usd: 0 } })
    expect(await bindings.KEYS.getByName(made.id).view(made.hash, null)).toMatchObject({ spentNanoUsd: 40, heldNanoUsd: 0 })
  })
})
