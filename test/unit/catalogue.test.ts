// What the catalogue says of models: prices to the pico-dollar, unknown apart from free, names that may stand for others, homes of bare names.

import { describe, expect, it } from 'vitest'
import { createCatalogue, homeOf, listModels, lookUp, PRICE_VERSION } from '../../src/catalogue/index.ts'
import { MODES } from '../../src/catalogue/entry.ts'
import { costNanoUsd } from '../../src/core/price.ts'
import { usageOf } from '../../src/core/usage.ts'

describe('prices', () => {
  it('are exact for the models on which all sources agree', () => {
    expect(lookUp('openai', 'gpt-4o-mini')?.price).toMatchObject({ input: 150_000, cacheRead: 75_000, output: 600_000 })
    expect(lookUp('anthropic', 'claude-haiku-4-5')?.price).toMatchObject({
      input: 1_000_000,
      cacheRead: 100_000,
      cacheWrite5m: 1_250_000,
      cacheWrite1h: 2_000_000,
      output: 5_000_000,
    })
    expect(lookUp('google', 'gemini-2.5-flash')?.price).toMatchObject({
      input: 300_000,
      inputAudio: 1_000_000,
      cacheRead: 30_000,
      output: 2_500_000,
    })
  })
  it('have long-context tiers of all kinds', () => {
    expect(lookUp('google', 'gemini-2.5-pro')?.price).toMatchObject({
      input: 1_250_000,
      output: 10_000_000,
      tiers: [{ aboveInputTokens: 200_000, input: 2_500_000, output: 15_000_000, cacheRead: 250_000 }],
    })
    expect(lookUp('alibaba', 'qwen3-coder-plus')?.price?.tiers?.map((tier) => tier.aboveInputTokens)).toEqual([32_000, 128_000, 256_000])
  })
  it('have fees where the source has them', () => {
    expect(lookUp('anthropic', 'claude-haiku-4-5')?.price?.perToolCallNanoUsd).toBe(10_000_000)
    expect(lookUp('perplexity', 'sonar')?.price?.perRequestNanoUsd).toBe(12_000_000)
  })
  it('say what a piece costs, where pieces are billed', () => {
    const pieces = (provider: string, model: string) => lookUp(provider, model)?.price
    expect(pieces('cohere', 'rerank-v3.5')).toMatchObject({ input: 0, output: 0, perUnit: { searches: 2_000_000_000 } })
    expect(pieces('openai', 'tts-1-hd')?.perUnit).toEqual({ characters: 30_000_000 })
    expect(pieces('openai', 'whisper-1')?.perUnit).toEqual({ audioMs: 100_000 })
    expect(pieces('groq', 'whisper-large-v3')?.perUnit).toEqual({ audioMs: 30_830 })
    // 0.0002833333333333333 USD a second is no whole number of pico-dollars a millisecond: rounded up
    expect(pieces('openai', 'gpt-realtime-whisper')?.perUnit).toEqual({ audioMs: 283_334 })
    expect(pieces('openai', 'dall-e-3')).toMatchObject({
      perUnit: { images: 120_000_000_000 },
      pictures: {
        'standard/1024x1024': 40_000_000_000,
        'standard/1024x1792': 80_000_000_000,
        'hd/1024x1024': 80_000_000_000,
        'hd/1792x1024': 120_000_000_000,
      },
    })
    expect(pieces('openai', 'dall-e-2')?.pictures).toEqual({
      '256x256': 16_000_000_000,
      '512x512': 18_000_000_000,
      '1024x1024': 20_000_000_000,
    })
  })
  it('are by the token or by the piece, never both for one charge', () => {
    const image = lookUp('openai', 'gpt-image-1')?.price
    expect(image).toMatchObject({ input: 5_000_000, inputImage: 10_000_000, outputImage: 40_000_000 })
    expect(image?.perUnit).toBeUndefined()
    expect(lookUp('openai', 'gpt-4o-mini-tts')?.price?.perUnit).toBeUndefined()
    expect(lookUp('openai', 'gpt-4o-transcribe')?.price?.perUnit).toBeUndefined()
    for (const { price, provider, model } of listModels())
      if (price?.perUnit !== undefined) expect([price.input, price.output], `${provider}/${model}`).toEqual([0, 0])
  })
  it('follow an announced change whose day has come', () => {
    expect(lookUp('anthropic', 'claude-sonnet-5')?.price).toMatchObject({ input: 3_000_000, output: 15_000_000, cacheRead: 300_000 })
  })
  it('are zero only where a source says so and nobody else denies it', () => {
    for (const [provider, model] of [
      ['ollama', 'llama3.1'],
      ['google', 'gemma-3-27b-it'],
      ['demo', 'echo'],
    ] as const)
      expect(lookUp(provider, model)?.price, model).toMatchObject({ input: 0, output: 0 })
    expect(lookUp('bedrock', 'anthropic.claude-mythos-preview')).toMatchObject({ price: null })
    expect(lookUp('fireworks', 'accounts/fireworks/models/flux-kontext-pro')).toMatchObject({ price: null })
  })
  it('can all be computed with', () => {
    const usage = usageOf({
      input: 7,
      cacheRead: 5,
      cacheWrite5m: 3,
      cacheWrite1h: 2,
      output: 11,
      inputAudio: 1,
      outputAudio: 1,
      outputImage: 1,
    })
    for (const { price, provider, model } of listModels()) {
      if (!price) continue
      const bounds = (price.tiers ?? []).map((tier) => tier.aboveInputTokens)
      expect(bounds, `${provider}/${model}`).toEqual(bounds.toSorted((a, b) => a - b))
      expect(Number.isSafeInteger(costNanoUsd(usage, price)), `${provider}/${model}`).toBe(true)
      expect(price.source, `${provider}/${model}`).toMatch(/\d{4}-\d{2}-\d{2}$|^sluice$/)
    }
  })
})

describe('the rows', () => {
  const all = [...listModels()]
  it('are many, each under its own name, and well formed', () => {
    expect(all.length).toBeGreaterThan(2000)
    expect(new Set(all.map((entry) => `${entry.provider}/${entry.model}`)).size).toBe(all.length)
    for (const entry of all) {
      const key = `${entry.provider}/${entry.model}`
      expect(lookUp(entry.provider, entry.model), key).toBe(entry)
      expect(MODES, key).toContain(entry.mode)
      for (const count of [entry.contextTokens, entry.maxOutputTokens])
        expect(count === null || (Number.isSafeInteger(count) && count > 0), key).toBe(true)
      for (const date of [entry.releasedOn, entry.deprecatedOn]) expect(date ?? '2026-01-01', key).toMatch(/^20\d{2}-[01]\d-[0-3]\d$/)
    }
  })
  it('know windows, abilities and dates', () => {
    const mini = lookUp('openai', 'gpt-4o-mini')
    expect(mini).toMatchObject({
      mode: 'chat',
      contextTokens: 128_000,
      maxOutputTokens: 16_384,
      releasedOn: '2024-07-18',
      priceVersion: PRICE_VERSION,
    })
    expect(mini?.abilities.has('tools')).toBe(true)
    expect(mini?.abilities.has('reasoning')).toBe(false)
    expect(lookUp('openai', 'text-embedding-3-small')).toMatchObject({ mode: 'embedding', maxOutputTokens: null })
  })
})

describe('names', () => {
  it('have no provider prefix of the sources', () => {
    for (const entry of listModels()) expect(entry.model).not.toMatch(/^(gemini|together_ai|fireworks_ai|vertex_ai|bedrock|azure)\//)
    expect(lookUp('groq', 'openai/gpt-oss-120b')?.price).not.toBeNull()
    expect(lookUp('fireworks', 'accounts/fireworks/models/gpt-oss-120b')?.price).not.toBeNull()
  })
  it('fall back from an unlisted snapshot to the undated name, and keep the name asked for', () => {
    const snapshot = lookUp('anthropic', 'claude-haiku-4-5-20301231')
    expect(snapshot).toMatchObject({ model: 'claude-haiku-4-5-20301231', price: { input: 1_000_000 } })
    expect(lookUp('openai', 'gpt-4o-mini-2030-01-31')?.price?.input).toBe(150_000)
    expect(lookUp('openai', 'gpt-4o-2024-05-13')?.price?.input).toBe(5_000_000)
    expect(lookUp('vertex', 'claude-haiku-4-5@default')?.price).not.toBeNull()
    expect(lookUp('ollama', 'llama3.1:latest')?.price?.input).toBe(0)
    expect(lookUp('openai', 'ft:gpt-4o-mini-2024-07-18:acme::Abc123')?.price?.input).toBe(300_000)
  })
  it('fall back on nothing else', () => {
    for (const model of [
      'gpt-4o-mini-x',
      'gpt-4o-mini-20241399',
      'gpt-4o-mini-123',
      'gpt-4o-mini-2024-7-18',
      'GPT-4o-mini',
      ' gpt-4o-mini',
      '',
      '-20250101',
      'ft:',
      'gpt-4o-mini:latest',
      'acceptance-unlisted-1',
    ])
      expect(lookUp('openai', model), model).toBeNull()
    expect(lookUp('anthropic', 'gpt-4o-mini')).toBeNull()
    expect(lookUp('ollama', 'never-heard-of')).toBeNull()
  })
  it('never reach a prototype', () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'length']) {
      expect(lookUp('openai', name)).toBeNull()
      expect(lookUp(name, 'gpt-4o-mini')).toBeNull()
      expect(homeOf(name)).toBeNull()
      expect(createCatalogue(null).servedBy(name)).toEqual([])
    }
  })
})

describe('homes', () => {
  it('are the makers', () => {
    const homes = {
      'gpt-4o-mini': 'openai',
      'claude-haiku-4-5': 'anthropic',
      'gemini-2.5-flash': 'google',
      'mistral-small-latest': 'mistral',
      'deepseek-chat': 'deepseek',
      'grok-4': 'xai',
      sonar: 'perplexity',
    }
    for (const [model, provider] of Object.entries(homes)) expect(homeOf(model)).toEqual({ provider, model })
    expect(homeOf('claude-haiku-4-5-20301231')).toEqual({ provider: 'anthropic', model: 'claude-haiku-4-5-20301231' })
  })
  it('are a host only where it is the only one', () => {
    expect(homeOf('llama-3.3-70b-versatile')?.provider).toBe('groq')
    expect(homeOf('gpt-oss-120b')).toBeNull()
    expect(homeOf('acceptance-unlisted-1')).toBeNull()
  })
  it("know who serves OpenRouter's names, each place once", () => {
    const places = createCatalogue(null).servedBy('anthropic/claude-haiku-4.5')
    expect(places.find((entry) => entry.provider === 'anthropic')?.model).toBe('claude-haiku-4-5')
    expect(new Set(places.map((entry) => entry.provider)).size).toBe(places.length)
    expect(
      createCatalogue(null)
        .servedBy('meta-llama/llama-3.3-70b-instruct')
        .map((entry) => entry.provider),
    ).toContain('groq')
  })
})
