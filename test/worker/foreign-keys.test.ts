// Keys that were made elsewhere: imported by text or hash, carried by every header, looked up sparingly; guesses cost nothing.

import { describe, expect, it } from 'vitest'
import { GatewayError } from '../../src/core/errors.ts'
import { hashKey } from '../../src/core/key.ts'
import { foreignKeys } from '../../src/platform/foreign-keys.ts'
import { edgeKeys } from '../../src/platform/keys.ts'
import { ADMIN, bindings, call, echo } from './bindings.ts'

type Row = { readonly hash: string; readonly label: string; readonly name: string; readonly limit: number | null; readonly sluice: { readonly id: string } } // prettier-ignore
let made = 0
const foreign = (): string => `sk-or-v1-${String(++made).padStart(4, '0')}${'0123456789abcdef'.repeat(3)}`
const importing = (body: unknown): Promise<Response> => call('POST', '/api/v1/keys/import', ADMIN, body)
const imported = async (body: unknown): Promise<Row> => (await (await importing(body)).json<{ readonly data: Row }>()).data

/** A database whose reads are counted, and which may be away. */
function watched(): { readonly db: D1Database; readonly state: { asked: number; away: boolean } } {
  const state = { asked: 0, away: false }
  const db = {
    withSession: () => ({
      prepare: (sql: string) => {
        state.asked++
        if (state.away) throw new Error('D1 is away')
        return bindings.DB.prepare(sql)
      },
    }),
  } as unknown as D1Database
  return { db, state }
}

describe('where no key was imported', () => {
  it('thousands of made-up keys cost one look at D1, and no object', async () => {
    const { db, state } = watched()
    const keys = edgeKeys(['test-signing-secret'], foreignKeys(db))
    for (let i = 0; i < 2000; i++) {
      const name = i
        .toString(36)
        .padStart(8, 'a')
        .replaceAll(/[01lo]/g, 'z')
      expect(await keys.check(`sk-sluice-abcd${name}-${'a'.repeat(32)}-${'b'.repeat(16)}`)).toBeNull()
      expect(await keys.check(`sk-or-v1-${name}${'f'.repeat(48)}`)).toBeNull()
      expect(await keys.check(`sk-sluice-${name}`)).toBeNull()
    }
    expect(state.asked).toBe(1)
  })
})

describe('an imported key', () => {
  it('works by its old text in every header, at once, and is shown nowhere', async () => {
    const text = foreign()
    expect((await call('GET', '/v1/key', text)).status).toBe(401)
    const response = await importing({ key: text, name: 'from OpenRouter', limit: 5, sluice: { models: ['demo/*'] } })
    const answer = await response.text()
    expect(response.status).toBe(201)
    expect(answer).not.toContain(text.slice(9, 24))
    const { data } = JSON.parse(answer) as { readonly data: Row }
    expect(data).toMatchObject({ name: 'from OpenRouter', limit: 5, hash: await hashKey(text), label: `imported-${data.hash.slice(0, 8)}` })
    expect((await call('POST', '/v1/chat/completions', text, echo('x'))).status).toBe(200)
    const messages = { ...echo('x'), max_tokens: 9 }
    expect((await call('POST', '/v1/messages', null, messages, { 'x-api-key': text })).status).toBe(200)
    const contents = { contents: [{ parts: [{ text: 'x' }] }] }
    const gemini = await call('POST', '/v1beta/models/demo/echo:generateContent', null, contents, { 'x-goog-api-key': text })
    expect(gemini.status).toBe(200)
    expect(await (await call('GET', '/v1/key', text)).json()).toMatchObject({ data: { sluice: { id: data.sluice.id } } })
    const kept = await bindings.DB.prepare('SELECT * FROM keys WHERE id = ?1').bind(data.sluice.id).first()
    expect(JSON.stringify(kept)).not.toContain(text.slice(9, 24))
    await call('PATCH', `/api/v1/keys/${data.hash}`, ADMIN, { disabled: true })
    expect((await call('POST', '/v1/chat/completions', text, echo('x'))).status).toBe(401)
  })

  it('may be named by its hash, and rotation gives it a text of ours', async () => {
    const text = foreign()
    const { hash } = await imported({ hash: await hashKey(text), name: 'from LiteLLM' })
    expect((await call('GET', '/v1/key', text)).status).toBe(200)
    const rotated = await call('POST', `/api/v1/keys/${hash}/rotate`, ADMIN, { grace_seconds: 60 })
    const { key } = await rotated.json<{ readonly key: string }>()
    expect(key).toMatch(/^sk-sluice-/)
    expect((await call('GET', '/v1/key', key)).status).toBe(200)
    expect((await call('GET', '/v1/key', text)).status).toBe(200)
    const hashes = await hashKey(key)
    await call('POST', `/api/v1/keys/${hashes}/rotate`, ADMIN, {})
    expect((await call('GET', '/v1/key', text)).status).toBe(401)
  })

  it('comes with others, all or none', async () => {
    const texts = [foreign(), foreign(), foreign()]
    const response = await importing(texts.map((key, i) => ({ key, name: `number ${i}` })))
    const { data } = await response.json<{ readonly data: readonly Row[] }>()
    expect([response.status, data.map(({ name }) => name)]).toEqual([201, ['number 0', 'number 1', 'number 2']])
    for (const text of texts) expect((await call('GET', '/v1/key', text)).status).toBe(200)
    const fresh = foreign()
    const again = await importing([{ key: fresh, name: 'x' }, { key: texts[1], name: 'x' }]) // prettier-ignore
    expect([again.status, await again.json()]).toMatchObject([
      409,
      { error: { code: 409, metadata: { error_type: 'record-exists', at: '1' } } },
    ])
    expect((await call('GET', '/v1/key', fresh)).status).toBe(401)
    expect((await importing(Array.from({ length: 101 }, () => ({ key: foreign(), name: 'x' })))).status).toBe(400)
  })

  it('is none that makes no sense, and one that was deleted does not come back', async () => {
    const text = foreign()
    const ours = await (await call('POST', '/api/v1/keys', ADMIN, { name: 'ours' })).json<{ readonly key: string; readonly data: Row }>()
    const bodies = [
      { name: 'x' },
      { name: 'x', key: text, hash: await hashKey(text) },
      { name: 'x', key: 'sk-1234' },
      { name: 'x', key: `${text} ${text}` },
      { name: 'x', key: ours.key },
      { name: 'x', hash: await hashKey(ADMIN) },
      { name: 'x', hash: 'abc' },
      { key: text },
      [],
      [{ name: 'x', key: text }, { name: 'y', key: text }], // prettier-ignore
    ]
    for (const body of bodies) {
      const response = await importing(body)
      const answer = await response.text()
      expect([body, response.status]).toEqual([body, 400])
      expect(answer).not.toContain(text)
    }
    expect((await importing({ name: 'x', hash: ours.data.hash })).status).toBe(409)
    expect((await call('POST', '/api/v1/keys/import', ours.key, { name: 'x', key: text })).status).toBe(403)
    const { hash } = await imported({ key: text, name: 'x' })
    await call('DELETE', `/api/v1/keys/${hash}`, ADMIN)
    expect((await call('GET', '/v1/key', text)).status).toBe(401)
    expect((await importing({ key: text, name: 'x' })).status).toBe(409)
  })
})

describe('the edge', () => {
  it('looks an unknown hash up once a minute, and unknown ones at a bounded rate; a known key goes on', async () => {
    const text = foreign()
    const { sluice } = await imported({ key: text, name: 'x' })
    const { db, state } = watched()
    let now = 1_000_000
    const keys = foreignKeys(db, () => now)
    expect(await keys.find(text)).toMatchObject({ id: sluice.id })
    const wrong = foreign()
    for (let i = 0; i < 5; i++) expect(await keys.find(wrong)).toBeNull()
    expect(state.asked).toBe(2)
    const answers = await Promise.allSettled(Array.from({ length: 2000 }, () => keys.find(foreign())))
    const refused = answers.filter((one) => one.status === 'rejected')
    expect([state.asked, refused.length]).toEqual([20, 1982])
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'gateway-unavailable', detail: { retryAfterMs: 1000 } })
    expect(await keys.find(text)).toMatchObject({ id: sluice.id })
    now += 59_000
    expect(await keys.find(wrong)).toBeNull()
    expect(state.asked).toBe(20)
    now += 2000
    expect(await keys.find(wrong)).toBeNull()
    expect(state.asked).toBe(21)
  })

  it('never calls a good key unknown because D1 is away: known ones go on, others wait', async () => {
    const [known, other] = [foreign(), foreign()]
    await importing([{ key: known, name: 'a' }, { key: other, name: 'b' }]) // prettier-ignore
    const { db, state } = watched()
    const keys = foreignKeys(db)
    expect(await keys.find(known)).not.toBeNull()
    state.away = true
    expect(await keys.find(known)).not.toBeNull()
    const error = await keys.find(other).catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(GatewayError)
    expect(error).toMatchObject({ code: 'gateway-unavailable', detail: { retryAfterMs: 1000 } })
    state.away = false
    expect(await keys.find(other)).not.toBeNull()
  })

  it('believes "none was imported" for half a minute, and not where one was just imported', async () => {
    const { db, state } = watched()
    await bindings.DB.prepare('UPDATE keys SET imported = 0').run()
    let now = 1_000_000
    const [here, there] = [foreignKeys(db, () => now), foreignKeys(db, () => now)]
    const text = foreign()
    expect([await here.find(text), await there.find(text)]).toEqual([null, null])
    const { hash, sluice } = await imported({ key: text, name: 'x' })
    here.imported(hash, sluice.id)
    const before = state.asked
    expect([await here.find(text), await there.find(text)]).toMatchObject([{ id: sluice.id }, null])
    expect(state.asked).toBe(before)
    now += 31_000
    expect(await there.find(text)).toMatchObject({ id: sluice.id })
  })
})
