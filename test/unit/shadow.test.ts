// A share of a route's requests goes to another target too: what is sent, what the client sees of it (nothing), how it is booked and compared.

import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Refusal, Row } from '../../src/core/account.ts'
import { compareTexts, type Heard } from '../../src/core/shadow.ts'
import { anthropicMessagesClient } from '../../src/dialects/anthropic-messages/client.ts'
import { openaiChatClient } from '../../src/dialects/openai-chat/client.ts'
import { groq } from '../../src/providers/groq.ts'
import { compileRoutes } from '../../src/routing/compile.ts'
import type { Health } from '../../src/routing/health.ts'
import { NO_HEALTH, UNKNOWN_HEALTH } from '../../src/routing/health.ts'
import { fakeGateway, type FakeGateway, type Left } from '../support/fake-gateway.ts'

const SETTINGS = { secrets: { GROQ_API_KEY: 'gsk' }, baseUrl: 'https://groq.invalid/v1', region: null }

const modelOf = ({ text }: Left): string => (JSON.parse(text) as { readonly model: string }).model
const whole = (content: string, finish = 'stop'): Response =>
  Response.json({
    id: 'c',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: finish }],
    usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
  })
const events = (content: string): Response => {
  const chunk = (delta: unknown, finish: string | null, more = {}): string =>
    `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: finish }], ...more })}\n\n`
  const words = content.split(/(?= )/).map((word) => chunk({ content: word }, null))
  const usage = { usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 } }
  return new Response(`${words.join('')}${chunk({}, 'stop', usage)}data: [DONE]\n\n`, { headers: { 'content-type': 'text/event-stream' } })
}

type World = {
  readonly gateway: FakeGateway
  readonly lines: { readonly [name: string]: unknown }[]
  rows(count: number): Promise<readonly Row[]>
}
type Setting = {
  readonly share?: number
  readonly draw?: number
  readonly refusal?: Refusal
  readonly health?: Health
  readonly more?: { readonly [member: string]: unknown }
  readonly shadow?: { readonly [member: string]: unknown }
}

/** A route `r` to groq/big with a shadow at groq/small. */
function world(answer: (left: Left) => Response | Promise<Response>, setting: Setting = {}): World {
  const { share = 1, draw = 0.5, refusal, health } = setting
  const lines: { readonly [name: string]: unknown }[] = []
  const table = compileRoutes(1, {
    routes: [
      {
        name: 'r',
        match: ['r', 'openai/gpt-*'],
        targets: ['groq/big'],
        shadow: { share, model: 'groq/small', ...setting.shadow },
        ...setting.more,
      },
    ],
  } as never)
  const gateway = fakeGateway(
    groq as never,
    SETTINGS as never,
    answer,
    {},
    {
      routes: () => Promise.resolve(table),
      random: () => draw,
      log: (line) => void lines.push(line()),
      refuses: ({ shadowOf }) => (shadowOf === undefined ? null : (refusal ?? null)),
      ...(health === undefined ? {} : { health }),
    },
  )
  return {
    gateway,
    lines,
    rows: async (count) => {
      await vi.waitFor(() => expect(gateway.settled).toHaveLength(count))
      return gateway.settled.flatMap(({ row }) => row ?? [])
    },
  }
}

const CHAT = { model: 'r', messages: [{ role: 'user', content: 'Hi' }] }
const ask = (gateway: FakeGateway, more: object = {}, headers: { readonly [name: string]: string } = {}): Promise<Response> =>
  gateway.ask(openaiChatClient, '/v1/chat/completions', { ...CHAT, ...more }, headers)
const split = (rows: readonly Row[]): { readonly main: Row; readonly shadow: Row } => {
  const [main, shadow] = [rows.find(({ shadowOf }) => shadowOf === undefined), rows.find(({ shadowOf }) => shadowOf !== undefined)]
  if (main === undefined || shadow === undefined) throw new Error('One of the two rows is missing.')
  return { main, shadow }
}

afterEach(() => vi.useRealTimers())

describe('a shadow', () => {
  it.each([false, true])('is sent beside the client’s request, booked by itself and compared (stream: %s)', async (stream) => {
    const own = world((left) =>
      (stream ? events : whole)(modelOf(left) === 'big' ? 'the quick brown fox jumps' : 'the quick brown fox sleeps'),
    )
    const response = await ask(own.gateway, { stream }, { 'x-sluice-tags': 'nightly' })
    const text = await response.text()
    expect([text.includes('jumps'), text.includes('sleeps')]).toEqual([true, false])
    const { main, shadow } = split(await own.rows(2))
    expect(own.gateway.left.map(modelOf).toSorted()).toEqual(['big', 'small'])
    expect([main.id, response.headers.get('x-sluice-request-id'), main.model, main.tags, main.comparison]).toEqual([
      shadow.shadowOf, main.id, 'big', ['nightly'], undefined,
    ]) // prettier-ignore
    expect(shadow).toMatchObject({
      keyId: 'key',
      provider: 'groq',
      model: 'small',
      ended: 'complete',
      streamed: stream,
      tags: ['shadow', 'nightly'],
    })
    expect(shadow.id).not.toBe(main.id)
    expect(shadow.comparison).toMatchObject({
      sameText: false,
      sameFinish: true,
      similarity: 0.5, // two runs of four: the quick brown, quick brown fox
      main: { model: 'big', ended: 'complete', finish: 'stop', characters: 25 },
      shadow: { model: 'small', ended: 'complete', finish: 'stop', characters: 26 },
    })
    expect(JSON.stringify(own.gateway.settled.map(({ row }) => row)) + JSON.stringify(own.lines)).not.toMatch(/jumps|sleeps|quick/)
    for (const [name, value] of response.headers) expect(`${name}: ${value}`).not.toMatch(/shadow|small/)
  })

  it('is compared across languages: a translated answer beside a forwarded one', async () => {
    const own = world(() => events('one two three four'))
    const body = { model: 'r', max_tokens: 50, stream: true, messages: [{ role: 'user', content: 'Hi' }] }
    await (await own.gateway.ask(anthropicMessagesClient, '/v1/messages', body)).text()
    expect(split(await own.rows(2)).shadow.comparison).toMatchObject({ sameText: true, sameFinish: true, similarity: 1 })
  })

  it('is a request of its own to admission: no idempotency key, its own id, and a name for what it is', async () => {
    const own = world(() => whole('x'))
    await ask(own.gateway, {}, { 'idempotency-key': 'once' })
    await own.rows(2)
    const [main, shadow] = own.gateway.asked
    expect([main?.idempotency?.key, main?.shadowOf, shadow?.idempotency, shadow?.shadowOf]).toEqual([
      'once',
      undefined,
      null,
      main?.requestId,
    ])
    expect(shadow?.candidates.map(({ model }) => model)).toEqual(['groq/small'])
  })

  it('takes the route’s share', async () => {
    for (const [share, draw, sent] of [
      [0.3, 0.29, 2],
      [0.3, 0.3, 1],
    ] as const) {
      // prettier-ignore
      const own = world(() => whole('x'), { share, draw })
      await ask(own.gateway)
      await own.rows(sent)
      expect(own.gateway.left).toHaveLength(sent)
    }
  })

  it('is called once, and its failure is nobody’s trouble', async () => {
    const busy = (): Response => Response.json({ error: { message: 'busy' } }, { status: 503 })
    const own = world((left) => (modelOf(left) === 'big' ? whole('fine') : busy()), { more: { retries: 3 } })
    const response = await ask(own.gateway)
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('fine')])
    const { shadow } = split(await own.rows(2))
    expect(own.gateway.left.map(modelOf).toSorted()).toEqual(['big', 'small'])
    expect([shadow.ended, shadow.errorCode, shadow.costNanoUsd, shadow.comparison?.sameText, shadow.comparison?.main?.ended]).toEqual([
      'failed', 'upstream-overloaded', 0, null, 'complete',
    ]) // prettier-ignore
  })

  it('does not keep the client waiting, and goes on when the client has its answer', async () => {
    const gate = Promise.withResolvers<Response>()
    const own = world((left) => (modelOf(left) === 'big' ? whole('fine') : gate.promise))
    expect(await (await ask(own.gateway)).text()).toContain('fine')
    expect((await own.rows(1))[0]?.model).toBe('big')
    gate.resolve(whole('late but fine'))
    expect(split(await own.rows(2)).shadow.comparison).toMatchObject({
      sameText: false,
      main: { characters: 4 },
      shadow: { characters: 13 },
    })
  })

  it('ends when its time is over, and is booked as such', async () => {
    vi.useFakeTimers({ now: 1_000_000 })
    const slow = ({ signal }: Left): Response => {
      const body = new ReadableStream<Uint8Array>({
        start(sink) {
          sink.enqueue(new TextEncoder().encode('data: {"id":"c","choices":[{"index":0,"delta":{"content":"slow"}}]}\n\n'))
          signal?.addEventListener('abort', () => sink.error(signal.reason))
        },
      })
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
    }
    const own = world((left) => (modelOf(left) === 'big' ? events('fine') : slow(left)))
    await (await ask(own.gateway, { stream: true })).text()
    await vi.advanceTimersByTimeAsync(100)
    expect(own.gateway.settled).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(30_000)
    expect(own.gateway.settled).toHaveLength(2)
    const { shadow } = split(own.gateway.settled.flatMap(({ row }) => row ?? []))
    expect([shadow.errorCode, shadow.ended, shadow.comparison?.similarity]).toEqual(['upstream-timeout', 'upstream-cut', null])
    expect(shadow.totalMs).toBeLessThan(30_000)
  })

  it('does not wait for an answer of the client’s that is longer than its time', async () => {
    vi.useFakeTimers({ now: 1_000_000 })
    const never = new ReadableStream<Uint8Array>({
      async pull(sink) {
        await new Promise((resolve) => setTimeout(resolve, 2000))
        sink.enqueue(new TextEncoder().encode('data: {"id":"c","choices":[{"index":0,"delta":{"content":"more "}}]}\n\n'))
      },
    })
    const own = world((left) =>
      modelOf(left) === 'big' ? new Response(never, { headers: { 'content-type': 'text/event-stream' } }) : events('done'),
    )
    const asked = ask(own.gateway, { stream: true })
    await vi.advanceTimersByTimeAsync(3000)
    const response = await asked
    void response.body?.pipeTo(new WritableStream()).catch(() => undefined)
    await vi.advanceTimersByTimeAsync(20_000)
    expect(own.gateway.settled).toHaveLength(0)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(own.gateway.settled.map(({ row }) => [row?.model, row?.ended, row?.comparison?.main])).toEqual([['small', 'complete', null]])
  })

  it.each([
    [
      'with a picture',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }] }] },
    ],
    ['with a tool that the provider runs', { web_search_options: {} }],
    ['beyond 256 kB', { messages: [{ role: 'user', content: 'x'.repeat(262_144) }] }],
  ])('is none of a request %s', async (_what, more) => {
    const own = world(() => whole('x'))
    await ask(own.gateway, more)
    await own.rows(1)
    expect(own.gateway.left.map(modelOf)).not.toContain('small')
  })

  it('is not sent where the key’s books refuse it, and the log says why', async () => {
    const own = world(() => whole('x'), { refusal: { kind: 'refused', code: 'budget-exceeded', message: 'no' } })
    expect((await ask(own.gateway)).status).toBe(200)
    await vi.waitFor(() =>
      expect(own.lines).toContainEqual(expect.objectContaining({ message: 'shadow not sent', why: 'budget-exceeded' })),
    )
    expect(own.gateway.left.map(modelOf)).toEqual(['big'])
  })

  it('leaves alone who is ill or parked, and gives its hold back', async () => {
    for (const ill of [{ state: 'open' as const }, { state: 'half-open' as const, mayProbe: true }, { parkedUntil: Date.now() + 60_000 }]) {
      const health: Health = { ...NO_HEALTH, view: ({ model }) => ({ ...UNKNOWN_HEALTH, ...(model === 'small' ? ill : {}) }) }
      const own = world(() => whole('x'), { health })
      await ask(own.gateway)
      await own.rows(2)
      expect(own.gateway.left.map(modelOf)).toEqual(['big'])
      expect(own.gateway.settled.find(({ hold }) => hold.shadowOf !== undefined)?.row).toBeNull()
    }
  })

  it('obeys the client’s preferences for places', async () => {
    const models = { more: { targets: ['groq/llama-3.1-8b-instant'] }, shadow: { model: 'groq/llama-3.3-70b-versatile' } }
    for (const [provider, count] of [
      [{ max_price: { prompt: 1 } }, 2],
      [{ max_price: { prompt: 0.1 } }, 1],
    ] as const) {
      // prettier-ignore
      const own = world(() => whole('x'), models)
      expect((await ask(own.gateway, { provider })).status).toBe(200)
      await own.rows(count)
      expect(own.gateway.left).toHaveLength(count)
      if (count === 1) expect(own.lines).toContainEqual(expect.objectContaining({ message: 'shadow not sent', why: 'no-target-left' }))
    }
  })

  it('is changed as its own settings say, not as the route’s', async () => {
    const own = world(() => whole('x'), { more: { overrides: { temperature: 0.1 } }, shadow: { overrides: { temperature: 0.9 } } })
    await ask(own.gateway)
    await own.rows(2)
    const said = own.gateway.left.map(({ text }) => JSON.parse(text) as { readonly model: string; readonly temperature: number })
    expect(new Map(said.map(({ model, temperature }) => [model, temperature]))).toEqual(new Map([['big', 0.1], ['small', 0.9]])) // prettier-ignore
  })
})

describe('the comparison of two texts', () => {
  const heard = (text: string, more: Partial<Heard> = {}): Heard => ({ text, characters: text.length, finish: 'stop', ...more })
  it.each([
    ['a b c d', 'a b c d', true, 1],
    ['A, b; c.', 'a b c', false, 1],
    ['a b c d', 'b c d e', false, 0.333],
    ['yes', 'yes', true, 1],
    ['yes', 'no', false, 0],
    ['', 'no', false, null],
    ['…', '…', true, null],
    ['你好 世界 今天', '你好 世界 今天', true, 1],
  ] as const)('%j and %j', (a, b, sameText, similarity) => {
    expect(compareTexts(heard(a), heard(b))).toEqual({ sameText, sameFinish: true, similarity })
    expect(compareTexts(heard(b), heard(a))).toEqual({ sameText, sameFinish: true, similarity })
  })

  it('says nothing where nobody can know', () => {
    expect(compareTexts(heard('a'), null)).toEqual({ sameText: null, sameFinish: null, similarity: null })
    expect(compareTexts(heard('a', { characters: 9 }), heard('a', { characters: 9, finish: null }))).toMatchObject({
      sameText: null,
      sameFinish: null,
    })
    expect(compareTexts(heard('a', { characters: 9 }), heard('a', { characters: 8 }))).toMatchObject({ sameText: false })
  })
})
