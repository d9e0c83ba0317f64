// What Cohere's language says in its own way: requests, and usage that is told and billed apart.

import { describe, expect, it } from 'vitest'
import type { ChatRequest } from '../../src/core/canonical.ts'
import { costNanoUsd } from '../../src/core/price.ts'
import { cohereChatUpstream } from '../../src/dialects/cohere-chat/upstream.ts'
import { intentFor } from '../contracts/dialect-play.ts'

const REQUEST: ChatRequest = {
  turns: [{ role: 'user', parts: [{ kind: 'text', text: 'hi' }] }],
  tools: [],
  sampling: {},
  extras: { dialect: 'openai-chat', fields: {} },
}

function write(request: Partial<ChatRequest>, model = 'command-a-plus-05-2026') {
  const orders = { model, maxOutputTokens: null, habits: { issuer: 'cohere' } }
  const { text, ...reports } = cohereChatUpstream.write({ ...REQUEST, ...request }, intentFor(false), orders)
  return { body: JSON.parse(text) as { readonly [name: string]: unknown }, ...reports }
}

describe('a request to Cohere', () => {
  it('brings settings within what Cohere takes, and says so', () => {
    const { body, approximated, dropped } = write({
      sampling: { topP: 1, topK: 900, seed: -1, presencePenalty: -2, frequencyPenalty: 0.5, stop: ['a', 'b', 'c', 'd', 'e', 'f'] },
    })
    expect(body).toMatchObject({ p: 0.99, k: 500, presence_penalty: 0, frequency_penalty: 0.5, stop_sequences: ['a', 'b', 'c', 'd', 'e'] })
    expect([approximated, dropped]).toEqual([
      ['topP', 'topK', 'presencePenalty'],
      ['seed', 'stop'],
    ])
  })

  it('wishes for thinking only where the model can', () => {
    expect(write({ reasoning: { budgetTokens: 500 } }).body['thinking']).toEqual({ type: 'enabled', token_budget: 500 })
    expect(write({ reasoning: { off: true } }).body['thinking']).toEqual({ type: 'disabled' })
    expect(write({ reasoning: { effort: 'high' } }, 'command-a-03-2025')).toMatchObject({ dropped: ['reasoning'] })
  })

  it('gives a thought back as the model knows it: as thinking, or as the plan of its calls', () => {
    const call = { kind: 'tool-call', id: 'c1', name: 'f', arguments: '{"a":1.0}' } as const
    const turns: ChatRequest['turns'] = [{ role: 'assistant', parts: [{ kind: 'reasoning', text: 'hm' }, call] }]
    expect(write({ turns }).body['messages']).toMatchObject([{ content: [{ type: 'thinking', thinking: 'hm' }] }])
    expect(write({ turns }, 'command-r7b-12-2024').body['messages']).toEqual([
      { role: 'assistant', tool_plan: 'hm', tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":1.0}' } }] },
    ])
  })

  it('has no word for one tool, nor for a format beside tools', () => {
    const tools: ChatRequest['tools'] = [{ kind: 'function', name: 'f', schema: '{"type":"object"}', strict: true }]
    const { body, approximated, dropped } = write({ tools, toolChoice: { kind: 'one', name: 'f' }, replyFormat: { kind: 'json' } })
    expect(body).toMatchObject({ tool_choice: 'REQUIRED', strict_tools: true })
    expect([approximated, dropped]).toEqual([['toolChoice'], ['replyFormat']])
  })
})

describe('usage of Cohere', () => {
  it('tells all tokens and costs what is billed', () => {
    const usage = {
      billed_units: { input_tokens: 12, output_tokens: 10 },
      tokens: { input_tokens: 614, output_tokens: 13 },
      cached_tokens: 480,
    }
    const read = cohereChatUpstream.readUsage(JSON.stringify({ finish_reason: 'COMPLETE', usage })).usage
    expect(read).toMatchObject({ input: 134, cacheRead: 480, output: 13, billed: { input: 12, output: 10 } })
    expect(read && costNanoUsd(read, { input: 1_000_000, output: 2_000_000, source: 'test' })).toBe(32_000)
  })
})
