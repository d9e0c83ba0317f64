// Guesses, and trouble of our own: a made-up key touches nothing, a good one is never called unknown, and a revocation that said yes holds.

import { runInDurableObject } from 'cloudflare:test'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { makeKey as keyOf, importSigning } from '../../src/core/key.ts'
import type { Env } from '../../src/platform/env.ts'
import { expiredRow } from '../../src/core/expired-row.ts'
import { ADMIN, ask, bindings, call, echo, makeKey, until, type Made } from './bindings.ts'
import { callWith, watchedEnv } from './faults.ts'

const bearer = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}` })
const chat = async (key: string): Promise<number> => (await call('POST', '/v1/chat/completions', key, echo('x'))).status

beforeEach(() => void vi.spyOn(console, 'log').mockImplementation(() => undefined))

/** Every way a client may bring a key. */
const WAYS: readonly (readonly [path: string, headers: (key: string) => Record<string, string>, body: unknown])[] = [
  ['/v1/chat/completions', bearer, echo('x')],
  ['/v1/responses', bearer, { model: 'demo/echo', input: 'x' }],
  ['/api/v1/chat/completions', bearer, echo('x')],
  ['/v1/messages', (key) => ({ 'x-api-key': key }), { ...echo('x'), max_tokens: 9 }],
  ['/v1beta/models/demo/echo:generateContent', (key) => ({ 'x-goog-api-key': key }), { contents: [{ parts: [{ text: 'x' }] }] }],
]

describe('thousands of made-up keys', () => {
  it('touch no storage and create no object, in our format and in others', { timeout: 30_000 }, async () => {
    const touched: string[] = []
    const watched = watchedEnv({ before: ({ binding, name }) => void touched.push(`${binding}.${name}`), after: () => undefined })
    const routes = new Proxy(bindings.ROUTES, {
      get: (target, name) => {
        touched.push(`ROUTES.${String(name)}`)
        return Reflect.get(target, name) as unknown
      },
    })
    const over = { ...watched, ROUTES: routes } as unknown as Env
    const wrong = await importSigning('another secret')
    const statuses = new Set<number>()
    for (let i = 0; i < 2000; i++) {
      const [path, headers, body] = WAYS[i % WAYS.length] ?? WAYS[0] ?? []
      if (path === undefined || headers === undefined) throw new Error('There is no way.')
      statuses.add((await callWith(over, 'POST', path, headers((await keyOf(wrong)).text), body)).status)
    }
    expect([...statuses]).toEqual([401])
    expect(touched).toEqual([])
    const began = Date.now()
    for (let i = 0; i < 2000; i++) {
      const [path, headers, body] = WAYS[i % WAYS.length] ?? WAYS[0] ?? []
      if (path === undefined || headers === undefined) throw new Error('There is no way.')
      const text = [`sk-or-v1-${i}${'f'.repeat(50)}`, `sk-${i}${'a'.repeat(22)}`, `sk-sluice-${i}`, `${i}`][i % 4] ?? ''
      statuses.add((await callWith(over, 'POST', path, headers(text), body)).status)
    }
    expect([...statuses]).toEqual([401])
    expect(new Set(touched)).toEqual(new Set(['DB.first'])) // was any key imported? Believed for half a minute
    expect(touched.length).toBeLessThanOrEqual(1 + (Date.now() - began) / 30_000)
  })

  it(
    'slow nobody down where keys were imported: they are looked up at a bounded rate, and name no object',
    { timeout: 30_000 },
    async () => {
      const text = `sk-or-v1-${'7'.repeat(48)}`
      await call('POST', '/api/v1/keys/import', ADMIN, { key: text, name: 'good' })
      const touched = new Map<string, number>()
      const over = watchedEnv({
        before: ({ binding }) => void touched.set(binding, (touched.get(binding) ?? 0) + 1),
        after: () => undefined,
      })
      expect((await callWith(over, 'GET', '/v1/key', bearer(text))).status).toBe(200)
      touched.clear()
      const began = Date.now()
      const statuses = new Map<number, number>()
      for (let i = 0; i < 2000; i++) {
        const response = await callWith(over, 'GET', '/v1/key', bearer(`sk-or-v1-${i}${'e'.repeat(48)}`))
        statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1)
        if (response.status === 503) expect(response.headers.get('retry-after')).toBe('1')
      }
      const seconds = Math.floor((Date.now() - began) / 1000) + 2
      expect(new Set(statuses.keys())).toEqual(new Set([401, 503]))
      expect(touched.get('DB')).toBeLessThanOrEqual(20 * seconds)
      expect(touched.get('DB')).toBe(statuses.get(401))
      expect(touched.has('KEYS')).toBe(false)
      expect((await callWith(over, 'GET', '/v1/key', bearer(text))).status).toBe(200)
    },
  )
})

/** A change that takes a key's right to be used, and the secret that must not work after it. */
const REVOCATIONS: readonly (readonly [name: string, method: string, path: (made: Made) => string, body: unknown])[] = [
  ['disabling', 'PATCH', ({ hash }) => `/api/v1/keys/${hash}`, { disabled: true }],
  ['deleting', 'DELETE', ({ hash }) => `/api/v1/keys/${hash}`, undefined],
  ['rotating', 'POST', ({ hash }) => `/api/v1/keys/${hash}/rotate`, {}],
  ['ending', 'PATCH', ({ hash }) => `/api/v1/keys/${hash}`, { expires_at: '2020-01-01T00:00:00Z' }],
]

describe('a revocation', () => {
  for (const [name, method, path, body] of REVOCATIONS)
    for (const lost of ['operation', 'answer'] as const)
      it(`by ${name} that loses an ${lost} says so, is safe to repeat, and holds once it has said yes`, { timeout: 30_000 }, async () => {
        let failures = 0
        for (let at = 1; at < 20; at++) {
          const made = await makeKey()
          expect(await chat(made.key)).toBe(200)
          let step = 0
          let failed = false
          const fail = (): void => {
            failed = true
            throw new Error('unreachable')
          }
          const over = watchedEnv({
            before: () => void (++step === at && lost === 'operation' && fail()),
            after: () => void (step === at && lost === 'answer' && !failed && fail()),
          })
          const response = await callWith(over, method, path(made), bearer(ADMIN), body)
          if (response.status !== 200) {
            expect([at, response.status, response.headers.get('retry-after')]).toEqual([at, 503, '1'])
            failures++
            const again = await call(method, path(made), ADMIN, body)
            expect([200, ...(name === 'deleting' ? [404] : [])]).toContain(again.status)
          }
          expect([at, await chat(made.key)]).toEqual([at, 401])
          if (!failed) break
        }
        expect(failures).toBeGreaterThan(3)
      })

  for (const lost of ['operation', 'answer'] as const)
    it(
      `by taking the money of a team that loses an ${lost} is safe to repeat, and holds once it has said yes`,
      { timeout: 30_000 },
      async () => {
        let failures = 0
        for (let at = 1; at < 20; at++) {
          const [team, made] = [`${lost}-${at}`, await makeKey({ sluice: { team: `${lost}-${at}` } })]
          expect((await call('PUT', `/api/v1/budgets/team/${team}`, ADMIN, { limit: 1 })).status).toBe(200)
          const object = bindings.KEYS.getByName(made.id)
          expect((await object.admit(ask(`gen-${team}`, made.hash))).kind).toBe('granted')
          let [step, failed] = [0, false]
          const fail = (): void => {
            failed = true
            throw new Error('unreachable')
          }
          const over = watchedEnv({
            before: () => void (++step === at && lost === 'operation' && fail()),
            after: () => void (step === at && lost === 'answer' && !failed && fail()),
          })
          const response = await callWith(over, 'PUT', `/api/v1/budgets/team/${team}`, bearer(ADMIN), { limit: 0 })
          if (response.status !== 200) {
            expect([at, response.status, response.headers.get('retry-after')]).toEqual([at, 503, '1'])
            failures++
            expect((await call('PUT', `/api/v1/budgets/team/${team}`, ADMIN, { limit: 0 })).status).toBe(200)
          }
          expect(await object.admit(ask(`gen-${team}-after`, made.hash))).toMatchObject({ kind: 'refused', code: 'budget-exceeded' })
          if (!failed) break
        }
        expect(failures).toBeGreaterThan(3)
      },
    )

  it('that was repeated is in D1 too, so it holds for an object that begins anew', async () => {
    const made = await makeKey()
    let step = 0
    const over = watchedEnv({
      before: ({ binding, name }) => {
        if (binding === 'DB' && name === 'run' && ++step === 1) throw new Error('unreachable')
      },
      after: () => undefined,
    })
    expect((await callWith(over, 'PATCH', `/api/v1/keys/${made.hash}`, bearer(ADMIN), { disabled: true })).status).toBe(503)
    expect((await call('PATCH', `/api/v1/keys/${made.hash}`, ADMIN, { disabled: true })).status).toBe(200)
    await runInDurableObject(bindings.KEYS.getByName(made.id), async (_, state) => {
      await state.storage.deleteAll()
      state.abort('begin anew')
    }).catch(() => undefined)
    expect(await chat(made.key)).toBe(401)
  })

  it('that said yes is not undone by another change at the same time', async () => {
    const made = await makeKey({ limit: 5 })
    expect(await chat(made.key)).toBe(200)
    /** A change that stops before it is written to D1, when the object has it already. */
    const stopped = (change: object): { readonly there: Promise<void>; readonly go: () => void; readonly answer: Promise<Response> } => {
      const [there, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      const over = watchedEnv({
        before: ({ name }) => {
          if (name !== 'run') return
          there.resolve()
          return go.promise
        },
        after: () => undefined,
      })
      const answer = callWith(over, 'PATCH', `/api/v1/keys/${made.hash}`, bearer(ADMIN), change)
      return { there: there.promise, go: () => go.resolve(), answer }
    }
    const revoking = stopped({ disabled: true })
    await revoking.there
    const lowering = stopped({ limit: 1 })
    await lowering.there // the object now knows this one, made of the key as it was before the revocation
    revoking.go()
    expect((await revoking.answer).status).toBe(200)
    expect(await chat(made.key)).toBe(401)
    lowering.go()
    expect((await lowering.answer).status).toBe(503)
    expect(await chat(made.key)).toBe(401)
    expect((await call('PATCH', `/api/v1/keys/${made.hash}`, ADMIN, { limit: 1 })).status).toBe(200)
    expect(await chat(made.key)).toBe(401)
  })

  it('holds among many changes at once', { timeout: 30_000 }, async () => {
    for (let round = 0; round < 8; round++) {
      const made = await makeKey({ limit: 5 })
      expect(await chat(made.key)).toBe(200)
      const [revoked] = await Promise.all([
        call('PATCH', `/api/v1/keys/${made.hash}`, ADMIN, { disabled: true }),
        call('PATCH', `/api/v1/keys/${made.hash}`, ADMIN, { limit: 1 }),
        call('PATCH', `/api/v1/keys/${made.hash}`, ADMIN, { limit: 9, name: 'other' }),
      ])
      expect([200, 503]).toContain(revoked.status)
      const again = revoked.status === 200 ? revoked : await call('PATCH', `/api/v1/keys/${made.hash}`, ADMIN, { disabled: true })
      expect(again.status).toBe(200)
      expect([round, await chat(made.key)]).toEqual([round, 401])
    }
  })
})

/** D1 as one key's object sees it, away until `back`. */
async function awayFor({ id }: Made): Promise<{ readonly back: () => Promise<unknown> }> {
  const swap = (DB: unknown): Promise<unknown> =>
    runInDurableObject(bindings.KEYS.getByName(id), (object) => {
      Reflect.set(object, 'env', { ...(Reflect.get(object, 'env') as object), DB })
    })
  const away = (): never => {
    throw new Error('D1 is away')
  }
  const statement = { bind: () => statement, first: away, all: away, run: away }
  const session = { prepare: () => statement, batch: away }
  await swap({ ...session, withSession: () => session })
  return { back: () => swap(bindings.DB) }
}

describe('with D1 away', () => {
  const down = watchedEnv({
    before: ({ binding }) => {
      if (binding === 'DB') throw new Error('D1 is away')
    },
    after: () => undefined,
  })

  it('a key that was never used is told to wait, in every language, and works when D1 is back', async () => {
    const made = await makeKey()
    const { back } = await awayFor(made)
    for (const [path, headers, body] of WAYS) {
      const response = await callWith(down, 'POST', path, headers(made.key), body)
      expect([path, response.status, response.headers.get('retry-after')]).toEqual([path, 503, '1'])
    }
    expect((await callWith(down, 'GET', '/v1/key', bearer(made.key))).status).toBe(503)
    await back()
    expect(await chat(made.key)).toBe(200)
  })

  it('a key that was used goes on, imported or ours, and its rows arrive afterwards', { timeout: 30_000 }, async () => {
    const text = `sk-or-v1-${'8'.repeat(48)}`
    const response = await call('POST', '/api/v1/keys/import', ADMIN, { key: text, name: 'imported', limit: 1 })
    const { data } = await response.json<{ readonly data: { readonly hash: string; readonly sluice: { readonly id: string } } }>()
    for (const made of [await makeKey({ limit: 1 }), { key: text, hash: data.hash, id: data.sluice.id }]) {
      const known = watchedEnv({ before: () => undefined, after: () => undefined })
      expect((await callWith(known, 'POST', '/v1/chat/completions', bearer(made.key), echo('x'))).status).toBe(200)
      const { back } = await awayFor(made)
      const DB = new Proxy(known.DB, {
        get: () => () => {
          throw new Error('D1 is away')
        },
      })
      Reflect.set(known, 'DB', DB) // the same isolate, which knows the key
      // At once: each waits for all that its request does afterwards, and the longer D1 is away the later it is tried again.
      const answers = await Promise.all(
        Array.from({ length: 5 }, () => callWith(known, 'POST', '/v1/chat/completions', bearer(made.key), echo('x'))),
      )
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
      const ids = answers.map(({ headers }) => headers.get('x-sluice-request-id') ?? '')
      const rows = (): Promise<number> =>
        bindings.DB.prepare('SELECT COUNT(*) AS n FROM requests WHERE id IN (SELECT value FROM json_each(?1))')
          .bind(JSON.stringify(ids))
          .first<number>('n')
          .then((n) => n ?? 0)
      expect(await rows()).toBe(0)
      await back()
      expect(await until(rows, (n) => n === ids.length, 200)).toBe(ids.length)
      expect(
        await (await call('GET', `/api/v1/generations?api_key_hash=${made.hash}`, ADMIN)).json<{ readonly data: unknown[] }>(),
      ).toMatchObject({
        data: { length: ids.length + 1 },
      })
    }
  })

  it('what a key knows is settled, beside what only D1 can know', async () => {
    const made = await makeKey({ limit: 1 })
    const object = bindings.KEYS.getByName(made.id)
    const granted = await object.admit(ask('gen-known', made.hash))
    if (granted.kind !== 'granted') throw new Error('It was refused.')
    const settlementOf = (requestId: string) => {
      const hold = { ...granted.hold, requestId }
      return { hold, row: { ...expiredRow(made.id, hold, Date.now()), costNanoUsd: 70, ended: 'complete' as const }, answer: null }
    }
    const told = [settlementOf('gen-forgotten'), settlementOf('gen-known')]
    const { back } = await awayFor(made)
    const failed = await runInDurableObject(object, (one) =>
      one.settle(told).then(
        () => null,
        (cause: unknown) => String(cause),
      ),
    )
    expect(failed).toContain('D1 is away')
    expect(await object.view(made.hash, null)).toMatchObject({ spentNanoUsd: 70, heldNanoUsd: 0 })
    await back()
    await object.settle(told)
    expect(await object.view(made.hash, null)).toMatchObject({ spentNanoUsd: 140, heldNanoUsd: 0 })
  })

  it('an administrator is told to repeat, and nothing is changed', async () => {
    const made = await makeKey()
    for (const [method, path, body] of [
      ['GET', '/api/v1/keys', undefined],
      ['POST', '/api/v1/keys', { name: 'x' }],
      ['POST', '/api/v1/keys/import', { name: 'x', key: 'sk-or-v1-000000000000' }],
      ['PATCH', `/api/v1/keys/${made.hash}`, { disabled: true }],
      ['DELETE', `/api/v1/keys/${made.hash}`, undefined],
    ] as const) {
      const response = await callWith(down, method, path, bearer(ADMIN), body)
      expect([path, response.status, response.headers.get('retry-after')]).toEqual([path, 503, '1'])
    }
    expect(await chat(made.key)).toBe(200)
  })
})
