// The places of a model in OpenRouter's rows: who is listed, and that a request's limits are held against what the rows say.

import { describe, expect, it } from 'vitest'
import { endpointsOf, modelOf, zdrEndpoints } from '../../src/admin/openrouter-endpoints.ts'
import { createCatalogue } from '../../src/catalogue/index.ts'
import type { PriceBook } from '../../src/catalogue/price-book.ts'
import { priced } from '../../src/catalogue/price-book.ts'
import { targetFacts } from '../../src/gateway/planning/target-facts.ts'
import { PROVIDERS, providerById } from '../../src/providers/index.ts'
import { NO_ROUTES, type RouteTable } from '../../src/routing/contract.ts'
import { removedBy } from '../../src/routing/filters.ts'
import { NO_HEALTH, UNKNOWN_HEALTH, type Health, type EndpointNumbers } from '../../src/routing/health.ts'
import { readProvider } from '../../src/routing/wishes/openrouter.ts'

type Row = { readonly [name: string]: unknown }
const catalogue = createCatalogue(null)
const MODEL = 'openai/gpt-oss-120b'
const KEY = new Headers({ authorization: 'Bearer good' })

const world = (
  ids: readonly string[],
  more: {
    readonly book?: PriceBook
    readonly routes?: RouteTable
    readonly health?: Health
    readonly numbers?: () => Promise<EndpointNumbers>
  } = {},
) => ({
  catalogue: () => Promise.resolve(catalogue),
  prices: () => Promise.resolve(more.book ?? null),
  providers: PROVIDERS,
  settings: ({ id }: { readonly id: string }) =>
    ids.includes(id) ? { secrets: {}, baseUrl: null, region: id === 'vertex' ? 'europe-west1' : null } : null,
  routes: () => Promise.resolve(more.routes ?? NO_ROUTES),
  health: more.health ?? NO_HEALTH,
  ...(more.numbers === undefined ? {} : { numbers: more.numbers }),
  keys: { check: (text: string) => Promise.resolve(text === 'good' ? { id: 'k', secretHash: 'h' } : null) },
})
const listed = async (ids: readonly string[], more = {}, headers = KEY): Promise<readonly Row[]> =>
  (await endpointsOf(MODEL, headers, world(ids, more)))['endpoints'] as readonly Row[]
const tags = (rows: readonly Row[]): readonly string[] => rows.map(({ tag }) => String(tag))
const pricingOf = (row: Row): { readonly prompt: string; readonly completion: string } =>
  row['pricing'] as { readonly prompt: string; readonly completion: string }

describe('the places of a model', () => {
  it('are those that are set up here', async () => {
    expect(tags(await listed(['groq', 'together', 'cerebras'])).toSorted()).toEqual(['cerebras', 'groq', 'together'])
    expect(tags(await listed(['groq']))).toEqual(['groq'])
    await expect(listed([])).rejects.toMatchObject({ code: 'model-unknown' })
    await expect(endpointsOf('no/such-model', KEY, world(['groq']))).rejects.toMatchObject({ code: 'model-unknown' })
    await expect(modelOf('x'.repeat(300), world(['groq']))).rejects.toMatchObject({ code: 'model-unknown' })
    expect((await modelOf(MODEL, world(['groq']))).id).toBe(MODEL)
  })

  it('say region or quantization behind the provider’s id', async () => {
    const name = 'anthropic/claude-haiku-4.5'
    const { endpoints } = await endpointsOf(name, KEY, world(['vertex']))
    expect(endpoints).toMatchObject([{ tag: 'vertex/europe-west1', model_id: name, quantization: 'unknown' }])
  })

  it('have prices a token, with what the operator adds, and `max_price` means just these', async () => {
    const book: PriceBook = { version: 1, prices: new Map(), markups: new Map([['groq/*', 1000]]) }
    const rows = await listed(['groq', 'together', 'cerebras'], { book })
    const [plain] = await listed(['groq'])
    const raised = rows.find(({ tag }) => tag === 'groq')
    if (plain === undefined || raised === undefined) throw new Error('no row')
    expect(Number(pricingOf(raised).prompt)).toBeCloseTo(Number(pricingOf(plain).prompt) * 1.1, 14)
    for (const row of rows) {
      const { prompt } = pricingOf(row)
      const provider = providerById(String(row['tag']))
      const entry = catalogue.servedBy(MODEL).find((one) => one.provider === row['tag'])
      if (provider === undefined || entry === undefined) throw new Error('no entry')
      const own = { provider, settings: { region: null }, model: entry.model, entry: priced(book, entry.provider, entry.model, entry) }
      const facts = targetFacts(own, NO_ROUTES.places)
      const removal = (dollars: string): string | null =>
        removedBy(facts, readProvider({ member: () => `{"max_price":{"prompt":${dollars}}}` }), [], false)
      expect(removal((Number(prompt) * 1e6).toFixed(6))).toBeNull()
      expect(removal((Number(prompt) * 1e6 - 0.000001).toFixed(6))).toBe('max_price')
      expect((row['supported_parameters'] as readonly string[]).every((name) => facts.supports(name))).toBe(true)
      expect(facts.supports('top_a')).toBe((row['supported_parameters'] as readonly string[]).includes('top_a'))
    }
  })

  it('tell how they do to holders of a key, and to nobody else', async () => {
    const quantiles = { p50: 200.04, p75: 300, p90: 400, p99: 500 }
    const health: Health = {
      ...NO_HEALTH,
      view: () => ({ ...UNKNOWN_HEALTH, state: 'open', firstContentMs: quantiles, tokensPerSecond: null }),
    }
    expect((await listed(['groq'], { health }))[0]).toMatchObject({
      status: -2,
      latency_last_30m: { ...quantiles, p50: 200 },
      throughput_last_30m: null,
      uptime_last_5m: null,
    })
    const numbers = () =>
      Promise.resolve({
        status: -1 as const,
        uptime_last_5m: 99.5,
        uptime_last_30m: 98,
        uptime_last_1d: null,
        latency_last_30m: { p50: 1, p75: 2, p90: 3, p99: 4 },
        throughput_last_30m: null,
      })
    expect((await listed(['groq'], { health, numbers }))[0]).toMatchObject({
      status: -2, // the worse of what this isolate and all together know
      uptime_last_5m: 99.5,
      uptime_last_1d: null,
      latency_last_30m: { p50: 1 },
    })
    for (const headers of [new Headers(), new Headers({ authorization: 'Bearer bad' })])
      expect((await listed(['groq'], { health }, headers))[0]).toMatchObject({ status: 0, latency_last_30m: null })
  })
})

describe('the places that keep nothing', () => {
  it('are those of whom a source says so, or the operator', async () => {
    const rows = await zdrEndpoints(KEY, world(['perplexity', 'openai', 'groq']))
    expect(new Set(tags(rows))).toEqual(new Set(['perplexity']))
    expect(rows.length).toBeGreaterThan(1)
    const places = new Map([
      ['groq', { zdr: true }],
      ['perplexity', { zdr: false }],
      ['groq/openai/gpt-oss-20b', { zdr: false }],
    ])
    const told = await zdrEndpoints(KEY, world(['perplexity', 'openai', 'groq'], { routes: { ...NO_ROUTES, places } }))
    expect(new Set(tags(told))).toEqual(new Set(['groq']))
    expect(told.map((row) => row['model_id'])).toContain(MODEL)
    expect(told.map((row) => row['model_id'])).not.toContain('openai/gpt-oss-20b')
  })

  it('are none where nobody is known to keep nothing', async () => {
    expect(await zdrEndpoints(KEY, world(['openai', 'anthropic']))).toEqual([])
  })
})
