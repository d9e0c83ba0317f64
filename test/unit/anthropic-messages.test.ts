// The Messages dialect: what goes to Anthropic, what comes back, and what an Anthropic client is told.

import { SERVED } from '../support/served.ts'
import { describe, expect, it } from 'vitest'
import { MessageStream } from '@anthropic-ai/sdk/lib/MessageStream'
import { Body } from '../../src/core/body.ts'
import type { ChatEvent, ChatRequest } from '../../src/core/canonical.ts'
import { collect } from '../../src/core/collect.ts'
import { GatewayError } from '../../src/core/errors.ts'
import { usageOf } from '../../src/core/usage.ts'
import { anthropicMessagesClient as client } from '../../src/dialects/anthropic-messages/client.ts'
import { anthropicMessagesUpstream as upstream } from '../../src/dialects/anthropic-messages/upstream.ts'
import type { Frame, Intent, Orders } from '../../src/dialects/contract.ts'

const ORDERS: Orders = { model: 'claude-x', maxOutputTokens: null, habits: { issuer: 'anthropic' } }

function bodyOf(value: unknown): Body {
  return new Body(new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value)))
}

function intentOf(value: unknown): Intent {
  return client.intent({ path: '/v1/messages', query: new URLSearchParams(), headers: new Headers(), body: bodyOf(value), nowSeconds: 0 })
}

function written(request: Partial<ChatRequest>, orders: Orders = ORDERS) {
  const intent = intentOf({ model: 'm' })
  const full: ChatRequest = {
    turns: [{ role: 'user', parts: [{ kind: 'text', text: 'hi' }], at: 'messages[0]' }],
    tools: [],
    sampling: {},
    extras: { dialect: 'openai-chat', fields: {} },
    ...request,
  }
  const { text, dropped, approximated } = upstream.write(full, intent, orders)
  return { body: JSON.parse(text), text, dropped, approximated }
}

function framesOf(events: readonly ChatEvent[]): readonly Frame[] {
  const writer = client.writer(intentOf({ model: 'm' }), SERVED)
  return [...events.flatMap((event) => writer.write(event)), ...writer.end()]
}

async function readBySdk(frames: readonly Frame[]) {
  const lines = frames.map((frame) => `${frame.data}\n`).join('')
  return MessageStream.fromReadableStream(new Response(lines).body as ReadableStream).finalMessage()
}

describe('a request from an Anthropic client', () => {
  it('keeps schemas and inputs byte for byte on the way to a place of the same language', () => {
    const schema = '{"type":"object","properties":{"2":{},"1":{"const":1.0}}}'
    const input = '{"n":12345678901234567890}'
    const body = bodyOf(
      `{"model":"m","max_tokens":5,"tools":[{"name":"f","input_schema":${schema}}],"messages":[{"role":"user","content":"x"},` +
        `{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":${input}}]},` +
        `{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"ok"},{"type":"text","text":"go on"}]}]}`,
    )
    const request = client.read(body)
    expect(request.turns.map((turn) => turn.role)).toEqual(['user', 'assistant', 'tool', 'user'])
    const { text } = upstream.write(request, intentOf({ model: 'm' }), ORDERS)
    expect(text).toContain(`"input_schema":${schema}`)
    expect(text).toContain(`"input":${input}`)
  })

  it('cannot smuggle members into the written body through a string where a schema belongs', () => {
    const smuggled = { model: 'm', messages: [], output_config: { format: { type: 'json_schema', schema: '{},"max_tokens":9' } } }
    expect(() => client.read(bodyOf(smuggled))).toThrowError(expect.objectContaining({ code: 'request-malformed' }))
  })

  it.each([-1, 1.5, 'many', true, [], {}])('with max_tokens %j is refused, naming the member', (value) => {
    expect(() => intentOf({ model: 'm', max_tokens: value })).toThrowError(
      expect.objectContaining({ code: 'request-malformed', detail: { at: 'max_tokens' } }),
    )
  })

  it('that goes on with a conversation which Anthropic holds is refused in words that its SDK understands', () => {
    const request = { model: 'm', messages: [], thread: { type: 'continue', previous_message_id: 'msg_1' } }
    let refusal: unknown
    try {
      client.read(bodyOf(request))
    } catch (error) {
      refusal = error
    }
    if (!(refusal instanceof GatewayError)) throw new Error('It was read.')
    expect(client.status(refusal)).toBe(400)
    expect(client.writeError(refusal, null)).toMatchObject({ error: { details: { error_code: 'thread_unsupported_request' } } })
    expect(client.read(bodyOf({ ...request, thread: null })).turns).toEqual([])
  })

  it('with a tool that the provider runs has no bound by its bytes', () => {
    expect(intentOf({ model: 'm', tools: [{ type: 'bash_20250124', name: 'bash' }] }).inputBound).toBeGreaterThan(0)
    expect(intentOf({ model: 'm', tools: [{ type: 'web_search_20250305', name: 'web_search' }] }).inputBound).toBeNull()
  })
})

describe('a request to Anthropic', () => {
  it('pairs calls that share an id with their results, under ids the API accepts', () => {
    const call = { kind: 'tool-call', id: 'call:1', name: 'f', arguments: '{}' } as const
    const result = (text: string) => ({ kind: 'tool-result', callId: 'call:1', content: [{ kind: 'text', text }], isError: false }) as const
    const { body } = written({
      turns: [
        { role: 'user', parts: [{ kind: 'text', text: 'x' }] },
        { role: 'assistant', parts: [call, call] },
        { role: 'user', parts: [{ kind: 'text', text: 'and' }] },
        { role: 'tool', parts: [result('a'), result('b')] },
      ],
    })
    expect(body.messages[1].content.map((block: { id: string }) => block.id)).toEqual(['call_1', 'call_1_2'])
    expect(body.messages[2].content.map((block: { type: string; tool_use_id?: string }) => block.tool_use_id ?? block.type)).toEqual([
      'call_1',
      'call_1_2',
      'text',
    ])
  })

  it('never raises the ceiling for thinking, and says when thinking was left out', () => {
    const small = written({ reasoning: { effort: 'high' }, sampling: { maxOutputTokens: 1000 } })
    expect(small.body).toMatchObject({ max_tokens: 1000 })
    expect(small.body.thinking).toBeUndefined()
    expect(small.dropped).toContain('reasoning')
    const large = written({ reasoning: { effort: 'high' }, sampling: { maxOutputTokens: 10_000, temperature: 0.5, topK: 4 } })
    expect(large.body.thinking).toEqual({ type: 'enabled', budget_tokens: 8000 })
    expect(large.dropped).toEqual(['temperature', 'topK'])
    const off: Partial<ChatRequest> = {
      reasoning: { off: true },
      extras: { dialect: 'anthropic-messages', fields: { 'output_config.effort': 'high' } },
    }
    expect(written(off).body).toMatchObject({ thinking: { type: 'disabled' }, output_config: { effort: 'high' } })
    const newest = written({ reasoning: { effort: 'high' }, sampling: { maxOutputTokens: 1000 } }, { ...ORDERS, model: 'claude-opus-4-7' })
    expect(newest.body).toMatchObject({ thinking: { type: 'adaptive' }, output_config: { effort: 'high' } })
    // 4.6 takes both: an effort stays an effort, a budget a budget.
    const both = { ...ORDERS, model: 'claude-sonnet-4-6' }
    expect(written({ reasoning: { effort: 'medium' } }, both).body).toMatchObject({
      thinking: { type: 'adaptive' },
      output_config: { effort: 'medium' },
    })
    expect(written({ reasoning: { budgetTokens: 2000 } }, both).body.thinking).toEqual({ type: 'enabled', budget_tokens: 2000 })
  })

  it('leaves thinking out in a tool loop whose call has no thinking block, which the API would refuse', () => {
    const { body, dropped } = written({
      reasoning: { effort: 'low' },
      sampling: { maxOutputTokens: 20_000 },
      turns: [
        { role: 'user', parts: [{ kind: 'text', text: 'x' }] },
        { role: 'assistant', parts: [{ kind: 'tool-call', id: 'a', name: 'f', arguments: '{}' }] },
        { role: 'tool', parts: [{ kind: 'tool-result', callId: 'a', content: [], isError: false }] },
      ],
    })
    expect(body.thinking).toBeUndefined()
    expect(dropped).toEqual(['reasoning'])
  })

  it("gives no other vendor's seal away, and carries the thought as text", () => {
    const { text, dropped } = written({
      turns: [
        { role: 'user', parts: [{ kind: 'text', text: 'x' }] },
        {
          role: 'assistant',
          at: 'messages[1]',
          parts: [{ kind: 'reasoning', text: 'thought', seal: { issuer: 'google', value: 'SEAL' } }],
        },
      ],
    })
    expect(text).not.toContain('SEAL')
    expect(text).toContain('<thinking>thought</thinking>')
    expect(dropped).toEqual(['messages[1].signature'])
  })

  it('keeps the last four cache marks and reports the rest', () => {
    const parts = Array.from({ length: 6 }, (_, i) => ({ kind: 'text', text: `${i}`, cache: { ttl: '1h' } }) as const)
    const { body, dropped } = written({ turns: [{ role: 'user', parts }] })
    const marked = body.messages[0].content.filter((block: object) => 'cache_control' in block)
    expect(marked.map((block: { text: string }) => block.text)).toEqual(['2', '3', '4', '5'])
    expect(dropped).toEqual(['cache'])
  })

  it('shrinks the thinking budget with a clamped ceiling in a forwarded body', () => {
    const intent = intentOf({ model: 'm', max_tokens: 9000, thinking: { type: 'enabled', budget_tokens: 8000 } })
    const edits = (maxOutputTokens: number | null) => upstream.edits(intent, { ...ORDERS, maxOutputTokens }, () => null).slice(1)
    expect(edits(null)).toEqual([])
    expect(edits(5000)).toEqual([
      { path: ['max_tokens'], json: '5000' },
      { path: ['thinking', 'budget_tokens'], json: '4999' },
    ])
    expect(edits(500)).toEqual([
      { path: ['max_tokens'], json: '500' },
      { path: ['thinking'], json: null },
    ])
  })
})

describe('a stream for an Anthropic client', () => {
  it('never interleaves blocks, and is read by the official SDK', async () => {
    const frames = framesOf([
      { kind: 'start', id: 'chatcmpl-1', model: 'm' },
      { kind: 'block-start', index: 0, block: { kind: 'tool-call', id: 'a', name: 'f' } },
      { kind: 'block-delta', index: 0, text: '{"x":' },
      { kind: 'block-start', index: 1, block: { kind: 'tool-call', id: 'a', name: 'g' } },
      { kind: 'block-delta', index: 1, text: 'no object' },
      { kind: 'block-delta', index: 0, text: '1}' },
      { kind: 'block-end', index: 1 },
      { kind: 'block-end', index: 0 },
      { kind: 'usage', usage: usageOf({ input: 3, cacheRead: 4, cacheWrite1h: 5, output: 6 }) },
      { kind: 'finish', reason: 'stop', native: 'STOP' },
    ])
    const message = await readBySdk(frames)
    expect(message.id).toBe('msg_chatcmpl-1')
    expect(message.stop_reason).toBe('tool_use')
    expect(message.content).toMatchObject([
      { type: 'tool_use', id: 'a', name: 'f', input: { x: 1 } },
      { type: 'tool_use', id: 'a_2', name: 'g', input: { _raw: 'no object' } },
    ])
    expect(message.usage).toMatchObject({ input_tokens: 3, cache_read_input_tokens: 4, cache_creation_input_tokens: 5, output_tokens: 6 })
  })

  it("carries another vendor's seals to the client and takes them back for their call", () => {
    const seal = { issuer: 'google', value: 'SEAL' }
    const answer = client.write(
      {
        id: 'r',
        model: 'm',
        parts: [{ kind: 'tool-call', id: 'a', name: 'f', arguments: '{}', seal }],
        finish: { reason: 'tool-calls', native: null },
        usage: null,
        extras: { dialect: 'gemini', fields: {} },
      },
      intentOf({ model: 'm' }),
      SERVED,
    )
    const { content } = JSON.parse(answer)
    const [turn] = client.read(bodyOf({ model: 'm', messages: [{ role: 'assistant', content }] })).turns
    expect(turn?.parts).toEqual([{ kind: 'tool-call', id: 'a', name: 'f', arguments: '{}', seal }])
  })

  it('ends in an error event when the provider failed', () => {
    const writer = client.writer(intentOf({ model: 'm' }), SERVED)
    const [frame] = writer.fail(new GatewayError('upstream-overloaded', 'busy'))
    expect(frame).toEqual({ event: 'error', data: '{"type":"error","error":{"type":"overloaded_error","message":"busy"}}' })
    expect(client.status(new GatewayError('upstream-overloaded', 'busy'))).toBe(529)
    expect(client.writeError(new GatewayError('budget-exceeded', 'The budget is spent.'), 'req')).toMatchObject({
      error: { type: 'billing_error' },
    })
  })
})

describe("Anthropic's stream", () => {
  const data = (value: unknown): Frame => ({ data: JSON.stringify(value) })
  const start = data({
    type: 'message_start',
    message: { id: 'msg_1', model: 'm', content: [], usage: { input_tokens: 9, output_tokens: 1 } },
  })

  it('that is cut tells what it cost so far and ends in an error', () => {
    const reader = upstream.reader()
    const events = [...reader.read(start), ...reader.end()]
    expect(events.map((event) => event.kind)).toEqual(['start', 'usage', 'usage', 'error'])
  })

  it('closes a tool call whose stop never came before the text behind it', () => {
    const reader = upstream.reader()
    const frames = [
      start,
      data({ type: 'content_block_start', index: 0, content_block: { type: 'tool_use', id: 'a', name: 'f', input: {} } }),
      data({ type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '{"x":1}' } }),
      data({ type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'Done.' } }),
      data({ type: 'message_delta', delta: { stop_reason: 'tool_use' } }),
      data({ type: 'message_stop' }),
    ]
    const kinds = frames.flatMap((frame) => reader.read(frame)).map((event) => event.kind)
    expect(kinds.filter((kind) => kind.startsWith('block-'))).toEqual([
      'block-start',
      'block-delta',
      'block-end',
      'block-start',
      'block-delta',
      'block-end',
    ])
  })

  it('keeps server tool blocks whole, tells withheld from redacted thinking, and splits cache writes', () => {
    const reader = upstream.reader()
    const frames = [
      start,
      data({ type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } }),
      data({ type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'SIG' } }),
      data({ type: 'content_block_stop', index: 0 }),
      data({ type: 'content_block_start', index: 1, content_block: { type: 'redacted_thinking', data: 'RED' } }),
      data({ type: 'content_block_stop', index: 1 }),
      data({ type: 'content_block_start', index: 2, content_block: { type: 'server_tool_use', id: 's', name: 'web_search', input: {} } }),
      data({ type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '{"query":' } }),
      data({ type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '"x"}' } }),
      data({ type: 'content_block_stop', index: 2 }),
      data({
        type: 'message_delta',
        delta: { stop_reason: 'end_turn' },
        usage: {
          output_tokens: 4,
          cache_creation_input_tokens: 10,
          cache_creation: { ephemeral_1h_input_tokens: 7 },
          server_tool_use: { web_search_requests: 2 },
        },
      }),
      data({ type: 'message_stop' }),
    ]
    const response = collect([...frames.flatMap((frame) => reader.read(frame)), ...reader.end()])
    expect(response.usage).toMatchObject({ input: 9, output: 4, cacheWrite5m: 3, cacheWrite1h: 7, paidToolCalls: 2 })
    const again = JSON.parse(client.write(response, intentOf({ model: 'm' }), SERVED))
    expect(again.content).toEqual([
      { type: 'thinking', thinking: '', signature: 'SIG' },
      { type: 'redacted_thinking', data: 'RED' },
      { type: 'server_tool_use', id: 's', name: 'web_search', input: { query: 'x' } },
    ])
  })
})
