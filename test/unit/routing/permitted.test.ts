// Whatever leads to a model (a fallback, an alias, a route, a suffix, a tree of the client's own), a key's policy is asked first. LESSONS.md 34.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EVERYTHING, type Permits } from '../../../src/core/permits.ts'
import type { RouteDocument } from '../../../src/routing/document-shape.ts'
import { failing, fakePlaces, type Places } from '../../support/fake-places.ts'

const HOSTS = ['cerebras', 'deepinfra', 'groq', 'openai', 'together']
const SLUGS = ['openai/gpt-oss-120b', 'meta-llama/llama-3.3-70b-instruct', 'openai/gpt-4o-mini']
const NAMES = [
  ...SLUGS,
  'groq/openai/gpt-oss-120b',
  'openai/gpt-4o',
  'together/unheard-of',
  'route-a',
  'route-b',
  'alias-a',
  'alias-b',
  '@preset/p',
]

const seed = Number(process.env['FUZZ_SEED'] ?? 34)
const numRuns = 250 * Number(process.env['FUZZ_TIMES'] ?? 1)

const name = fc.constantFrom(...NAMES)
const names = fc.uniqueArray(name, { minLength: 1, maxLength: 3 })

const target: fc.Arbitrary<object | string> = fc.letrec<{ target: object | string; group: object }>((tie) => ({
  target: fc.oneof({ maxDepth: 2 }, name, name, tie('group')),
  group: fc.record({
    strategy: fc.constantFrom('priority', 'weighted', 'cheapest', 'fastest', 'sticky', 'split'),
    targets: fc.array(tie('target'), { minLength: 1, maxLength: 3 }),
  }),
})).target

const route = (id: string): fc.Arbitrary<object> =>
  fc.record(
    {
      name: fc.constant(id),
      targets: fc.array(target, { minLength: 1, maxLength: 3 }),
      fallbacks: names,
      context_fallbacks: names,
      content_fallbacks: names,
      hedge: fc.constant({ percentile: 90, least_ms: 100 }),
    },
    { requiredKeys: ['name', 'targets'] },
  )

const documents = fc.record({
  aliases: fc.record({ 'alias-a': names, 'alias-b': names }),
  routes: fc.tuple(route('route-a'), route('route-b'), route('@preset/p')),
})

const portkey: fc.Arbitrary<object> = fc.letrec<{ tree: object; leaf: object }>((tie) => ({
  leaf: fc.record({
    provider: fc.constantFrom(...HOSTS),
    override_params: fc.record({ model: fc.constantFrom('gpt-4o-mini', 'openai/gpt-oss-120b') }),
  }),
  tree: fc.oneof(
    { maxDepth: 2 },
    tie('leaf'),
    fc.record({
      strategy: fc.record({ mode: fc.constantFrom('fallback', 'loadbalance') }),
      targets: fc.array(tie('tree'), { minLength: 1, maxLength: 3 }),
    }),
  ),
})).tree

const permits: fc.Arbitrary<Permits> = fc.record({
  models: fc.option(
    fc.uniqueArray(fc.constantFrom(...SLUGS, 'groq/*', 'together/*', 'openai/gpt-4o', 'deepinfra/openai/gpt-oss-120b', '*/gpt-oss-120b'), {
      minLength: 1,
      maxLength: 3,
    }),
    { nil: null },
  ),
  providers: fc.option(fc.uniqueArray(fc.constantFrom(...HOSTS), { minLength: 1, maxLength: 3 }), { nil: null }),
  regions: fc.option(fc.constantFrom(['eu'], ['us'], []), { nil: null }),
  ips: fc.constant(null),
})

const body = fc.record(
  {
    model: fc.oneof(name, fc.constantFrom(...SLUGS.map((slug) => `${slug}:floor`), 'openai/gpt-oss-120b:free')),
    models: names,
    fallbacks: names,
    context_window_fallbacks: names,
    content_policy_fallbacks: names,
    provider: fc.record(
      {
        order: fc.subarray(HOSTS, { minLength: 1 }),
        sort: fc.constantFrom('price', 'latency', 'throughput', { by: 'price', partition: 'none' }),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ['model'] },
)

const REGION: { readonly [provider: string]: string } = { cerebras: 'us', deepinfra: 'us', groq: 'eu', openai: 'eu' }

/** The policy's own words, read without the code that is judged. */
function allows({ models, providers, regions }: Permits, provider: string, model: string): boolean {
  const slug = SLUG_OF.get(`${provider}/${model}`) ?? null
  const fits = (glob: string, text: string): boolean =>
    glob.includes('*') ? new RegExp(`^${glob.replaceAll(/[.]/g, '\\.').replaceAll('*', '.*')}$`).test(text) : glob === text
  if (models !== null && !models.some((glob) => fits(glob, `${provider}/${model}`) || (slug !== null && fits(glob, slug)))) return false
  if (providers !== null && !providers.includes(provider)) return false
  return regions === null || regions.includes(REGION[provider] ?? 'nowhere')
}

/** What the catalogue calls them, written down by hand. */
const SLUG_OF: ReadonlyMap<string, string> = new Map([
  ['cerebras/gpt-oss-120b', 'openai/gpt-oss-120b'],
  ['deepinfra/openai/gpt-oss-120b', 'openai/gpt-oss-120b'],
  ['groq/openai/gpt-oss-120b', 'openai/gpt-oss-120b'],
  ['together/openai/gpt-oss-120b', 'openai/gpt-oss-120b'],
  ['cerebras/llama-3.3-70b', 'meta-llama/llama-3.3-70b-instruct'],
  ['deepinfra/meta-llama/Llama-3.3-70B-Instruct', 'meta-llama/llama-3.3-70b-instruct'],
  ['groq/llama-3.3-70b-versatile', 'meta-llama/llama-3.3-70b-instruct'],
  ['together/meta-llama/Llama-3.3-70B-Instruct-Turbo', 'meta-llama/llama-3.3-70b-instruct'],
  ['openai/gpt-4o-mini', 'openai/gpt-4o-mini'],
  ['openai/gpt-4o', 'openai/gpt-4o'],
])

describe('nothing outside the policy of a key is ever called', () => {
  const statuses = fc.constantFrom(503, 429, 500, 400, 404)
  const long = {
    error: { message: 'This model’s maximum context length is 10 tokens.', type: 'invalid_request_error', code: 'context_length_exceeded' },
  }

  it('whatever the route table, the client and the trouble are', { timeout: 60_000 }, async () => {
    const seen = { calls: 0, refused: 0, several: 0 }
    await fc.assert(
      fc.asyncProperty(
        documents,
        permits,
        body,
        fc.option(portkey, { nil: null, freq: 3 }),
        fc.constantFrom('openrouter', 'openai-chat'),
        fc.array(statuses, { minLength: 1, maxLength: 4 }),
        async (routes, policy, asked, tree, language, troubles) => {
          let nth = 0
          const places: Places = fakePlaces(
            HOSTS,
            () => {
              const status = troubles[nth++ % troubles.length] ?? 503
              return status === 400 ? Response.json(long, { status }) : failing(status)
            },
            { permits: policy, routes: routes as RouteDocument, region: (provider) => REGION[provider] ?? null },
          )
          const headers = tree === null ? {} : { 'x-portkey-config': JSON.stringify(tree) }
          await places.ask(language, { ...asked, messages: [{ role: 'user', content: 'hi' }], num_retries: 0 }, { headers })
          for (const { provider, model } of places.calls)
            expect([provider, model, allows(policy, provider, model)]).toEqual([provider, model, true])
          seen.calls += places.calls.length
          if (places.calls.length > 1) seen.several++
          if (places.asked.length > 0 && places.calls.length === 0) seen.refused++
        },
      ),
      { seed, numRuns },
    )
    // It would prove nothing if nobody were called, or nothing forbidden.
    expect(seen.calls).toBeGreaterThan(100)
    expect(seen.several).toBeGreaterThan(20)
    expect(seen.refused).toBeGreaterThan(10)
  })

  const GROQ = 'groq/llama-3.3-70b-versatile'
  const MINI = 'openai/gpt-4o-mini'
  const CASES: readonly { readonly by: string; readonly asked: object; readonly routes?: RouteDocument; readonly language?: string }[] = [
    { by: 'a fallback', asked: { model: MINI, models: [MINI, 'meta-llama/llama-3.3-70b-instruct'] } },
    { by: 'LiteLLM’s fallbacks', asked: { model: MINI, fallbacks: [GROQ] } },
    { by: 'a route', asked: { model: 'r' }, routes: { routes: [{ name: 'r', targets: [MINI], fallbacks: [GROQ] }] } },
    { by: 'an alias', asked: { model: 'a' }, routes: { aliases: { a: [MINI, GROQ] } } },
    {
      by: 'a preset',
      asked: { model: '@preset/p' },
      routes: { routes: [{ name: '@preset/p', targets: [MINI, GROQ] }] },
      language: 'openai-chat',
    },
  ]

  it.each(CASES)('by $by', async ({ asked, routes = {}, language = 'openrouter' }) => {
    const called = async (models: readonly string[] | null): Promise<readonly string[]> => {
      const places = fakePlaces(HOSTS, () => failing(503), { permits: { ...EVERYTHING, models }, routes })
      await places.ask(language, { messages: [{ role: 'user', content: 'hi' }], num_retries: 0, ...asked })
      return [...new Set(places.calls.map(({ provider }) => provider))].sort()
    }
    expect(await called([MINI])).toEqual(['openai'])
    expect((await called(null)).length).toBeGreaterThan(1)
  })
})
