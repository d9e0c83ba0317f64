// Streamed and whole are one thing.

import { describe, expect, it } from 'vitest'
import type { ChatEvent, ChatResponse } from '../../src/core/canonical.ts'
import { collect, replay } from '../../src/core/collect.ts'
import { GatewayError } from '../../src/core/errors.ts'
import { usageOf } from '../../src/core/usage.ts'

const RESPONSE: ChatResponse = {
  id: 'r1',
  model: 'm',
  logprobs: '{"content":[{"token":"a","logprob":-1.0}]}',
  parts: [
    { kind: 'reasoning', text: 'hm', seal: { issuer: 'anthropic', value: 's' } },
    { kind: 'text', text: 'a', citations: [{ url: 'https://a', title: null, start: 0, end: 1, raw: null }] },
    { kind: 'text', text: '' },
    { kind: 'refusal', text: 'no' },
    { kind: 'tool-call', id: '1', name: 'f', arguments: '{"n":12345678901234567890}', seal: { issuer: 'google', value: 't' } },
    { kind: 'native', dialect: 'x', value: { type: 'y' } },
    { kind: 'media', mediaType: 'image/png', source: { at: 'inline', base64: 'AA==' } },
  ],
  finish: { reason: 'tool-calls', native: 'tool_use' },
  usage: usageOf({ input: 1, output: 2 }),
  extras: { dialect: 'x', fields: { service_tier: 'standard' } },
}

describe('collect and replay', () => {
  it('give back the response that was replayed', () => {
    expect(collect(replay(RESPONSE))).toEqual(RESPONSE)
  })

  it('sort out parallel tool calls whose deltas interleave, and count the last usage', () => {
    const call = (index: number): ChatEvent => ({ kind: 'block-start', index, block: { kind: 'tool-call', id: `${index}`, name: 'f' } })
    const delta = (index: number, text: string): ChatEvent => ({ kind: 'block-delta', index, text })
    const { parts, usage } = collect([
      { kind: 'start', id: 'r', model: 'm' },
      { kind: 'usage', usage: usageOf({ input: 5 }) },
      call(0),
      delta(0, '{"a"'),
      call(1),
      delta(1, '{}'),
      delta(0, ':1}'),
      { kind: 'block-end', index: 0 },
      { kind: 'block-end', index: 1 },
      { kind: 'usage', usage: usageOf({ input: 5, output: 7 }) },
      { kind: 'finish', reason: 'tool-calls', native: null },
    ])
    expect(parts.map((part) => part.kind === 'tool-call' && part.arguments)).toEqual(['{"a":1}', '{}'])
    expect(usage?.output).toBe(7)
  })

  it('join chunks of log probabilities and leave their numbers as they were written', () => {
    const note = (logprobs: string): ChatEvent => ({ kind: 'block-note', index: 0, logprobs })
    const { logprobs } = collect([
      { kind: 'start', id: 'r', model: 'm' },
      { kind: 'block-start', index: 0, block: { kind: 'text' } },
      note('{"content":[{"logprob":-1.0}],"refusal":null}'),
      note('{"content":[{"logprob":-2.50}],"refusal":null}'),
      { kind: 'finish', reason: 'stop', native: null },
    ])
    expect(logprobs).toBe('{"content":[{"logprob":-1.0},{"logprob":-2.50}],"refusal":null}')
  })

  it('throw what an error event says, and report a reply without an end', () => {
    const start: ChatEvent = { kind: 'start', id: 'r', model: 'm' }
    expect(() => collect([start, { kind: 'error', code: 'upstream-overloaded', message: 'busy' }])).toThrowError(
      expect.objectContaining({ code: 'upstream-overloaded', message: 'busy' }),
    )
    expect(() => collect([start])).toThrowError(GatewayError)
  })
})
