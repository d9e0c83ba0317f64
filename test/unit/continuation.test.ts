// A plain text that breaks off and is carried on by another target: what the client gets, what is sent, and what it costs.

import { describe, expect, it } from 'vitest'
import type { Row } from '../../src/core/account.ts'
import { costNanoUsd, type Price } from '../../src/core/price.ts'
import { usageOf } from '../../src/core/usage.ts'
import type { ClientDialect } from '../../src/dialects/contract.ts'
import { anthropicMessagesClient } from '../../src/dialects/anthropic-messages/client.ts'
import { geminiClient } from '../../src/dialects/gemini/client.ts'
import { openaiChatClient } from '../../src/dialects/openai-chat/client.ts'
import { openaiResponsesClient } from '../../src/dialects/openai-responses/client.ts'
import { openrouterClient } from '../../src/dialects/openrouter/client.ts'
import { lookUp } from '../../src/catalogue/index.ts'
import type { Provider } from '../../src/providers/contract.ts'
import { PROVIDERS } from '../../src/providers/index.ts'
import { compileRoutes } from '../../src/routing/compile.ts'
import { NO_HEALTH, type Health } from '../../src/routing/health.ts'
import { fakeGateway, type FakeGateway, type FakeWorld, type Left } from '../support/fake-gateway.ts'

const STORY = 'Once upon a time a fox lived in a wood, and every morning it went down to the river to look for fish.'
const CUT = 98 // behind "fi"
const SENT = STORY.slice(0, CUT)

/** What a place does: it says a text, in pieces, and then ends so. */
type Does =
  | { readonly says: string; readonly ends: 'finish' | 'eof' | 'half-frame' | 'reset' | 'stall' | 'error' | 'garbage' }
  | { readonly status: number }
/** It never begins to answer. */
const SILENT: Does = { status: 0 }
const WHOLE: Does = { says: STORY, ends: 'finish' }

const chunk = (delta: object, more: object = {}): string =>
  `data: ${JSON.stringify({ id: 'x1', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: null }], ...more })}\n\n`
const claude = (type: string, more: object): string => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`

function pieces(text: string): readonly string[] {
  return text.match(/[^]{1,7}/g) ?? []
}

function framesOf(text: string, isClaude: boolean): readonly string[] {
  if (!isClaude) return [chunk({ role: 'assistant', content: '' }), ...pieces(text).map((content) => chunk({ content }))]
  const usage = { input_tokens: 20, output_tokens: 1 }
  return [
    claude('message_start', { message: { id: 'm1', type: 'message', role: 'assistant', model: 'c', content: [], usage } }),
    claude('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    ...pieces(text).map((piece) => claude('content_block_delta', { index: 0, delta: { type: 'text_delta', text: piece } })),
  ]
}

function endOf(isClaude: boolean): readonly string[] {
  if (isClaude) {
    const delta = { delta: { stop_reason: 'end_turn' }, usage: { input_tokens: 20, output_tokens: 9 } }
    return [claude('content_block_stop', { index: 0 }), claude('message_delta', delta), claude('message_stop', {})]
  }
  const usage = { prompt_tokens: 30, completion_tokens: 7, total_tokens: 37 }
  return [
    `data: ${JSON.stringify({ id: 'x1', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}\n\n`,
    `data: ${JSON.stringify({ id: 'x1', choices: [], usage })}\n\n`,
    'data: [DONE]\n\n',
  ]
}

function answer(does: Does, isClaude: boolean, signal: AbortSignal | null): Response | Promise<Response> {
  if (does === SILENT)
    return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError'))))
  if ('status' in does) return Response.json({ error: { message: 'no' } }, { status: does.status })
  const encoder = new TextEncoder()
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      const say = async (text: string): Promise<void> => {
        controller.enqueue(encoder.encode(text))
        await new Promise((resolve) => setTimeout(resolve))
      }
      for (const frame of framesOf(does.says, isClaude)) await say(frame)
      const end = endOf(isClaude)
      if (does.ends === 'finish') for (const frame of end) await say(frame)
      if (does.ends === 'half-frame') await say(framesOf('never said', isClaude).at(-1)?.slice(0, -20) ?? '')
      if (does.ends === 'garbage') await say('data: {"choices": [tru\n\n')
      if (does.ends === 'error')
        await say(
          isClaude
            ? claude('error', { error: { type: 'overloaded_error', message: 'Overloaded' } })
            : 'data: {"error":{"message":"busy","code":503}}\n\n',
        )
      if (does.ends === 'reset') return controller.error(new TypeError('reset'))
      if (does.ends === 'stall') {
        await new Promise((resolve) => (signal?.aborted === true ? resolve(null) : signal?.addEventListener('abort', resolve)))
        return controller.error(new DOMException('aborted', 'AbortError'))
      }
      controller.close()
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}

function providerNamed(id: string): Provider {
  const found = PROVIDERS.find((one) => one.id === id)
  if (found === undefined) throw new Error(id)
  return found
}

/** `places`: in order; each does what it says, whoever asks it. */
function world(places: { readonly [id: string]: Does }, more: FakeWorld = {}, hold: Parameters<typeof fakeGateway>[3] = {}): FakeGateway {
  const [first, ...others] = Object.keys(places).map((id) => ({
    provider: providerNamed(id),
    settings: { secrets: { [`${id.toUpperCase()}_API_KEY`]: 'sk-0' }, baseUrl: `https://${id}.test`, region: null },
  }))
  if (first === undefined) throw new Error('no place')
  const network = ({ url }: Left, signal: AbortSignal | null): Response | Promise<Response> => {
    const id = new URL(url).hostname.replace('.test', '')
    const does = places[id]
    if (does === undefined) throw new Error(id)
    return answer(does, id === 'anthropic', signal)
  }
  return fakeGateway(first.provider, first.settings, network, hold, { others, limits: { ...LIMITS, idleMs: 150 }, ...more })
}

const LIMITS = { bodyBytes: 1e7, formBytes: 1e8, wholeAnswerBytes: 1e7, headersMs: 10_000, firstContentMs: 10_000, idleMs: 10_000 }
const ON = { 'x-sluice-continue': 'true' }
const MESSAGES = [{ role: 'user', content: 'Tell me a story.' }]
const GROQ = 'groq/llama-3.3-70b-versatile'
const TOGETHER = 'together/meta-llama/Llama-3.3-70B-Instruct-Turbo'
const CLAUDE = 'anthropic/claude-haiku-4-5'

const CHAT = { model: GROQ, fallbacks: [TOGETHER], messages: MESSAGES, stream: true, max_tokens: 500 }
const chat = (own: FakeGateway, more: object = {}, headers: { readonly [name: string]: string } = ON): Promise<Response> =>
  own.ask(openaiChatClient, '/v1/chat/completions', { ...CHAT, ...more }, headers)

type Told = { readonly text: string; readonly raw: string; readonly events: readonly { readonly [name: string]: unknown }[] }

async function told(response: Response): Promise<Told> {
  const raw = await response.text()
  const events = raw
    .split('\n')
    .filter((line) => line.startsWith('data: {'))
    .map((line) => JSON.parse(line.slice(6)) as { readonly [name: string]: unknown })
  const text = events.map(textOf).join('')
  return { text, raw, events }
}

function textOf(event: { readonly [name: string]: unknown }): string {
  const at = event as {
    choices?: { delta?: { content?: string } }[]
    delta?: { text?: string } | string
    type?: string
    candidates?: { content?: { parts?: { text?: string }[] } }[]
  }
  if (at.type === 'response.output_text.delta') return typeof at.delta === 'string' ? at.delta : ''
  if (at.candidates !== undefined) return at.candidates[0]?.content?.parts?.map(({ text = '' }) => text).join('') ?? ''
  const delta = at.choices?.[0]?.delta?.content ?? (typeof at.delta === 'object' ? at.delta.text : undefined)
  return delta ?? ''
}

async function rowOf(own: FakeGateway): Promise<Row> {
  for (let i = 0; i < 100 && own.settled.length === 0; i++) await new Promise((resolve) => setTimeout(resolve, 5))
  expect(own.settled.length).toBe(1) // once, whatever happened
  const row = own.settled[0]?.row
  if (row === null || row === undefined) throw new Error('no row')
  return row
}

function priceOf(provider: string, model: string): Price {
  const price = lookUp(provider, model)?.price ?? null
  if (price === null) throw new Error(model)
  return price
}

describe('a text that breaks off', () => {
  it.each(['eof', 'half-frame', 'reset', 'stall', 'error', 'garbage'] as const)(
    '%s: another goes on, and the client hears of no error',
    async (ends) => {
      const own = world({ groq: { says: SENT, ends }, together: { says: STORY.slice(CUT), ends: 'finish' } })
      const response = await chat(own, { stream_options: { include_usage: true } })
      expect(response.headers.get('x-sluice-continues')).toBe('on')
      const { text, raw, events } = await told(response)
      expect(text).toBe(STORY)
      expect(raw).not.toContain('"error"')
      expect(raw).toContain(': sluice continued by together/meta-llama/Llama-3.3-70B-Instruct-Turbo\n\n')
      expect(raw.match(/\[DONE\]/g)).toHaveLength(1)
      expect(raw.match(/"role":"assistant"/g)).toHaveLength(1)
      expect(raw.match(/"finish_reason":"stop"/g)).toHaveLength(1)
      expect(new Set(events.map(({ id }) => id))).toEqual(new Set(['x1']))
      const row = await rowOf(own)
      expect([row.ended, row.finish, row.errorCode, row.provider]).toEqual(['complete', 'stop', null, 'together'])
      expect(row.attempts.map(({ provider, outcome }) => [provider, outcome === 'committed'])).toEqual([
        ['groq', false],
        ['together', true],
      ])
    },
  )

  it.each([
    ['all of it again', STORY],
    ['its end again', STORY.slice(40)],
    ['the rest', STORY.slice(CUT)],
  ])('says %s: nothing is written twice', async (_, says) => {
    const own = world({ groq: { says: SENT, ends: 'eof' }, together: { says, ends: 'finish' } })
    expect((await told(await chat(own))).text).toBe(STORY)
  })

  it('a new beginning that goes another way is no continuation: an error, and nothing of it', async () => {
    const own = world({ groq: { says: SENT, ends: 'eof' }, together: { says: `${STORY.slice(0, 50)} and ate a hen.`, ends: 'finish' } })
    const { text, raw } = await told(await chat(own))
    expect([text, raw.includes('"error"'), raw.includes('[DONE]')]).toEqual([SENT, true, false])
    expect((await rowOf(own)).ended).toBe('upstream-cut')
  })

  it.each([{ status: 503 }, { status: 400 }, { says: 'sh', ends: 'eof' }, { says: 'sh, and', ends: 'error' }] as const)(
    'the second fails too (%j): a typed error, once, and no third call',
    async (does) => {
      const own = world({ groq: { says: SENT, ends: 'eof' }, together: does })
      const { text, raw } = await told(await chat(own, { fallbacks: [TOGETHER, 'together/other'] }))
      expect(text.startsWith(SENT) && STORY.startsWith(text.slice(0, CUT + 2))).toBe(true)
      expect([raw.match(/"error":/g)?.length, raw.includes('[DONE]')]).toEqual([1, false])
      expect((await rowOf(own)).ended).toBe('upstream-cut')
      expect(own.left.length).toBeLessThanOrEqual('says' in does ? 2 : 3)
    },
  )

  it('what is asked: the conversation, the text so far, and what to do; as many tokens as are left', async () => {
    const own = world({ groq: { says: SENT, ends: 'eof' }, together: { says: 'sh.', ends: 'finish' } })
    await told(await chat(own, { temperature: 0.5, stop: ['END'] }))
    const [, second] = own.left.map(({ text }) => JSON.parse(text) as { messages: unknown[]; max_tokens: number; [name: string]: unknown })
    expect(second?.messages.slice(0, 2)).toEqual([...MESSAGES, { role: 'assistant', content: SENT }])
    expect(second?.messages).toHaveLength(3)
    expect([second?.['temperature'], second?.['stop'], second?.['stream']]).toEqual([0.5, ['END'], true])
    expect(second?.max_tokens).toBe(500 - Math.ceil(SENT.length / 3)) // 34: more than pieces or frames
  })

  it('no output left: nobody is asked', async () => {
    const own = world({ groq: { says: SENT, ends: 'eof' }, together: WHOLE })
    expect((await told(await chat(own, { max_tokens: 20 }))).raw).toContain('"error"')
    expect(own.left).toHaveLength(1)
  })
})

describe('what is never carried on', () => {
  const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }]
  it.each([
    ['tools', { tools }],
    ['a schema', { response_format: { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'object' } } } }],
    ['JSON', { response_format: { type: 'json_object' } }],
    ['log probabilities', { logprobs: true }],
    ['thoughts that were asked for', { reasoning_effort: 'low' }],
    ['an answer that the client began', { messages: [...MESSAGES, { role: 'assistant', content: 'Once' }] }],
  ])('%s', async (_, more) => {
    const own = world({ groq: { says: SENT, ends: 'eof' }, together: WHOLE })
    const response = await chat(own, more)
    expect(response.headers.get('x-sluice-continues')).toBeNull()
    const { raw } = await told(response)
    expect(raw.includes('"error"')).toBe(own.left[0]?.url.includes('groq')) // a schema goes to the other at once
    expect(own.left).toHaveLength(1)
  })

  it.each([
    ['thoughts that are out', { reasoning: 'Let me think.' }],
    ['a refusal', { refusal: 'I cannot' }],
  ])('%s', async (_, delta) => {
    const own = world({ groq: { says: SENT, ends: 'eof' }, together: WHOLE })
    const before = [chunk(delta), ...framesOf(SENT, false)].join('')
    const network = (left: Left): Response | Promise<Response> =>
      left.url.includes('groq') ? new Response(before, { headers: { 'content-type': 'text/event-stream' } }) : answer(WHOLE, false, null)
    const groq = { provider: providerNamed('groq'), settings: { secrets: {}, baseUrl: 'https://groq.test', region: null } }
    const together = { provider: providerNamed('together'), settings: { secrets: {}, baseUrl: 'https://together.test', region: null } }
    const mine = fakeGateway(groq.provider, groq.settings, network, {}, { others: [together] })
    expect((await told(await chat(mine))).raw).toContain('"error"')
    expect([mine.left.length, own.left.length]).toEqual([1, 0])
  })

  it('an answer that had said how it ends', async () => {
    const ended =
      [...framesOf(STORY, false), endOf(false)[0] ?? ''].join('') +
      chunk({}, { usage: { prompt_tokens: 3, completion_tokens: 3, total_tokens: 6 } })
    let calls = 0
    const network = (_: Left, signal: AbortSignal | null): Response => {
      calls++
      return new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(new TextEncoder().encode(ended))
            signal?.addEventListener('abort', () => controller.error(new Error('aborted')))
          },
        }),
        { headers: { 'content-type': 'text/event-stream' } },
      )
    }
    const settings = { secrets: {}, baseUrl: 'https://groq.test', region: null }
    const limits = { ...LIMITS, idleMs: 50 }
    const own = fakeGateway(
      providerNamed('groq'),
      settings,
      network,
      {},
      { others: [{ provider: providerNamed('together'), settings }], limits },
    )
    expect((await told(await chat(own))).text).toBe(STORY)
    expect(calls).toBe(1)
  })

  it('a request that did not ask for it: the same bytes, with another target there or not', async () => {
    const does = { says: SENT, ends: 'eof' } as const
    const own = world({ groq: does, together: WHOLE })
    const alone = world({ groq: does })
    const one = await chat(own, {}, {})
    expect(one.headers.get('x-sluice-continues')).toBeNull()
    expect((await told(one)).raw).toBe((await told(await chat(alone, { fallbacks: undefined }, {}))).raw)
    expect(own.left).toHaveLength(1)
    const plain = [await rowOf(own), await rowOf(alone)].map(({ ended, errorCode, provider, attempts }) => [
      ended,
      errorCode,
      provider,
      attempts.length,
    ])
    expect(plain[0]).toEqual(plain[1])
  })

  it('an answer that ran into its deadline', async () => {
    const own = world({ groq: { says: SENT, ends: 'stall' }, together: WHOLE }, { limits: LIMITS })
    const { text, raw } = await told(await chat(own, { timeout: 1 }))
    expect([text, raw.includes('"error"'), own.left.length]).toEqual([SENT, true, 1])
  })
})

describe('in each language', () => {
  const openrouter = {
    model: 'meta-llama/llama-3.3-70b-instruct',
    provider: { order: ['groq', 'together'] },
    messages: MESSAGES,
    stream: true,
  }
  const messages = { model: GROQ, fallbacks: [TOGETHER], messages: MESSAGES, stream: true, max_tokens: 500 }
  const responses = { model: GROQ, fallbacks: [TOGETHER], input: 'Tell me a story.', stream: true }
  const gemini = { contents: [{ role: 'user', parts: [{ text: 'Tell me a story.' }] }], fallbacks: [TOGETHER] }
  it.each<[string, ClientDialect, string, object, RegExp]>([
    ['openrouter', openrouterClient, '/api/v1/chat/completions', openrouter, /"finish_reason":"stop"/g],
    ['anthropic-messages', anthropicMessagesClient, '/v1/messages', messages, /event: message_stop/g],
    ['openai-responses', openaiResponsesClient, '/v1/responses', responses, /event: response.completed/g],
    ['gemini', geminiClient, `/v1beta/models/${GROQ}:streamGenerateContent?alt=sse`, gemini, /"finishReason":"STOP"/g],
  ])('%s: one message', async (id, client, path, body, end) => {
    const own = world({ groq: { says: SENT, ends: 'eof' }, together: { says: STORY.slice(60), ends: 'finish' } })
    const { text, raw } = await told(await own.ask(client, path, body, ON))
    expect(text).toBe(STORY)
    expect(raw.match(end)).toHaveLength(1)
    expect(raw.includes('sluice continued by')).toBe(id !== 'gemini')
    if (id === 'anthropic-messages') {
      expect(raw.match(/event: message_start/g)).toHaveLength(1)
      expect(raw.match(/event: content_block_start/g)).toHaveLength(1)
      expect(raw.match(/event: content_block_stop/g)).toHaveLength(1)
    }
    expect((await rowOf(own)).ended).toBe('complete')
  })

  it('Claude to Claude goes on where its own words stand, and says its usage as one', async () => {
    const body = { model: GROQ, fallbacks: [CLAUDE], messages: MESSAGES, stream: true, max_tokens: 500 }
    const own = world({ groq: { says: 'The quick ', ends: 'eof' }, anthropic: { says: ' brown fox.', ends: 'finish' } })
    const { text } = await told(await own.ask(anthropicMessagesClient, '/v1/messages', body, ON))
    expect(text).toBe('The quick brown fox.')
    const asked = JSON.parse(own.left[1]?.text ?? '') as { messages: { role: string; content: unknown }[] }
    expect(asked.messages.map(({ role }) => role)).toEqual(['user', 'assistant'])
    expect(JSON.stringify(asked.messages[1])).toContain('"The quick"')
  })

  it('Claude since 4.6 is told what to do', async () => {
    const body = { model: GROQ, fallbacks: ['anthropic/claude-sonnet-4-6'], messages: MESSAGES, stream: true, max_tokens: 500 }
    const own = world({ groq: { says: SENT, ends: 'eof' }, anthropic: { says: 'sh.', ends: 'finish' } })
    expect((await told(await own.ask(anthropicMessagesClient, '/v1/messages', body, ON))).text).toBe(STORY)
    const asked = JSON.parse(own.left[1]?.text ?? '') as { messages: { role: string }[] }
    expect(asked.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user'])
  })

  it('from Claude, whose bytes would have passed', async () => {
    const body = { model: CLAUDE, fallbacks: [GROQ], messages: MESSAGES, stream: true, max_tokens: 500 }
    const own = world({ anthropic: { says: SENT, ends: 'error' }, groq: { says: 'sh.', ends: 'finish' } })
    const { text, events } = await told(await own.ask(anthropicMessagesClient, '/v1/messages', body, ON))
    expect(text).toBe(STORY)
    const last = events.find(({ type }) => type === 'message_delta') as { usage: { input_tokens: number; output_tokens: number } }
    expect(last.usage).toMatchObject({ input_tokens: 50, output_tokens: Math.ceil(SENT.length / 3) + 7 })
  })
})

describe('what it costs', () => {
  const cut: Does = { says: SENT, ends: 'eof' }
  const rest: Does = { says: STORY.slice(CUT), ends: 'finish' }

  it('without a budget: the first as it was counted, the second as it was told, and the client is told the sum', async () => {
    const own = world({ groq: cut, together: rest })
    const body = { model: 'meta-llama/llama-3.3-70b-instruct', provider: { order: ['groq', 'together'] }, messages: MESSAGES, stream: true }
    const { events } = await told(await own.ask(openrouterClient, '/api/v1/chat/completions', body, ON))
    const row = await rowOf(own)
    const input = Math.ceil(JSON.stringify({ model: body.model, messages: MESSAGES, stream: true }).length / 3)
    const first = usageOf({ input, output: Math.ceil(SENT.length / 3) })
    const second = usageOf({ input: 30, output: 7 })
    expect(row.usage).toMatchObject({ input: input + 30, output: first.output + 7 })
    const prices = [priceOf('groq', 'llama-3.3-70b-versatile'), priceOf('together', 'meta-llama/Llama-3.3-70B-Instruct-Turbo')] as const
    const costs = [costNanoUsd(first, prices[0]), costNanoUsd(second, prices[1])]
    expect(row.attempts.map((leg) => leg.costNanoUsd)).toEqual(costs)
    expect(row.costNanoUsd).toBe((costs[0] ?? 0) + (costs[1] ?? 0))
    expect(row.usageFrom).toBe('counted')
    const usage = events.find((event) => 'usage' in event)?.['usage'] as { prompt_tokens: number; completion_tokens: number; cost: number }
    expect([usage.prompt_tokens, usage.completion_tokens]).toEqual([row.usage?.input, row.usage?.output])
    expect(usage.cost).toBeCloseTo((row.costNanoUsd ?? 0) / 1e9, 12)
  })

  const HELD = { budgeted: true, nanoUsd: 1_000_000 }
  const NEEDS = [1_000_000, 900_000]

  it('under a budget: the first is booked at its worst case, and the hold grows by what the second may cost', async () => {
    const own = world({ groq: cut, together: rest }, { needs: NEEDS, grants: true, maxOutputTokens: 500 }, HELD)
    expect((await told(await chat(own))).text).toBe(STORY)
    const row = await rowOf(own)
    const price = priceOf('together', 'meta-llama/Llama-3.3-70B-Instruct-Turbo')
    const second = costNanoUsd(usageOf({ input: 30, output: 7 }), price)
    expect(row.attempts.map((leg) => leg.costNanoUsd)).toEqual([1_000_000, second])
    expect(row.costNanoUsd).toBe(1_000_000 + (second ?? 0))
    expect(row.usageFrom).toBe('hold')
    const held = own.settled[0]?.hold.nanoUsd ?? 0
    const { inputTokens } = own.asked[0]?.candidates[1] ?? {}
    const input = (inputTokens ?? 0) + SENT.length + 512
    expect(held).toBe(
      1_000_000 + Math.ceil((input * price.input) / 1000) + Math.ceil(((500 - Math.ceil(SENT.length / 3)) * price.output) / 1000),
    )
  })

  it('that does not fit: the error as ever, and the first as ever', async () => {
    const own = world({ groq: cut, together: rest }, { needs: NEEDS, maxOutputTokens: 500 }, HELD)
    const { text, raw } = await told(await chat(own))
    expect([text, raw.includes('"error"'), own.left.length]).toEqual([SENT, true, 1])
    const row = await rowOf(own)
    expect([row.costNanoUsd, row.provider, row.ended, row.attempts.length]).toEqual([1_000_000, 'groq', 'upstream-cut', 1])
  })

  it('a second that is refused costs nothing, and the first no more than it would have', async () => {
    const own = world({ groq: cut, together: { status: 503 } }, { needs: NEEDS, grants: true, maxOutputTokens: 500 }, HELD)
    await told(await chat(own))
    const row = await rowOf(own)
    expect([row.costNanoUsd, row.provider, own.left.length]).toEqual([1_000_000, 'groq', 2])
    expect(own.settled[0]?.hold.nanoUsd).toBeGreaterThan(1_000_000)
  })

  it('a second that breaks off too: both at their worst, inside the hold', async () => {
    const own = world({ groq: cut, together: { says: 'sh', ends: 'eof' } }, { needs: NEEDS, grants: true, maxOutputTokens: 500 }, HELD)
    const { text, raw } = await told(await chat(own))
    expect([text, raw.match(/"error":/g)?.length]).toEqual([STORY.slice(0, -1), 1])
    const row = await rowOf(own)
    expect([row.costNanoUsd, row.provider, row.ended]).toEqual([own.settled[0]?.hold.nanoUsd, 'together', 'upstream-cut'])
  })

  it.each([
    ['an elastic hold is counted for one call', { elastic: { mostNanoUsd: 2_000_000 } }],
    ['a limit of a model is for that model', { purses: [] }],
  ])('%s: nobody goes on', async (_, own) => {
    const gateway = world({ groq: cut, together: rest }, { grants: true, maxOutputTokens: 500 }, { ...HELD, ...own })
    const response = await chat(gateway)
    expect(response.headers.get('x-sluice-continues')).toBeNull()
    expect((await told(response)).raw).toContain('"error"')
  })

  it('a client that leaves while another goes on ends that call', async () => {
    const own = world({ groq: cut, together: { says: 'sh, and then', ends: 'stall' } })
    const leaving = new AbortController()
    const response = await own.ask(openaiChatClient, '/v1/chat/completions', CHAT, ON, leaving.signal)
    const reader = (response.body ?? new ReadableStream<Uint8Array>()).getReader()
    const decoder = new TextDecoder()
    for (let text = ''; !text.includes('then');) {
      const { done, value } = await reader.read()
      if (done) throw new Error(text)
      text += decoder.decode(value)
    }
    leaving.abort()
    await reader.cancel().catch(() => undefined)
    const row = await rowOf(own)
    expect([row.ended, row.provider, own.aborted]).toEqual(['client-gone', 'together', 2])
    expect(row.attempts).toHaveLength(2)
  })
})

it('a client that leaves before the second has begun ends that call, and the first is booked as it broke off', async () => {
  const own = world(
    { groq: { says: SENT, ends: 'eof' }, together: SILENT },
    { needs: [5000, 4000], grants: true, maxOutputTokens: 500 },
    { budgeted: true, nanoUsd: 5000 },
  )
  const leaving = new AbortController()
  const response = await own.ask(openaiChatClient, '/v1/chat/completions', CHAT, ON, leaving.signal)
  const gone = response.text().catch(() => '')
  while (own.left.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
  leaving.abort()
  await gone
  const row = await rowOf(own)
  expect([row.provider, own.aborted]).toEqual(['groq', 2])
  expect(row.costNanoUsd).toBe(own.settled[0]?.hold.nanoUsd)
})

it('the route says so, and a client may say no', async () => {
  const targets = [GROQ, TOGETHER]
  const table = compileRoutes(1, { routes: [{ name: 'story', targets, continue: true }] })
  const own = (): FakeGateway =>
    world({ groq: { says: SENT, ends: 'eof' }, together: { says: 'sh.', ends: 'finish' } }, { routes: async () => table })
  const body = { model: 'story', fallbacks: undefined }
  expect((await told(await chat(own(), body, {}))).text).toBe(STORY)
  expect((await told(await chat(own(), body, { 'x-sluice-continue': 'false' }))).text).toBe(SENT)
})

it('health hears of both: the first broke off, the second did not', async () => {
  const heard: string[] = []
  const health: Health = {
    ...NO_HEALTH,
    report: ({ provider }, { kind }) => void heard.push(`${provider} ${kind}`),
    end: ({ provider }, { ill }) => void heard.push(`${provider} ended ${ill ? 'ill' : 'well'}`),
  }
  const own = world({ groq: { says: SENT, ends: 'eof' }, together: { says: 'sh.', ends: 'finish' } }, { health })
  await told(await chat(own))
  await rowOf(own)
  expect(heard).toEqual(['groq good', 'together good', 'groq ended ill', 'together ended well'])
})
