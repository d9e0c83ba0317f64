// The operator's overlay: what it adds, corrects and hides, and that a wrong one is refused whole.

import { describe, expect, it } from 'vitest'
import { createCatalogue, lookUp, PRICE_VERSION } from '../../src/catalogue/index.ts'
import { OverlayError, parseOverlay } from '../../src/catalogue/overlay.ts'

const laid = (models: unknown) => createCatalogue(parseOverlay(JSON.stringify({ version: '2026-11-21', models })))

describe('an overlay', () => {
  it('prices pieces exactly, the dearest picture as the bound', () => {
    const price = (model: unknown) => laid({ 'openai/x': model }).lookUp('openai', 'x')?.price
    const nothing = { input: 0, output: 0 }
    expect(price({ ...nothing, perImage: '0.02', pictures: { 'hd/1024x1024': 0.08, '256x256': '0.000000000001' } })).toMatchObject({
      perUnit: { images: 80_000_000_000 },
      pictures: { 'hd/1024x1024': 80_000_000_000, '256x256': 1 },
    })
    expect(price({ ...nothing, perAudioSecond: 0.0001, perMillionCharacters: 15, perSearch: 0.002 })?.perUnit).toEqual({
      audioMs: 100_000,
      characters: 15_000_000,
      searches: 2_000_000_000,
    })
    expect(price({ input: 5, output: 10, inputImage: 8 })).toMatchObject({ inputImage: 8_000_000 })
    expect(price({ ...nothing })?.perUnit).toBeUndefined()
    for (const wrong of [{ perImage: '1' }, { ...nothing, pictures: { big: 1 } }, { ...nothing, perAudioSecond: '0.0000000001' }])
      expect(() => price(wrong)).toThrow(OverlayError)
  })
  it('adds a model, priced exactly', () => {
    const catalogue = laid({
      'openai/gpt-9': {
        input: '1.25',
        output: 10,
        cacheRead: 0.125,
        contextTokens: 400_000,
        maxOutputTokens: 128_000,
        abilities: ['tools'],
        perToolCall: '0.01',
        perRequest: 0.005,
        tiers: [{ aboveInputTokens: 200_000, input: 2.5, output: '15' }],
      },
    })
    const entry = catalogue.lookUp('openai', 'gpt-9')
    expect(entry).toEqual({
      provider: 'openai',
      model: 'gpt-9',
      mode: 'chat',
      contextTokens: 400_000,
      maxOutputTokens: 128_000,
      abilities: new Set(['tools']),
      priceVersion: `${PRICE_VERSION}+2026-11-21`,
      price: {
        input: 1_250_000,
        output: 10_000_000,
        cacheRead: 125_000,
        tiers: [{ aboveInputTokens: 200_000, input: 2_500_000, output: 15_000_000 }],
        perRequestNanoUsd: 5_000_000,
        perToolCallNanoUsd: 10_000_000,
        source: 'overlay 2026-11-21',
      },
    })
    expect(catalogue.homeOf('gpt-9')).toEqual({ provider: 'openai', model: 'gpt-9' })
    expect(catalogue.lookUp('openai', 'gpt-9-2026-12-01')?.price?.input).toBe(1_250_000)
    expect(catalogue.priceVersion).toBe(`${PRICE_VERSION}+2026-11-21`)
    expect([...catalogue.list()].filter((one) => one.model === 'gpt-9')).toHaveLength(1)
  })
  it('replaces a price as a whole and keeps the rest of the row', () => {
    const entry = laid({ 'openai/gpt-4o-mini': { input: 1, output: 2 } }).lookUp('openai', 'gpt-4o-mini')
    expect(entry?.price).toEqual({ input: 1_000_000, output: 2_000_000, source: 'overlay 2026-11-21' })
    expect(entry).toMatchObject({ contextTokens: 128_000, openrouterId: 'openai/gpt-4o-mini', priceVersion: `${PRICE_VERSION}+2026-11-21` })
    expect(lookUp('openai', 'gpt-4o-mini')?.price?.input).toBe(150_000)
  })
  it('leaves other rows and their version alone', () => {
    expect(laid({ 'openai/gpt-9': { input: 1, output: 2 } }).lookUp('anthropic', 'claude-haiku-4-5')).toBe(
      lookUp('anthropic', 'claude-haiku-4-5'),
    )
  })
  it('makes a price unknown, and hides a model', () => {
    const catalogue = laid({ 'openai/gpt-4o-mini': { unpriced: true }, 'ollama/llama3.1': null })
    expect(catalogue.lookUp('openai', 'gpt-4o-mini')).toMatchObject({ price: null, contextTokens: 128_000 })
    expect(catalogue.lookUp('ollama', 'llama3.1')).toBeNull()
    expect(catalogue.homeOf('llama3.1')).toBeNull()
    expect([...catalogue.list()].some((entry) => entry.model === 'llama3.1')).toBe(false)
  })
  it('takes a provider of its own and any model name', () => {
    const catalogue = laid({ 'my-host/__proto__': { input: 0, output: 0 }, 'my-host/org/model': { input: '0.000001', output: 0 } })
    expect(catalogue.lookUp('my-host', '__proto__')?.price?.input).toBe(0)
    expect(catalogue.lookUp('my-host', 'constructor')).toBeNull()
    expect(catalogue.lookUp('my-host', 'org/model')?.price?.input).toBe(1)
  })
})

describe('a wrong overlay is refused, and the place is named', () => {
  const wrong: readonly (readonly [what: string, text: string, place: RegExp])[] = [
    ['no JSON', '{', /not JSON/],
    ['a list', '[]', /the top/],
    ['null', 'null', /the top/],
    ['no version', '{"models":{}}', /version/],
    [
      'a price finer than a pico-dollar',
      '{"version":"1","models":{"a/b":{"input":"0.0000001","output":1}}}',
      /models\["a\/b"\]\.input.*6 decimal places/,
    ],
    ['a negative price', '{"version":"1","models":{"a/b":{"input":-1,"output":1}}}', /models\["a\/b"\]\.input.*not a decimal/],
    ['a price that is no decimal', '{"version":"1","models":{"a/b":{"input":"$1","output":1}}}', /input/],
    ['a price beyond all numbers', '{"version":"1","models":{"a/b":{"input":"1e60","output":1}}}', /input.*too large/],
    ['half a price', '{"version":"1","models":{"a/b":{"input":1}}}', /models\["a\/b"\]\.output.*both/],
    ['a cache price alone', '{"version":"1","models":{"a/b":{"cacheRead":1}}}', /input.*both/],
    ['a price that is unknown', '{"version":"1","models":{"a/b":{"input":1,"output":1,"unpriced":true}}}', /unpriced/],
    ['a member misspelt', '{"version":"1","models":{"a/b":{"inputs":1,"output":1}}}', /inputs/],
    ['a name without a provider', '{"version":"1","models":{"gpt-9":{"input":1,"output":1}}}', /gpt-9/],
    [
      'tiers out of order',
      '{"version":"1","models":{"a/b":{"input":1,"output":1,"tiers":[{"aboveInputTokens":2,"input":1,"output":1},{"aboveInputTokens":1,"input":1,"output":1}]}}}',
      /tiers/,
    ],
    ['an ability nobody has', '{"version":"1","models":{"a/b":{"abilities":["flight"]}}}', /abilities\[0\]/],
  ]
  for (const [what, text, place] of wrong)
    it(what, () => {
      expect(() => parseOverlay(text)).toThrow(OverlayError)
      expect(() => parseOverlay(text)).toThrow(place)
    })
})
