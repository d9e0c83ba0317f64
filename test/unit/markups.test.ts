import { describe, expect, it } from 'vitest'
import { lookUp } from '../../src/catalogue/index.ts'
import { priced } from '../../src/catalogue/price-book.ts'
import { priceBook, priceDocument } from '../../src/catalogue/price-document.ts'
import type { Ask, Row } from '../../src/core/account.ts'
import { Book } from '../../src/core/book.ts'
import type { Usage } from '../../src/core/canonical.ts'
import { EVERYTHING } from '../../src/core/permits.ts'
import { costNanoUsd, dearestServed, feesNanoUsd, raised, type Price } from '../../src/core/price.ts'
import { NO_LIMITS } from '../../src/core/rates.ts'
import { usageOf } from '../../src/core/usage.ts'
import { openaiChatClient } from '../../src/dialects/openai-chat/client.ts'
import { openrouterClient } from '../../src/dialects/openrouter/client.ts'
import { PROVIDERS } from '../../src/providers/index.ts'
import { chance, oneOf, whole } from '../support/chance.ts'
import { fakeGateway } from '../support/fake-gateway.ts'

const plain: Price = { input: 1_000_000, output: 2_000_000, source: 'test' }

describe('a markup', () => {
  it('is on all that is billed, and rounded up once', () => {
    const usage = usageOf({ input: 1, output: 1, paidToolCalls: 1, aside: usageOf({ input: 1 }) })
    const price: Price = { ...plain, perRequestNanoUsd: 7, perToolCallNanoUsd: 3 }
    expect(costNanoUsd(usage, price)).toBe(4010)
    expect(costNanoUsd(usage, { ...price, markups: [2000] })).toBe(4812)
    expect(costNanoUsd(usage, { ...price, markups: [1] })).toBe(4011) // 4010.401
    expect(costNanoUsd(usage, { ...price, markups: [1000, 2000] })).toBe(5294) // 5293.2
    // Rates of less than a pico-dollar more would be lost if they were rounded a token.
    expect(costNanoUsd(usageOf({ input: 1_000_000 }), { input: 3, output: 0, source: 't', markups: [500] })).toBe(3150)
    expect(costNanoUsd(usageOf({ input: 5 }), { input: 0, output: 0, source: 't', markups: [100_000] })).toBe(0)
  })

  it('leaves what is no number to be none', () => {
    expect(raised(Number.NaN, [100])).toBeNaN()
    expect(raised(Number.MAX_SAFE_INTEGER, [10_000])).toBeGreaterThan(Number.MAX_SAFE_INTEGER)
  })

  it('of the document and of the key is in the hold, which covers whatever comes', () => {
    const random = chance('markups')
    const rate = (): number => oneOf(random, [0, 1, 7, 999, 1_000_001, 75_000_000])
    for (let i = 0; i < 400; i++) {
      const price: Price = { input: rate(), output: rate(), cacheWrite1h: rate(), perRequestNanoUsd: whole(random, 9), markups: [whole(random, 3000)], tiers: [{ aboveInputTokens: 50, input: rate(), output: rate() }], source: 't' } // prettier-ignore
      const markupBasisPoints = oneOf(random, [0, 1, 333, 100_000])
      const book = new Book({ holdMs: 1000, defaultCeiling: 100 })
      const key = {
        label: '',
        name: '',
        createdAt: 0,
        secrets: [{ hash: 'h', until: null }],
        disabled: false,
        deleted: false,
        expiresAt: null,
      } as const
      book.hydrate({
        ...EVERYTHING,
        ...key,
        keyId: 'k',
        version: 1,
        limitNanoUsd: 4e15,
        limitReset: null,
        limits: NO_LIMITS,
        scopes: [],
        markupBasisPoints,
      })
      const worst = dearestServed(price, null)
      const candidate = {
        model: 'p/m',
        provider: 'p',
        region: null,
        worst: worst && { inputPico: worst.input, outputPico: worst.output, feesNanoUsd: feesNanoUsd(undefined, price) },
        inputTokens: whole(random, 200),
        maxOutputTokens: null,
      }
      const ask: Ask = { requestId: 'r', secretHash: 'h', clientIp: null, candidates: [candidate], outputTokens: whole(random, 100) + 1, leastOutputTokens: 1, choices: 1, idempotency: null } // prettier-ignore
      const admission = book.admit(ask, 0)
      if (admission.kind !== 'granted') throw new Error(admission.kind)
      expect(admission.markupBasisPoints).toBe(markupBasisPoints === 0 ? undefined : markupBasisPoints)
      const cached = whole(random, candidate.inputTokens + 1)
      const usage: Usage = usageOf({
        input: candidate.inputTokens - cached,
        cacheWrite1h: cached,
        output: whole(random, (ask.outputTokens ?? 0) + 1),
      })
      const cost = costNanoUsd(usage, { ...price, markups: [...(price.markups ?? []), admission.markupBasisPoints ?? 0] })
      expect(cost).not.toBeNull()
      expect(admission.hold.nanoUsd).toBeGreaterThanOrEqual(cost ?? 0)
    }
  })
})

describe("the operator's prices", () => {
  const book = priceBook(3, {
    prices: { 'vllm/*': { input: 1, output: 2 }, 'vllm/big': { input: 3, output: 4, services: { flex: { input: 1, output: 1 } } }, 'openai/gpt-4o': { input: 10, output: 20 } },
    markup_basis_points: { 'openai/*': 500, 'openai/gpt-4o-mini': 1000, 'google/gemini-2.5-flash': 0 },
  }) // prettier-ignore
  const of = (provider: string, model: string) => priced(book, provider, model, lookUp(provider, model))

  it('are of a model before they are of its provider, and price what nobody knows', () => {
    expect(of('vllm', 'big')).toMatchObject({ price: { input: 3_000_000, services: { flex: { input: 1_000_000 } }, source: 'prices-3' }, priceVersion: 'prices-3' }) // prettier-ignore
    expect(of('vllm', 'other')).toMatchObject({ model: 'other', price: { input: 1_000_000, output: 2_000_000 }, priceVersion: 'prices-3' })
    expect(of('openai', 'gpt-4o')?.price).toMatchObject({ input: 10_000_000, markups: [500] })
    expect(of('openai', 'gpt-4o-2024-08-06')?.price).toMatchObject({ input: 10_000_000, markups: [500] })
    const mini = lookUp('openai', 'gpt-4o-mini')
    expect(of('openai', 'gpt-4o-mini')).toEqual({
      ...mini,
      price: { ...mini?.price, markups: [1000] },
      priceVersion: `${mini?.priceVersion}+prices-3`,
    })
    expect(of('openai', 'unheard-of')).toBeNull()
    expect(of('google', 'gemini-2.5-flash')?.priceVersion).not.toContain('prices')
    expect(priced(null, 'openai', 'gpt-4o', lookUp('openai', 'gpt-4o'))).toEqual(lookUp('openai', 'gpt-4o'))
  })

  it('name the place of a mistake', () => {
    const wrong = (document: unknown): string | undefined => priceDocument.safeParse(document).error?.issues[0]?.path.join('.')
    expect(wrong({ prices: { 'openai/x': { input: 1 } } })).toBe('prices.openai/x.output')
    expect(wrong({ prices: { 'openai/x': { input: -1, output: 1 } } })).toBe('prices.openai/x.input')
    expect(wrong({ prices: { 'openai/x': { input: 1, output: 1, contextTokens: 5 } } })).toBe('prices.openai/x.contextTokens')
    expect(wrong({ prices: { gpt: { input: 1, output: 1 } } })).toBe('prices.gpt')
    expect(wrong({ markup_basis_points: { 'openai/*': 12.5 } })).toBe('markup_basis_points.openai/*')
    expect(wrong({ markup_basis_points: { 'openai/*': -1 } })).toBe('markup_basis_points.openai/*')
    expect(wrong({ markups: {} })).toBe('')
    expect(wrong({})).toBeUndefined()
  })
})

describe('a request', () => {
  const answer = { id: 'x', object: 'chat.completion', model: 'gpt-4o', choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }], usage: { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 } } // prettier-ignore
  const openai = PROVIDERS.find(({ id }) => id === 'openai')
  if (openai === undefined) throw new Error('openai')
  const body = { model: 'openai/gpt-4o', max_tokens: 10, messages: [{ role: 'user', content: 'x' }] }

  it('keeps the price that it was planned with, whatever the document and the key say when it ends', async () => {
    const document = (input: number) => ({ prices: { 'openai/gpt-4o': { input, output: 2 * input } } })
    let now = priceBook(1, document(1))
    const gateway = fakeGateway(
      openai,
      { secrets: { OPENAI_API_KEY: 'k' }, baseUrl: 'https://place.test/v1', region: null },
      () => {
        now = priceBook(2, document(1000)) // changed while it runs
        return Response.json(answer)
      },
      {},
      { prices: async () => now, markupBasisPoints: 2500 },
    )
    const response = await gateway.ask(openaiChatClient, '/v1/chat/completions', body)
    await response.text()
    await new Promise((resolve) => setTimeout(resolve, 10))
    const cost = 1.25 * (100 * 1000 + 10 * 2000)
    expect(gateway.asked[0]?.candidates[0]?.worst).toMatchObject({ inputPico: 1_000_000, outputPico: 2_000_000 })
    expect(gateway.settled[0]?.row).toMatchObject({ costNanoUsd: cost, priceVersion: 'prices-1+key-2500' } satisfies Partial<Row>)
    expect(response.headers.get('x-sluice-cost-usd')).toBe(String(cost / 1e9))
    const next = await gateway.ask(openrouterClient, '/api/v1/chat/completions', body)
    expect(await next.json()).toMatchObject({ usage: { cost: (1000 * cost) / 1e9 } })
  })
})
