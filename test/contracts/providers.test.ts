// What every registered provider must keep. Runs over the registry, so a new place is tested before it is called.

import { describe, expect, it } from 'vitest'
import { GatewayError } from '../../src/core/errors.ts'
import { upstreamDialect } from '../../src/dialects/index.ts'
import { operationUpstream } from '../../src/operations/index.ts'
import { isConfigured } from '../../src/providers/configured.ts'
import { PROVIDERS, providerById } from '../../src/providers/index.ts'

/** Where Claude is asked in its own format, the path says the model and the body the version. */
const CLAUDES_OWN = new Set(['bedrock anthropic-messages', 'vertex anthropic-messages'])
const TOLD_OTHERWISE = new Set(['model', 'stream', 'anthropic_version'])
const NO_SETTINGS = { secrets: {}, baseUrl: null, region: null }

const ODD_MODELS = [
  '',
  '.',
  '..',
  '../secrets',
  'a/../../b',
  'a//b',
  '/a',
  'a/',
  'a?key=1',
  'a#b',
  'a%2e%2e',
  'a%2f..%2fb',
  'a:generateContent',
  'a\\b',
  'a b',
  'a\nb',
  'ä',
  '\ud800',
  'models/x/../..',
  'tunedModels/x',
  'rec-1--tag',
  'org/model-1.5_b',
]
const WORLD = { fetch: () => Promise.reject(new Error('no network')), nowMs: 0 }
const SECRET = 'sk-top-secret-0123456789'

describe('the registry of providers', () => {
  it('has unique lowercase ids', () => {
    const ids = PROVIDERS.map((provider) => provider.id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids) expect(id).toMatch(/^[a-z][a-z0-9-]*$/)
  })

  it('finds a provider by its id and nothing by words of the prototype', () => {
    for (const provider of PROVIDERS) expect(providerById(provider.id)).toBe(provider)
    for (const id of ['__proto__', 'constructor', 'toString', '', 'OpenAI']) expect(providerById(id)).toBeUndefined()
  })
})

describe.each(PROVIDERS.map((provider) => [provider.id, provider] as const))('provider %s', (id, provider) => {
  const prefix = id.toUpperCase().replaceAll('-', '_')
  const base = `${provider.defaultBaseUrl ?? 'https://host.example/v1'}`.replace(/\/+$/, '')

  it('names its settings by the rule', () => {
    expect(provider.baseUrlSetting).toBe(`${prefix}_BASE_URL`)
    for (const name of provider.needs) expect(name).toBe(`${prefix}_API_KEY`)
  })

  it('is reached over TLS or on this machine', () => {
    if (provider.defaultBaseUrl === null) return
    const url = new URL(provider.defaultBaseUrl)
    expect(url.protocol === 'https:' || ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname)).toBe(true)
    expect(provider.defaultBaseUrl.endsWith('/')).toBe(false)
    expect(url.search + url.hash + url.username + url.password).toBe('')
  })

  it('keeps the path of any model below its base, or does not know the model', () => {
    const operations = (provider.operations ?? []).map((voice) => ({
      path: (model: string, _stream: boolean) => voice.path(model, NO_SETTINGS),
    }))
    for (const voice of [...provider.voices, ...operations])
      for (const model of ODD_MODELS)
        for (const stream of [true, false]) {
          let path: string
          try {
            path = voice.path(model, stream)
          } catch (error) {
            expect(error).toBeInstanceOf(GatewayError)
            expect((error as GatewayError).code).toBe('model-unknown')
            continue
          }
          expect(path.startsWith('/')).toBe(true)
          const url = new URL(base + path)
          expect(url.href).toBe(base + path)
          expect(url.pathname.startsWith(new URL(base).pathname)).toBe(true)
          expect(url.hash).toBe('')
        }
  })

  it('puts a secret into headers only', async () => {
    const settings = { secrets: { [`${prefix}_API_KEY`]: SECRET }, baseUrl: null, region: null }
    const headers = await provider.authorize(settings, WORLD)
    if (provider.needs.length > 0) expect(Object.values(headers).some((value) => value.includes(SECRET))).toBe(true)
    for (const name of Object.keys(headers)) expect(name).toMatch(/^[a-z0-9-]+$/)
    for (const voice of provider.operations ?? []) expect(voice.path('model', settings)).not.toContain(SECRET)
    for (const voice of provider.voices) expect(voice.path('model', true) + voice.path('model', false)).not.toContain(SECRET)
    expect(() => new Headers(headers)).not.toThrow()
  })

  it('can be asked for something, in languages that are registered, each once', () => {
    const { voices, operations = [] } = provider
    expect(voices.length + operations.length).toBeGreaterThan(0)
    for (const { dialect } of voices) expect(() => upstreamDialect(dialect)).not.toThrow()
    for (const { dialect } of operations) expect(() => operationUpstream(dialect)).not.toThrow()
    if (voices[0] !== undefined) expect(upstreamDialect(voices[0].dialect).promptsOnly, 'what chats are translated into').toBeUndefined()
    const ids = [...voices, ...operations].map(({ dialect }) => dialect)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('says where its answer about billing is from', () => {
    expect(provider.stopsBillingOnAbort.source.length).toBeGreaterThan(5)
  })

  it('is configured by what it needs, and by its address where that is all there is', () => {
    const has =
      (...names: string[]) =>
      (name: string) =>
        names.includes(name)
    expect(isConfigured(provider, has())).toBe(false)
    const needed = [...provider.needs, ...(provider.needsOneOf?.[0] ?? [])]
    expect(isConfigured(provider, has(...needed, provider.baseUrlSetting))).toBe(true)
    expect(isConfigured(provider, has(...needed))).toBe(needed.length > 0 && provider.defaultBaseUrl !== null)
    const place = provider.address?.needs[0] ?? []
    expect(isConfigured(provider, has(...needed, ...place))).toBe(
      needed.length > 0 && (provider.defaultBaseUrl !== null || place.length > 0),
    )
  })

  it('edits nothing of a request that has nothing odd', () => {
    for (const { dialect } of [...provider.voices, ...(provider.operations ?? [])]) {
      const edits = provider.quirks?.(dialect, () => null) ?? []
      expect(edits, dialect).toEqual(
        CLAUDES_OWN.has(`${provider.id} ${dialect}`) ? edits.filter(({ path }) => TOLD_OTHERWISE.has(path[0])) : [],
      )
    }
  })
})

describe('paths of single places', () => {
  it('writes Google’s models into the path and asks for server-sent events', () => {
    const voice = providerById('google')?.voices[0]
    expect(voice?.path('gemini-3-pro', false)).toBe('/v1beta/models/gemini-3-pro:generateContent')
    expect(voice?.path('gemini-3-pro', true)).toBe('/v1beta/models/gemini-3-pro:streamGenerateContent?alt=sse')
    expect(voice?.path('tunedModels/mine', false)).toBe('/v1beta/tunedModels/mine:generateContent')
  })

  it('renames what Mistral calls otherwise', () => {
    const member = (path: readonly string[]) => (path[0] === 'seed' ? '7' : null)
    expect(providerById('mistral')?.quirks?.('openai-chat', member)).toEqual([
      { path: ['seed'], json: null },
      { path: ['random_seed'], json: '7' },
    ])
  })
})

describe('the demo place', () => {
  const ask = async (body: unknown) => {
    const demo = providerById('demo')
    if (demo?.local === undefined) throw new Error('no demo')
    return demo.local(
      new Request('https://demo.invalid/v1/chat/completions', {
        method: 'POST',
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    )
  }
  const messages = [
    { role: 'system', content: 'be kind' },
    { role: 'user', content: [{ type: 'text', text: 'hello big  world' }] },
  ]

  it('echoes the last user message and counts words', async () => {
    const answer = (await (await ask({ model: 'echo', messages })).json()) as Record<string, unknown>
    expect(answer).toMatchObject({
      object: 'chat.completion',
      choices: [{ message: { content: 'You said: hello big  world' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 5, completion_tokens: 5, total_tokens: 10 },
    })
  })

  it('streams the same words, cut at the ceiling, with usage for those who ask', async () => {
    const text = await (
      await ask({ model: 'echo', messages, stream: true, max_completion_tokens: 3, stream_options: { include_usage: true } })
    ).text()
    const frames = text.split('\n\n').filter((frame) => frame !== '')
    expect(frames.at(-1)).toBe('data: [DONE]')
    const chunks = frames.slice(0, -1).map((frame) => JSON.parse(frame.slice(6)))
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe('You said: hello')
    expect(chunks.at(-2).choices[0].finish_reason).toBe('length')
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 } })
    expect(await (await ask({ model: 'echo', messages, stream: true })).text()).not.toContain('usage')
  })

  it('does not know other models and refuses what is no request', async () => {
    const unknown = await ask({ model: 'gpt', messages })
    expect([unknown.status, await unknown.json()]).toMatchObject([404, { error: { code: 'model_not_found' } }])
    for (const body of ['', 'null', '[]', '{"model":"echo"}', '{"model":"echo","messages":3}']) expect((await ask(body)).status).toBe(400)
    expect((await ask({ model: 'echo', messages: [null, 3, { role: 'user', content: null }] })).status).toBe(200)
  })
})
