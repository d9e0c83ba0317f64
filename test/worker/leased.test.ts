// Leased keys in the real objects: an isolate admits by itself for a moment, books each request once, passes no budget, and gives all back.

import { runInDurableObject } from 'cloudflare:test'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Admission, Hold, Row } from '../../src/core/account.ts'
import { expiredRow } from '../../src/core/expired-row.ts'
import { accountOf } from '../../src/platform/account.ts'
import type { Env } from '../../src/platform/env.ts'
import type { KeyObject } from '../../src/platform/key-object.ts'
import type { Account } from '../../src/ports.ts'
import { ADMIN, ask, bindings, call, echo, makeKey, until, type Made } from './bindings.ts'

const HOLD_NANO_USD = 200
/** A slice's second, and what a busy machine needs. */
const SECOND_MS = 1000

type Own = { readonly spent_nano_usd: number; readonly held_nano_usd: number; readonly running: number }
const own = async ({ key }: Made): Promise<Own> =>
  (await (await call('GET', '/v1/key', key)).json<{ readonly data: { readonly sluice: Own } }>()).data.sluice
const rows = async ({ id }: Made): Promise<number> =>
  (await bindings.DB.prepare('SELECT COUNT(*) AS n FROM requests WHERE key_id = ?1').bind(id).first<number>('n')) ?? 0
const chat = ({ key }: Made): Promise<Response> => call('POST', '/v1/chat/completions', key, echo('a b c'))

/** The port as the gateway has it, in this isolate; what it leaves for later is kept awake by the test. */
const account = (made: Made): Account => accountOf(bindings as unknown as Env, made.id, () => undefined)
const holdOf = (admission: Admission): Hold => {
  if (admission.kind !== 'granted') throw new Error('It was refused.')
  return admission.hold
}
const settle = (made: Made, admission: Admission, costNanoUsd: number): Promise<void> => {
  const hold = holdOf(admission)
  const row: Row = { ...expiredRow(made.id, hold, Date.now()), costNanoUsd, ended: 'complete' }
  return account(made).settle({ hold, row, answer: null })
}
/** Counts what the objects of keys are asked. */
async function counting(made: Made): Promise<{ readonly admits: () => number }> {
  const spy = await runInDurableObject(bindings.KEYS.getByName(made.id), (object: KeyObject) =>
    vi.spyOn(Object.getPrototypeOf(object) as KeyObject, 'admit'),
  )
  return { admits: () => spy.mock.calls.length }
}

afterEach(() => void vi.restoreAllMocks())

describe('a leased key', () => {
  it('is made, told and changed like any other', async () => {
    const made = await makeKey({ sluice: { leased: true } })
    const told = async (): Promise<unknown> =>
      (await (await call('GET', `/api/v1/keys/${made.hash}`, ADMIN)).json<{ readonly data: { readonly sluice: unknown } }>()).data.sluice
    expect(await told()).toMatchObject({ leased: true })
    expect(await own(made)).toMatchObject({ leased: true })
    expect((await call('PATCH', `/api/v1/keys/${made.hash}`, ADMIN, { sluice: { leased: 'yes' } })).status).toBe(400)
    await call('PATCH', `/api/v1/keys/${made.hash}`, ADMIN, { sluice: { providers: ['demo'] } })
    expect(await told()).toMatchObject({ leased: true, providers: ['demo'] })
    await call('PATCH', `/api/v1/keys/${made.hash}`, ADMIN, { sluice: { leased: false } })
    expect(await told()).not.toHaveProperty('leased')
  })

  it('asks its object seldom, and each request is booked once', async () => {
    const made = await makeKey({ limit: 1, sluice: { leased: true, requests_per_minute: 10_000, parallel_requests: 40 } })
    await own(made)
    const { admits } = await counting(made)
    const answers: number[] = []
    for (let i = 0; i < 60; i++) answers.push((await chat(made)).status)
    expect(answers).toEqual(Array.from({ length: 60 }, () => 200))
    expect(admits()).toBeLessThan(20)
    expect(await until(() => rows(made), (found) => found >= 60)).toBe(60) // prettier-ignore
    // A slice counts as so many that run, until it is given back.
    const after = await until(() => own(made), ({ held_nano_usd: held, running }) => held === 0 && running === 0) // prettier-ignore
    expect(after).toMatchObject({ held_nano_usd: 0, running: 0 })
    expect(await rows(made)).toBe(60)
  })

  it('that is revoked is refused after a second at most, and from then on', async () => {
    const made = await makeKey({ sluice: { leased: true } })
    for (let i = 0; i < 5; i++) expect((await chat(made)).status).toBe(200)
    await call('PATCH', `/api/v1/keys/${made.hash}`, ADMIN, { disabled: true })
    const revoked = Date.now()
    let last = revoked
    for (;;) {
      const began = Date.now()
      if ((await chat(made)).status !== 200) break
      last = began
    }
    expect(last - revoked).toBeLessThan(SECOND_MS)
    for (let i = 0; i < 5; i++) expect((await chat(made)).status).toBe(401)
  })

  it('admits as many as fit, out of slices and without them, and frees what was not spent', { timeout: 30_000 }, async () => {
    const fits = 400
    const made = await makeKey({ limit: (fits * HOLD_NANO_USD) / 1e9, sluice: { leased: true } })
    const { admits } = await counting(made)
    const granted: Admission[] = []
    for (let i = 0; ; i++) {
      const admission = await account(made).admit(ask(`fits-${i}`, made.hash))
      if (admission.kind === 'refused') {
        expect(admission.code).toBe('budget-exceeded')
        break
      }
      granted.push(admission)
    }
    expect(granted).toHaveLength(fits)
    expect(granted.filter((one) => holdOf(one).slice !== undefined).length).toBeGreaterThan(fits / 4)
    expect(admits()).toBeLessThan(fits)
    await Promise.all(granted.map((one) => settle(made, one, 50)))
    expect(await own(made)).toMatchObject({ spent_nano_usd: fits * 50, held_nano_usd: 0, running: 0 })
    expect(await account(made).admit(ask('fits-again', made.hash))).toMatchObject({ kind: 'granted' })
  })

  it('keeps what runs longer than its slice held, across a crash of its object too', async () => {
    const made = await makeKey({ limit: 1, sluice: { leased: true } })
    const running: Admission[] = []
    for (let i = 0; i < 6; i++) running.push(await account(made).admit(ask(`long-${i}`, made.hash)))
    expect(running.filter((one) => holdOf(one).slice !== undefined).length).toBeGreaterThan(2)
    // The one that took the slice gives it back when its second is over.
    const held = { spent_nano_usd: 0, held_nano_usd: 6 * HOLD_NANO_USD, running: 6 }
    expect(await until(() => own(made), ({ running: count }) => count === 6)).toMatchObject(held) // prettier-ignore
    await runInDurableObject(bindings.KEYS.getByName(made.id), async (_, state) => {
      await state.storage.sync()
      state.abort('a crash')
    }).catch(() => undefined)
    expect(await own(made)).toMatchObject({ held_nano_usd: expect.any(Number), spent_nano_usd: 0 })
    for (const one of running) await settle(made, one, 10)
    expect(await own(made)).toMatchObject({ spent_nano_usd: 60 })
    for (const one of running) await settle(made, one, 10)
    expect(await own(made)).toMatchObject({ spent_nano_usd: 60 })
  })

  it('asks its object for what names itself, for what its slice has no room for, and for whatever is refused', async () => {
    const made = await makeKey({ limit: 1, sluice: { leased: true, models: ['p/*'] } })
    for (let i = 0; i < 4; i++) await account(made).admit(ask(`named-${i}`, made.hash))
    const { admits } = await counting(made)
    const exactly = async (change: object): Promise<Admission> => {
      const before = admits()
      const admission = await account(made).admit({ ...ask(`exact-${admits()}`, made.hash), ...change })
      expect(admits()).toBe(before + 1)
      return admission
    }
    expect(await exactly({ idempotency: { key: 'one', fingerprint: 'f' } })).toMatchObject({ kind: 'granted' })
    expect(await exactly({ outputTokens: 1_000_000 })).toMatchObject({ kind: 'granted' })
    expect(await exactly({ secretHash: 'other' })).toMatchObject({ kind: 'refused', code: 'key-unknown' })
    const [candidate] = ask('any', made.hash).candidates
    expect(await exactly({ candidates: [{ ...candidate, model: 'q/m' }] })).toMatchObject({ kind: 'refused', code: 'model-forbidden' })
    const before = admits()
    expect(await account(made).admit(ask('plain', made.hash))).toMatchObject({ kind: 'granted', hold: { slice: {} } })
    expect(admits()).toBe(before)
  })

  it('that shares a budget is admitted exactly', async () => {
    const made = await makeKey({ sluice: { leased: true, team: 'leased-blue' } })
    for (let i = 0; i < 4; i++) expect(holdOf(await account(made).admit(ask(`team-${i}`, made.hash)))).not.toHaveProperty('slice')
  })
})
