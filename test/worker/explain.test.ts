// Why a request goes where it goes: told with its answer, kept with its record, made again, and planned without sending anything.

import { createExecutionContext, runInDurableObject } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeDeps } from '../../src/deps.ts'
import type { ClientDialect } from '../../src/dialects/contract.ts'
import { openaiChatClient } from '../../src/dialects/openai-chat/client.ts'
import { openrouterClient } from '../../src/dialects/openrouter/client.ts'
import { chat } from '../../src/gateway/chat.ts'
import { handle } from '../../src/gateway/handle.ts'
import type { Env } from '../../src/platform/env.ts'
import { Outbox } from '../../src/platform/outbox.ts'
import { routesObject } from '../../src/platform/routes-object.ts'
import { forgetRoutes } from '../../src/platform/routes.ts'
import type { Deps } from '../../src/ports.ts'
import { NO_HEALTH } from '../../src/routing/health.ts'
import { rowOf } from './ledger-rows.ts'
import { ADMIN, bindings, call, echo, makeKey, until } from './bindings.ts'

type Target = {
  readonly id: string
  readonly position: number | null
  readonly out: string | null
  readonly why: string | null
  readonly [more: string]: unknown
}
type Decision = {
  readonly targets: readonly Target[]
  readonly route: string | null
  readonly refused: string | null
  readonly [more: string]: unknown
}
type Metadata = { readonly openrouter_metadata?: { readonly [name: string]: unknown } }

const chunk = (delta: object, finish: string | null = null): string =>
  `data: ${JSON.stringify({ id: 'c', model: 'm', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`
const USAGE = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }
const STREAM = `${chunk({ role: 'assistant', content: 'Hi' })}${chunk({}, 'stop')}data: ${JSON.stringify({ id: 'c', model: 'm', choices: [], usage: USAGE })}\n\ndata: [DONE]\n\n`
const WHOLE = JSON.stringify({ id: 'c', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }], usage: USAGE }) // prettier-ignore

const asked: string[] = []
const answering = (stream: boolean) => (): Response =>
  new Response(stream ? STREAM : WHOLE, { headers: { 'content-type': stream ? 'text/event-stream' : 'application/json' } })
const failing = (): Response =>
  new Response('{"error":{"message":"overloaded"}}', { status: 503, headers: { 'content-type': 'application/json' } })

/** A request to a gateway that has accounts everywhere; `answers`: what each provider's host says. */
async function send(
  client: ClientDialect,
  key: string,
  body: { readonly [name: string]: unknown },
  headers: Record<string, string> = {},
  answers: { readonly [host: string]: () => Response } = {},
  more: Partial<Deps> = {},
): Promise<Response> {
  const stream = body['stream'] === true
  const deps: Deps = {
    ...makeDeps(bindings as unknown as Env, createExecutionContext()),
    settings: (provider, credential) =>
      provider.id === 'mistral' || credential === 'nowhere'
        ? null
        : { secrets: Object.fromEntries(provider.needs.map((name) => [name, 'sk-upstream-secret'])), values: {}, baseUrl: `http://${provider.id}.test/v1`, region: null }, // prettier-ignore
    fetch: (url) => {
      const host = new URL(url).hostname.replace('.test', '')
      asked.push(host)
      return Promise.resolve((answers[host] ?? answering(stream))())
    },
    health: NO_HEALTH, // other tests' failures are not these
    ...more,
  }
  const request = new Request(`http://sluice.test${client.paths[0]}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ messages: [{ role: 'user', content: 'a very private prompt' }], max_tokens: 50, ...body }),
  })
  return handle(request, chat(client), deps)
}

const EXPLAIN = { 'x-sluice-route': 'explain' }
const METADATA = { 'x-openrouter-metadata': 'enabled' }
const decisionIn = (response: Response): Decision =>
  JSON.parse(decodeURIComponent(response.headers.get('x-sluice-decision') ?? '')) as Decision
const inOrder = ({ targets }: Decision): readonly string[] => targets.filter(({ position }) => position !== null).map(({ id }) => id)
const explain = async <T>(body: unknown): Promise<T> => {
  const response = await call('POST', '/api/v1/routes/explain', ADMIN, body)
  const text = await response.text()
  if (response.status !== 200) throw new Error(`${response.status} ${text}`)
  return (JSON.parse(text) as { readonly data: T }).data
}
const routes = (document: unknown): Promise<Response> => call('PUT', '/api/v1/routes', ADMIN, document)

const CHAIN = {
  routes: [
    {
      name: 'chain',
      retries: 0,
      targets: ['openai/gpt-4o-mini', 'groq/llama-3.3-70b-versatile', { model: 'anthropic/claude-3-5-haiku-20241022', when: 'metadata["plan"] == "secret-plan"' }, 'mistral/mistral-small-latest', { model: 'openai/gpt-4o', credential: 'nowhere' }],
    },
  ],
} // prettier-ignore

beforeEach(async () => {
  const stub = routesObject(bindings as unknown as Env) as unknown as DurableObjectStub
  await runInDurableObject(stub, (_, state) => state.storage.deleteAll())
  await runInDurableObject(stub, (_, state) => state.abort('evicted')).catch(() => undefined)
  forgetRoutes()
  asked.length = 0
})
afterEach(() => forgetRoutes())

describe('x-sluice-route: explain', () => {
  it('tells the decision with the answer and keeps it with the record: the owner sees his, an administrator all of it', async () => {
    await routes(CHAIN)
    const { key } = await makeKey({ limit: 1 })
    const response = await send(openaiChatClient, key, { model: 'chain' }, EXPLAIN, { openai: failing })
    expect([response.status, response.headers.get('x-sluice-attempts')]).toEqual([200, expect.stringContaining('openai/gpt-4o-mini 503')])
    await response.text()
    const told = decisionIn(response)
    expect(inOrder(told)).toEqual(['openai/gpt-4o-mini', 'groq/llama-3.3-70b-versatile'])
    expect(told).toMatchObject({ requested: 'chain', route: 'chain', table_version: expect.any(Number), path: '/v1/chat/completions', language: 'openai-chat', refused: null, tries: { retries: 0 } }) // prettier-ignore
    expect(told.targets.filter(({ position }) => position === null).map(({ id, out }) => [id, out])).toEqual([
      ['anthropic/claude-3-5-haiku-20241022', 'condition:missing'],
      ['mistral/mistral-small-latest', 'not-configured'],
      ['openai/gpt-4o@nowhere', 'not-configured'],
    ])
    const [first] = told.targets
    expect([Number(first?.['worst_usd']), Number(first?.['expected_usd'])]).toEqual([
      expect.closeTo(0.00006, 3),
      expect.closeTo(0.00004, 3),
    ])
    expect(first).toMatchObject({ health: { state: 'closed' }, price: { prompt: '0.00000015', completion: '0.0000006' } })

    const id = response.headers.get('x-generation-id')
    const path = `/api/v1/generation?id=${id}`
    const record = await until(async () => call('GET', path, ADMIN), ({ status }) => status === 200) // prettier-ignore
    const { data } = await record.json<{
      readonly data: { readonly sluice: { readonly decision: Decision; readonly attempts: readonly unknown[] } }
    }>()
    expect(data.sluice.attempts).toHaveLength(2)
    expect(JSON.stringify(data.sluice.decision)).toContain('secret-plan')
    expect(await explain({ id })).toMatchObject({
      same: true,
      order: [{ id: 'openai/gpt-4o-mini' }, { id: 'groq/llama-3.3-70b-versatile' }],
    })
    expect(await explain({ decision: data.sluice.decision })).toMatchObject({ same: true })

    const owner = await (await call('GET', path, key)).text()
    expect(owner).toContain('"out":"condition:missing"')
    for (const word of ['secret-plan', '"inputs":{', '"rank"', 'in_flight']) expect(owner).not.toContain(word)
    for (const text of [owner, response.headers.get('x-sluice-decision') ?? '', JSON.stringify(data)])
      for (const secret of ['sk-upstream-secret', 'private prompt', '.test/v1']) expect(text).not.toContain(secret)
  })

  it('adds nothing when it is not asked', async () => {
    await routes(CHAIN)
    const { key, hash } = await makeKey({ limit: 1 })
    for (const headers of [{}, { 'x-sluice-route': 'no' }, METADATA]) {
      const response = await send(openaiChatClient, key, { model: 'chain' }, headers)
      expect([response.headers.get('x-sluice-decision'), await response.text()]).toEqual([null, WHOLE])
      const id = response.headers.get('x-generation-id')
      const record = await until(() => call('GET', `/api/v1/generation?id=${id}`, key), ({ status }) => status === 200) // prettier-ignore
      expect(await record.text()).not.toContain('decision')
      await call('GET', `/api/v1/generations?api_key_hash=${hash}`, ADMIN) // carries it to D1
      expect(await bindings.DB.prepare('SELECT decision FROM requests WHERE id = ?1').bind(id).first()).toEqual({ decision: null })
    }
  })

  it('goes along with streams, also with one that a keep-alive began', async () => {
    await routes(CHAIN)
    const { key } = await makeKey({ limit: 1 })
    const stream = await send(openaiChatClient, key, { model: 'chain', stream: true }, EXPLAIN)
    expect(inOrder(decisionIn(stream))).toHaveLength(2)
    expect(await stream.text()).toContain('"content":"Hi"')

    const soon = { ...openrouterClient, keepAlive: { comment: ': WAIT\n\n', everyMs: 5 } }
    const slow = { fetch: () => new Promise<Response>((resolve) => setTimeout(() => resolve(answering(true)()), 40)) }
    const kept = await send(soon, key, { model: 'chain', stream: true }, { ...EXPLAIN, ...METADATA }, {}, slow)
    expect(inOrder(decisionIn(kept))).toHaveLength(2)
    const text = await kept.text()
    expect(text.startsWith(': WAIT')).toBe(true)
    expect(text).toContain('"openrouter_metadata"')
  })

  it('goes along with refusals: of the key, of the money, of preferences, of the places', async () => {
    await routes(CHAIN)
    const narrow = await makeKey({ limit: 1, sluice: { models: ['groq/*'] } })
    const allowed = await send(openaiChatClient, narrow.key, { model: 'chain' }, EXPLAIN)
    expect(decisionIn(allowed).targets.find(({ id }) => id === 'openai/gpt-4o-mini')?.out).toBe('key:models')
    const none = await makeKey({ sluice: { models: ['nobody/*'] } })
    const forbidden = await send(openaiChatClient, none.key, { model: 'chain' }, EXPLAIN)
    expect([forbidden.status, decisionIn(forbidden).refused]).toEqual([403, 'model-forbidden'])
    const poor = await makeKey({ limit: 0.000_000_001 })
    const dear = await send(openaiChatClient, poor.key, { model: 'chain' }, EXPLAIN)
    expect([dear.status, decisionIn(dear).refused]).toEqual([429, 'budget-exceeded'])
    const { key } = await makeKey()
    const gone = await send(openaiChatClient, key, { model: 'chain', provider: { only: ['azure'] } }, EXPLAIN)
    expect(decisionIn(gone).refused).toBe('no-target-left')
    expect(decisionIn(gone).targets.find(({ id }) => id === 'openai/gpt-4o-mini')?.out).toBe('preference:only')
    const failed = await send(openaiChatClient, key, { model: 'chain' }, EXPLAIN, { openai: failing, groq: failing })
    expect([failed.status, inOrder(decisionIn(failed)).length, decisionIn(failed).refused]).toEqual([503, 2, 'upstream-overloaded'])
    const unknown = await send(openaiChatClient, key, { model: 'nobody' }, EXPLAIN)
    expect([unknown.status, unknown.headers.get('x-sluice-decision')]).toEqual([404, null])
  })

  it('is not told to whoever repeats an answer without asking', async () => {
    const { key } = await makeKey()
    const repeat = { 'idempotency-key': 'again' }
    const first = await send(openaiChatClient, key, { model: 'openai/gpt-4o-mini' }, { ...repeat, ...EXPLAIN })
    expect(first.headers.has('x-sluice-decision')).toBe(true)
    await first.text()
    const second = await until(
      () => send(openaiChatClient, key, { model: 'openai/gpt-4o-mini' }, repeat),
      ({ headers }) => headers.get('x-sluice-idempotency') === 'replayed',
    )
    expect([second.headers.get('x-sluice-idempotency'), second.headers.get('x-sluice-decision')]).toEqual(['replayed', null])
  })
})

describe('records with decisions', () => {
  it('come to the ledger however many wait, in pieces that storage and D1 take', async () => {
    const sizes: number[] = []
    const seen = (value: unknown): void =>
      void sizes.push(new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value)).length)
    const storage = {
      put: (_name: string, value: unknown) => Promise.resolve(seen(value)),
      delete: () => Promise.resolve(0),
      sync: () => Promise.resolve(),
    } as unknown as DurableObjectStorage
    const db = {
      prepare: (text: string) => ({
        bind: (...values: unknown[]) => {
          values.forEach(seen)
          return bindings.DB.prepare(text).bind(...values)
        },
      }),
      batch: bindings.DB.batch.bind(bindings.DB),
    } as unknown as D1Database
    const decision = JSON.stringify({ long: '…'.repeat(8100) }) // 24 kB
    const outbox = new Outbox(storage)
    outbox.keep(Array.from({ length: 200 }, (_, i) => ({ row: rowOf(`large-${i}`, { decision }), corrects: false })))
    expect(outbox.size).toBe(200)
    await outbox.flush(db, () => [], () => Promise.resolve()) // prettier-ignore
    const kept = await bindings.DB.prepare("SELECT count(*) AS n FROM requests WHERE id LIKE 'large-%' AND decision = ?1")
      .bind(decision)
      .first()
    expect([kept, outbox.size]).toEqual([{ n: 200 }, 0])
    expect(Math.max(...sizes)).toBeLessThan(1_000_000) // of two million that may be
  })
})

describe('openrouter_metadata', () => {
  const MODEL = { model: 'openai/gpt-4o-mini' }

  it('stands in whole answers, in the last chunk of streams and beside errors, for both names of the header', async () => {
    const { key } = await makeKey({ limit: 1 })
    for (const name of ['x-openrouter-metadata', 'x-openrouter-experimental-metadata']) {
      const whole = await (await send(openrouterClient, key, MODEL, { [name]: 'Enabled' })).json<Metadata>()
      const { openrouter_metadata: said } = whole
      expect(said).toMatchObject({
        requested: 'openai/gpt-4o-mini',
        strategy: 'direct',
        attempt: 1,
        is_byok: false,
        region: null,
        pipeline: [],
      })
      expect(said?.['attempts']).toEqual([{ provider: 'OpenAI', model: 'gpt-4o-mini', status: 200 }])
      const { total, available } = (said?.['endpoints'] ?? {}) as {
        readonly total: number
        readonly available: readonly { readonly selected: boolean }[]
      }
      expect([total >= available.length, available.filter(({ selected }) => selected)]).toEqual([
        true,
        [{ provider: 'OpenAI', model: 'openai/gpt-4o-mini', selected: true }],
      ])
      expect(said?.['summary']).toBe(`available=${available.length}, selected=OpenAI`)
    }
    const stream = await (await send(openrouterClient, key, { ...MODEL, stream: true }, METADATA)).text()
    const chunks = stream.split('\n\n').filter((line) => line.startsWith('data: {')).map((line) => JSON.parse(line.slice(6)) as Metadata) // prettier-ignore
    expect(chunks.map((one) => one.openrouter_metadata !== undefined)).toEqual([...chunks.slice(1).map(() => false), true])
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 3 }, openrouter_metadata: { strategy: 'direct' } })
    expect(stream.endsWith('data: [DONE]\n\n')).toBe(true)
    const only = { ...MODEL, provider: { only: ['openai'] } }
    const failed = await send(openrouterClient, key, only, METADATA, { openai: failing })
    const body = await failed.json<Metadata & { readonly error: { readonly code: number } }>()
    expect([failed.status, body.error.code]).toEqual([529, 529])
    expect(body.openrouter_metadata).toMatchObject({ requested: 'openai/gpt-4o-mini', params: { only: ['openai'] }, attempts: [{ status: 503 }, { status: 503 }, { status: 503 }] }) // prettier-ignore
  })

  it('names a fallback, and stays away unless it is enabled', async () => {
    const { key } = await makeKey({ limit: 1 })
    const models = { models: ['openai/gpt-4o-mini', 'anthropic/claude-haiku-4.5'], provider: { only: ['openai', 'groq', 'anthropic'] } }
    const anthropic = (): Response => new Response(JSON.stringify({ id: 'm', type: 'message', role: 'assistant', model: 'm', content: [{ type: 'text', text: 'Hi' }], stop_reason: 'end_turn', usage: { input_tokens: 1, output_tokens: 1 } }), { headers: { 'content-type': 'application/json' } }) // prettier-ignore
    const answer = await (await send(openrouterClient, key, models, METADATA, { openai: failing, anthropic })).json<Metadata>()
    expect(answer.openrouter_metadata).toMatchObject({ strategy: 'fallback', attempt: 2, summary: expect.stringContaining('selected=Anthropic') }) // prettier-ignore
    for (const headers of [{}, { 'x-openrouter-metadata': 'disabled' }, { 'x-openrouter-metadata': 'yes' }])
      expect(await (await send(openrouterClient, key, MODEL, headers)).text()).not.toContain('openrouter_metadata')
  })

  it('keeps all models in one order where partition is none', async () => {
    const { key } = await makeKey({ limit: 1 })
    const body = {
      models: ['openai/gpt-4o', 'openai/gpt-4o-mini'],
      provider: { only: ['openai'], sort: { by: 'price', partition: 'none' } },
    }
    const response = await send(openrouterClient, key, body, EXPLAIN)
    expect([response.status, inOrder(decisionIn(response))]).toEqual([200, ['openai/gpt-4o-mini', 'openai/gpt-4o']])
  })
})

describe('POST /api/v1/routes/explain', () => {
  type Explained = { readonly decision: Decision | null; readonly error: { readonly status: number; readonly code: string; readonly body: { readonly error: unknown } } | null; readonly changes?: readonly unknown[] } // prettier-ignore
  const chatPath = { path: '/v1/chat/completions' }

  it('plans without sending, holding or counting, under a key or nobody', async () => {
    await routes({ aliases: { small: ['demo/echo', 'openai/gpt-4o-mini'] } })
    const { key, hash } = await makeKey({ limit: 1, sluice: { requests_per_minute: 1, models: ['demo/*'] } })
    const plain = await explain<Explained>({ ...chatPath, body: echo('private', { model: 'small' }) })
    expect([plain.error, plain.decision?.targets.map(({ id, out }) => [id, out])]).toEqual([
      null,
      expect.arrayContaining([
        ['demo/echo', null],
        ['openai/gpt-4o-mini', 'not-configured'],
      ]),
    ])
    for (let i = 0; i < 3; i++) expect(await explain<Explained>({ ...chatPath, key: hash, body: echo('Hi') })).toMatchObject({ error: null, decision: { request: { budget_used: 0 } } }) // prettier-ignore
    const view = await (
      await call('GET', '/api/v1/key', key)
    ).json<{ readonly data: { readonly usage: number; readonly sluice: unknown } }>()
    expect([view.data.usage, view.data.sluice]).toEqual([0, expect.objectContaining({ held_nano_usd: 0, running: 0 })])
    expect((await call('POST', '/v1/chat/completions', key, echo('Hi'))).status).toBe(200) // the one request of this minute is still there
    expect((await explain<Explained>({ ...chatPath, key: hash, body: echo('Hi') })).error).toMatchObject({
      status: 429,
      code: 'rate-exceeded',
    })
    const kept = await (await call('GET', `/api/v1/refusals?api_key_hash=${hash}`, ADMIN)).json<{ readonly data: readonly unknown[] }>()
    expect(kept.data).toEqual([])
  })

  it('answers in data what its client would be refused with, in its language', async () => {
    const { hash } = await makeKey({ sluice: { models: ['openai/*'] } })
    const unknown = await explain<Explained>({ ...chatPath, body: { model: 'nobody/x', messages: [] } })
    expect(unknown).toMatchObject({
      decision: null,
      error: { status: 404, code: 'model-unknown', body: { error: { type: expect.any(String) } } },
    })
    const other = await explain<Explained>({ path: '/v1/messages', key: hash, body: { ...echo('Hi'), max_tokens: 5 } })
    expect(other).toMatchObject({ decision: { refused: 'model-forbidden', language: 'anthropic-messages' }, error: { status: 403, body: { type: 'error' } } }) // prettier-ignore
    const gemini = await explain<Explained>({
      path: '/v1beta/models/demo%2Fecho:generateContent',
      body: { contents: [{ parts: [{ text: 'Hi' }] }] },
    })
    expect([gemini.error, gemini.decision?.targets[0]?.id]).toEqual([null, 'demo/echo'])
    expect((await explain<Explained>({ ...chatPath, body: {} })).error).toMatchObject({ status: 400 })
  })

  it('judges conditions by the headers it is given, and ignores credentials', async () => {
    await routes({ routes: [{ name: 'chat', when: 'headers["x-team"] == "blue"', targets: ['demo/echo'] }] })
    const plan = (headers: Record<string, string>): Promise<Explained> =>
      explain({ ...chatPath, headers, body: echo('Hi', { model: 'chat' }) })
    expect((await plan({ 'x-team': 'blue', authorization: 'Bearer sk-wrong', 'idempotency-key': 'x' })).decision?.route).toBe('chat')
    expect((await plan({ 'x-team': 'red' })).error?.code).toBe('model-unknown')
  })

  it('plans a decision of before by what is so today, and says what changed', async () => {
    await routes({ aliases: { small: ['demo/echo'] } })
    const { key } = await makeKey()
    const response = await call('POST', '/v1/chat/completions', key, echo('Hi', { model: 'small' }), EXPLAIN)
    const id = response.headers.get('x-generation-id')
    const version = Number(decisionIn(response)['table_version'])
    await response.text()
    await until(() => call('GET', `/api/v1/generation?id=${id}`, ADMIN), ({ status }) => status === 200) // prettier-ignore
    expect(await explain({ id, now: true })).toMatchObject({ error: null, changes: [] })
    await routes({ aliases: { small: ['openai/gpt-4o-mini', 'demo/echo'] } })
    expect(await explain({ id })).toMatchObject({ same: true })
    const { changes } = await explain<Explained>({ id, now: true })
    expect(changes?.[0]).toEqual({ of: 'table_version', before: version, now: version + 1 })
    expect(changes?.slice(1)).toEqual(
      expect.arrayContaining([{ id: 'openai/gpt-4o-mini', before: null, now: { position: null, out: 'not-configured', why: null } }]),
    )
  })

  it('is for the admin key, and says what is wrong with what it is sent', async () => {
    const { key } = await makeKey()
    const status = async (body: unknown, by: string | null = ADMIN): Promise<number> =>
      (await call('POST', '/api/v1/routes/explain', by, body)).status
    const good = { ...chatPath, body: echo('Hi') }
    expect([await status(good), await status(good, null), await status(good, key)]).toEqual([200, 401, 403])
    const deep = `{"decision":{"version":1,"inputs":{"tree":${'{"strategy":"priority","of":['.repeat(3000)}0${']}'.repeat(3000)}}}}`
    for (const wrong of [
      '{',
      '[]',
      {},
      { path: 'x', body: {} },
      { path: '/v1/nothing', body: {} },
      { ...good, key: 'x' },
      { ...good, more: 1 },
      { decision: {} },
      deep,
    ])
      expect([JSON.stringify(wrong).slice(0, 40), await status(wrong)]).toEqual([JSON.stringify(wrong).slice(0, 40), 400])
    expect([await status({ ...good, key: 'a'.repeat(64) }), await status({ id: 'gen-nobody' })]).toEqual([404, 404])
    const told = await call('POST', '/v1/chat/completions', key, echo('Hi'))
    const id = told.headers.get('x-generation-id')
    await told.text()
    await until(() => call('GET', `/api/v1/generation?id=${id}`, ADMIN), ({ status: found }) => found === 200) // prettier-ignore
    expect(await status({ id })).toBe(404)
  })
})
