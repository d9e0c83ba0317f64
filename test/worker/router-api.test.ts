// Morph's router paths in workerd: whose key opens them, how they refuse, and that they cost nothing.

import { describe, expect, it } from 'vitest'
import { ADMIN, call, makeKey } from './bindings.ts'

type Told = { readonly error: { readonly code: string; readonly type: string; readonly message: string; readonly param?: string | null } }
type Own = { readonly data: { readonly usage: number; readonly sluice: { readonly held_nano_usd: number; readonly running: number } } }

const PATHS = ['classify', 'raw', 'multimodel', 'openai', 'anthropic', 'gemini'].map((end) => `/v1/router/${end}`)

async function refused(answer: Promise<Response>): Promise<readonly [number, string]> {
  const response = await answer
  return [response.status, (await response.json<Told>()).error.code]
}

describe('the router paths', () => {
  it('are open to a key that works now, and to nobody else', async () => {
    const { key, hash } = await makeKey()
    for (const path of PATHS) {
      expect(await refused(call('POST', path, null, { input: 'x' }))).toEqual([401, 'invalid_api_key'])
      expect(await refused(call('POST', path, 'sk-sluice-nothing', { input: 'x' }))).toEqual([401, 'invalid_api_key'])
      expect(await refused(call('POST', path, ADMIN, { input: 'x' }))).toEqual([401, 'invalid_api_key'])
      expect((await refused(call('POST', path, key, {})))[0]).toBe(400)
      expect(await refused(call('POST', path, null, {}, { 'x-api-key': key }))).toEqual([400, 'request-malformed'])
    }
    await call('PATCH', `/api/v1/keys/${hash}`, ADMIN, { sluice: { ips: ['203.0.113.0/24'] } })
    expect(await refused(call('POST', '/v1/router/raw', key, { input: 'x' }, { 'cf-connecting-ip': '198.51.100.1' }))).toEqual([
      403,
      'key-forbidden-here',
    ])
    await call('PATCH', `/api/v1/keys/${hash}`, ADMIN, { disabled: true, sluice: { ips: null } })
    expect(await refused(call('POST', '/v1/router/raw', key, { input: 'x' }))).toEqual([401, 'invalid_api_key'])
    await call('DELETE', `/api/v1/keys/${hash}`, ADMIN)
    expect(await refused(call('POST', '/v1/router/raw', key, { input: 'x' }))).toEqual([401, 'invalid_api_key'])
  })

  it('refuse in OpenAI’s shape what is malformed, too large, of another method, or of no vendor', async () => {
    const { key } = await makeKey()
    const malformed = await call('POST', '/v1/router/classify', key, { input: 'x', classes: ['mood'] })
    expect([malformed.status, await malformed.json()]).toMatchObject([
      400,
      { error: { code: 'request-malformed', type: 'invalid_request_error', message: expect.stringContaining('classes.0') } },
    ])
    expect(malformed.headers.get('x-sluice-request-id')).not.toBeNull()
    expect(await refused(call('POST', '/v1/router/raw', key, { input: 'x'.repeat(1_100_000) }))).toEqual([413, 'body-too-large'])
    expect(await refused(call('POST', '/v1/router/raw', key, '{"input":'))).toEqual([400, 'request-malformed'])
    expect(await refused(call('GET', '/v1/router/classify', key))).toEqual([405, 'method-not-allowed'])
    expect(await refused(call('POST', '/v1/router/nobody', key, { input: 'x' }))).toEqual([404, 'path-unknown'])
    expect((await call('POST', '/v1/router', key, { input: 'x' })).status).toBe(404)
  })

  it('hold and book nothing', async () => {
    const { key } = await makeKey({ limit: 0 })
    for (const path of PATHS) expect((await call('POST', path, key, { input: 'What is the capital of Peru?' })).status).not.toBe(429)
    const own = await (await call('GET', '/v1/key', key)).json<Own>()
    expect(own.data).toMatchObject({ usage: 0, sluice: { held_nano_usd: 0, running: 0 } })
  })
})
