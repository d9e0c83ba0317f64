// Prepaid credit, in the real objects: nothing without a grant, exactly as much as was granted, and never taken back below what is used.

import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Admission, Row } from '../../src/core/account.ts'
import { expiredRow } from '../../src/core/expired-row.ts'
import { ADMIN, ask, bindings, call, makeKey, type Made } from './bindings.ts'

const HOLD_NANO_USD = 200
const dollars = (holds: number): number => (holds * HOLD_NANO_USD) / 1e9
type Credits = {
  readonly total_credits: number
  readonly total_usage: number
  readonly remaining: number
  readonly grants?: readonly { readonly id: string; readonly amount: number; readonly note: string | null }[]
  readonly sluice: { readonly spent_nano_usd: number; readonly leased_nano_usd: number; readonly limit_nano_usd: number }
}
const grant = (account: string, holds: number, more: Record<string, unknown> = {}): Promise<Response> =>
  call('POST', `/api/v1/credits/${account}/grants`, ADMIN, { amount: dollars(holds), ...more })
const credits = async (path: string, key = ADMIN): Promise<Credits> =>
  (await (await call('GET', path, key)).json<{ readonly data: Credits }>()).data
const customer = (credit: string): Promise<Made> => makeKey({ sluice: { credit } })
const admit = (made: Made, id: string): Promise<Admission> =>
  bindings.KEYS.getByName(made.id).admit(ask(id, made.hash)) as unknown as Promise<Admission>
const settle = (made: Made, granted: Admission, costNanoUsd: number): Promise<void> => {
  if (granted.kind !== 'granted') throw new Error('It was refused.')
  const row: Row = { ...expiredRow(made.id, granted.hold, Date.now()), costNanoUsd, ended: 'complete' }
  return bindings.KEYS.getByName(made.id).settle([{ hold: granted.hold, row, answer: null }]) as unknown as Promise<void>
}
const granted = (answers: readonly Admission[]): number => answers.filter(({ kind }) => kind === 'granted').length

afterEach(() => void vi.restoreAllMocks())

describe('prepaid credit', () => {
  it('is needed before anything is spent, and is spent by whichever keys name the account, exactly', async () => {
    const keys = await Promise.all([customer('acme'), customer('acme')])
    expect(await admit(keys[0], 'none')).toMatchObject({
      kind: 'refused',
      code: 'budget-exceeded',
      money: { scope: 'credit:acme', limitNanoUsd: 0 },
    })
    expect((await grant('acme', 3)).status).toBe(201)
    expect((await grant('acme', 2, { note: 'a gift' })).status).toBe(201)
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => admit(keys[i % 2] as Made, `acme-${i}`)))
    expect(granted(answers)).toBe(5)
    for (const [i, answer] of answers.entries()) if (answer.kind === 'granted') await settle(keys[i % 2] as Made, answer, 150)
    const own = await credits('/api/v1/credits', keys[0].key)
    expect(own).toMatchObject({ total_credits: dollars(5) })
    await credits('/api/v1/credits', keys[1].key)
    const all = await credits('/api/v1/credits/acme')
    expect(all).toMatchObject({ total_credits: dollars(5), total_usage: 750 / 1e9, remaining: 250 / 1e9, sluice: { leased_nano_usd: 0 } })
    expect(all.grants?.map(({ amount, note }) => [amount, note])).toEqual(
      expect.arrayContaining([[dollars(2), 'a gift'], [dollars(3), null]]), // prettier-ignore
    )
    expect(await (await call('GET', '/v1/key', keys[0].key)).json()).toMatchObject({
      data: { sluice: { credit: 'acme', scopes: ['credit:acme'] } },
    })
  })

  it('is granted once for an id, whatever is repeated at once', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => grant('once', 4, { id: 'invoice-7' })))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 200, 200, 200, 201])
    expect((await credits('/api/v1/credits/once')).total_credits).toBe(dollars(4))
    expect((await grant('once', 5, { id: 'invoice-7' })).status).toBe(409)
    expect((await grant('another', 4, { id: 'invoice-7' })).status).toBe(409)
  })

  it('is taken back down to what is spent and held, and not further, however many try at once', async () => {
    const made = await customer('back')
    await grant('back', 5)
    const running = await admit(made, 'back-1')
    await settle(made, await admit(made, 'back-2'), 200)
    const refused = await grant('back', -4)
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('At most $0.0000006 of back')])
    const tries = await Promise.all(Array.from({ length: 5 }, () => grant('back', -1)))
    expect(tries.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 201, 201, 400, 400])
    expect(await admit(made, 'back-3')).toMatchObject({ kind: 'refused', money: { scope: 'credit:back', limitNanoUsd: 400 } })
    await settle(made, running, 0)
    expect(await admit(made, 'back-4')).toMatchObject({ kind: 'granted' })
  })

  it('that was half given or half taken is whole when it is repeated', async () => {
    const made = await customer('half')
    await grant('half', 2, { id: 'half-1' })
    const fail = (): { mockRestore: () => void } => {
      const proto = Object.getPrototypeOf(bindings.DB) as D1Database
      const prepare = proto.prepare
      return vi.spyOn(proto, 'prepare').mockImplementation(function (this: D1Database, text: string) {
        if (text.startsWith('INSERT INTO grants')) throw new Error('D1 is away.')
        return prepare.call(this, text)
      })
    }
    const away = fail()
    expect((await grant('half', -1, { id: 'half-2' })).status).toBe(503)
    expect((await grant('half', 3, { id: 'half-3' })).status).toBe(503)
    away.mockRestore()
    expect(granted(await Promise.all(['half-a', 'half-b'].map((id) => admit(made, id))))).toBe(1)
    expect((await grant('half', -1, { id: 'half-2' })).status).toBe(201)
    expect((await grant('half', 3, { id: 'half-3' })).status).toBe(201)
    expect((await credits('/api/v1/credits/half')).total_credits).toBe(dollars(4))
    expect(granted(await Promise.all(['half-c', 'half-d', 'half-e', 'half-f'].map((id) => admit(made, id))))).toBe(3)
  })

  it('is the administrator’s, and says what is wrong', async () => {
    const made = await customer('mine')
    expect([401, 403]).toContain((await call('POST', '/api/v1/credits/mine/grants', made.key, { amount: 1 })).status)
    expect([401, 403]).toContain((await call('GET', '/api/v1/credits/mine', made.key)).status)
    expect((await call('GET', '/api/v1/credits/mine', ADMIN)).status).toBe(404)
    for (const amount of [0, 1e-10, 5_000_000, '1', null])
      expect((await call('POST', '/api/v1/credits/mine/grants', ADMIN, { amount })).status).toBe(400)
    expect((await call('POST', '/api/v1/credits/a%20b/grants', ADMIN, { amount: 1 })).status).toBe(400)
    expect((await call('POST', '/api/v1/credits/much/grants', ADMIN, { amount: 3_000_000 })).status).toBe(201)
    expect((await call('POST', '/api/v1/credits/much/grants', ADMIN, { amount: 3_000_000 })).status).toBe(400)
    expect((await call('PUT', '/api/v1/budgets/credit/mine', ADMIN, { limit: 1 })).status).toBe(404)
  })
})
