// Which parameters reach a model at a place, as the listing tells it and `require_parameters` counts on it; and which of them a request uses.

import { describe, expect, it } from 'vitest'
import { createCatalogue } from '../../src/catalogue/index.ts'
import { Body } from '../../src/core/body.ts'
import { supportedParameters, supportsParameter, usedParameters } from '../../src/gateway/planning/parameters.ts'
import { providerById } from '../../src/providers/index.ts'

const catalogue = createCatalogue(null)
const supported = (id: string, model: string): ReadonlySet<string> => {
  const provider = providerById(id)
  if (provider === undefined) throw new Error(id)
  return supportedParameters(provider, model, catalogue.lookUp(id, model))
}
const used = (members: string): readonly string[] => {
  const body = new Body(new TextEncoder().encode(`{"model":"m"${members === '' ? '' : `,${members}`}}`))
  return usedParameters((path) => body.member(path))
}

describe('a place lists', () => {
  it.each([
    [
      'openai',
      'gpt-4o-mini',
      ['tools', 'seed', 'logprobs', 'logit_bias', 'structured_outputs', 'response_format', 'verbosity'],
      ['top_k', 'top_a', 'min_p'],
    ],
    [
      'anthropic',
      'claude-haiku-4-5',
      ['tools', 'tool_choice', 'top_k', 'stop'],
      ['seed', 'logprobs', 'logit_bias', 'response_format', 'frequency_penalty', 'top_a'],
    ],
    ['groq', 'openai/gpt-oss-120b', ['tools', 'seed', 'temperature'], ['logprobs', 'logit_bias', 'top_k', 'verbosity']],
    ['fireworks', 'accounts/fireworks/models/gpt-oss-120b', ['top_k', 'min_p', 'repetition_penalty'], ['top_a']],
    ['google', 'gemini-2.5-flash', ['top_k', 'seed', 'tools', 'reasoning'], ['logit_bias', 'min_p']],
    ['mistral', 'mistral-large-latest', ['seed', 'tools'], ['logprobs', 'logit_bias']],
  ])('for %s %s what our writer can say there and the model can do', (id, model, those, notThose) => {
    const found = supported(id, model)
    expect(those.filter((name) => !found.has(name))).toEqual([])
    expect(notThose.filter((name) => found.has(name))).toEqual([])
  })

  it('nothing that the model cannot do, though its language could say it', () => {
    const provider = providerById('openai')
    if (provider === undefined) throw new Error('openai')
    const entry = {
      provider: 'openai',
      model: 'x',
      mode: 'chat',
      contextTokens: null,
      maxOutputTokens: null,
      price: null,
      priceVersion: '',
    } as const
    expect(supportsParameter(provider, 'x', { ...entry, abilities: new Set(['image']) }, 'tools')).toBe(false)
    expect(supportsParameter(provider, 'x', { ...entry, abilities: new Set(['tools']) }, 'tools')).toBe(true)
    expect(supportsParameter(provider, 'x', { ...entry, abilities: new Set() }, 'tools')).toBe(true)
    expect(supportsParameter(provider, 'x', { ...entry, mode: 'embedding', abilities: new Set() }, 'temperature')).toBe(false)
    expect(supportsParameter(provider, 'x', null, 'constructor')).toBe(false)
  })
})

describe('a request uses', () => {
  it.each([
    ['', []],
    ['"temperature":0.5,"max_tokens":5,"stream":true,"user":"u"', ['max_tokens', 'temperature']],
    ['"tools":[{}],"tool_choice":"auto","parallel_tool_calls":false', ['tools', 'tool_choice', 'parallel_tool_calls']],
    ['"tools":[],"logprobs":false,"seed":null,"stop":[]', []],
    ['"response_format":{"type":"text"}', []],
    ['"response_format":{"type":"json_object"}', ['response_format']],
    ['"response_format":{"type":"json_schema","json_schema":{}}', ['structured_outputs']],
    ['"text":{"format":{"type":"json_schema"}},"reasoning":{"effort":"low"}', ['reasoning', 'structured_outputs']],
    [
      '"thinking":{"type":"enabled"},"stop_sequences":["x"],"output_config":{"format":{"type":"json_schema"}}',
      ['stop', 'reasoning', 'structured_outputs'],
    ],
    ['"generationConfig":{"topK":3,"responseMimeType":"application/json","responseSchema":{}}', ['top_k', 'structured_outputs']],
  ])('%s: %j', (members, parameters) => expect(used(members)).toEqual(parameters))
})
