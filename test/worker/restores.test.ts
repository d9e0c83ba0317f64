// D1 put back to an earlier time: the objects notice, say so once, keep what they know, and write it forward.

import { runInDurableObject } from 'cloudflare:test'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Admission, KeyView, Row } from '../../src/core/account.ts'
import { expiredRow } from '../../src/core/expired-row.ts'
import type { Policy } from '../../src/core/policy.ts'
import { policyOf, type StoredKey } from '../../src/platform/policies.ts'
import type { KeyObject } from '../../src/platform/key-object.ts'
import { IDLE_MS } from '../../src/platform/journal.ts'
import { ADMIN, ask, bindings, call, echo, heldFor, makeKey, until, type Made } from './bindings.ts'
import { bookmark, putBack } from './time-travel.ts'

type Object = Pick<KeyObject, 'flush' | 'settle'> & {
  admit(asked: unknown): Promise<Admission>
  view(hash: string, ip: null): Promise<KeyView>
}
const objectOf = ({ id }: Made): Object => bindings.KEYS.getByName(id) as unknown as Object
const evict = (made: Made): Promise<unknown> =>
  runInDurableObject(bindings.KEYS.getByName(made.id), (_, state) => state.abort('evicted')).catch(() => undefined)
/** As the runtime does to objects that nobody uses: what it may have forgotten by a crash is nothing then. */
const evictIdle = async (made: Made): Promise<void> => {
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS + 300))
  await evict(made)
}
const admit = (made: Made, id: string): Promise<Admission> => objectOf(made).admit(ask(id, made.hash))
const rowOf = (made: Made, granted: Admission, costNanoUsd: number): Row => {
  if (granted.kind !== 'granted') throw new Error('It was refused.')
  return { ...expiredRow(made.id, granted.hold, Date.now()), createdAt: Date.now() - 50, costNanoUsd, ended: 'complete' }
}
const settle = (made: Made, row: Row): Promise<void> => objectOf(made).settle([{ hold: heldFor(row), row, answer: null }])
const spend = async (made: Made, id: string, costNanoUsd: number): Promise<void> =>
  settle(made, rowOf(made, await admit(made, id), costNanoUsd))
const stored = (made: Made): Promise<Record<string, unknown> | null> =>
  bindings.DB.prepare('SELECT * FROM keys WHERE id = ?1').bind(made.id).first()
const everIn = (row: Record<string, unknown> | null): unknown =>
  (JSON.parse(String(row?.['spend'])) as { readonly everNanoUsd?: number }).everNanoUsd
const noticed = async (scope: string): Promise<readonly Record<string, unknown>[]> =>
  (await (await call('GET', '/api/v1/restores', ADMIN)).json<{ readonly data: readonly Record<string, unknown>[] }>()).data.filter(
    (one) => one['scope'] === scope,
  )
const patch = (made: Made, change: object): Promise<Response> => call('PATCH', `/api/v1/keys/${made.hash}`, ADMIN, change)
const chat = async (key: string): Promise<number> => (await call('POST', '/v1/chat/completions', key, echo('x'))).status

const policyIn = (row: Record<string, unknown> | null): Policy => policyOf(row as StoredKey)

afterEach(() => void vi.restoreAllMocks())

describe('D1 put back to an earlier time', () => {
  it('gives no budget twice: the spend stays, is written forward, and it is said once', async () => {
    const made = await makeKey({ limit: 0.000001 }) // five holds
    await spend(made, 'travel-1', 200)
    await objectOf(made).flush()
    const before = await bookmark()
    await spend(made, 'travel-2', 200)
    await spend(made, 'travel-3', 200)
    await objectOf(made).flush()
    expect(everIn(await stored(made))).toBe(600)
    await putBack(before)
    expect(everIn(await stored(made))).toBe(200)
    await evictIdle(made)
    const log = vi.spyOn(console, 'log')
    await spend(made, 'travel-4', 200)
    await objectOf(made).flush()
    expect(everIn(await stored(made))).toBe(800)
    const last = await admit(made, 'travel-5')
    expect(await admit(made, 'travel-6')).toMatchObject({ kind: 'refused', code: 'budget-exceeded' })
    await settle(made, rowOf(made, last, 0))
    await objectOf(made).flush()
    expect(await noticed(made.id)).toMatchObject([
      { kind: 'key', did: 'row written forward', d1: { spent_ever_nano_usd: 200 }, object: { spent_ever_nano_usd: 800 } },
    ])
    const lines = log.mock.calls.map(([line]) => String(line)).filter((line) => line.includes('d1-restored') && line.includes(made.id))
    expect(lines).toHaveLength(1)
    expect(lines.join()).not.toContain(made.hash)
    const doctor = await (
      await call('GET', '/api/v1/doctor', ADMIN)
    ).json<{ readonly data: { readonly restores: { readonly count: number } } }>()
    expect(doctor.data.restores.count).toBeGreaterThan(0)
  })

  it('does not bring a revoked key back: it stays refused, and is listed so from its next request on', async () => {
    const made = await makeKey()
    expect(await chat(made.key)).toBe(200)
    await objectOf(made).flush()
    const before = await bookmark()
    expect((await patch(made, { disabled: true })).status).toBe(200)
    await putBack(before)
    await evict(made)
    expect(await stored(made)).toMatchObject({ disabled: 0 })
    expect(await chat(made.key)).toBe(401)
    const row = await until(() => stored(made), (found) => found?.['disabled'] === 1) // prettier-ignore
    expect(row).toMatchObject({ disabled: 1, version: 2 })
    expect(await noticed(made.id)).toHaveLength(1)
  })

  it('does not let another change undo a revocation', async () => {
    const made = await makeKey()
    const gone = await makeKey()
    await Promise.all([chat(made.key), chat(gone.key)])
    const before = await bookmark()
    await patch(made, { disabled: true })
    await call('DELETE', `/api/v1/keys/${gone.hash}`, ADMIN)
    await putBack(before)
    expect(await (await patch(made, { name: 'renamed' })).json()).toMatchObject({ data: { name: 'renamed', disabled: true } })
    expect(await stored(made)).toMatchObject({ disabled: 1, name: 'renamed', version: 3 })
    expect(await chat(made.key)).toBe(401)
    expect((await patch(gone, { name: 'renamed' })).status).toBe(404)
    expect((await stored(gone))?.['deleted_at']).not.toBeNull()
    expect(await chat(gone.key)).toBe(401)
    expect((await patch(made, { disabled: false })).status).toBe(200)
    expect(await chat(made.key)).toBe(200)
  })

  it('loses no key that was made since: it comes back with its next use, or when it is named', async () => {
    const before = await bookmark()
    const [used, idle] = [await makeKey({ limit: 1, sluice: { models: ['demo/*'] } }), await makeKey()]
    await Promise.all([chat(used.key), chat(idle.key)])
    const reports = (made: Made): Promise<Record<string, unknown> | null> => until(() => stored(made), (row) => Number(row?.['reported']) > 0) // prettier-ignore
    const [whole] = await Promise.all([reports(used), reports(idle)])
    await putBack(before)
    expect([await stored(used), await stored(idle)]).toEqual([null, null])
    expect(await chat(used.key)).toBe(200)
    const { updated_at: _u, reported: _r, ...same } = whole ?? {}
    expect(await reports(used)).toMatchObject(same)
    const named = await call('POST', '/api/v1/restores', ADMIN, { ids: [idle.id, 'abcdefghijkm'] })
    expect(await named.json()).toMatchObject({ data: { checked: 2, behind: 1 } })
    expect((await call('DELETE', `/api/v1/keys/${idle.hash}`, ADMIN)).status).toBe(200)
    expect(await chat(idle.key)).toBe(401)
  })

  it('does not bring an old secret back, and the walk over all keys lists the new one', async () => {
    const made = await makeKey()
    await chat(made.key)
    const before = await bookmark()
    const rotated = await (
      await call('POST', `/api/v1/keys/${made.hash}/rotate`, ADMIN, {})
    ).json<{ readonly key: string; readonly data: { readonly hash: string } }>()
    await putBack(before)
    expect([await chat(made.key), await chat(rotated.key)]).toEqual([401, 200])
    let after: string | null = null
    do {
      const response = await call('POST', '/api/v1/restores', ADMIN, after === null ? {} : { after })
      const { data } = await response.json<{ readonly data: { readonly after: string | null } }>()
      after = data.after
    } while (after !== null)
    expect((await call('GET', `/api/v1/keys/${rotated.data.hash}`, ADMIN)).status).toBe(200)
  })

  it('ends an imported key whose secret was imported once more meanwhile: there is one key of a secret', async () => {
    const before = await bookmark()
    const text = `sk-or-v1-${'9'.repeat(40)}`
    const importing = async (): Promise<Made> => {
      const response = await call('POST', '/api/v1/keys/import', ADMIN, { key: text, name: 'x' })
      const { data } = await response.json<{ readonly data: { readonly hash: string; readonly sluice: { readonly id: string } } }>()
      return { key: text, hash: data.hash, id: data.sluice.id }
    }
    const first = await importing()
    expect(await chat(text)).toBe(200)
    await objectOf(first).flush()
    await putBack(before)
    const second = await importing()
    const log = vi.spyOn(console, 'log')
    expect(await admit(first, 'travel-twice')).toMatchObject({ kind: 'granted' })
    await settle(first, { ...expiredRow(first.id, { requestId: 'travel-twice', period: 'ever', nanoUsd: 0, takenAt: Date.now(), expiresAt: Date.now(), budgeted: false }, Date.now()) }) // prettier-ignore
    await objectOf(first).flush()
    for (const id of ['travel-thrice', 'travel-again']) {
      expect(await admit(first, id)).toMatchObject({ kind: 'refused', code: 'key-unknown' })
      await objectOf(first).flush()
    }
    expect(log.mock.calls.filter(([line]) => String(line).includes(first.id))).toHaveLength(1)
    expect(await admit(second, 'travel-other')).toMatchObject({ kind: 'granted' })
  })

  it('books no request twice whose row the ledger has lost', async () => {
    const made = await makeKey({ limit: 1 })
    const first = rowOf(made, await admit(made, 'travel-late'), 70)
    const before = await bookmark()
    await settle(made, first)
    await objectOf(made).flush()
    await putBack(before)
    await evictIdle(made)
    await settle(made, first) // the answer to the first was lost
    await objectOf(made).flush()
    expect(await objectOf(made).view(made.hash, null)).toMatchObject({ spentNanoUsd: 70, heldNanoUsd: 0 })
    const rows = await bindings.DB.prepare("SELECT cost_nano_usd FROM requests WHERE id = 'travel-late'").all()
    expect(rows.results).toEqual([{ cost_nano_usd: 70 }])
    await evict(made)
    const next = rowOf(made, await admit(made, 'travel-next'), 30)
    await settle(made, { ...next, createdAt: Date.now() + 1 })
    expect(await objectOf(made).view(made.hash, null)).toMatchObject({ spentNanoUsd: 100 })
  })

  it('is not suspected when the answer to a report was lost', async () => {
    const made = await makeKey()
    await spend(made, 'travel-lost', 10)
    await runInDurableObject(bindings.KEYS.getByName(made.id), async (object) => {
      const { DB } = bindings
      const batch = vi.spyOn(DB, 'batch').mockImplementationOnce(async (statements) => {
        batch.mockRestore()
        await DB.batch(statements)
        throw new Error('the answer was lost')
      })
      Reflect.set(object, 'env', { ...Reflect.get(object, 'env'), DB })
      await expect(object.flush()).rejects.toThrow('the answer was lost')
      await object.flush()
    })
    await spend(made, 'travel-found', 10)
    await objectOf(made).flush()
    expect(await noticed(made.id)).toEqual([])
    expect(everIn(await stored(made))).toBe(20)
  })

  it('is not suspected when two reports are answered out of order, or a change comes between', async () => {
    const made = await makeKey()
    await spend(made, 'travel-order-1', 10)
    await objectOf(made).flush()
    await runInDurableObject(bindings.KEYS.getByName(made.id), async (object) => {
      const DB = bindings.DB
      const held = Promise.withResolvers<void>()
      const slow = new Proxy(DB, {
        get: (target, name) =>
          name === 'batch'
            ? async (statements: D1PreparedStatement[]) => {
                const results = await target.batch(statements)
                await held.promise
                return results
              }
            : (...given: unknown[]) => Reflect.apply(Reflect.get(target, name) as (...given: unknown[]) => unknown, target, given),
      })
      const over = Reflect.get(object, 'env') as object
      const book = async (id: string): Promise<void> => {
        const granted = await object.admit(ask(id, made.hash))
        const row = rowOf(made, granted, 10)
        await object.settle([{ hold: heldFor(row), row, answer: null }])
      }
      await book('travel-order-2')
      Reflect.set(object, 'env', { ...over, DB: slow })
      const first = object.flush()
      Reflect.set(object, 'env', { ...over, DB })
      await new Promise((resolve) => setTimeout(resolve, 30))
      await object.flush()
      expect(await object.apply({ ...policyIn(await stored(made)), version: 2, name: 'since' }, true)).toBe(true)
      await bindings.DB.prepare("UPDATE keys SET version = 2, name = 'since' WHERE id = ?1").bind(made.id).run()
      held.resolve()
      await first
    })
    await spend(made, 'travel-order-3', 10)
    await objectOf(made).flush()
    expect(await noticed(made.id)).toEqual([])
    expect(await stored(made)).toMatchObject({ name: 'since', version: 2 })
    expect(everIn(await stored(made))).toBe(30)
  })

  it('is what counts for a key that was never used', async () => {
    const made = await makeKey()
    const before = await bookmark()
    await bindings.DB.prepare('UPDATE keys SET disabled = 1, version = 2 WHERE id = ?1').bind(made.id).run()
    await putBack(before)
    expect(await chat(made.key)).toBe(200)
    await objectOf(made).flush()
    expect(await noticed(made.id)).toEqual([])
  })
})

describe('a shared budget, with D1 put back', () => {
  const put = (team: string, limit: number): Promise<Response> => call('PUT', `/api/v1/budgets/team/${team}`, ADMIN, { limit })
  const get = async (team: string): Promise<{ readonly limit: number }> =>
    (await (await call('GET', `/api/v1/budgets/team/${team}`, ADMIN)).json<{ readonly data: { readonly limit: number } }>()).data

  it('keeps its newer limit, shows it, and can be changed', async () => {
    await put('travel', 5)
    const before = await bookmark()
    await put('travel', 1)
    await put('made-since', 2)
    await putBack(before)
    expect(await get('travel')).toMatchObject({ limit: 1 })
    expect(await get('made-since')).toMatchObject({ limit: 2 })
    expect(await noticed('team:travel')).toMatchObject([{ kind: 'budget', did: 'row written forward' }])
    expect(await noticed('team:made-since')).toMatchObject([{ kind: 'budget', did: 'row inserted' }])
    expect((await put('travel', 3)).status).toBe(200)
    expect(await get('travel')).toMatchObject({ limit: 3 })
  })

  it('notices while it is used', async () => {
    await put('used', 5)
    const before = await bookmark()
    await put('used', 1)
    await putBack(before)
    await runInDurableObject(bindings.BUDGETS.getByName('team:used'), (_, state) => state.abort('evicted')).catch(() => undefined)
    const made = await makeKey({ sluice: { team: 'used' } })
    await admit(made, 'travel-team')
    const row = await until(
      () => bindings.DB.prepare("SELECT limit_nano_usd AS n FROM budgets WHERE scope = 'team:used'").first<{ readonly n: number }>(),
      (found) => found?.n === 1_000_000_000,
    )
    expect(row).toEqual({ n: 1_000_000_000 })
  })
})
