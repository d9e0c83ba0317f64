// Budgets that keys share, in the real objects: exactly as many as fit, what is not needed comes back, a change takes effect at once.

import { runInDurableObject } from 'cloudflare:test'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Admission, Row } from '../../src/core/account.ts'
import { expiredRow } from '../../src/core/expired-row.ts'
import type { BudgetObject } from '../../src/platform/budget-object.ts'
import { ADMIN, ask, bindings, call, makeKey, until, type Made } from './bindings.ts'

const HOLD_NANO_USD = 200

const set = (team: string, holds: number): Promise<Response> =>
  call('PUT', `/api/v1/budgets/team/${team}`, ADMIN, { limit: (holds * HOLD_NANO_USD) / 1e9 })
const member = (team: string): Promise<Made> => makeKey({ sluice: { team } })
const admit = (made: Made, id: string): Promise<Admission> =>
  bindings.KEYS.getByName(made.id).admit(ask(id, made.hash)) as unknown as Promise<Admission>
const settle = (made: Made, granted: Admission, costNanoUsd: number): Promise<void> => {
  if (granted.kind !== 'granted') throw new Error('It was refused.')
  const row: Row = { ...expiredRow(made.id, granted.hold, Date.now()), costNanoUsd, ended: 'complete' }
  return bindings.KEYS.getByName(made.id).settle([{ hold: granted.hold, row, answer: null }]) as unknown as Promise<void>
}
type View = { readonly data: { readonly sluice: { readonly spent_nano_usd: number; readonly leased_nano_usd: number } } }
const view = async (team: string): Promise<View['data']['sluice']> =>
  (await (await call('GET', `/api/v1/budgets/team/${team}`, ADMIN)).json<View>()).data.sluice

afterEach(() => void vi.restoreAllMocks())

describe('a budget that keys share', () => {
  it('admits exactly as many as fit, from whichever keys they come', async () => {
    expect((await set('exact', 7)).status).toBe(200)
    const keys = await Promise.all([member('exact'), member('exact'), member('exact')])
    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => admit(keys[i % keys.length] as Made, `exact-${i}`)))
    expect(answers.filter(({ kind }) => kind === 'granted')).toHaveLength(7)
    for (const answer of answers)
      if (answer.kind === 'refused')
        expect(answer).toMatchObject({ code: 'budget-exceeded', money: { scope: 'team:exact', limitNanoUsd: 7 * HOLD_NANO_USD } })
    expect(await view('exact')).toMatchObject({ spent_nano_usd: 0, leased_nano_usd: 7 * HOLD_NANO_USD })
  })

  it('gets back what was not spent, and any key may use it', async () => {
    await set('back', 2)
    const [a, b] = await Promise.all([member('back'), member('back')])
    const [first, second] = [await admit(a, 'back-1'), await admit(a, 'back-2')]
    expect(await admit(b, 'back-3')).toMatchObject({ kind: 'refused' })
    await settle(a, first, 50)
    await settle(a, second, 0)
    expect(await admit(b, 'back-4')).toMatchObject({ kind: 'granted' })
    expect(await view('back')).toMatchObject({ spent_nano_usd: 50, leased_nano_usd: HOLD_NANO_USD })
  })

  it('is told what was spent without being asked, and an idle key keeps nothing', async () => {
    await set('told', 10)
    const made = await member('told')
    await settle(made, await admit(made, 'told-1'), 30)
    expect(
      await until(
        () => view('told'),
        ({ leased_nano_usd: leased }) => leased === 0,
      ),
    ).toEqual(expect.objectContaining({ spent_nano_usd: 30, leased_nano_usd: 0 }))
  })

  it('that is lowered refuses the next request, and one that is taken away none', async () => {
    await set('less', 5)
    const made = await member('less')
    expect(await admit(made, 'less-1')).toMatchObject({ kind: 'granted' })
    await set('less', 1)
    expect(await admit(made, 'less-2')).toMatchObject({ kind: 'refused', code: 'budget-exceeded' })
    expect(await (await call('DELETE', '/api/v1/budgets/team/less', ADMIN)).json()).toEqual({ deleted: true })
    expect(await admit(made, 'less-3')).toMatchObject({ kind: 'granted' })
  })

  it('does not let a key go on that was revoked while it leased', async () => {
    await set('revoked', 5)
    const made = await member('revoked')
    await call('GET', '/v1/key', made.key)
    const asked = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    // The budget answers only when the key is revoked.
    await runInDurableObject(bindings.BUDGETS.getByName('team:revoked'), (object) => {
      vi.spyOn(Object.getPrototypeOf(object) as BudgetObject, 'lease').mockImplementationOnce(async (_, { told: { turn } }) => {
        asked.resolve()
        await release.promise
        return { kind: 'leased', turn, period: 'ever', resetsAt: null, granted: HOLD_NANO_USD }
      })
    })
    const answer = admit(made, 'revoked-1')
    await asked.promise
    expect((await call('PATCH', `/api/v1/keys/${made.hash}`, ADMIN, { disabled: true })).status).toBe(200)
    release.resolve()
    expect(await answer).toMatchObject({ kind: 'refused', code: 'key-disabled' })
    expect(
      await until(
        () => view('revoked'),
        ({ leased_nano_usd: leased }) => leased === 0,
      ),
    ).toMatchObject({ spent_nano_usd: 0 })
  })

  it('whose period is changed gets back what keys have leased under the one before', async () => {
    await set('turned', 100)
    const made = await member('turned')
    expect(await admit(made, 'turned-1')).toMatchObject({ kind: 'granted' })
    expect((await view('turned')).leased_nano_usd).toBeGreaterThan(3 * HOLD_NANO_USD) // more than was asked for
    await call('PUT', '/api/v1/budgets/team/turned', ADMIN, { limit: HOLD_NANO_USD / 1e9, limit_reset: 'daily' })
    const answers = await Promise.all([2, 3, 4].map((n) => admit(made, `turned-${n}`)))
    expect(answers.filter(({ kind }) => kind === 'granted')).toHaveLength(1)
  })

  it('is told what a request cost that a crash has forgotten', async () => {
    await set('crashed', 5)
    const made = await member('crashed')
    const granted = await admit(made, 'crashed-1')
    const other = await admit(made, 'crashed-2')
    await settle(made, other, 10)
    if (granted.kind !== 'granted') throw new Error('refused')
    await settle(made, { ...granted, hold: { ...granted.hold, requestId: 'crashed-unknown' } }, 40)
    await settle(made, granted, 0)
    expect(
      await until(
        () => view('crashed'),
        ({ leased_nano_usd: leased }) => leased === 0,
      ),
    ).toMatchObject({ spent_nano_usd: 50 })
  })

  it('is the administrator’s alone, and says what is wrong', async () => {
    const made = await member('mine')
    expect([401, 403]).toContain((await call('PUT', '/api/v1/budgets/team/mine', made.key, { limit: 1 })).status)
    expect((await call('PUT', '/api/v1/budgets/clan/mine', ADMIN, { limit: 1 })).status).toBe(404)
    expect((await call('PUT', '/api/v1/budgets/team/a%20b', ADMIN, { limit: 1 })).status).toBe(400)
    expect((await call('PUT', '/api/v1/budgets/team/mine', ADMIN, { limit: -1 })).status).toBe(400)
    expect((await call('GET', '/api/v1/budgets/team/nobody', ADMIN)).status).toBe(404)
    const own = await (await call('GET', '/v1/key', made.key)).json()
    expect(own).toMatchObject({ data: { sluice: { team: 'mine' } } })
  })
})
