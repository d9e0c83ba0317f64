import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import type { Admission, KeyView } from '../../src/core/account.ts'
import { ADMIN, ask, bindings, call, echo, makeKey } from './bindings.ts'
import { rowOf } from '../support/rows.ts'

type KeyRow = {
  readonly data: {
    readonly limit: number | null
    readonly disabled: boolean
    readonly usage: number
    readonly sluice: { readonly spent_nano_usd: number; readonly held_nano_usd: number }
  }
}

describe('the keys API', () => {
  it('makes a key that works, shows it once, lists, changes and deletes it', async () => {
    const made = await call('POST', '/api/v1/keys', ADMIN, { name: 'mine', limit: 12.5, limit_reset: 'weekly' })
    expect(made.status).toBe(201)
    const { key, data } = await made.json<{ readonly key: string; readonly data: { readonly hash: string; readonly limit: number } }>()
    expect(data.limit).toBe(12.5)
    expect(JSON.stringify(data)).not.toContain(key)
    expect(
      (await bindings.DB.prepare('SELECT * FROM keys WHERE hash = ?1').bind(data.hash).all()).results
        .map((row) => JSON.stringify(row))
        .join(),
    ).not.toContain(key)
    expect((await call('GET', '/v1/key', key)).status).toBe(200)
    const listed = await (await call('GET', '/api/v1/keys', ADMIN)).json<{ readonly data: readonly { readonly hash: string }[] }>()
    expect(listed.data.map((row) => row.hash)).toContain(data.hash)
    const changed = await (await call('PATCH', `/api/v1/keys/${data.hash}`, ADMIN, { limit: 1, name: 'yours' })).json<KeyRow>()
    expect(changed.data).toMatchObject({ limit: 1, name: 'yours' })
    expect((await (await call('GET', '/v1/key', key)).json<KeyRow>()).data.limit).toBe(1)
    expect(await (await call('DELETE', `/api/v1/keys/${data.hash}`, ADMIN)).json()).toEqual({ deleted: true })
    expect((await call('GET', '/v1/key', key)).status).toBe(401)
    expect((await call('GET', `/api/v1/keys/${data.hash}`, ADMIN)).status).toBe(404)
  })

  it('takes a key out of use at once', async () => {
    const { key, hash } = await makeKey()
    expect((await call('POST', '/v1/chat/completions', key, echo('x'))).status).toBe(200)
    await call('PATCH', `/api/v1/keys/${hash}`, ADMIN, { disabled: true })
    expect((await call('POST', '/v1/chat/completions', key, echo('x'))).status).toBe(401)
    await call('PATCH', `/api/v1/keys/${hash}`, ADMIN, { disabled: false })
    expect((await call('POST', '/v1/chat/completions', key, echo('x'))).status).toBe(200)
  })

  it('rotates: the new secret works, the old one for its grace only, and the spend goes on', async () => {
    const { key, hash } = await makeKey()
    const kept = await (
      await call('POST', `/api/v1/keys/${hash}/rotate`, ADMIN, { grace_seconds: 60 })
    ).json<{ readonly key: string; readonly data: { readonly hash: string } }>()
    expect(kept.data.hash).not.toBe(hash)
    expect((await call('GET', '/v1/key', key)).status).toBe(200)
    expect((await call('GET', '/v1/key', kept.key)).status).toBe(200)
    const last = await (await call('POST', `/api/v1/keys/${kept.data.hash}/rotate`, ADMIN, {})).json<{ readonly key: string }>()
    expect((await call('GET', '/v1/key', kept.key)).status).toBe(401)
    expect((await call('GET', '/v1/key', last.key)).status).toBe(200)
  })

  it('is closed to ordinary keys, to none, and to paths that do not exist', async () => {
    const { key } = await makeKey()
    for (const path of ['/api/v1/keys', '/api/v1/routes', '/api/v1/nothing']) {
      expect((await call('GET', path, key)).status).toBe(403)
      expect((await call('GET', path, null)).status).toBe(401)
      expect((await call('GET', `${path}?key=${ADMIN}`, null)).status).toBe(401)
    }
    expect((await call('GET', '/api/v1/nothing', ADMIN)).status).toBe(404)
    expect((await call('POST', '/v1/chat/completions', ADMIN, echo('x'))).status).toBe(401)
  })

  it('refuses what makes no sense and stores nothing of it', async () => {
    const count = async (): Promise<unknown> => bindings.DB.prepare('SELECT COUNT(*) AS n FROM keys').first('n')
    const before = await count()
    for (const body of [
      '{"name":"x","limit":"abc"}',
      '{"name":"x","limit":-1}',
      '{"name":"x","limit":1e308}',
      '{"name":5}',
      '{"name":"x","expires_at":"some day"}',
      '{"name":"x","sluice":[]}',
      '{"name":"x","sluice":{"no_such_thing":1}}',
      '{"name":"x","sluice":{"ips":["10.0.0.0/33"]}}',
      '{"name":"x","sluice":{"ips":["10.0.0.1/8"]}}',
      '{"name":"x","sluice":{"providers":"openai"}}',
      '[]',
      '',
      '{',
    ]) {
      const response = await call('POST', '/api/v1/keys', ADMIN, body)
      expect([body, response.status]).toEqual([body, 400])
      expect(await response.json()).toMatchObject({ error: { code: 400, message: expect.any(String) } })
    }
    expect(await count()).toBe(before)
  })
})

describe('the policy of a key', () => {
  const from = (ip: string): Record<string, string> => ({ 'cf-connecting-ip': ip })

  it('is kept, shown, changed and taken away', async () => {
    const policy = { models: ['demo/*'], providers: ['demo', 'open*'], regions: ['eu-*'], ips: ['10.0.0.0/8', '2001:db8::/32'] }
    const { key, hash } = await makeKey({ sluice: policy })
    const told = async (): Promise<unknown> => (await (await call('GET', `/api/v1/keys/${hash}`, ADMIN)).json<KeyRow>()).data.sluice
    expect(await told()).toMatchObject(policy)
    expect((await (await call('GET', '/v1/key', key, undefined, from('10.0.0.1'))).json<KeyRow>()).data.sluice).toMatchObject(policy)
    await call('PATCH', `/api/v1/keys/${hash}`, ADMIN, { sluice: { providers: ['demo'] } })
    expect(await told()).toMatchObject({ ...policy, providers: ['demo'] })
    await call('PATCH', `/api/v1/keys/${hash}`, ADMIN, { sluice: { providers: null, regions: null, ips: null } })
    expect(await told()).not.toHaveProperty('ips')
    expect((await call('POST', '/v1/chat/completions', key, echo('x'))).status).toBe(200)
  })

  it('decides where a request may go and from where it may come, from the next request on', async () => {
    const { key, hash } = await makeKey({ limit: 1 })
    const chat = (headers = {}): Promise<Response> => call('POST', '/v1/chat/completions', key, echo('x'), headers)
    const change = (sluice: object): Promise<Response> => call('PATCH', `/api/v1/keys/${hash}`, ADMIN, { sluice })
    const listed = async (): Promise<number> =>
      (await (await call('GET', '/v1/models', key)).json<{ readonly data: readonly unknown[] }>()).data.length
    expect((await chat()).status).toBe(200)
    const all = await listed()
    await change({ providers: ['openai'] })
    const elsewhere = await chat()
    expect(elsewhere.status).toBe(403)
    expect(await elsewhere.json()).toMatchObject({ error: { code: 'model-forbidden', message: expect.stringContaining('`providers`') } })
    expect(await listed()).toBeLessThan(all)
    await change({ providers: null, regions: ['eu-*'] })
    expect(await (await chat()).json()).toMatchObject({ error: { code: 'model-forbidden', message: expect.stringContaining('`regions`') } })
    await change({ regions: null, ips: ['203.0.113.0/24'] })
    const nowhere = await chat()
    expect(nowhere.status).toBe(403)
    expect(await nowhere.json()).toMatchObject({ error: { type: 'permission_error', code: 'key-forbidden-here' } })
    expect((await chat(from('198.51.100.1'))).status).toBe(403)
    expect((await chat(from('::ffff:203.0.113.9'))).status).toBe(200)
    expect((await chat(from('203.0.113.9'))).status).toBe(200)
    expect((await call('GET', '/v1/key', key, undefined, from('198.51.100.1'))).status).toBe(403)
    const spoken = { model: 'demo/echo', max_tokens: 9, messages: [{ role: 'user', content: 'x' }] }
    const anthropic = await call('POST', '/v1/messages', key, spoken, { 'anthropic-version': '2023-06-01' })
    expect([anthropic.status, await anthropic.json()]).toMatchObject([403, { type: 'error', error: { type: 'permission_error' } }])
    const gemini = await call('POST', '/v1beta/models/demo/echo:generateContent', key, { contents: [{ parts: [{ text: 'x' }] }] })
    expect([gemini.status, await gemini.json()]).toMatchObject([403, { error: { code: 403, status: 'PERMISSION_DENIED' } }])
    const router = await call('POST', '/api/v1/chat/completions', key, echo('x'))
    expect([router.status, await router.json()]).toMatchObject([403, { error: { code: 403 } }])
  })

  it('of an object that was written down before there were such rules allows everything', async () => {
    const { key, id } = await makeKey()
    expect((await call('GET', '/v1/key', key)).status).toBe(200)
    await runInDurableObject(bindings.KEYS.getByName(id), async (_, state) => {
      const { providers: _p, regions: _r, ips: _i, ...old } = (await state.storage.get<Record<string, unknown>>('policy')) ?? {}
      await state.storage.put('policy', old)
      await state.storage.sync()
      state.abort('a new version')
    }).catch(() => undefined)
    expect((await call('POST', '/v1/chat/completions', key, echo('x'))).status).toBe(200)
  })
})

describe('credits', () => {
  type Credits = { readonly data: { readonly total_credits: number | null; readonly total_usage: number; readonly sluice: object } }
  const credits = async (key: string): Promise<Credits['data']> => (await (await call('GET', '/api/v1/credits', key)).json<Credits>()).data

  it('are a limit and what is booked on it in its period; without a limit there are none to count', async () => {
    const { key, hash, id } = await makeKey({ limit: 2.5, limit_reset: 'daily' })
    const free = await makeKey()
    expect(await credits(key)).toEqual({
      total_credits: 2.5,
      total_usage: 0,
      sluice: { spent_nano_usd: 0, held_nano_usd: 0, limit_nano_usd: 2_500_000_000 },
    })
    expect(await credits(free.key)).toMatchObject({ total_credits: null, total_usage: 0 })
    const before = await credits(ADMIN)
    expect(before).toMatchObject({ total_credits: null, sluice: { keys_without_limit: expect.any(Number) } })
    const spend = (period: string): Promise<unknown> =>
      bindings.DB.prepare('UPDATE keys SET spend = ?1 WHERE id = ?2')
        .bind(JSON.stringify({ period, periodNanoUsd: 1_250_000_000, everNanoUsd: 9_000_000_000 }), id)
        .run()
    await spend('2001-01-01')
    expect((await credits(ADMIN)).total_usage).toBe(before.total_usage)
    const granted = await bindings.KEYS.getByName(id).admit(ask('gen-credits', hash))
    await spend(granted.kind === 'granted' ? granted.hold.period : 'none')
    expect((await credits(ADMIN)).total_usage).toBeCloseTo(before.total_usage + 1.25, 9)
    expect((await credits(key)).sluice).toMatchObject({ held_nano_usd: 200 })
    await bindings.DB.prepare('UPDATE keys SET limit_nano_usd = 4000000000000001 WHERE limit_nano_usd IS NULL').run()
    const all = await bindings.DB.prepare('SELECT COUNT(*) AS n FROM keys WHERE deleted_at IS NULL').first<{ readonly n: number }>()
    const summed = await credits(ADMIN)
    expect(summed.sluice).toEqual({ keys: all?.n, keys_without_limit: 0 })
    expect(summed.total_credits).toBeGreaterThan(4_000_000)
    expect((await call('GET', '/api/v1/credits', null)).status).toBe(401)
  })
})

describe('made-up keys', () => {
  it('leave no object behind', async () => {
    const { key } = await makeKey()
    const parts = key.split('-')
    const forged = [...parts.slice(0, 2), 'abcdefabcdef', ...parts.slice(3)].join('-')
    expect((await call('POST', '/v1/chat/completions', forged, echo('x'))).status).toBe(401)
    const object = bindings.KEYS.getByName('abcdefabcdef')
    expect(await runInDurableObject(object, (_, state) => state.storage.list())).toEqual(new Map())
  })
})

describe("a key's object", () => {
  it('holds, settles and forgets nothing when it is started anew', async () => {
    const { key, hash, id } = await makeKey({ limit: 0.000001 })
    const object = bindings.KEYS.getByName(id)
    const granted = await object.admit(ask('gen-a', hash))
    expect(granted.kind).toBe('granted')
    const view = async (): Promise<KeyRow['data']['sluice']> => (await (await call('GET', '/v1/key', key)).json<KeyRow>()).data.sluice
    expect(await view()).toMatchObject({ spent_nano_usd: 0, held_nano_usd: 200 })
    await runInDurableObject(object, (_, state) => state.abort('a crash')).catch(() => undefined)
    // The hold, and as much again as may have been admitted before it was written down: at most twice what was needed so far.
    expect(await view()).toMatchObject({ spent_nano_usd: 0, held_nano_usd: 200 + 2 * 200 })
  })

  it('holds nothing for what it may have forgotten when it was idle', async () => {
    const { hash, id } = await makeKey({ limit: 0.000001 })
    const object = bindings.KEYS.getByName(id)
    expect((await object.admit(ask('gen-idle', hash))).kind).toBe('granted')
    await new Promise((resolve) => setTimeout(resolve, 3300)) // an idle key's journal is closed after three seconds
    await runInDurableObject(object, (_, state) => state.abort('taken from memory')).catch(() => undefined)
    expect(await bindings.KEYS.getByName(id).view(hash, null)).toMatchObject({ spentNanoUsd: 0, heldNanoUsd: 200 })
  })

  it('carries settled rows to D1 once, also when it is told of them again after it forgot them', async () => {
    const { hash, id } = await makeKey({ limit: 1 })
    const object = bindings.KEYS.getByName(id)
    const granted = await object.admit(ask('gen-b', hash))
    const row = rowOf('gen-b', { keyId: id, createdAt: Date.now(), costNanoUsd: 70 })
    expect(granted.kind).toBe('granted')
    const { hold } = granted as Admission & { readonly kind: 'granted' }
    const settlement = { hold, row, answer: null }
    await object.settle([settlement, settlement])
    await runDurableObjectAlarm(object)
    await runInDurableObject(object, (_, state) => state.abort('a crash')).catch(() => undefined)
    const again = bindings.KEYS.getByName(id)
    await again.settle([settlement])
    await runDurableObjectAlarm(again)
    const found = await bindings.DB.prepare("SELECT COUNT(*) AS n, SUM(cost_nano_usd) AS cost FROM requests WHERE id = 'gen-b'").first<{
      readonly n: number
      readonly cost: number
    }>()
    expect(found).toEqual({ n: 1, cost: 70 })
    // The object crashed with an open slack: what it may have forgotten stays held until it expires.
    const view = await again.view(hash, null)
    expect(view).toMatchObject({ spentNanoUsd: 70 })
    const { heldNanoUsd } = view as KeyView
    expect(heldNanoUsd).toBeGreaterThan(0)
    expect(heldNanoUsd).toBeLessThanOrEqual(2 * 200)
  })
})
