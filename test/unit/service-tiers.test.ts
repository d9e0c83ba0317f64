// Service tiers: a request costs what the tier that served it costs, and is held at the dearest that it may be served at.

import { describe, expect, it } from 'vitest'
import { createCatalogue, lookUp } from '../../src/catalogue/index.ts'
import { OverlayError, parseOverlay } from '../../src/catalogue/overlay.ts'
import type { Hold } from '../../src/core/account.ts'
import { costNanoUsd, dearestServed, type Price } from '../../src/core/price.ts'
import { serviceIn, usageOf } from '../../src/core/usage.ts'
import { anthropicMessagesClient } from '../../src/dialects/anthropic-messages/client.ts'
import type { ClientDialect } from '../../src/dialects/contract.ts'
import { geminiClient } from '../../src/dialects/gemini/client.ts'
import { openaiChatClient } from '../../src/dialects/openai-chat/client.ts'
import { openaiResponsesClient } from '../../src/dialects/openai-responses/client.ts'
import { openrouterClient } from '../../src/dialects/openrouter/client.ts'
import { PROVIDERS } from '../../src/providers/index.ts'
import { fakeGateway, type FakeGateway } from '../support/fake-gateway.ts'
import { RECORDINGS } from '../support/recordings.ts'

const PRICE: Price = {
  input: 1_000_000,
  output: 4_000_000,
  cacheRead: 100_000,
  tiers: [{ aboveInputTokens: 1000, input: 2_000_000, output: 6_000_000 }],
  services: {
    priority: {
      input: 2_000_000,
      output: 8_000_000,
      cacheRead: 200_000,
      tiers: [{ aboveInputTokens: 1000, input: 5_000_000, output: 9_000_000 }],
    },
    flex: { input: 500_000, output: 2_000_000 },
  },
  source: 't',
}
const UNPRICED: Price = { input: 1_000_000, output: 4_000_000, source: 't' }
const FREE: Price = { input: 0, output: 0, source: 't' }

describe('the price of a service tier', () => {
  const cost = (price: Price, service: string | undefined, input: number) =>
    costNanoUsd(usageOf({ input, cacheRead: 10, output: 3, ...(service === undefined ? {} : { service }) }), price)

  it('is its own, long contexts too', () => {
    expect(cost(PRICE, undefined, 5)).toBe(5000 + 1000 + 12_000)
    expect(cost(PRICE, 'priority', 5)).toBe(10_000 + 2000 + 24_000)
    expect(cost(PRICE, 'priority', 991)).toBe(1001 * 5000 + 27_000)
    expect(cost(PRICE, 'flex', 5)).toBe(15 * 500 + 6000)
  })

  it('is the standard one for a name that is not known to be dearer, and unknown for one that is', () => {
    for (const service of ['scale', 'performance', 'batch', 'constructor', '__proto__'])
      expect(cost(PRICE, service, 5), service).toBe(cost(PRICE, undefined, 5))
    for (const service of ['priority', 'fast']) {
      expect(cost(UNPRICED, service, 5), service).toBeNull()
      expect(cost(FREE, service, 5), service).toBe(0)
    }
  })

  it('counts for what is billed beside the reply, and for what is billed instead of it', () => {
    const part = usageOf({ input: 7 })
    expect(costNanoUsd(usageOf({ input: 5, aside: part, service: 'priority' }), PRICE)).toBe(24_000)
    expect(costNanoUsd(usageOf({ input: 5, billed: part, service: 'priority' }), PRICE)).toBe(14_000)
  })

  it('bounds a request that asks for it: standard and flex at the standard one, auto at priority where that is sold', () => {
    const standard = { input: 2_000_000, output: 6_000_000 }
    const priority = { input: 5_000_000, output: 9_000_000 }
    for (const asked of [null, 'default', 'flex', 'scale']) expect(dearestServed(PRICE, asked), String(asked)).toEqual(standard)
    for (const asked of ['auto', 'priority']) expect(dearestServed(PRICE, asked), asked).toEqual(priority)
    expect(dearestServed(UNPRICED, 'auto')).toEqual({ input: 1_000_000, output: 4_000_000 })
    expect(dearestServed(UNPRICED, 'priority')).toBeNull()
    expect(dearestServed(FREE, 'priority')).toEqual({ input: 0, output: 0 })
  })

  it('is not looked for where an answer names the standard tier', () => {
    for (const told of ['default', 'standard', 'on_demand', 'auto', '', null, 3, {}]) expect(serviceIn(told)).toEqual({})
    expect(serviceIn('Priority')).toEqual({ service: 'priority' })
  })
})

describe('the catalogue', () => {
  const priceOf = (provider: string, model: string) => lookUp(provider, model)?.price

  it('has the tiers of its source, and what they leave out as at the standard one', () => {
    expect(priceOf('openai', 'gpt-5')).toMatchObject({
      input: 1_250_000,
      services: {
        priority: { input: 2_500_000, output: 20_000_000, cacheRead: 250_000 },
        flex: { input: 625_000, output: 5_000_000, cacheRead: 62_500 },
      },
    })
    expect(priceOf('azure', 'gpt-5.4')?.services?.['priority']?.tiers).toEqual([
      { aboveInputTokens: 272_000, input: 10_000_000, output: 45_000_000, cacheRead: 1_000_000 },
    ])
    // A long context has no price at flex in the source: it costs no less than at the standard tier.
    expect(priceOf('openai', 'gpt-5.4')?.services?.['flex']?.tiers).toEqual(priceOf('openai', 'gpt-5.4')?.tiers)
  })

  it('has Anthropic’s fast mode as so many times the standard price', () => {
    expect(priceOf('anthropic', 'claude-opus-4-6')).toMatchObject({
      input: 5_000_000,
      services: {
        fast: { input: 30_000_000, output: 150_000_000, cacheRead: 3_000_000, cacheWrite5m: 37_500_000, cacheWrite1h: 60_000_000 },
      },
    })
    expect(priceOf('anthropic', 'claude-sonnet-4-5')?.services).toBeUndefined()
  })

  it('takes tiers from the overlay, whole and checked', () => {
    const priced = (services: unknown) =>
      createCatalogue(parseOverlay(JSON.stringify({ version: '1', models: { 'groq/x': { input: 1, output: 2, services } } }))).lookUp(
        'groq',
        'x',
      )?.price
    const tiers = [{ aboveInputTokens: 10, input: 7, output: 8 }]
    expect(priced({ performance: { input: '3', output: 4, cacheRead: 0.5, tiers } })?.services).toEqual({
      performance: {
        input: 3_000_000,
        output: 4_000_000,
        cacheRead: 500_000,
        tiers: [{ aboveInputTokens: 10, input: 7_000_000, output: 8_000_000 }],
      },
    })
    for (const wrong of [
      { priority: { input: 1 } },
      { 'Not A Name': { input: 1, output: 1 } },
      { priority: { input: 1, output: 1, tiers: [...tiers, ...tiers] } },
      { priority: { input: 1, output: 1, perRequest: 1 } },
    ])
      expect(() => priced(wrong), JSON.stringify(wrong)).toThrow(OverlayError)
  })
})

function gatewayOf(id: string, answer: string, contentType = 'application/json', hold: Partial<Hold> = {}): FakeGateway {
  const provider = PROVIDERS.find((one) => one.id === id)
  if (provider === undefined) throw new Error(id)
  const secrets = Object.fromEntries(provider.needs.map((name) => [name, 'k']))
  const settings = { secrets, baseUrl: 'https://place.test/v1', region: null }
  return fakeGateway(provider, settings, () => new Response(answer, { headers: { 'content-type': contentType } }), hold)
}

async function booked(gateway: FakeGateway, client: ClientDialect, path: string, body: object) {
  await (await gateway.ask(client, path, body)).text()
  await new Promise((resolve) => setTimeout(resolve, 10))
  expect(gateway.settled).toHaveLength(1)
  return gateway.settled[0]?.row
}

const asChat = { model: 'openai/gpt-5', messages: [{ role: 'user', content: 'Say hello' }] }
const asMessages = { model: 'anthropic/claude-opus-4-6', max_tokens: 100, messages: [{ role: 'user', content: 'x' }] }
const sse = (events: readonly object[], named = false) =>
  events.map((event) => `${named && 'type' in event ? `event: ${String(event.type)}\n` : ''}data: ${JSON.stringify(event)}\n\n`).join('')

describe('a request', () => {
  const recorded = RECORDINGS.find(({ id }) => id === 'openai-chat-58f1eb77e5')?.answer
  const text = JSON.stringify(recorded !== undefined && 'json' in recorded ? recorded.json : null)
  // 8 tokens in, 11 out.
  const AT_PRIORITY = 8 * 2500 + 11 * 20_000

  it('recorded at the priority tier is booked at its price, forwarded and translated', async () => {
    const forwarded = await booked(gatewayOf('openai', text), openaiChatClient, '/v1/chat/completions', asChat)
    expect(forwarded).toMatchObject({ usageFrom: 'provider', costNanoUsd: AT_PRIORITY, usage: { service: 'priority' } })
    const translated = await booked(gatewayOf('groq', text), anthropicMessagesClient, '/v1/messages', {
      ...asMessages,
      model: 'groq/llama-3.3-70b-versatile',
    })
    expect(translated).toMatchObject({ costNanoUsd: null, usage: { service: 'priority' } }) // Groq sells no such tier that we know a price of
    const told = await gatewayOf('openai', text).ask(openrouterClient, '/api/v1/chat/completions', asChat)
    const body: unknown = await told.json()
    expect(body).toMatchObject({ usage: { cost: AT_PRIORITY / 1e9 } })
  })

  it('is booked at the hold under a budget where the tier that served it has no price', async () => {
    const body = { ...asMessages, model: 'groq/llama-3.3-70b-versatile' }
    const gateway = gatewayOf('groq', text, 'application/json', { budgeted: true, nanoUsd: 777 })
    expect(await booked(gateway, anthropicMessagesClient, '/v1/messages', body)).toMatchObject({ usageFrom: 'hold', costNanoUsd: 777 })
  })

  it.each([
    ['in the chunk of the usage', {}, { service_tier: 'priority' }],
    ['in a chunk before it', { service_tier: 'priority' }, {}],
  ])('that streams is booked at the tier that stands %s', async (_, inFinish, inUsage) => {
    const chunk = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'gpt-5' }
    const stream = `${sse([
      { ...chunk, choices: [{ index: 0, delta: { content: 'Hi' }, finish_reason: null }] },
      { ...chunk, ...inFinish, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
      { ...chunk, ...inUsage, choices: [], usage: { prompt_tokens: 8, completion_tokens: 11, total_tokens: 19 } },
    ])}data: [DONE]\n\n`
    const gateway = gatewayOf('openai', stream, 'text/event-stream')
    const row = await booked(gateway, openaiChatClient, '/v1/chat/completions', { ...asChat, stream: true })
    expect(row).toMatchObject({ ended: 'complete', costNanoUsd: AT_PRIORITY })
  })

  it('whose answer is not told to its end is booked at the tier that it asked for', async () => {
    const cut = sse([
      { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'gpt-5', choices: [{ index: 0, delta: { content: 'Hello!' } }] },
    ])
    const costOf = async (more: object) => {
      const row = await booked(gatewayOf('openai', cut, 'text/event-stream'), openaiChatClient, '/v1/chat/completions', {
        ...asChat,
        stream: true,
        metadata: null,
        ...more,
      })
      expect(row).toMatchObject({ ended: 'upstream-cut', usageFrom: 'counted' })
      return row?.usage == null ? null : { cost: row.costNanoUsd, input: row.usage.input, output: row.usage.output }
    }
    const [standard, priority] = [await costOf({ service_tier: 'standard' }), await costOf({ service_tier: 'priority' })]
    expect(standard?.cost).toBe((standard?.input ?? 0) * 1250 + (standard?.output ?? 0) * 10_000)
    expect(priority?.cost).toBe((priority?.input ?? 0) * 2500 + (priority?.output ?? 0) * 20_000)
  })

  it('of the Responses API is booked at the tier of the response that is complete, or too large to be read', async () => {
    const response = (more: object) => ({ id: 'r', object: 'response', model: 'gpt-5', status: 'completed', ...more })
    const message = (words: string) => [
      {
        type: 'message',
        id: 'm',
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text: words, annotations: [] }],
      },
    ]
    const usage = { input_tokens: 8, output_tokens: 11, total_tokens: 19 }
    const stream = sse(
      [
        { type: 'response.created', response: response({ status: 'in_progress', service_tier: 'auto', output: [] }) },
        { type: 'response.completed', response: response({ service_tier: 'flex', output: message('Hi'), usage }) },
      ],
      true,
    )
    const body = { model: 'openai/gpt-5', input: 'x' }
    const flex = await booked(gatewayOf('openai', stream, 'text/event-stream'), openaiResponsesClient, '/v1/responses', {
      ...body,
      stream: true,
    })
    expect(flex).toMatchObject({ ended: 'complete', costNanoUsd: 8 * 625 + 11 * 5000 })
    const large = JSON.stringify(
      response({ output: message('word '.repeat(2_100_000)), service_tier: 'priority', store: true, usage, user: null }),
    )
    const priority = await booked(gatewayOf('openai', large), openaiResponsesClient, '/v1/responses', body)
    expect(priority).toMatchObject({ usageFrom: 'provider', costNanoUsd: AT_PRIORITY })
  })

  it('of Messages in fast mode is booked at its price, whole and streamed, and standard where it was not served so', async () => {
    const usage = (speed: string) => ({ input_tokens: 10, output_tokens: 4, service_tier: 'standard', speed })
    const message = {
      id: 'm',
      type: 'message',
      role: 'assistant',
      model: 'claude-opus-4-6',
      content: [{ type: 'text', text: 'Hi' }],
      stop_reason: 'end_turn',
    }
    const asked = { ...asMessages, speed: 'fast' }
    const cost = async (answer: string, body: object, type?: string) =>
      (await booked(gatewayOf('anthropic', answer, type), anthropicMessagesClient, '/v1/messages', body))?.costNanoUsd
    expect(await cost(JSON.stringify({ ...message, usage: usage('fast') }), asked)).toBe(10 * 30_000 + 4 * 150_000)
    expect(await cost(JSON.stringify({ ...message, usage: usage('standard') }), asked)).toBe(10 * 5000 + 4 * 25_000)
    const stream = sse(
      [
        { type: 'message_start', message: { ...message, content: [], stop_reason: null, usage: { ...usage('fast'), output_tokens: 1 } } },
        { type: 'content_block_start', index: 0, content_block: { type: 'text', text: 'Hi' } },
        { type: 'content_block_stop', index: 0 },
        { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 4 } },
        { type: 'message_stop' },
      ],
      true,
    )
    expect(await cost(stream, { ...asked, stream: true }, 'text/event-stream')).toBe(10 * 30_000 + 4 * 150_000)
  })
})

describe('a hold', () => {
  const worst = async (provider: string, client: ClientDialect, path: string, body: object) => {
    const gateway = gatewayOf(provider, '{}')
    await (await gateway.ask(client, path, body)).text()
    return gateway.asked[0]?.candidates[0]?.worst
  }
  const chat = (service_tier: unknown, model = 'openai/gpt-5') =>
    worst(model.split('/')[0] ?? '', openaiChatClient, '/v1/chat/completions', { ...asChat, model, service_tier })

  it('is of the dearest tier that the request may be served at', async () => {
    const [standard, priority] = [
      { inputPico: 1_250_000, outputPico: 10_000_000 },
      { inputPico: 2_500_000, outputPico: 20_000_000 },
    ]
    for (const tier of [null, 'default', 'flex', 7]) expect(await chat(tier), String(tier)).toMatchObject(standard)
    for (const tier of ['priority', 'auto', 'PRIORITY']) expect(await chat(tier), tier).toMatchObject(priority)
    const responses = { model: 'openai/gpt-5', input: 'x', service_tier: 'priority' }
    expect(await worst('openai', openaiResponsesClient, '/v1/responses', responses)).toMatchObject(priority)
    expect(await worst('openai', openrouterClient, '/api/v1/chat/completions', { ...asChat, service_tier: 'fast' })).toMatchObject(priority)
  })

  it('is of fast mode where that is asked for', async () => {
    const opus = (more: object) => worst('anthropic', anthropicMessagesClient, '/v1/messages', { ...asMessages, ...more })
    expect(await opus({})).toMatchObject({ outputPico: 25_000_000 })
    expect(await opus({ service_tier: 'auto' })).toMatchObject({ outputPico: 25_000_000 })
    expect(await opus({ speed: 'fast' })).toMatchObject({ inputPico: 60_000_000, outputPico: 150_000_000 })
    expect(await opus({ speed: 'fast', model: 'anthropic/claude-sonnet-4-5' })).toBeNull()
  })

  it('is unknown for a dearer tier without a price, and standard at a place that does not hear of it', async () => {
    expect(await chat('priority', 'groq/llama-3.3-70b-versatile')).toBeNull()
    expect(await chat('auto', 'groq/llama-3.3-70b-versatile')).not.toBeNull()
    expect(await chat('priority', 'anthropic/claude-sonnet-4-5')).toMatchObject({ outputPico: 22_500_000 })
    const gemini = { contents: [{ role: 'user', parts: [{ text: 'x' }] }], service_tier: 'priority' }
    expect(await worst('openai', geminiClient, '/v1beta/models/openai/gpt-5:generateContent', gemini)).toMatchObject({
      outputPico: 10_000_000,
    })
  })
})
