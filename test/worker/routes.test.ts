// The store of the route table: versions and the way back, documents put into KV by hand, and what an isolate uses while who knows is away.

import { runInDurableObject } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Env } from '../../src/platform/env.ts'
import { routesObject } from '../../src/platform/routes-object.ts'
import { forgetRoutes, readRoutes } from '../../src/platform/routes.ts'
import { NO_ROUTES } from '../../src/routing/contract.ts'
import { ADMIN, bindings, call, makeKey, until } from './bindings.ts'

type Json = { readonly [name: string]: unknown }
const stub = (): DurableObjectStub => bindings.ROUTE_TABLE.getByName('routes') as unknown as DurableObjectStub
const restart = (): Promise<unknown> => runInDurableObject(stub(), (_, state) => state.abort('evicted')).catch(() => undefined)
const env = (more: Partial<Env> = {}): Env => ({ ...bindings, ...more }) as unknown as Env
const put = (body: unknown, headers: Record<string, string> = {}, query = ''): Promise<Response> =>
  call('PUT', `/api/v1/routes${query}`, ADMIN, body, headers)
const get = async (path = ''): Promise<Json> => (await call('GET', `/api/v1/routes${path}`, ADMIN)).json<Json>()
const alias = (to: string): Json => ({ aliases: { small: to } })
const small = async (from = env()): Promise<readonly string[] | undefined> => (await readRoutes(from, finish)).aliases.get('small')

let left: Promise<unknown>[] = []
const finish = (work: Promise<unknown>): void => {
  left.push(work)
}
const nothingLater = (): never => {
  throw new Error('nothing was to be done later')
}
/** Moves the clock of isolate and object. */
const wait = (ms: number): unknown => vi.setSystemTime(Date.now() + ms)
/** An isolate that has read nothing yet. */
const another = <T>(read: () => Promise<T>): Promise<T> => {
  forgetRoutes()
  return read()
}

const counted = { asked: 0, answers: (): Promise<number> => Promise.resolve(0) }
/** Bindings whose object counts questions and answers as it is told. */
const asking = (answers: () => Promise<number>): Env => {
  counted.asked = 0
  const current = (): Promise<number> => {
    counted.asked++
    return answers()
  }
  return env({ ROUTE_TABLE: { getByName: () => ({ current, read: () => Promise.resolve(null) }) } as unknown as Env['ROUTE_TABLE'] })
}
const away = (): Promise<number> => Promise.reject(new Error('the object is away'))
const kvAway = { get: () => Promise.reject(new Error('KV is away')), put: () => Promise.reject(new Error('KV is away')), delete: () => Promise.reject(new Error('KV is away')) } as unknown as KVNamespace // prettier-ignore

beforeEach(async () => {
  await runInDurableObject(stub(), (_, state) => state.storage.deleteAll())
  await restart()
  for (const { name } of (await bindings.ROUTES.list()).keys) await bindings.ROUTES.delete(name)
  forgetRoutes()
  left = []
})
afterEach(async () => {
  await Promise.all(left)
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('/api/v1/routes', () => {
  it('tells, takes and numbers documents, plain or as `data`, and the same one is no new version', async () => {
    expect(await get()).toEqual({ data: {}, version: 0, updated_at: null, updated_by: null })
    const first = await put(alias('a/b'))
    expect([first.status, await first.json()]).toEqual([200, { data: alias('a/b'), version: 1, updated_at: expect.any(String), updated_by: 'api' }]) // prettier-ignore
    expect(await (await put(await get())).json()).toMatchObject({ version: 1 })
    expect(await (await put({ data: alias('c/d') })).json()).toMatchObject({ version: 2, data: alias('c/d') })
    const response = await call('GET', '/api/v1/routes', ADMIN)
    expect([response.headers.get('etag'), response.headers.get('cache-control')]).toEqual(['"2"', 'no-store'])
    expect(await response.json()).toMatchObject({ version: 2, data: alias('c/d') })
    expect(await bindings.ROUTES.get('routes/v/2')).toBe(JSON.stringify(alias('c/d')))
    expect(await bindings.ROUTES.get('routes')).toBeNull()
  })

  it('is for the admin key only, but for its schema', async () => {
    const { key } = await makeKey()
    const paths = [['GET', ''], ['PUT', ''], ['GET', '/versions'], ['GET', '/versions/1'], ['GET', '/diff'], ['POST', '/rollback'], ['GET', '/nothing']] as const // prettier-ignore
    for (const [method, path] of paths) {
      const body = method === 'GET' ? undefined : {}
      expect([path, (await call(method, `/api/v1/routes${path}`, null, body)).status]).toEqual([path, 401])
      expect([path, (await call(method, `/api/v1/routes${path}`, key, body)).status]).toEqual([path, 403])
    }
    expect((await call('GET', '/api/v1/routes/nothing', ADMIN)).status).toBe(404)
    const schema = await call('GET', '/api/v1/routes/schema', null)
    expect([schema.status, schema.headers.get('content-type')]).toEqual([200, 'application/schema+json'])
    expect(await schema.json()).toMatchObject({ type: 'object', properties: { aliases: {}, routes: {}, providers: {} } })
  })

  it('names every mistake at its place, and nothing of that document counts', async () => {
    await put(alias('a/b'))
    const response = await put({ aliases: { small: 3 }, routes: [{ name: 'r', targets: ['x/y'], when: '1 +' }], zdr: true })
    const { error } = await response.json<{ readonly error: { readonly message: string; readonly metadata: Json } }>()
    expect(response.status).toBe(400)
    expect(error.metadata).toMatchObject({
      error_type: 'request-malformed',
      errors: [
        { path: 'aliases.small', message: 'must be a string or an array' },
        { path: 'zdr', message: 'is not known here' },
        { path: 'routes[0].when', message: expect.stringContaining('at character') },
      ],
    })
    expect(error.message).toBe('aliases.small must be a string or an array, and 2 more: see error.metadata.errors.')
    expect((await get())['version']).toBe(1)
    for (const wrong of ['{', '[]', '"x"', 'null', `{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`, '\ud800'])
      expect([wrong.slice(0, 9), (await put(wrong)).status]).toEqual([wrong.slice(0, 9), 400])
    expect((await put(`{"$schema":"${'x'.repeat(1024 * 1024)}"}`)).status).toBe(413)
    expect(await small()).toEqual(['a/b'])
  })

  it('checks only, when asked for a dry run', async () => {
    expect(await (await put(alias('a/b'), {}, '?dry_run=true')).json()).toEqual({ data: alias('a/b'), dry_run: true })
    expect((await put({ more: 1 }, {}, '?dry_run=true')).status).toBe(400)
    expect((await get())['version']).toBe(0)
  })

  it('refuses what was made for another version', async () => {
    expect((await put(alias('a/b'), { 'if-match': '"0"' })).status).toBe(200)
    const late = await put(alias('c/d'), { 'if-match': '"0"' })
    expect([late.status, await late.text()]).toEqual([412, expect.stringContaining('version 1 now')])
    expect((await put(alias('c/d'), { 'if-match': 'W/"1"' })).status).toBe(200)
    expect((await put(alias('c/d'), { 'if-match': 'new' })).status).toBe(400)
    expect((await call('POST', '/api/v1/routes/rollback', ADMIN, { version: 1 }, { 'if-match': '1' })).status).toBe(412)
    const both = await Promise.all(['e/f', 'g/h'].map((to) => put(alias(to), { 'if-match': '"2"' })))
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412])
  })

  it('keeps versions, tells what changed, and goes back by a new one', async () => {
    const one = { name: 'one', targets: ['a/b', 'c/d'] }
    await put({ routes: [one] })
    await put({
      aliases: { x: 'a/b' },
      routes: [
        { name: 'new', targets: ['n/n'] },
        { ...one, targets: ['a/b', { model: 'c/d', weight: 2 }], retries: 1 },
      ],
    })
    expect(await get('/versions')).toEqual({
      data: [
        { version: 2, updated_at: expect.any(String), updated_by: 'api', bytes: expect.any(Number) },
        { version: 1, updated_at: expect.any(String), updated_by: 'api', bytes: JSON.stringify({ routes: [one] }).length },
      ],
    })
    expect(await get('/versions/1')).toMatchObject({ version: 1, data: { routes: [one] } })
    expect(await get('/diff?from=1&to=2')).toEqual({
      from: 1,
      to: 2,
      data: [
        { path: 'routes.one.targets[1]', from: 'c/d', to: { model: 'c/d', weight: 2 } },
        { path: 'routes.one.retries', to: 1 },
        { path: 'routes.new', to: { name: 'new', targets: ['n/n'] } },
        { path: 'aliases', to: { x: 'a/b' } },
      ],
    })
    const back = await call('POST', '/api/v1/routes/rollback', ADMIN, { version: 1 })
    expect(await back.json()).toMatchObject({ version: 3, data: { routes: [one] }, updated_by: 'rollback of 1' })
    expect((await readRoutes(env(), nothingLater)).routes).toHaveLength(1)
    for (const [path, status] of [
      ['/versions/9', 404],
      ['/versions/x', 400],
      ['/diff?from=1', 400],
      ['/diff?from=1&to=9', 404],
    ] as const)
      // prettier-ignore
      expect([path, (await call('GET', `/api/v1/routes${path}`, ADMIN)).status]).toEqual([path, status])
    expect((await call('POST', '/api/v1/routes/rollback', ADMIN, { version: 9 })).status).toBe(404)
    expect((await call('POST', '/api/v1/routes/rollback', ADMIN, {})).status).toBe(400)
  })

  it('keeps the last hundred versions, in KV too', async () => {
    for (let i = 1; i <= 103; i++) await routesObject(env()).write(JSON.stringify(alias(`a/${i}`)), 'api', null)
    expect((await get('/versions'))['data']).toHaveLength(100)
    expect((await call('GET', '/api/v1/routes/versions/3', ADMIN)).status).toBe(404)
    expect(await get('/versions/4')).toMatchObject({ data: alias('a/4') })
    expect([await bindings.ROUTES.get('routes/v/3'), await bindings.ROUTES.get('routes/v/4')]).toEqual([null, JSON.stringify(alias('a/4'))])
  })
})

describe('the routes object', () => {
  it('has everything after it was taken from memory', async () => {
    await put(alias('a/b'))
    await put(alias('c/d'))
    await restart()
    expect(await get()).toMatchObject({ version: 2, data: alias('c/d'), updated_by: 'api' })
    expect(await (await put(alias('e/f'))).json()).toMatchObject({ version: 3 })
  })

  it('goes on from what KV has when its storage is lost, and gives no number again', async () => {
    await put(alias('a/b'))
    await put(alias('c/d'))
    await runInDurableObject(stub(), (_, state) => state.storage.deleteAll())
    await restart()
    expect(await get()).toMatchObject({ version: 2, data: alias('c/d'), updated_by: 'kv copy' })
    expect(await (await put(alias('e/f'))).json()).toMatchObject({ version: 3 })
  })

  it('makes a version of a document put into KV by hand, once, and lets the API have the last word', async () => {
    await put(alias('a/b'))
    await bindings.ROUTES.put('routes', JSON.stringify(alias('by/hand'), null, 2))
    wait(61_000)
    await routesObject(env()).current() // looks in the background
    expect(
      await until(
        () => get(),
        (told) => told['version'] === 2,
      ),
    ).toMatchObject({ data: alias('by/hand'), updated_by: 'kv' })
    await put(alias('c/d'))
    wait(130_000)
    await restart()
    expect(await get()).toMatchObject({ version: 3, data: alias('c/d') })
  })

  it('is waited for when nobody has looked for long, so that the first request sees a raw document', async () => {
    await put(alias('a/b'))
    await bindings.ROUTES.put('routes', JSON.stringify(alias('by/hand')))
    wait(3_600_000)
    expect(await small()).toEqual(['by/hand'])
  })

  it('never lets a bad raw document take effect, and tells of it until there is a good one', async () => {
    const logged = vi.spyOn(console, 'log').mockImplementation(() => undefined)
    await put(alias('a/b'))
    await bindings.ROUTES.put('routes', JSON.stringify({ aliases: { small: 3 } }))
    wait(130_000)
    expect(await get()).toMatchObject({
      version: 1,
      data: alias('a/b'),
      rejected: { at: expect.any(String), errors: [{ path: 'aliases.small', message: 'must be a string or an array' }] },
    })
    expect(logged.mock.calls.flat()).toEqual([expect.stringContaining('aliases.small: must be a string or an array')])
    await restart()
    expect(await get()).toHaveProperty('rejected')
    expect(await another(() => small())).toEqual(['a/b'])
    await bindings.ROUTES.put('routes', JSON.stringify(alias('by/hand')))
    wait(130_000)
    const now = await get()
    expect(now).toMatchObject({ version: 2, data: alias('by/hand') })
    expect(now).not.toHaveProperty('rejected')
  })

  it('goes on without KV, and copies what it has when KV is back', async () => {
    await put(alias('a/b'))
    await runInDurableObject(stub(), async (instance) => {
      const object = instance as unknown as { env: Env; write: (text: string, by: string, ifVersion: null) => Promise<Json> }
      const whole = object.env
      object.env = { ...whole, ROUTES: kvAway }
      expect(await object.write(JSON.stringify(alias('c/d')), 'api', null)).toMatchObject({ kind: 'written', version: { version: 2 } })
      object.env = whole
    })
    expect(await bindings.ROUTES.get('routes/v/2')).toBeNull()
    expect(await another(() => small())).toEqual(['c/d']) // read from the object
    wait(6000)
    await routesObject(env()).current()
    expect(
      await until(
        () => bindings.ROUTES.get('routes/current'),
        (number) => number === '2',
      ),
    ).toBe('2')
    expect(await bindings.ROUTES.get('routes/v/2')).toBe(JSON.stringify(alias('c/d')))
  })
})

describe('an isolate', () => {
  it('uses what it wrote at once, and another one sees it within two seconds', async () => {
    await put(alias('a/b'))
    expect(await readRoutes(env(), nothingLater)).toMatchObject({ version: 1 })
    await routesObject(env()).write(JSON.stringify(alias('c/d')), 'api', null) // by another isolate
    expect(await small()).toEqual(['a/b'])
    wait(2001)
    expect(await small()).toEqual(['c/d'])
    await routesObject(env()).write(JSON.stringify(alias('e/f')), 'api', null)
    wait(1500)
    expect(await small()).toEqual(['c/d']) // asked in the background
    await Promise.all(left)
    expect(await small()).toEqual(['e/f'])
  })

  it('asks once a second however many come, and nobody waits for it', async () => {
    const quiet = asking(() => Promise.resolve(0))
    expect(await readRoutes(quiet, nothingLater)).toEqual(NO_ROUTES)
    for (let i = 0; i < 20; i++) await readRoutes(quiet, nothingLater)
    expect(counted.asked).toBe(1)
    wait(1200)
    await Promise.all(Array.from({ length: 20 }, () => readRoutes(quiet, finish)))
    await Promise.all(left)
    expect([counted.asked, left.length]).toEqual([2, 1])
  })

  it('compiles a version once', async () => {
    await put(alias('a/b'))
    const before = await another(() => readRoutes(env(), nothingLater))
    wait(3000)
    expect(await readRoutes(env(), nothingLater)).toBe(before)
  })

  it('keeps the last good table while the object is away, says so once, and does not make everybody wait', async () => {
    const logged = vi.spyOn(console, 'log').mockImplementation(() => undefined)
    await put(alias('a/b'))
    wait(10_000)
    const silent = asking(() => new Promise(() => undefined))
    const startedAt = performance.now()
    expect(await small(silent)).toEqual(['a/b'])
    const tookMs = performance.now() - startedAt
    expect([tookMs >= 900, tookMs < 2000]).toEqual([true, true])
    left = []
    const ill = asking(away)
    for (let i = 0; i < 10; i++) {
      wait(600)
      expect(await small(ill)).toEqual(['a/b'])
      await Promise.all(left)
    }
    expect(counted.asked).toBe(10)
    expect(left).toHaveLength(10)
    expect(logged).toHaveBeenCalledTimes(1)
    wait(1000)
    await small()
    await Promise.all(left)
    await routesObject(env()).write(JSON.stringify(alias('c/d')), 'api', null)
    wait(2100)
    expect(await small()).toEqual(['c/d'])
  })

  it('that is new takes KV’s word when the object is away, and answers 503 when nobody can say', async () => {
    vi.spyOn(console, 'log').mockImplementation(() => undefined)
    await put(alias('a/b'))
    expect(await another(() => small(asking(away)))).toEqual(['a/b'])
    await expect(another(() => small({ ...asking(away), ROUTES: kvAway }))).rejects.toMatchObject({ code: 'gateway-unavailable' })
    expect(await another(() => small({ ...env(), ROUTES: kvAway }))).toEqual(['a/b']) // the object has the documents too
  })

  it('never goes back to an older version', async () => {
    await put(alias('a/b'))
    await put(alias('c/d'))
    wait(3000)
    expect(await small(asking(() => Promise.resolve(1)))).toEqual(['c/d'])
  })
})
