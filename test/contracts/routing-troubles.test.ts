// What users of other gateways complain of in failover, routing and fallbacks (LESSONS.md 28 to 34), for every language of a client.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { RouteDocument } from '../../src/routing/document-shape.ts'
import { events, failing, fakePlaces, said, silent, streamed, type PlaceCall, type Places } from '../support/fake-places.ts'

const ROUTES: RouteDocument = {
  routes: [{ name: 'two', targets: ['groq/llama-3.3-70b-versatile', 'together/meta-llama/Llama-3.3-70B-Instruct-Turbo'] }],
}
const HI = [{ role: 'user', content: 'hi' }]

/** How each language asks, what says in it that an answer is whole, and where it tells tokens. */
const LANGUAGES = [
  { id: 'openai-chat', body: { messages: HI, stream_options: { include_usage: true } }, whole: '"finish_reason":"stop"' },
  { id: 'openrouter', body: { messages: HI }, whole: '"finish_reason":"stop"' },
  { id: 'openai-completions', body: { prompt: 'hi', stream_options: { include_usage: true } }, whole: '"finish_reason":"stop"' },
  { id: 'openai-responses', body: { input: 'hi' }, whole: 'response.completed' },
  { id: 'anthropic-messages', body: { max_tokens: 50, messages: HI }, whole: 'message_stop' },
  { id: 'gemini', body: { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] }, whole: '"finishReason":"STOP"' },
] as const

type Language = (typeof LANGUAGES)[number]

function asking(places: Places, { id, body }: Pick<Language, 'id' | 'body'>, stream: boolean, more: object = {}): Promise<Response> {
  if (id !== 'gemini') return places.ask(id, { model: 'two', ...body, stream, num_retries: 0, ...more })
  const at = `/v1beta/models/two:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`
  return places.ask(id, { ...body, num_retries: 0, ...more }, { at })
}

const [ROLE = '', HELLO = ''] = events(['Hello'])
const BAD = 'data: {"id":"c1","choices":[{"index":0,"delta":{"content":"Hel\n\n'
const ERROR = 'data: {"error":{"message":"out of memory","code":500}}\n\n'

/** Goes on in steps of its own: after so many milliseconds, so much. One that has said all stays silent until it is ended. */
function timed(steps: readonly (readonly [number, string])[], { signal }: PlaceCall): Response {
  const encoder = new TextEncoder()
  const body = new ReadableStream({
    type: 'bytes', // as a fetch has it
    start(controller) {
      let over = false
      const end = (): void => {
        if (!over) controller.error(new Error('ended'))
        over = true
      }
      signal.addEventListener('abort', end, { once: true })
      let atMs = 0
      for (const [ms, text] of steps) {
        atMs += ms
        setTimeout(() => {
          if (over) return
          controller.enqueue(encoder.encode(text))
          if (!text.includes('[DONE]')) return
          over = true
          controller.close()
        }, atMs)
      }
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}

describe('20: a conversation', () => {
  const TWO_CLAUDES: RouteDocument = {
    routes: [{ name: 'two', strategy: 'least-busy', targets: ['anthropic/claude-haiku-4-5', 'anthropic/claude-sonnet-4-5'] }],
  }
  const PROMPT = 'What was said so far, and it is a lot. '.repeat(400)
  const first = { role: 'user', content: PROMPT }
  const asked = async (places: Places, more: object, session: string): Promise<string | undefined> => {
    const body = { model: 'openai/gpt-oss-120b', messages: [first], session_id: session, provider: { sort: 'latency' }, ...more }
    await (await places.ask('openrouter', body)).text()
    return places.calls.at(-1)?.provider
  }
  const claude = (): Response =>
    Response.json({
      id: 'm',
      type: 'message',
      role: 'assistant',
      model: 'm',
      content: [{ type: 'text', text: 'hi' }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: { input_tokens: 10, output_tokens: 2, cache_read_input_tokens: 3900, cache_creation_input_tokens: 0 },
    })
  /** Where the same request goes when nothing is remembered and chance says otherwise. */
  const fakeTwin = async (body: object): Promise<string | undefined> => {
    const places = fakePlaces(['anthropic'], claude, { routes: TWO_CLAUDES, deps: { random: () => 0.99 } })
    await places.ask('anthropic-messages', body)
    return places.calls.at(-1)?.model
  }
  const usage = { prompt_tokens: 4000, completion_tokens: 2, total_tokens: 4002, prompt_tokens_details: { cached_tokens: 3900 } }

  it('stays where its prompt is cached while that is cheaper, and no other conversation comes along', async () => {
    const places = fakePlaces(['groq', 'together'], () => said('hi', usage))
    const usual = await asked(places, {}, 'a')
    const other = usual === 'groq' ? 'together' : 'groq'
    expect(await asked(places, { provider: { order: [other] } }, 'b')).toBe(other)
    expect([await asked(places, {}, 'b'), await asked(places, {}, 'c')]).toEqual([other, usual])
  })

  it('is not forgotten by a count of its tokens', async () => {
    const places = fakePlaces(['anthropic'], ({ path }) => (path.includes('count') ? Response.json({ input_tokens: 5 }) : claude()), {
      routes: TWO_CLAUDES,
      deps: { random: () => chance },
    })
    let chance = 0
    const said = { model: 'two', max_tokens: 9, messages: [first] }
    const model = async (): Promise<string | undefined> => {
      await (await places.ask('anthropic-messages', said)).text()
      return places.calls.at(-1)?.model
    }
    const home = await model()
    chance = 0.99
    expect(await fakeTwin(said)).not.toBe(home)
    await places.ask('anthropic-count-tokens', { model: 'two', messages: [first] })
    expect(await model()).toBe(home)
  })

  it('does not stay with who is ill', async () => {
    let ill = ''
    const places = fakePlaces(['groq', 'together'], () => said('hi', usage), { health: ({ provider }) => (provider === ill ? { state: 'open' } : {}) }) // prettier-ignore
    const usual = await asked(places, {}, 'a')
    ill = usual ?? ''
    expect(await asked(places, {}, 'a')).not.toBe(usual)
  })
})

describe.each(LANGUAGES)('28: to a client of $id a stream that breaks', (language) => {
  const troubles: readonly (readonly [string, (call: PlaceCall) => Response])[] = [
    ['with its connection', (call) => streamed([ROLE], 'breaks', call)],
    ['at once', (call) => streamed([], 'ends', call)],
    ['without a word', (call) => streamed([ROLE], 'ends', call)],
    ['by a bad line', (call) => streamed([ROLE, BAD], 'stalls', call)],
    ['by an error', (call) => streamed([ROLE, ERROR], 'ends', call)],
    ['by silence', (call) => streamed([ROLE], 'stalls', call)],
  ]

  it.each(troubles)('%s before its first content is nothing: the next one answers', async (_, trouble) => {
    const places = fakePlaces(
      ['groq', 'together'],
      (call) => (call.provider === 'groq' ? trouble(call) : streamed(events(['from the second']), 'ends', call)),
      { routes: ROUTES, limits: { firstContentMs: 60 } },
    )
    const response = await asking(places, language, true)
    const text = await response.text()
    expect([response.status, places.calls.map(({ provider }) => provider)], text).toEqual([200, ['groq', 'together']])
    expect([text.includes('from the second'), text.includes(language.whole), text.includes('out of memory')]).toEqual([true, true, false])
    await vi.waitFor(() => expect(places.settled[0]?.row?.ended).toBe('complete'))
  })

  it.each([
    ['with its connection', (call: PlaceCall) => streamed([ROLE, HELLO], 'breaks', call)],
    ['without its end', (call: PlaceCall) => streamed([ROLE, HELLO], 'ends', call)],
    ['by a bad line', (call: PlaceCall) => streamed([ROLE, HELLO, BAD], 'stalls', call)],
    ['by an error', (call: PlaceCall) => streamed([ROLE, HELLO, ERROR], 'ends', call)],
    ['by silence', (call: PlaceCall) => streamed([ROLE, HELLO], 'stalls', call)],
  ] as const)('%s after that ends in an error of its own language, never as if it were whole', async (_, trouble) => {
    const places = fakePlaces(['groq', 'together'], trouble, { routes: ROUTES, limits: { idleMs: 60 } })
    const response = await asking(places, language, true)
    const text = await response.text()
    expect(
      [places.calls.length, text.includes('Hello'), /"error"|response\.failed/.test(text), text.includes(language.whole)],
      text,
    ).toEqual([1, true, true, false])
    await vi.waitFor(() => expect(places.settled[0]?.row?.ended).toBe('upstream-cut'))
  })
})

describe('29: limits', () => {
  const [CHAT] = LANGUAGES
  const DONE = events(['', 'late']).slice(2).join('')
  const LEARNS: RouteDocument = { routes: [{ ...ROUTES.routes?.[0], name: 'two', targets: ROUTES.routes?.[0]?.targets ?? [], learn_timeouts: true }] } // prettier-ignore
  const quick = (): object => ({ samples: 100, firstContentMs: { p50: 100, p75: 200, p90: 400, p99: 2000 } })

  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  const second = (call: PlaceCall): Response => streamed(events(['from the second']), 'ends', call)
  const after = async (ms: number, places: Places): Promise<number> => {
    await vi.advanceTimersByTimeAsync(ms)
    return places.calls.length
  }

  it('of the first content and of silence within an answer are two', async () => {
    const late = fakePlaces(['groq', 'together'], (call) => timed([[5000, ROLE + HELLO], [500, DONE]], call), { routes: ROUTES, limits: { firstContentMs: 8000, idleMs: 1000 } }) // prettier-ignore
    const first = asking(late, CHAT, true).then((response) => response.text())
    await vi.advanceTimersByTimeAsync(6000)
    expect([late.calls.length, (await first).includes('late')]).toEqual([1, true])
    const pausing = fakePlaces(['groq', 'together'], (call) => timed([[500, ROLE + HELLO], [5000, DONE]], call), { routes: ROUTES, limits: { firstContentMs: 1000, idleMs: 8000 } }) // prettier-ignore
    const other = asking(pausing, CHAT, true).then((response) => response.text())
    await vi.advanceTimersByTimeAsync(6000)
    expect([pausing.calls.length, (await other).includes('late')]).toEqual([1, true])
  })

  it.each([
    ['says nothing at all', silent],
    ['says headers only', (call: PlaceCall) => timed([], call)],
    [
      'says comments only',
      (call: PlaceCall) =>
        timed(
          Array.from({ length: 100 }, () => [300, ': keep-alive\n\n'] as const),
          call,
        ),
    ],
  ] as const)('of a model are learned from what it took: one that %s is left after three times that', async (_, trouble) => {
    const places = fakePlaces(['groq', 'together'], (call) => (call.provider === 'groq' ? trouble(call) : second(call)), {
      routes: LEARNS,
      health: quick,
      limits: { headersMs: 60_000, firstContentMs: 60_000 },
    })
    const answer = asking(places, CHAT, true).then((response) => response.text())
    expect(await after(5900, places)).toBe(1)
    expect(await after(200, places)).toBe(2)
    expect(await answer).toContain('from the second')
    expect(places.told).toContainEqual(['groq', 'ill'])
  })

  it.each([
    ['whose route does not learn', ROUTES, true, 100],
    ['whose answer comes whole', LEARNS, false, 100],
    ['of which little is known', LEARNS, true, 3],
  ] as const)('are not learned for one %s', async (_, routes, stream, samples) => {
    const places = fakePlaces(
      ['groq', 'together'],
      (call) => (call.provider === 'groq' ? silent(call) : stream ? second(call) : said('x')),
      {
        // prettier-ignore
        routes,
        health: () => ({ ...quick(), samples }),
        limits: { headersMs: 60_000, firstContentMs: 60_000 },
      },
    )
    const answer = asking(places, CHAT, stream).then((response) => response.text())
    expect(await after(59_000, places)).toBe(1)
    expect(await after(2000, places)).toBe(2)
    await answer
  })

  it('of a probe are short, so that its client does not wait for who is still ill', async () => {
    const places = fakePlaces(['groq', 'together'], (call) => (call.provider === 'groq' ? silent(call) : second(call)), {
      routes: ROUTES,
      health: ({ provider }) => (provider === 'groq' ? { state: 'half-open', mayProbe: true } : {}),
      limits: { headersMs: 300_000, firstContentMs: 300_000 },
    })
    const answer = asking(places, CHAT, true).then((response) => response.text())
    expect([await after(14_000, places), await after(2000, places)]).toEqual([1, 2])
    expect(await answer).toContain('from the second')
  })

  it('count comments for nothing within an answer too', async () => {
    const comments = Array.from({ length: 60 }, () => [300, ': keep-alive\n\n'] as const)
    const places = fakePlaces(['groq', 'together'], (call) => timed([[1, ROLE + HELLO], ...comments], call), { routes: ROUTES, limits: { idleMs: 4000 } }) // prettier-ignore
    const answer = asking(places, CHAT, true).then((response) => response.text())
    await vi.advanceTimersByTimeAsync(6000)
    expect(await answer).toContain('"error"')
    expect(places.settled[0]?.row?.ended).toBe('upstream-cut')
  })
})

describe('30: health', () => {
  const [CHAT] = LANGUAGES

  it.each([400, 413, 422])('hears nothing of a %i: that is the client’s', async (status) => {
    const places = fakePlaces(['groq', 'together'], () => failing(status), { routes: ROUTES })
    const response = await asking(places, CHAT, false)
    expect([response.status, places.calls.length]).toEqual([status, 1])
    expect(places.told).toEqual([
      ['groq', 'begin'],
      ['groq', 'neutral'],
    ])
  })

  it.each([
    [500, 'ill'],
    [503, 'ill'],
    [401, 'ill'],
    [429, 'limited'],
  ] as const)('hears of a %i that the place is %s', async (status, word) => {
    const places = fakePlaces(['groq', 'together'], ({ provider }) => (provider === 'groq' ? failing(status) : said('hi')), {
      routes: ROUTES,
    })
    await asking(places, CHAT, false)
    expect(places.told).toEqual([
      ['groq', 'begin'],
      ['groq', word],
      ['together', 'begin'],
      ['together', 'good'],
      ['together', 'end'],
    ])
  })

  it('hears nothing of a count of tokens, which does not run the model: neither that it is well nor that it is ill', async () => {
    for (const status of [200, 503]) {
      const places = fakePlaces(['anthropic'], () => (status === 200 ? Response.json({ input_tokens: 5 }) : failing(status)))
      const body = { model: 'anthropic/claude-haiku-4-5', messages: HI, num_retries: 0 }
      expect([(await places.ask('anthropic-count-tokens', body)).status >= 500, places.calls.length, places.told]).toEqual([
        status === 503,
        1,
        [],
      ])
    }
  })

  it('never takes out the last one: where all are ill they are asked all the same', async () => {
    const places = fakePlaces(['groq', 'together'], () => said('hi'), { routes: ROUTES, health: () => ({ state: 'open' }) })
    expect([(await asking(places, CHAT, false)).status, places.calls.length]).toEqual([200, 1])
  })

  it('puts who is ill behind who is well, and lets one request find out whether it still is', async () => {
    const order = async (state: 'open' | 'half-open', mayProbe: boolean): Promise<readonly string[]> => {
      const places = fakePlaces(['groq', 'together'], () => failing(503), {
        routes: ROUTES,
        health: ({ provider }) => (provider === 'groq' ? { state, mayProbe } : {}),
      })
      await asking(places, CHAT, false)
      return places.calls.map(({ provider }) => provider)
    }
    expect([await order('open', false), await order('half-open', false), await order('half-open', true)]).toEqual([
      ['together', 'groq'],
      ['together', 'groq'],
      ['groq', 'together'],
    ])
  })
})

describe.each(LANGUAGES)('31: to a client of $id', (language) => {
  it.each([
    [503, true],
    [503, false],
    [529, true],
    [500, false],
    [429, true],
  ])('a %i is the next one’s chance (stream: %s)', async (status, stream) => {
    const places = fakePlaces(
      ['groq', 'together'],
      (call) => (call.provider === 'groq' ? failing(status) : stream ? streamed(events(['second']), 'ends', call) : said('second')),
      { routes: ROUTES },
    )
    const response = await asking(places, language, stream)
    expect([response.status, (await response.text()).includes('second'), places.calls.length]).toEqual([200, true, 2])
  })

  it('the tokens that are told and booked are those of whoever answered', async () => {
    const spoilt = events([], { prompt_tokens: 9191, completion_tokens: 9292, total_tokens: 18_483 })
    const places = fakePlaces(
      ['groq', 'together'],
      (call) =>
        call.provider === 'groq'
          ? streamed([ROLE, spoilt.at(-2) ?? '', ERROR], 'ends', call)
          : streamed(events(['second'], { prompt_tokens: 4141, completion_tokens: 42, total_tokens: 4183 }), 'ends', call),
      { routes: ROUTES },
    )
    const text = await (await asking(places, language, true)).text()
    expect([text.includes('4141'), /9191|9292/.test(text)], text).toEqual([true, false])
    await vi.waitFor(() => expect(places.settled[0]?.row?.usage).toMatchObject({ input: 4141, output: 42 }))
  })
})

describe('31: message_start', () => {
  const frame = (event: object & { readonly type: string }): string => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
  const start = (input_tokens: number): string =>
    frame({
      type: 'message_start',
      message: { id: 'm', type: 'message', role: 'assistant', model: 'm', content: [], stop_reason: null, stop_sequence: null, usage: { input_tokens, output_tokens: 1 } }, // prettier-ignore
    } as never)
  const whole = [
    frame({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } } as never),
    frame({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'second' } } as never),
    frame({ type: 'content_block_stop', index: 0 } as never),
    frame({ type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 7 } } as never),
    frame({ type: 'message_stop' }),
  ]

  it('behind a failover has the tokens of the one that answers, not of the one that failed', async () => {
    const models = ['claude-haiku-4-5', 'claude-sonnet-4-5']
    const places = fakePlaces(
      ['anthropic'],
      (call) =>
        call.text.includes('haiku')
          ? streamed(
              [start(777), frame({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } } as never)],
              'ends',
              call,
            )
          : streamed([start(4141), ...whole], 'ends', call),
      { routes: { routes: [{ name: 'two', targets: models.map((model) => `anthropic/${model}`) }] } },
    )
    const text = await (await asking(places, { id: 'anthropic-messages', body: { max_tokens: 50, messages: HI } as never }, true)).text()
    const first = text.slice(0, text.indexOf('\n\n'))
    expect([first.includes('message_start'), first.includes('"input_tokens":4141'), text.includes('777')], text).toEqual([
      true,
      true,
      false,
    ])
    await vi.waitFor(() => expect(places.settled[0]?.row?.usage).toMatchObject({ input: 4141, output: 7 }))
    expect(places.settled[0]?.row?.model).toBe('claude-sonnet-4-5')
  })
})

describe('32: hosts of one model', () => {
  const HOSTS = ['deepinfra', 'groq', 'sambanova', 'together']
  const schema = { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'object' } } }
  const called = async (more: object, hosts: readonly string[] = HOSTS): Promise<readonly string[]> => {
    const places = fakePlaces(hosts, () => failing(503))
    await places.ask('openrouter', { model: 'openai/gpt-oss-120b', messages: HI, num_retries: 0, ...more })
    return places.calls.map(({ provider }) => provider).sort()
  }

  it('that ignore a schema are not asked for one while somebody keeps it', async () => {
    expect([await called({}), await called({ response_format: schema })]).toEqual([HOSTS, ['groq', 'together']])
  })

  it('are asked all the same where nobody is known to keep it', async () => {
    expect(await called({ response_format: schema }, ['deepinfra', 'sambanova'])).toEqual(['deepinfra', 'sambanova'])
  })

  it('are each judged by what they can do, not by what the model can', async () => {
    const tools = [{ type: 'function', function: { name: 'f', parameters: {} } }]
    expect(await called({ tools, parallel_tool_calls: false, provider: { require_parameters: true } })).toEqual(['groq', 'together'])
  })

  it('whose quantization nobody knows stay, unless it is asked for', async () => {
    expect(await called({ provider: { quantizations: ['fp8', 'unknown'] } })).toEqual(HOSTS)
    expect(await called({ provider: { quantizations: ['fp8'] } })).toEqual([])
  })
})

describe('33: a prompt that surely does not fit', () => {
  const SMALL = 'openai/gpt-4'
  const BIG = 'openai/gpt-4o-mini'
  const LONG = 'The quick brown fox jumps over the lazy dog. '.repeat(2000)
  const called = async (content: string, targets: readonly (string | object)[], more: object = {}): Promise<readonly string[]> => {
    const places = fakePlaces(['openai'], () => failing(503), { routes: { routes: [{ name: 'two', targets, ...more } as never] } })
    await places.ask('openai-chat', { model: 'two', messages: [{ role: 'user', content }], num_retries: 0 })
    return places.called
  }

  it('is not sent to a small model while a larger one is there', async () => {
    expect([await called(LONG, [SMALL, BIG]), await called('hi', [SMALL, BIG])]).toEqual([[BIG], [SMALL, BIG]])
  })

  it('is sent to the small one where there is nobody else: the place has the last word', async () => {
    expect([await called(LONG, [SMALL]), await called(LONG, [SMALL, SMALL])]).toEqual([[SMALL], [SMALL, SMALL]])
  })

  it('finds the model that the route has for it by the refusal of the first', async () => {
    expect(await called(LONG, [SMALL], { context_fallbacks: [BIG] })).toEqual([SMALL])
  })

  it.each([
    ['a picture or a seal, which is one long word', 'QUJD'.repeat(40_000)],
    ['white space', `hi${' \n\t'.repeat(60_000)}`],
    ['lines of one sign', `${'='.repeat(79)} `.repeat(4000)],
  ])('is not what has many bytes by %s', async (_, content) => {
    expect(await called(content, [SMALL, BIG])).toEqual([SMALL, BIG])
  })
})
