// What a request asks of routing, each wish by its name, in the words of OpenRouter, LiteLLM and Portkey's headers.

import { describe, expect, it } from 'vitest'
import { Body } from '../../../src/core/body.ts'
import { readWishes } from '../../../src/routing/wishes/read.ts'
import { NO_WISHES, type ProviderWish, type Wishes } from '../../../src/routing/wishes.ts'

const wishes = (
  members: string,
  headers: { readonly [name: string]: string } = {},
  primary: string | null = 'openai/a',
  mount: 'openrouter' | 'plain' = 'openrouter',
): Wishes => {
  const body = new Body(new TextEncoder().encode(`{"messages":[]${members === '' ? '' : `,${members}`}}`))
  return readWishes({ member: (path) => body.member(path) }, new Headers(headers), mount, primary)
}
const provider = (text: string): ProviderWish => {
  const { provider: wish } = wishes(`"provider":${text}`)
  if (wish === null) throw new Error('no wish')
  return wish
}
const removed = (members: string, primary = 'openai/a', mount: 'openrouter' | 'plain' = 'plain'): readonly string[] =>
  wishes(members, {}, primary, mount).removed.map((path) => path.join('.'))
const malformed = (at: string): unknown => expect.objectContaining({ code: 'request-malformed', detail: expect.objectContaining({ at }) })
const unsupported = (at: string): unknown => expect.objectContaining({ code: 'request-unsupported', detail: { at } })

const ANY = ['outage', 'context', 'content']

describe('a request that asks for nothing', () => {
  it('has no wishes, whatever else is in it', () => {
    expect(wishes('')).toEqual(NO_WISHES)
    expect(wishes('"metadata":{"a":"b"},"user":"u","container":"c","temperature":1')).toEqual(NO_WISHES)
    expect(wishes('"models":null,"provider":null,"fallbacks":null,"timeout":null').removed.length).toBe(4)
  })
})

describe('models', () => {
  it('stand in for the model that is named, after any trouble, each once', () => {
    const { fallbacks } = wishes('"models":["b/c","openai/a","d/e","b/c"]')
    expect(fallbacks).toEqual([
      { model: 'b/c', on: ANY },
      { model: 'd/e', on: ANY },
    ])
  })

  it('alone name the model too', () => {
    expect(wishes('"models":["b/c","d/e"]', {}, null).fallbacks.map(({ model }) => model)).toEqual(['d/e'])
    expect(wishes('"models":["b/c"]', {}, null, 'plain').fallbacks).toEqual([])
  })

  it.each([
    ['"a/b"', 'models'],
    ['[{}]', 'models[0]'],
    ['["a","  "]', 'models[1]'],
    [`[${Array.from({ length: 17 }, (_, i) => `"m/${i}"`).join()}]`, 'models'],
  ])('as %.30s are malformed at %s', (text, at) => expect(() => wishes(`"models":${text}`)).toThrow(malformed(at)))
})

describe('provider', () => {
  it.each<readonly [string, Partial<ProviderWish>]>([
    ['{}', { order: null, only: null, ignore: [], allowFallbacks: true, requireParameters: false, zdr: false, sort: null, maxPrice: {} }],
    ['{"order":["Groq","amazon-bedrock/us-east-1"]}', { order: ['groq', 'amazon-bedrock/us-east-1'] }],
    ['{"order":[],"only":[],"ignore":[],"quantizations":[]}', { order: null, only: null, ignore: [], quantizations: null }],
    ['{"only":["groq"],"ignore":["OpenAI"]}', { only: ['groq'], ignore: ['openai'] }],
    ['{"allow_fallbacks":false,"require_parameters":true}', { allowFallbacks: false, requireParameters: true }],
    ['{"data_collection":"deny","zdr":true,"enforce_distillable_text":true}', { denyCollection: true, zdr: true, distillable: true }],
    ['{"data_collection":"allow","zdr":false}', { denyCollection: false, zdr: false }],
    ['{"quantizations":["FP8","unknown"]}', { quantizations: ['fp8', 'unknown'] }],
    ['{"sort":"price"}', { sort: 'price', partition: 'model' }],
    ['{"sort":{"by":"latency","partition":"none"}}', { sort: 'latency', partition: 'none' }],
    ['{"sort":{"partition":"none"}}', { sort: null, partition: 'none' }],
    [
      '{"max_price":{"prompt":0.15,"completion":"2.5","request":0,"image":"0.04"}}',
      { maxPrice: { prompt: 150_000, completion: 2_500_000, request: 0, image: 40_000_000_000 } },
    ],
    ['{"max_price":{"prompt":1e-7,"completion":0.0000015}}', { maxPrice: { prompt: 0, completion: 1 } }],
    ['{"max_price":{"prompt":1e60}}', { maxPrice: { prompt: Number.MAX_SAFE_INTEGER } }],
    ['{"preferred_max_latency":1.5,"preferred_min_throughput":50}', { maxLatencyMs: { p50: 1500 }, minThroughput: { p50: 50 } }],
    ['{"preferred_max_latency":{"p90":3,"p99":null}}', { maxLatencyMs: { p90: 3000 } }],
    ['{"no_such_preference":true,"__proto__":{"zdr":true},"constructor":1}', { zdr: false }],
  ])('%s', (text, wish) => expect(provider(text)).toMatchObject(wish))

  it.each([
    ['"groq"', 'provider'],
    ['{"only":"groq"}', 'provider.only'],
    ['{"order":[{}]}', 'provider.order[0]'],
    ['{"ignore":["",1]}', 'provider.ignore[0]'],
    ['{"max_price":"cheap"}', 'provider.max_price'],
    ['{"max_price":{"prompt":"cheap"}}', 'provider.max_price.prompt'],
    ['{"max_price":{"prompt":-1}}', 'provider.max_price.prompt'],
    ['{"max_price":{"prompt":1e400}}', 'provider.max_price.prompt'],
    ['{"allow_fallbacks":"no"}', 'provider.allow_fallbacks'],
    ['{"require_parameters":1}', 'provider.require_parameters'],
    ['{"zdr":"true"}', 'provider.zdr'],
    ['{"enforce_distillable_text":[]}', 'provider.enforce_distillable_text'],
    ['{"data_collection":"never"}', 'provider.data_collection'],
    ['{"quantizations":["fp7"]}', 'provider.quantizations[0]'],
    ['{"sort":"best"}', 'provider.sort'],
    ['{"sort":{"by":"best"}}', 'provider.sort.by'],
    ['{"sort":{"by":"price","partition":"all"}}', 'provider.sort.partition'],
    ['{"preferred_max_latency":"fast"}', 'provider.preferred_max_latency'],
    ['{"preferred_min_throughput":{"p50":-1}}', 'provider.preferred_min_throughput.p50'],
  ])('%s is malformed at %s', (text, at) => expect(() => provider(text)).toThrow(malformed(at)))
})

describe('LiteLLM’s fallbacks', () => {
  it('are each for their own trouble', () => {
    expect(wishes('"fallbacks":["b",{"model":"c"}],"context_window_fallback_dict":{"openai/a":"c","other":"d"}').fallbacks).toEqual([
      { model: 'b', on: ['outage'] },
      { model: 'c', on: ['outage', 'context'] },
    ])
    expect(wishes('"fallbacks":["b"],"models":["b"]').fallbacks).toEqual([{ model: 'b', on: ANY }])
  })

  it('by model count for the model that is named, and for all', () => {
    expect(
      wishes('"content_policy_fallbacks":[{"openai/a":["b"]},{"x":["c"]},{"*":["d"]}],"context_window_fallbacks":[{"openai/a":["d"]}]')
        .fallbacks,
    ).toEqual([
      { model: 'd', on: ['context', 'content'] },
      { model: 'b', on: ['content'] },
    ])
    expect(wishes('"fallbacks":[{"openai/a":["b","c"]}]').fallbacks.map(({ model }) => model)).toEqual(['b', 'c'])
  })

  it('do not count when the request turns them off', () => {
    expect(wishes('"fallbacks":["b"],"models":["c"],"disable_fallbacks":true')).toMatchObject({ fallbacks: [], disablesFallbacks: true })
    expect(wishes('"fallbacks":["b"],"disable_fallbacks":false')).not.toHaveProperty('disablesFallbacks')
  })

  it.each([
    ['"fallbacks":"b"', malformed('fallbacks')],
    ['"fallbacks":[1]', malformed('fallbacks[0]')],
    ['"fallbacks":[{"model":"b","messages":[]}]', unsupported('fallbacks[0].messages')],
    ['"fallbacks":[{"model":"b","api_key":"x"}]', unsupported('fallbacks[0].api_key')],
    ['"context_window_fallback_dict":["b"]', malformed('context_window_fallback_dict')],
    ['"context_window_fallback_dict":{"a":1}', malformed('context_window_fallback_dict.a')],
    ['"content_policy_fallbacks":{"a":["b"]}', malformed('content_policy_fallbacks')],
    ['"disable_fallbacks":"yes"', malformed('disable_fallbacks')],
    ['"num_retries":-1', malformed('num_retries')],
    ['"num_retries":1.5', malformed('num_retries')],
    ['"timeout":0', malformed('timeout')],
    ['"timeout":"30"', malformed('timeout')],
    ['"mock_response":"hello"', unsupported('mock_response')],
    ['"mock_testing_fallbacks":true', unsupported('mock_testing_fallbacks')],
  ])('and relatives as %s are refused', (members, error) => expect(() => wishes(members)).toThrow(error as Error))
})

describe('times and retries', () => {
  it.each<readonly [string, { readonly [name: string]: string }, Partial<Wishes>]>([
    ['"timeout":30', {}, { deadlineMs: 30_000 }],
    ['"timeout":30', { 'x-litellm-timeout': '5.5' }, { deadlineMs: 5500 }],
    ['', { 'x-portkey-request-timeout': '1500', 'x-litellm-timeout': '2' }, { deadlineMs: 1500 }],
    ['"stream_timeout":4', { 'x-stainless-timeout': '600' }, { firstContentMs: 4000, deadlineMs: null }],
    ['', { 'x-litellm-stream-timeout': '7' }, { firstContentMs: 7000 }],
    ['', { 'x-stainless-timeout': '0' }, { firstContentMs: null }],
    ['', { 'x-stainless-timeout': 'None' }, { firstContentMs: null }],
    ['"timeout":1e300', {}, { deadlineMs: 86_400_000 }],
    ['"num_retries":2', { 'x-litellm-num-retries': '4' }, { retries: 2 }],
    ['', { 'x-litellm-num-retries': '0' }, { retries: 0 }],
    ['"num_retries":1000', {}, { retries: 10 }],
    ['', { 'x-portkey-retry-count': '3' }, { retries: 3 }],
  ])('%s %j', (members, headers, wish) => expect(wishes(members, headers)).toMatchObject(wish))

  it.each(['x-litellm-timeout', 'x-litellm-stream-timeout', 'x-portkey-request-timeout', 'x-litellm-num-retries'])(
    'refuses a %s that is no number',
    (name) => {
      for (const value of ['soon', '-1', '1e9', '']) expect(() => wishes('', { [name]: value })).toThrow(malformed(name))
    },
  )
})

describe('what is taken out of the body', () => {
  it('is ours, and nothing else', () => {
    expect(
      removed(
        '"models":["b"],"provider":{},"route":"fallback","session_id":"s","fallbacks":[],"num_retries":1,"timeout":5,"metadata":{},"user":"u"',
      ).toSorted(),
    ).toEqual(['fallbacks', 'models', 'num_retries', 'provider', 'route', 'session_id', 'timeout'])
  })

  it('is not what OpenRouter as a place has of its own, when it alone can be asked; other models never are its to choose', () => {
    expect(removed('"provider":{"only":["azure"]},"models":[],"session_id":"s"', 'openrouter/openai/a')).toEqual(['models'])
    expect(wishes('"provider":{"only":["azure"]}', {}, 'openrouter/openai/a', 'plain').provider).toBeNull()
    expect(removed('"provider":{"only":["azure"]},"models":["b/c"]', 'openrouter/openai/a')).toEqual(['models', 'provider'])
    expect(removed('"provider":{"only":["azure"]}', 'openrouter/openai/a', 'openrouter')).toEqual(['provider'])
  })

  it.each([
    ['"session_id":5', 'session_id'],
    [`"session_id":"${'s'.repeat(257)}"`, 'session_id'],
    ['"route":{}', 'route'],
  ])('is checked first: %.20s', (member, at) => expect(() => wishes(member)).toThrow(malformed(at)))
})
