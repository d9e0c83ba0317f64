// Which targets a request's preferences remove, each preference by its name; what is known of data policies and quantizations.

import { describe, expect, it } from 'vitest'
import { dataPolicyOf, handlingOf } from '../../../src/catalogue/data-policy.ts'
import { quantizationOf } from '../../../src/catalogue/quantization.ts'
import type { Price } from '../../../src/core/price.ts'
import { PROVIDERS } from '../../../src/providers/index.ts'
import { listedPrice, placeInOrder, removedBy, thatKeepSchema, type TargetFacts } from '../../../src/routing/filters.ts'
import { meansPlace, meansProvider, providerNamed } from '../../../src/routing/slugs.ts'
import { readWishes } from '../../../src/routing/wishes/read.ts'

const PRICE: Price = { input: 150_000, output: 600_000, source: 'test' }
const target = (facts: Partial<TargetFacts> = {}): TargetFacts => ({
  provider: 'bedrock',
  tags: ['fp8', 'us-east-1'],
  price: PRICE,
  quantization: 'fp8',
  zdr: false,
  collects: true,
  distillable: false,
  supports: (parameter) => parameter === 'seed',
  ...facts,
})
const removal = (provider: object, facts: Partial<TargetFacts> = {}, used: readonly string[] = []): string | null => {
  const text = JSON.stringify(provider)
  const { provider: wish } = readWishes({ member: ([name]) => (name === 'provider' ? text : null) }, new Headers(), 'openrouter', 'a/b')
  return removedBy(target(facts), wish, used, false)
}

describe('a target', () => {
  it.each<readonly [object, Partial<TargetFacts>, string | null]>([
    [{}, {}, null],
    [{ only: ['bedrock'] }, {}, null],
    [{ only: ['amazon-bedrock', 'groq'] }, {}, null],
    [{ only: ['Amazon Bedrock'] }, {}, null],
    [{ only: ['groq'] }, {}, 'only'],
    [{ only: ['no-such-place'] }, {}, 'only'],
    [{ only: ['bedrock/fp8'] }, {}, null],
    [{ only: ['bedrock/us'] }, {}, null],
    [{ only: ['bedrock/eu'] }, {}, 'only'],
    [{ ignore: ['bedrock'] }, {}, 'ignore'],
    [{ ignore: ['bedrock/eu-west-1'] }, {}, null],
    [{ only: ['bedrock'], ignore: ['bedrock'] }, {}, 'ignore'],
    [{ zdr: true }, {}, 'zdr'],
    [{ zdr: true }, { zdr: true }, null],
    [{ data_collection: 'deny' }, {}, 'data_collection'],
    [{ data_collection: 'deny' }, { collects: false }, null],
    [{ quantizations: ['fp8'] }, {}, null],
    [{ quantizations: ['bf16'] }, {}, 'quantizations'],
    [{ quantizations: ['bf16', 'unknown'] }, { quantization: 'unknown' }, null],
    [{ enforce_distillable_text: true }, {}, 'enforce_distillable_text'],
    [{ enforce_distillable_text: true }, { distillable: true }, null],
    [{ max_price: { prompt: 0.15, completion: 0.6 } }, {}, null],
    [{ max_price: { prompt: 0.1499999 } }, {}, 'max_price'],
    [{ max_price: { completion: '0.5' } }, {}, 'max_price'],
    [{ max_price: { prompt: 1000 } }, { price: null }, 'max_price'],
    [{ max_price: { request: 0.001 } }, { price: { ...PRICE, perRequestNanoUsd: 5_000_000 } }, 'max_price'],
    [{ max_price: { request: 0.005 } }, { price: { ...PRICE, perRequestNanoUsd: 5_000_000 } }, null],
    [{ max_price: { image: 0.03 } }, { price: { ...PRICE, perUnit: { images: 40_000_000_000 } } }, 'max_price'],
    [{ max_price: { prompt: 0.16 } }, { price: { ...PRICE, markups: [1000] } }, 'max_price'],
    [{ max_price: {} }, { price: null }, null],
  ])('under %j with %j: %s', (provider, facts, word) => expect(removal(provider, facts)).toBe(word))

  it('lists every parameter that is used, where that is required', () => {
    expect(removal({ require_parameters: true }, {}, ['seed'])).toBeNull()
    expect(removal({ require_parameters: true }, {}, ['seed', 'top_a'])).toBe('require_parameters')
    expect(removal({}, {}, ['top_a'])).toBeNull()
  })

  it('bills nothing, where the name says :free', () => {
    const free = (price: Price | null): string | null => removedBy(target({ price }), null, [], true)
    expect(free(PRICE)).toBe('free')
    expect(free(null)).toBe('free')
    expect(free({ input: 0, output: 0, source: 'x' })).toBeNull()
    expect(free({ input: 0, output: 0, perRequestNanoUsd: 1, source: 'x' })).toBe('free')
  })

  it('binds its reply to a schema that is asked for, where somebody does', () => {
    const able = target({ supports: () => true })
    const unable = target({ supports: () => false })
    expect(thatKeepSchema([unable, able], ['structured_outputs'])).toEqual([able])
    expect(thatKeepSchema([unable], ['structured_outputs'])).toEqual([unable])
    expect(thatKeepSchema([unable, able], ['seed'])).toEqual([unable, able])
  })

  it('has its place in an order', () => {
    expect(placeInOrder(target(), ['groq', 'amazon-bedrock/us-east-1', 'bedrock'])).toBe(1)
    expect(placeInOrder(target(), ['groq'])).toBeNull()
  })

  it('is listed with its markup', () => {
    expect(listedPrice({ ...PRICE, markups: [500], perRequestNanoUsd: 100 })).toEqual({
      prompt: 157_500,
      completion: 630_000,
      image: null,
      audio: null,
      request: 105_000,
    })
  })
})

describe('a slug', () => {
  it('means one provider at most', () => {
    for (const slug of [
      'amazon-bedrock',
      'google-vertex',
      'google-ai-studio',
      'moonshotai',
      'z-ai',
      'mistral',
      'xai',
      'together',
      'azure',
      'nvidia',
      'sambanova',
      'voyage',
    ])
      expect(PROVIDERS.filter(({ id }) => meansProvider(slug, id)).length, slug).toBe(1)
    for (const { id } of PROVIDERS) expect(PROVIDERS.filter((other) => meansProvider(id, other.id)).map((one) => one.id)).toEqual([id])
  })

  it.each(['', '-', 'constructor', '__proto__', 'openai'.repeat(50), 'no-such-place'])('%.20s means nobody', (slug) => {
    expect(PROVIDERS.filter(({ id }) => meansProvider(slug, id))).toEqual([])
  })

  it('of another’s is our id, one that nobody knows stays', () => {
    expect(['Z.AI', 'together_ai', 'openai', 'My-Host'].map(providerNamed)).toEqual(['zai', 'together', 'openai', 'my-host'])
    expect(meansPlace('my-host/fp8', { provider: 'my-host', tags: ['FP8'] })).toBe(true)
    expect(meansPlace('my-host/', { provider: 'my-host', tags: ['fp8'] })).toBe(false)
  })
})

describe('what is done with data', () => {
  it('is known by a source or counts as the worst', () => {
    expect(handlingOf('perplexity', 'sonar')).toEqual({ zdr: true, collects: false })
    expect(handlingOf('openai', 'gpt-4o')).toEqual({ zdr: false, collects: false })
    expect(handlingOf('together', 'x')).toEqual({ zdr: false, collects: true })
    expect(handlingOf('deepseek', 'deepseek-chat')).toEqual({ zdr: false, collects: true })
    expect(handlingOf('my-host', 'x')).toEqual({ zdr: false, collects: true })
    expect(handlingOf('deepinfra', 'meta-llama/x')).toEqual({ zdr: true, collects: false })
    expect(handlingOf('deepinfra', 'anthropic/claude-4-sonnet')).toEqual({ zdr: false, collects: true })
  })

  it('is what the operator says of the place, before that', () => {
    expect(handlingOf('openai', 'gpt-4o', { zdr: true })).toEqual({ zdr: true, collects: false })
    expect(handlingOf('perplexity', 'sonar', { zdr: false, collects: true })).toEqual({ zdr: false, collects: true })
    expect(handlingOf('my-host', 'x', { collects: false })).toEqual({ zdr: false, collects: false })
  })

  it('is said of providers that there are', () => {
    for (const { id } of PROVIDERS) expect(dataPolicyOf(id)?.source ?? 'none').not.toBe('')
    expect(dataPolicyOf('constructor')).toBeNull()
  })
})

describe('quantization', () => {
  it.each([
    ['@cf/meta/llama-3.3-70b-instruct-fp8-fast', 'fp8'],
    ['meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8', 'fp8'],
    ['gpt-oss-120b', 'unknown'],
    ['nvidia/x-NVFP4', 'nvfp4'],
    ['fp80', 'unknown'],
  ])('of %s is %s', (model, word) => expect(quantizationOf(model)).toBe(word))
})
