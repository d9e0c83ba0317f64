// Soft limits in the real objects: a header on every answer, an event once a period, and nothing refused.

import { runDurableObjectAlarm } from 'cloudflare:test'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Admission, Row } from '../../src/core/account.ts'
import { expiredRow } from '../../src/core/expired-row.ts'
import { ADMIN, ask, bindings, call, echo, makeKey, until, type Made } from './bindings.ts'

const HEADER = 'x-sluice-budget-warning'
const spend = async (made: Made, id: string, nanoUsd: number): Promise<Admission> => {
  const object = bindings.KEYS.getByName(made.id)
  const admission = (await object.admit(ask(id, made.hash))) as unknown as Admission
  if (admission.kind !== 'granted') throw new Error('It was refused.')
  const row: Row = { ...expiredRow(made.id, admission.hold, Date.now()), costNanoUsd: nanoUsd, ended: 'complete' }
  await object.settle([{ hold: admission.hold, row, answer: null }])
  return admission
}
type Event = {
  readonly scope: string
  readonly spent: number
  readonly soft_limit: number
  readonly sluice: { readonly key_id: string | null }
}
const events = async (query = ''): Promise<readonly Event[]> =>
  (await (await call('GET', `/api/v1/events${query}`, ADMIN)).json<{ readonly data: readonly Event[] }>()).data

afterEach(() => void vi.restoreAllMocks())

describe('a soft limit', () => {
  it('of a key warns in every answer from when it is reached, is an event once, and refuses nothing', async () => {
    const made = await makeKey({ sluice: { soft_limit: 0.0000001 } })
    expect((await call('POST', '/v1/chat/completions', made.key, echo('a'))).headers.get(HEADER)).toBeNull()
    expect(await spend(made, 'soft-1', 100)).not.toHaveProperty('warnings')
    for (const stream of [false, true]) {
      const response = await call('POST', '/v1/chat/completions', made.key, echo('a', { stream }))
      expect([response.status, response.headers.get(HEADER)]).toEqual([200, 'key spent=0.0000001 soft_limit=0.0000001'])
      await response.text()
    }
    await spend(made, 'soft-2', 100)
    const found = await until(
      async () => (await events()).filter(({ sluice }) => sluice.key_id === made.id),
      (those) => those.length > 0,
    )
    expect(found).toMatchObject([{ scope: 'key', spent: 0.0000001, soft_limit: 0.0000001 }])
    const own = await (await call('GET', '/v1/key', made.key)).json()
    expect(own).toMatchObject({ data: { sluice: { soft_limit: 0.0000001 } } })
    expect((await call('PATCH', `/api/v1/keys/${made.hash}`, ADMIN, { sluice: { soft_limit: null } })).status).toBe(200)
    expect((await call('POST', '/v1/chat/completions', made.key, echo('a'))).headers.get(HEADER)).toBeNull()
  })

  it('tells nothing to a secret that is no longer good', async () => {
    const made = await makeKey({ sluice: { soft_limit: 0 } })
    const answer = await bindings.KEYS.getByName(made.id).admit(ask('wrong', 'another'))
    expect(answer).toMatchObject({ kind: 'refused', code: 'key-unknown' })
    expect(answer).not.toHaveProperty('warnings')
  })

  it('of a shared budget warns every key, in refusals too, and its event waits for D1', async () => {
    const put = await call('PUT', '/api/v1/budgets/team/soft', ADMIN, { limit: 0.000001, soft_limit: 0.0000005 })
    expect(await put.json()).toMatchObject({ data: { soft_limit: 0.0000005, limit: 0.000001 } })
    const [one, other] = await Promise.all([makeKey({ sluice: { team: 'soft' } }), makeKey({ sluice: { team: 'soft' } })])
    for (const { key } of [one, other]) await call('GET', '/v1/key', key) // their objects know them
    const away = vi.spyOn(Object.getPrototypeOf(bindings.DB) as D1Database, 'prepare').mockImplementation(() => {
      throw new Error('D1 is away.')
    })
    await spend(one, 'team-1', 600)
    const warning = 'team:soft spent=0.0000006 soft_limit=0.0000005'
    const warned = await until(
      async () => (await call('POST', '/v1/chat/completions', one.key, echo('a'))).headers.get(HEADER),
      (text) => text !== null,
    )
    expect(warned).toBe(warning)
    expect(await bindings.KEYS.getByName(other.id).admit(ask('team-2', other.hash))).toMatchObject({
      kind: 'granted',
      warnings: [{ scope: 'team:soft', spentNanoUsd: 600, softNanoUsd: 500 }],
    })
    await bindings.KEYS.getByName(other.id).admit(ask('team-3', other.hash))
    expect(await bindings.KEYS.getByName(other.id).admit(ask('team-4', other.hash))).toMatchObject({
      kind: 'refused',
      warnings: [{ scope: 'team:soft' }],
    })
    const isInsert = ([text]: readonly string[]): boolean => text?.startsWith('INSERT INTO events') === true
    await until(
      async () => away.mock.calls.some(isInsert),
      (tried) => tried,
    )
    expect(away.mock.calls.some(isInsert)).toBe(true)
    away.mockRestore()
    expect((await events()).filter(({ scope }) => scope === 'team:soft')).toEqual([])
    await runDurableObjectAlarm(bindings.BUDGETS.getByName('team:soft'))
    const found = await until(
      async () => (await events('?kind=budget.soft_limit&limit=1000')).filter(({ scope }) => scope === 'team:soft'),
      (those) => those.length > 0,
    )
    expect(found).toMatchObject([{ spent: 0.0000006, soft_limit: 0.0000005 }])
  })

  it('lists its events for the admin key alone, newest first, a page at a time', async () => {
    const made = await makeKey({ sluice: { soft_limit: 0 } })
    await spend(made, 'page-1', 1)
    const all = await until(
      () => events(),
      (those) => those.some(({ sluice }) => sluice.key_id === made.id),
    )
    expect(all[0]?.sluice.key_id).toBe(made.id)
    expect(await events('?limit=1&offset=1')).toEqual(all.slice(1, 2))
    expect((await call('GET', '/api/v1/events?kind=nothing', ADMIN)).status).toBe(400)
    expect([401, 403]).toContain((await call('GET', '/api/v1/events', made.key)).status)
  })
})
