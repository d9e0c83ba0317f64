import { describe, expect, it } from 'vitest'
import { Body } from '../../src/core/body.ts'
import { CLIENT_DIALECTS, upstreamDialect } from '../../src/dialects/index.ts'
import { fidelityOf } from '../../src/gateway/fidelity.ts'

const encoder = new TextEncoder()

function report(client: string, upstream: string, model: string, body: object) {
  const from = CLIENT_DIALECTS.find(({ id }) => id === client)
  if (from === undefined) throw new Error(client)
  const bytes = new Body(encoder.encode(JSON.stringify({ model, ...body })))
  const path = client === 'gemini' ? `/v1beta/models/${model}:generateContent` : (from.paths[0] ?? '')
  const intent = from.intent({ path, query: new URLSearchParams(), headers: new Headers(), body: bytes, nowSeconds: 0 })
  const request = from.read(bytes)
  const to = upstreamDialect(upstream)
  const habits = { issuer: 'x', ...(upstream === 'openai-chat' ? { ceilingMember: 'max_completion_tokens' as const } : {}) }
  return fidelityOf(request, to.write(request, intent, { model, maxOutputTokens: null, habits }), from.names, to.names, habits)
}

const CHAT = {
  messages: [{ role: 'user', content: 'x' }],
  max_tokens: 2000,
  temperature: 0.5,
  top_p: 0.9,
  stop: ['END'],
  response_format: { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'object' } } },
}

describe('the fidelity report', () => {
  it.each([
    ['anthropic-messages', 'claude-3-5-haiku', ['stop → stop_sequences', 'response_format → output_config.format']],
    [
      'gemini',
      'gemini-3-pro',
      [
        'max_tokens → generationConfig.maxOutputTokens',
        'temperature → generationConfig.temperature',
        'top_p → generationConfig.topP',
        'stop → generationConfig.stopSequences',
        'response_format → generationConfig.responseSchema',
      ],
    ],
    ['openai-responses', 'gpt-5', ['max_tokens → max_output_tokens', 'response_format → text.format']],
    ['cohere-chat', 'command-a-03-2025', ['top_p → p', 'stop → stop_sequences']],
  ])('names for %s what is said under another name', (upstream, model, mapped) => {
    const { way, mapped: told } = report('openai-chat', upstream, model, CHAT)
    expect(way).toBe('translated')
    expect(told).toEqual(mapped)
  })

  it('lists a member once: what was dropped or approximated is not mapped', () => {
    const told = report('openai-chat', 'gemini', 'gemini-2.5-pro', {
      ...CHAT,
      reasoning_effort: 'low',
      seed: 2 ** 40,
      logit_bias: { 1: 2 },
    })
    expect(told.approximated).toEqual(['reasoning_effort'])
    expect(told.dropped).toEqual(['logit_bias', 'seed'])
    expect(told.mapped.filter((line) => /seed|reasoning/.test(line))).toEqual([])
  })

  it('speaks the client’s words, and of the place’s own ceiling', () => {
    const body = { contents: [{ parts: [{ text: 'x' }] }], generationConfig: { maxOutputTokens: 5, topK: 3 } }
    const told = report('gemini', 'openai-chat', 'gpt-5', body)
    expect(told.mapped).toEqual(['generationConfig.maxOutputTokens → max_completion_tokens'])
    expect(told.dropped).toEqual(['generationConfig.topK'])
  })

  it('is no longer than a hundred names', () => {
    const logit = Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`member_${i}`, i]))
    const { dropped } = report('openai-chat', 'gemini', 'gemini-3-pro', { ...CHAT, ...logit })
    expect(dropped).toHaveLength(100)
    expect(dropped.at(-1)).toBe('51 more')
  })
})
