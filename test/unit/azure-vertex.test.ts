// Azure and Vertex: which URL a model has, which language, and what authorises a call. The service account's key is made for the test.

import { exportPKCS8, generateKeyPair, jwtVerify } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { badSettings } from '../../src/admin/doctor-report.ts'
import { Body } from '../../src/core/body.ts'
import { GatewayError } from '../../src/core/errors.ts'
import { anthropicMessagesClient } from '../../src/dialects/anthropic-messages/client.ts'
import { openaiChatClient } from '../../src/dialects/openai-chat/client.ts'
import { isConfigured } from '../../src/providers/configured.ts'
import type { Settings, World } from '../../src/providers/contract.ts'
import { azure } from '../../src/providers/azure.ts'
import { vertex } from '../../src/providers/vertex.ts'
import { fakeGateway } from '../support/fake-gateway.ts'

const settings = (secrets: Settings['secrets'], values: { readonly [name: string]: string } = {}): Settings => ({
  secrets,
  values,
  baseUrl: null,
  region: null,
})
const OFFLINE: World = { fetch: () => Promise.reject(new Error('no network')), nowMs: 0 }
const codeOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    return error instanceof GatewayError ? error.code : 'another error'
  }
  return 'none'
}

describe('Azure', () => {
  const [chat, responses] = azure.voices
  const dated = settings({}, { AZURE_API_VERSION: '2024-10-21' })

  it('has the deployment in the body, below v1, unless a dated version is set', () => {
    expect(chat?.path('gpt', true, 'sse', settings({}))).toBe('/openai/v1/chat/completions')
    expect(responses?.path('gpt', true, 'sse', settings({}))).toBe('/openai/v1/responses')
    expect(chat?.path('gpt', true, 'sse', settings({}, { AZURE_API_VERSION: 'v1' }))).toBe('/openai/v1/chat/completions')
    expect(chat?.path('gpt', true, 'sse', settings({}, { OPENAI_API_VERSION: 'preview' }))).toBe(
      '/openai/v1/chat/completions?api-version=preview',
    )
  })

  it('has it in the path with a dated one, where the method is a deployment’s', () => {
    expect(chat?.path('my-gpt', true, 'sse', dated)).toBe('/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21')
    expect(responses?.path('my-gpt', true, 'sse', dated)).toBe('/openai/responses?api-version=2024-10-21')
    for (const odd of ['', '.', '..', 'a/b', 'a?b', 'a b', 'ä'])
      expect(codeOf(() => chat?.path(odd, true, 'sse', dated))).toBe('model-unknown')
  })

  it('does not let a version carry anything else into the URL', () => {
    const odd = settings({}, { AZURE_API_VERSION: '2024-10-21&x=1' })
    expect(chat?.path('gpt', false, 'sse', odd)).toBe('/openai/v1/chat/completions')
    expect(badSettings((name) => (name === 'AZURE_API_VERSION' ? '2024-10-21&x=1' : null)).map((bad) => bad.name)).toEqual([
      'AZURE_API_VERSION',
    ])
    expect(badSettings((name) => (name === 'OPENAI_API_VERSION' ? '2025-03-01-preview' : null))).toEqual([])
  })

  it('is where its resource is, by either name', () => {
    const at = (all: { readonly [name: string]: string }) => azure.address?.baseUrl((name) => all[name] ?? null)
    expect(at({ AZURE_RESOURCE_NAME: 'mine' })).toBe('https://mine.openai.azure.com')
    expect(at({ AZURE_RESOURCE_NAME: 'evil.example/' })).toBeNull()
    expect(at({ AZURE_OPENAI_ENDPOINT: 'https://x.openai.azure.com/' })).toBe('https://x.openai.azure.com/')
    expect(isConfigured(azure, (name) => ['AZURE_OPENAI_API_KEY', 'AZURE_OPENAI_ENDPOINT'].includes(name))).toBe(true)
    expect(isConfigured(azure, (name) => name === 'AZURE_API_KEY')).toBe(false)
  })

  it('sends its key in Azure’s header', async () => {
    expect(await azure.authorize(settings({ AZURE_API_KEY: 'k' }), OFFLINE)).toEqual({ 'api-key': 'k' })
    expect(await azure.authorize(settings({ AZURE_OPENAI_API_KEY: 'o' }), OFFLINE)).toEqual({ 'api-key': 'o' })
  })
})

describe('Vertex: addresses', () => {
  const there = settings({ VERTEX_API_KEY: 'ya29.token' }, { VERTEX_PROJECT: 'my-project', VERTEX_LOCATION: 'europe-west4' })
  const path = (model: string, stream: boolean, of = there, framing: 'sse' | 'json-array' = 'sse') =>
    (vertex.voicesFor?.(model) ?? vertex.voices)[0]?.path(model, stream, framing, of)

  it('asks Gemini in Gemini’s language and Claude in Claude’s', () => {
    const scope = '/v1/projects/my-project/locations/europe-west4'
    expect(path('gemini-2.5-pro', false)).toBe(`${scope}/publishers/google/models/gemini-2.5-pro:generateContent`)
    expect(path('google/gemini-2.5-pro', true)).toBe(`${scope}/publishers/google/models/gemini-2.5-pro:streamGenerateContent?alt=sse`)
    expect(path('gemini-2.5-pro', true, there, 'json-array')).toBe(`${scope}/publishers/google/models/gemini-2.5-pro:streamGenerateContent`)
    expect(path('endpoints/123', false)).toBe(`${scope}/endpoints/123:generateContent`)
    expect(path('claude-opus-4-5@20251101', false)).toBe(`${scope}/publishers/anthropic/models/claude-opus-4-5@20251101:rawPredict`)
    expect(path('claude-opus-4-5@20251101', true)).toBe(`${scope}/publishers/anthropic/models/claude-opus-4-5@20251101:streamRawPredict`)
    expect(vertex.voicesFor?.('claude-opus-4-5').map((voice) => voice.dialect)).toEqual(['anthropic-messages'])
    expect(vertex.voicesFor?.('gemini-claude').map((voice) => voice.dialect)).toEqual(['gemini'])
  })

  it('lives in the location’s host, and without one in the global one', () => {
    const at = (location: string | null) => vertex.address?.baseUrl((name) => (name === 'VERTEX_LOCATION' ? location : null))
    expect(at(null)).toBe('https://aiplatform.googleapis.com')
    expect(at('global')).toBe('https://aiplatform.googleapis.com')
    expect(at('us-east5')).toBe('https://us-east5-aiplatform.googleapis.com')
    expect(at('eu')).toBe('https://aiplatform.eu.rep.googleapis.com')
    expect(at('evil.example/')).toBeNull()
    expect(path('gemini-x', false, settings({ VERTEX_API_KEY: 't' }, { VERTEX_PROJECT: 'p' }))).toContain('/projects/p/locations/global/')
  })

  it('wants a project for a token, and none for an API key', () => {
    expect(path('gemini-x', false, settings({ VERTEX_API_KEY: 'AIzaKey' }))).toBe('/v1/publishers/google/models/gemini-x:generateContent')
    expect(codeOf(() => path('gemini-x', false, settings({ VERTEX_API_KEY: 'ya29.x' })))).toBe('credential-missing')
    for (const odd of ['../..', 'a/b', '..'])
      expect(codeOf(() => path('gemini-x', false, settings({ VERTEX_API_KEY: 't' }, { VERTEX_PROJECT: odd })))).toBe('credential-missing')
  })

  it('says Claude’s version in the body and leaves the model out', () => {
    const body = new Body(new TextEncoder().encode('{"model":"m","max_tokens": 5}'))
    const edited = body.spliced([
      { path: ['model'], json: '"x"' },
      ...(vertex.quirks?.('anthropic-messages', body.member.bind(body)) ?? []),
    ])
    expect(edited.map((piece) => new TextDecoder().decode(piece)).join('')).toBe(
      '{"max_tokens": 5,"anthropic_version":"vertex-2023-10-16"}',
    )
    expect(vertex.quirks?.('gemini', body.member.bind(body))).toEqual([])
  })
})

describe('Vertex: authorisation', () => {
  let publicKey: CryptoKey
  let keyFile: { readonly [name: string]: string }
  const T0 = 1_780_000_000_000

  beforeAll(async () => {
    const pair = await generateKeyPair('RS256', { extractable: true })
    publicKey = pair.publicKey
    keyFile = {
      type: 'service_account',
      project_id: 'of-the-file',
      private_key_id: 'key-1',
      private_key: await exportPKCS8(pair.privateKey),
      client_email: 'sluice@of-the-file.iam.gserviceaccount.com',
      token_uri: 'https://oauth2.googleapis.com/token',
    }
  })

  /** Google as far as a service account sees it: a new token each time, of an hour. */
  function google(answer: () => Response) {
    const calls: { readonly url: string; readonly form: URLSearchParams }[] = []
    const fetch: World['fetch'] = async (url, init) => {
      calls.push({ url, form: new URLSearchParams(typeof init.body === 'string' ? init.body : '') })
      return answer()
    }
    return { calls, at: (nowMs: number): World => ({ fetch, nowMs }) }
  }
  const token = (name: string) => Response.json({ access_token: name, expires_in: 3600, token_type: 'Bearer' })
  const withFile = (change: { readonly [name: string]: string } = {}, values: { readonly [name: string]: string } = {}) =>
    settings({ VERTEX_SERVICE_ACCOUNT_JSON: JSON.stringify({ ...keyFile, ...change }) }, values)
  const failure = async (work: unknown): Promise<GatewayError> => {
    try {
      await work
    } catch (error) {
      if (error instanceof GatewayError) return error
      throw error
    }
    throw new Error('did not fail')
  }

  it('tells a token from an API key', async () => {
    expect(await vertex.authorize(settings({ VERTEX_API_KEY: 'ya29.a' }), OFFLINE)).toEqual({ authorization: 'Bearer ya29.a' })
    expect(await vertex.authorize(settings({ VERTEX_API_KEY: 'AIzaB' }), OFFLINE)).toEqual({ 'x-goog-api-key': 'AIzaB' })
    expect(await vertex.authorize(settings({ VERTEX_API_KEY: 'AQ.c' }), OFFLINE)).toEqual({ 'x-goog-api-key': 'AQ.c' })
  })

  it('trades a signed assertion for a token', async () => {
    const { calls, at } = google(() => token('ya29.fresh'))
    const of = withFile()
    expect(await vertex.authorize(of, at(T0))).toEqual({ authorization: 'Bearer ya29.fresh' })
    expect(calls.map((call) => call.url)).toEqual(['https://oauth2.googleapis.com/token'])
    const form = calls[0]?.form
    expect(form?.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer')
    const { payload, protectedHeader } = await jwtVerify(form?.get('assertion') ?? '', publicKey, {
      issuer: keyFile['client_email'] ?? '',
      audience: 'https://oauth2.googleapis.com/token',
      currentDate: new Date(T0),
    })
    expect(protectedHeader).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'key-1' })
    expect(payload).toMatchObject({ scope: 'https://www.googleapis.com/auth/cloud-platform', iat: T0 / 1000, exp: T0 / 1000 + 3600 })
    expect(vertex.voices[0]?.path('gemini-x', false, 'sse', of)).toContain('/projects/of-the-file/')
  })

  it('keeps the token until shortly before its end, and lets one request renew it', async () => {
    let made = 0
    const { calls, at } = google(() => token(`ya29.${++made}`))
    const of = withFile()
    const ask = async (nowMs: number) => (await vertex.authorize(of, at(nowMs)))['authorization']
    expect(await ask(T0)).toBe('Bearer ya29.1')
    expect(await ask(T0 + 54 * 60_000)).toBe('Bearer ya29.1')
    expect(calls.length).toBe(1)
    const late = T0 + 56 * 60_000
    expect(await Promise.all([ask(late), ask(late), ask(late)])).toEqual(['Bearer ya29.2', 'Bearer ya29.1', 'Bearer ya29.1'])
    expect(await ask(late)).toBe('Bearer ya29.2')
    expect(calls.length).toBe(2)
  })

  it('goes on with what it has while renewing fails, and not beyond its end', async () => {
    let works = true
    const { calls, at } = google(() => (works ? token('ya29.old') : Response.json({ error: 'internal_failure' }, { status: 500 })))
    const of = withFile()
    await vertex.authorize(of, at(T0))
    works = false
    expect(await vertex.authorize(of, at(T0 + 57 * 60_000))).toEqual({ authorization: 'Bearer ya29.old' })
    expect(await vertex.authorize(of, at(T0 + 57 * 60_000 + 1000))).toEqual({ authorization: 'Bearer ya29.old' })
    expect(calls.length).toBe(2) // the second one did not ask again
    expect((await failure(vertex.authorize(of, at(T0 + 3600_000)))).code).toBe('upstream-failed')
  })

  it('says why there is no token, without the words, the key or the assertion', async () => {
    const { calls, at } = google(() => Response.json({ error: 'invalid_grant', error_description: 'echo of a secret' }, { status: 400 }))
    const error = await failure(vertex.authorize(withFile(), at(T0)))
    expect(error.code).toBe('credential-refused')
    expect(error.message).toContain('invalid_grant')
    expect(error.message).not.toContain('secret')
    expect(JSON.stringify(error)).not.toContain(calls[0]?.form.get('assertion'))
  })

  it('sends an assertion to Google only, unless the operator says otherwise', async () => {
    const { calls, at } = google(() => token('t'))
    for (const uri of [
      'https://evil.example/token',
      'http://oauth2.googleapis.com/token',
      'https://oauth2.googleapis.com@evil.example/',
      'x',
    ])
      expect((await failure(vertex.authorize(withFile({ token_uri: uri }), at(T0)))).code).toBe('credential-refused')
    expect(calls).toEqual([])
    await vertex.authorize(withFile({ token_uri: 'https://evil.example/' }, { VERTEX_TOKEN_URL: 'http://127.0.0.1:1/token' }), at(T0))
    expect(calls.map((call) => call.url)).toEqual(['http://127.0.0.1:1/token'])
  })

  it('says what is wrong with a key file and does not quote it', async () => {
    for (const json of ['not json: TOPSECRET', '{}', '[]', 'null', JSON.stringify({ client_email: 'a', private_key: 'TOPSECRET' })]) {
      const error = await failure(vertex.authorize(settings({ GOOGLE_APPLICATION_CREDENTIALS_JSON: json }), OFFLINE))
      expect(error.code).toBe('credential-refused')
      expect(`${error.message} ${String(error.cause)}`).not.toContain('TOPSECRET')
    }
  })
})

describe('a request to Claude on Vertex', () => {
  const of: Settings = {
    ...settings({ VERTEX_API_KEY: 'ya29.token' }, { VERTEX_PROJECT: 'p', VERTEX_LOCATION: 'us-east5' }),
    baseUrl: 'https://us-east5-aiplatform.googleapis.com/',
  }
  const answer = `{"id":"msg_vrtx_1","type":"message","role":"assistant","model":"claude-opus-4-5","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":2}}`
  const json = (text: string, status = 200) => new Response(text, { status, headers: { 'content-type': 'application/json' } })
  const url = 'https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/us-east5/publishers/anthropic/models/claude-opus-4-5'
  const request = { model: 'vertex/claude-opus-4-5', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] }

  it('of an Anthropic client is forwarded without the model, with the version in the body', async () => {
    const gateway = fakeGateway(vertex, of, () => json(answer))
    const headers = { 'anthropic-version': '2023-06-01', 'anthropic-beta': 'context-1m-2025-08-07' }
    const response = await gateway.ask(anthropicMessagesClient, '/v1/messages', request, headers)
    expect(await response.text()).toBe(answer)
    const [left] = gateway.left
    expect(left?.url).toBe(`${url}:rawPredict`)
    expect(left?.text).toBe('{"max_tokens":9,"messages":[{"role":"user","content":"hi"}],"anthropic_version":"vertex-2023-10-16"}')
    expect(left?.headers.get('anthropic-beta')).toBe('context-1m-2025-08-07')
    expect(left?.headers.has('anthropic-version')).toBe(false)
    expect(left?.headers.get('authorization')).toBe('Bearer ya29.token')
  })

  it('of another client is written in Claude’s language', async () => {
    const gateway = fakeGateway(vertex, of, () => json(answer))
    const response = await gateway.ask(openaiChatClient, '/v1/chat/completions', request)
    expect(await response.json()).toMatchObject({ choices: [{ message: { content: 'hi' }, finish_reason: 'stop' }] })
    const [left] = gateway.left
    expect(left?.url).toBe(`${url}:rawPredict`)
    const body = JSON.parse(left?.text ?? '') as { readonly [name: string]: unknown }
    expect(body).toMatchObject({ anthropic_version: 'vertex-2023-10-16', max_tokens: 9 })
    expect(body).not.toHaveProperty('model')
  })

  it('never tells a token that was fetched, though the provider echoes it', async () => {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true })
    const file = JSON.stringify({ client_email: 'a@b', project_id: 'p', private_key: await exportPKCS8(privateKey) })
    const echo = `{"error":{"code":400,"message":"bad token ya29.fetched-secret","status":"INVALID_ARGUMENT"}}`
    const gateway = fakeGateway(vertex, { ...of, secrets: { VERTEX_SERVICE_ACCOUNT_JSON: file } }, (left) =>
      left.url === 'https://oauth2.googleapis.com/token' ? json('{"access_token":"ya29.fetched-secret"}') : json(echo, 400),
    )
    const text = await (await gateway.ask(anthropicMessagesClient, '/v1/messages', request)).text()
    expect(gateway.left.map((left) => left.url)).toEqual(['https://oauth2.googleapis.com/token', `${url}:rawPredict`])
    expect(gateway.left[1]?.headers.get('authorization')).toBe('Bearer ya29.fetched-secret')
    expect(text).toContain('bad token [redacted]')
  })

  it('is not sent, nor booked as sent, when there is no token', async () => {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true })
    const file = JSON.stringify({ client_email: 'a@b', project_id: 'p', private_key: await exportPKCS8(privateKey) })
    const gateway = fakeGateway(vertex, { ...of, secrets: { VERTEX_SERVICE_ACCOUNT_JSON: file } }, () =>
      json('{"error":"invalid_grant"}', 400),
    )
    expect((await gateway.ask(anthropicMessagesClient, '/v1/messages', request)).status).toBe(502)
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(gateway.settled).toMatchObject([{ row: null }])
  })
})
