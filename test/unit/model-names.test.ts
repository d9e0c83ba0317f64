// What a model's name means on OpenRouter's mount: who is tried for it, and in which order.

import { describe, expect, it } from 'vitest'
import { createCatalogue } from '../../src/catalogue/index.ts'
import { placesServing } from '../../src/gateway/planning/model-names.ts'
import { PROVIDERS } from '../../src/providers/index.ts'

const catalogue = createCatalogue(null)
const known = new Set(PROVIDERS.map(({ id }) => id))
const places = (name: string, ...configured: readonly string[]): readonly string[] =>
  placesServing(
    name,
    new Set(['chat']),
    (id) => known.has(id),
    (id) => configured.includes(id),
    catalogue,
  )
    .filter(({ provider }) => configured.includes(provider))
    .map(({ provider, model }) => `${provider} ${model}`)

describe('on OpenRouter’s mount', () => {
  it.each([
    ['openai/gpt-4o-mini', 'openai gpt-4o-mini'],
    ['anthropic/claude-haiku-4.5', 'anthropic claude-haiku-4-5'],
    ['google/gemini-2.5-flash', 'google gemini-2.5-flash'],
    ['anthropic/claude-haiku-4-5', 'anthropic claude-haiku-4-5'],
    ['openai/acceptance-unlisted-1', 'openai acceptance-unlisted-1'],
    ['gpt-4o-mini', 'openai gpt-4o-mini'],
  ])('%s is %s where the makers are set up', (name, place) => {
    expect(places(name, 'openai', 'anthropic', 'google')).toEqual([place])
  })

  it('a model whose maker is not set up goes to whoever serves it', () => {
    expect(places('openai/gpt-4o-mini', 'openrouter')).toEqual(['openrouter openai/gpt-4o-mini'])
    expect(places('anthropic/claude-haiku-4.5', 'openrouter', 'anthropic')[0]).toBe('anthropic claude-haiku-4-5')
  })

  it('a model of nobody’s own goes from the cheapest on', () => {
    expect(places('openai/gpt-oss-120b', 'groq', 'openrouter', 'cerebras')).toEqual([
      'openrouter openai/gpt-oss-120b',
      'groq openai/gpt-oss-120b',
      'cerebras gpt-oss-120b',
    ])
  })

  it('a place that is named is that place, whatever its model is called', () => {
    expect(places('openrouter/rec-openrouter-chat-1', 'openrouter', 'openai')).toEqual(['openrouter rec-openrouter-chat-1'])
    expect(places('groq/llama-3.3-70b-versatile', 'groq', 'openrouter')).toEqual(['groq llama-3.3-70b-versatile'])
    expect(places('openrouter/meta-llama/llama-3.3-70b-instruct:free', 'openrouter')).toEqual([
      'openrouter meta-llama/llama-3.3-70b-instruct:free',
    ])
    expect(places('ollama/llama3.1:8b', 'ollama')).toEqual(['ollama llama3.1:8b'])
  })

  it('a router of OpenRouter’s is its model, not one of that name at its place', () => {
    expect(places('openrouter/auto', 'openrouter')).toEqual(['openrouter openrouter/auto'])
  })

  it('a variant that is not in the catalogue is nobody’s', () => {
    expect(places('openai/gpt-4o-mini:free', 'openai', 'openrouter')).toEqual([])
    expect(places('anthropic/claude-haiku-4.5:thinking', 'anthropic')).toEqual([])
  })
})
