// Budgets of customers and tags, in the real objects: the default from the first request, names that do not evade, D1 away.

import { runInDurableObject } from 'cloudflare:test'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Admission, Ask, Row } from '../../src/core/account.ts'
import { expiredRow } from '../../src/core/expired-row.ts'
import { ADMIN, ask, bindings, call, echo, makeKey, until, type Made } from './bindings.ts'

const HOLD_NANO_USD = 200
const dollars = (holds: number): number => (holds * HOLD_NANO_USD) / 1e9
const put = (path: string, holds: number | null): Promise<Response> =>
  call('PUT', `/api/v1/budgets/${path}`, ADMIN, { limit: holds === null ? null : dollars(holds) })
const admit = (made: Made, id: string, said: Pick<Ask, 'customer' | 'tags'> = {}): Promise<Admission> =>
  bindings.KEYS.getByName(made.id).admit({ ...ask(id, made.hash), ...said }) as unknown as Promise<Admission>
const settle = (made: Made, granted: Admission, costNanoUsd: number): Promise<void> => {
  if (granted.kind !== 'granted') throw new Error('It was refused.')
  const row: Row = { ...expiredRow(made.id, granted.hold, Date.now()), costNanoUsd, ended: 'complete' }
  return bindings.KEYS.getByName(made.id).settle([{ hold: granted.hold, row, answer: null }]) as unknown as Promise<void>
}
type Money = { readonly spent_nano_usd: number; readonly leased_nano_usd: number; readonly limit_nano_usd: number | null }
const view = async (path: string): Promise<Money> =>
  (await (await call('GET', `/api/v1/budgets/${path}`, ADMIN)).json<{ readonly data: { readonly sluice: Money } }>()).data.sluice
const granted = (answers: readonly Admission[]): number => answers.filter(({ kind }) => kind === 'granted').length
/** Lets a default's age pass without waiting for it. */
const later = (scope: string, ms: number): Promise<void> =>
  runInDurableObject(bindings.BUDGETS.getByName(scope), () => {
    const now = Date.now.bind(Date)
    vi.spyOn(Date, 'now').mockImplementation(() => now() + ms)
  })

afterEach(() => void vi.restoreAllMocks())

describe('a customer', () => {
  it('has the default budget from the first request on, exactly, whichever keys ask', async () => {
    expect((await put('customer/*', 5)).status).toBe(200)
    const keys = await Promise.all([makeKey({ sluice: { customers: true } }), makeKey({ sluice: { customers: true } })])
    const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => admit(keys[i % 2] as Made, `cust-${i}`, { customer: 'ann' })))
    expect(granted(answers)).toBe(5)
    for (const answer of answers)
      if (answer.kind === 'refused') expect(answer).toMatchObject({ code: 'budget-exceeded', money: { scope: 'customer:ann' } })
    expect(await admit(keys[0], 'cust-other', { customer: 'bob' })).toMatchObject({ kind: 'granted' })
    expect(await view('customer/ann')).toMatchObject({ leased_nano_usd: 5 * HOLD_NANO_USD, limit_nano_usd: 5 * HOLD_NANO_USD })
  })

  it('is not evaded by leaving the name out or by changing it', async () => {
    await put('customer/*', 3)
    const made = await makeKey({ sluice: { customers: true, customers_per_hour: 2 } })
    const nameless = await Promise.all(Array.from({ length: 10 }, (_, i) => admit(made, `less-${i}`)))
    expect(granted(nameless)).toBe(3)
    const rotating = await Promise.all(Array.from({ length: 40 }, (_, i) => admit(made, `rotating-${i}`, { customer: `r${i}` })))
    expect(granted(rotating)).toBe(2) // the two new names of the hour; the others share what the nameless have used up
    const names = await runInDurableObject(bindings.KEYS.getByName(made.id), async (_, { storage }) => [
      ...(await storage.list({ prefix: 'name:' })).keys(),
    ])
    expect(names).toHaveLength(2)
  })

  it('with a budget of its own has that instead, and the default again when it is taken away', async () => {
    await put('customer/*', 1)
    const made = await makeKey({ sluice: { customers: true } })
    const said = { customer: 'carol' }
    expect(granted([await admit(made, 'own-1', said), await admit(made, 'own-2', said)])).toBe(1)
    expect((await put('customer/carol', 3)).status).toBe(200)
    expect(granted(await Promise.all(['own-3', 'own-4', 'own-5'].map((id) => admit(made, id, said))))).toBe(2)
    expect((await call('DELETE', '/api/v1/budgets/customer/carol', ADMIN)).status).toBe(200)
    expect(await view('customer/carol')).toMatchObject({ limit_nano_usd: HOLD_NANO_USD })
    expect(await admit(made, 'own-6', said)).toMatchObject({ kind: 'refused', money: { limitNanoUsd: HOLD_NANO_USD } })
  })

  it('sees a changed default within a minute, and goes on with the one it knows while D1 is away', async () => {
    await put('customer/*', 2)
    const made = await makeKey({ sluice: { customers: true } })
    const said = { customer: 'dora' }
    expect(granted(await Promise.all(['dora-1', 'dora-2', 'dora-3'].map((id) => admit(made, id, said))))).toBe(2)
    await put('customer/*', 4)
    const away = vi.spyOn(Object.getPrototypeOf(bindings.DB), 'withSession').mockImplementation(() => {
      throw new Error('D1 is away.')
    })
    await later('customer:dora', 61_000)
    expect(await admit(made, 'dora-4', said)).toMatchObject({ kind: 'refused', money: { limitNanoUsd: 2 * HOLD_NANO_USD } })
    away.mockRestore()
    vi.restoreAllMocks()
    await later('customer:dora', 122_000)
    expect(granted([await admit(made, 'dora-5', said), await admit(made, 'dora-6', said)])).toBe(2)
    vi.restoreAllMocks()
    expect(await admit(made, 'dora-7', said)).toMatchObject({ kind: 'refused' })
  })

  it('that nobody has met while D1 is away has the default all the same', async () => {
    await put('customer/*', 2)
    const made = await makeKey({ sluice: { customers: true } })
    await admit(made, 'away-0', { customer: 'known' })
    const away = vi.spyOn(Object.getPrototypeOf(bindings.DB), 'withSession').mockImplementation(() => {
      throw new Error('D1 is away.')
    })
    const answers = await Promise.all(Array.from({ length: 6 }, (_, i) => admit(made, `away-${i + 1}`, { customer: 'unmet' })))
    expect(granted(answers)).toBe(2)
    expect(away).toHaveBeenCalled()
  })

  it('is read from the request as the clients send it, and forgotten by the key when all is told', async () => {
    await put('customer/*', 1000)
    const made = await makeKey({ sluice: { customers: true } })
    const header = { 'x-litellm-end-user-id': 'from header' }
    expect((await call('POST', '/v1/chat/completions', made.key, echo('a', { user: 'a/b' }))).status).toBe(200)
    expect((await call('POST', '/v1/chat/completions', made.key, echo('a', { user: 'x' }), header)).status).toBe(200)
    const names = await runInDurableObject(bindings.KEYS.getByName(made.id), async (_, { storage }) => [
      ...(await storage.list({ prefix: 'name:' })).keys(),
    ])
    expect(names).toEqual(['name:customer:a%2Fb', 'name:customer:from%20header'])
    for (const name of ['eve1', 'eve2', 'eve3', 'eve4']) await settle(made, await admit(made, `told-${name}`, { customer: name }), 30)
    for (const name of ['eve1', 'eve2', 'eve3', 'eve4'])
      expect(
        await until(
          () => view(`customer/${name}`),
          ({ spent_nano_usd: spent, leased_nano_usd: leased }) => spent > 0 && leased === 0,
        ),
      ).toMatchObject({ spent_nano_usd: 30, leased_nano_usd: 0 })
    await settle(made, await admit(made, 'told-again', { customer: 'eve1' }), 30)
    const kept = await runInDurableObject(
      bindings.KEYS.getByName(made.id),
      async (_, { storage }) => (await storage.get<{ readonly allowances: readonly (readonly [string])[] }>('journal'))?.allowances ?? [],
    )
    expect(kept.map(([scope]) => scope)).toEqual(['customer:eve1'])
    expect(
      await until(
        () => view('customer/eve1'),
        ({ spent_nano_usd: spent }) => spent > 30,
      ),
    ).toMatchObject({ spent_nano_usd: 60, leased_nano_usd: 0 })
  })

  it('only counts where the key says so', async () => {
    await put('customer/*', 0)
    const made = await makeKey()
    expect(await admit(made, 'off-1', { customer: 'ann' })).toMatchObject({ kind: 'granted' })
    const changed = await call('PATCH', `/api/v1/keys/${made.hash}`, ADMIN, { sluice: { customers: true } })
    expect(await changed.json()).toMatchObject({ data: { sluice: { customers: true, customers_per_hour: 1000 } } })
    expect(await admit(made, 'off-2', { customer: 'never met' })).toMatchObject({ kind: 'refused', code: 'budget-exceeded' })
    await call('DELETE', '/api/v1/budgets/customer/*', ADMIN)
  })
})

describe('a tag', () => {
  it('of the key is a budget like a team’s, and one of the request counts where the key says so', async () => {
    await put('tag/nightly', 2)
    await put('tag/a%20b', 1)
    const made = await makeKey({ sluice: { tags: ['nightly'] } })
    expect(await (await call('GET', '/v1/key', made.key)).json()).toMatchObject({
      data: { sluice: { tags: ['nightly'], scopes: ['tag:nightly'] } },
    })
    const tagged = { tags: ['a%20b'] }
    expect(await admit(made, 'tag-1', tagged)).toMatchObject({ kind: 'granted' })
    expect((await call('PATCH', `/api/v1/keys/${made.hash}`, ADMIN, { sluice: { tag_budgets: true } })).status).toBe(200)
    expect(await admit(made, 'tag-2', tagged)).toMatchObject({ kind: 'granted' })
    expect(await admit(made, 'tag-3', {})).toMatchObject({ kind: 'refused', money: { scope: 'tag:nightly' } })
    await put('tag/nightly', null)
    expect(await admit(made, 'tag-4', tagged)).toMatchObject({ kind: 'refused', money: { scope: 'tag:a%20b' } })
    expect(await admit(made, 'tag-5', {})).toMatchObject({ kind: 'granted' })
  })

  it('of which there are too many new ones shares a budget with the others', async () => {
    const made = await makeKey({ sluice: { tag_budgets: true, customers_per_hour: 1 } })
    expect((await call('PUT', '/api/v1/budgets/tag/', ADMIN, { limit: dollars(1) })).status).toBe(200)
    expect(granted([await admit(made, 'many-1', { tags: ['t1'] }), await admit(made, 'many-2', { tags: ['t2', 't3'] })])).toBe(2)
    expect(await admit(made, 'many-3', { tags: ['t4'] })).toMatchObject({ kind: 'refused', money: { scope: 'tag:' } })
  })
})
