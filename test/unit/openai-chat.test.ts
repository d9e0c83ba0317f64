// OpenAI's chat language, both halves: what hosts do differently, and what must survive the way there and back.

import { SERVED } from '../support/served.ts'
import { describe, expect, it } from 'vitest'
import { Body } from '../../src/core/body.ts'
import type { ChatEvent, ChatRequest, Part } from '../../src/core/canonical.ts'
import { collect } from '../../src/core/collect.ts'
import { GatewayError } from '../../src/core/errors.ts'
import type { Habits, Intent } from '../../src/dialects/contract.ts'
import { openaiChatClient as client } from '../../src/dialects/openai-chat/client.ts'
import { openaiChatUpstream as upstream } from '../../src/dialects/openai-chat/upstream.ts'

const HABITS: Habits = { issuer: 'openai', ceilingMember: 'max_completion_tokens' }
const bodyOf = (text: string): Body => new Body(new TextEncoder().encode(text))
const intentOf = (text: string): Intent =>
  client.intent({
    path: '/v1/chat/completions',
    query: new URLSearchParams(),
    headers: new Headers(),
    body: bodyOf(text),
    nowSeconds: 1_790_000_000,
  })
const requestOf = (members: string): string =>
  `{"model":"m","messages":[{"role":"user","content":"hi"}]${members === '' ? '' : `,${members}`}}`

function write(
  request: ChatRequest,
  habits = HABITS,
): { readonly body: Record<string, unknown>; readonly text: string; readonly dropped: readonly string[] } {
  const { text, dropped } = upstream.write(request, intentOf(requestOf('')), { model: 'up', maxOutputTokens: null, habits })
  return { body: JSON.parse(text) as Record<string, unknown>, text, dropped }
}

/** Events of a stream of chunks, `[DONE]` among them where it is wanted. */
function read(...chunks: readonly (object | string)[]): readonly ChatEvent[] {
  const reader = upstream.reader()
  const events = chunks.flatMap((chunk) => reader.read({ data: typeof chunk === 'string' ? chunk : JSON.stringify(chunk) }))
  return [...events, ...reader.end()]
}
const delta = (members: object, finish: string | null = null): object => ({
  id: 'c-1',
  model: 'm',
  choices: [{ index: 0, delta: members, finish_reason: finish }],
})

describe('intent', () => {
  it.each(['-1', '1.5', '"many"', 'true', '[]', '1e400'])('refuses a ceiling of %s and names the member', (value) => {
    expect(() => intentOf(requestOf(`"max_tokens":10,"max_completion_tokens":${value}`))).toThrow(
      expect.objectContaining({ code: 'request-malformed', detail: { at: 'max_completion_tokens' } }),
    )
    expect(() => intentOf(requestOf(`"max_completion_tokens":10,"max_tokens":${value}`))).toThrow(GatewayError)
  })

  it('takes huge ceilings as the most a count can be, and 0 as none', () => {
    expect(intentOf(requestOf('"max_tokens":1e308')).maxOutputTokens).toBe(Number.MAX_SAFE_INTEGER)
    expect(intentOf(requestOf('"max_tokens":0')).maxOutputTokens).toBeNull()
  })

  it('knows no bound for what is not in the body', () => {
    expect(intentOf(requestOf('"web_search_options":{}')).inputBound).toBeNull()
    expect(intentOf(requestOf('')).inputBound).toBe(requestOf('').length)
  })
})

describe('requests', () => {
  it('keeps schemas and arguments byte for byte, and is the same text each time', () => {
    const schema = '{"type":"object","properties":{"b":{"const":12345678901234567890},"10":{"minimum":1.0}}}'
    const call = '{"id":"c1","type":"function","function":{"name":"f","arguments":"{\\"x\\": 1.0}"}}'
    const text = `{"model":"m","messages":[{"role":"assistant","content":null,"tool_calls":[${call}]},{"role":"tool","tool_call_id":"c1","content":"ok"}],"tools":[{"type":"function","function":{"name":"f","parameters":${schema}}}]}`
    const request = client.read(bodyOf(text))
    expect(write(request).text).toContain(`"parameters":${schema}`)
    expect(write(request).text).toContain('"arguments":"{\\"x\\": 1.0}"')
    expect(write(request).text).toBe(write(request).text)
  })

  it('puts pictures of a tool result behind all results of the turn', () => {
    const picture: Part = { kind: 'media', mediaType: 'image/png', source: { at: 'inline', base64: 'AAAA' } }
    const result = (callId: string, content: readonly Part[]): Part => ({ kind: 'tool-result', callId, content, isError: false })
    const request: ChatRequest = {
      turns: [
        { role: 'tool', parts: [result('a', [{ kind: 'text', text: 'seen' }, picture])] },
        { role: 'tool', parts: [result('b', [])] },
        { role: 'user', parts: [{ kind: 'text', text: 'and now?' }] },
      ],
      tools: [],
      sampling: {},
      extras: { dialect: 'anthropic-messages', fields: {} },
    }
    const roles = (write(request).body['messages'] as readonly { readonly role: string }[]).map((message) => message.role)
    expect(roles).toEqual(['tool', 'tool', 'user', 'user'])
  })

  it('never sends a seal to another issuer, and says so', () => {
    const signed =
      '{"role":"assistant","content":"hi","reasoning_details":[{"type":"reasoning.text","text":"hm","signature":"SECRETSEAL","format":"anthropic-claude-v1"}]}'
    const request = client.read(bodyOf(`{"model":"m","messages":[${signed}]}`))
    const { text, dropped } = write(request)
    expect(text).not.toContain('SECRETSEAL')
    expect(dropped).toEqual(['messages[0].reasoning.signature'])
    expect(write(request, { issuer: 'openrouter', accepts: new Set(['reasoning_details']) }).text).toContain('SECRETSEAL')
  })

  it('names what cannot be said', () => {
    const request = client.read(bodyOf(requestOf('"top_k":5,"logit_bias":{"1":2},"seed":7,"service_tier":"auto"')))
    const foreign = { ...request, extras: { ...request.extras, dialect: 'gemini' } }
    expect(write(foreign, { ...HABITS, refuses: new Set(['seed']) }).dropped).toEqual(['topK', 'seed', 'logit_bias'])
  })

  it('lowers the ceiling where the client put it, and asks for usage only once', () => {
    const text = requestOf('"max_tokens":500,"stream":true')
    const edits = (line: string) =>
      upstream.edits(intentOf(line), { model: 'm', maxOutputTokens: 90, habits: HABITS }, (path) => bodyOf(line).member(path))
    expect(edits(text)).toEqual([
      { path: ['stream_options', 'include_usage'], json: 'true' },
      { path: ['max_tokens'], json: '90' },
    ])
    expect(edits(requestOf('"stream":true,"stream_options":{"include_usage":true}'))).toEqual([
      { path: ['max_completion_tokens'], json: '90' },
    ])
  })
})

describe('streams', () => {
  it('takes usage that comes after [DONE]', () => {
    const events = read(delta({ content: 'a' }), delta({}, 'stop'), '[DONE]', {
      choices: [],
      usage: { prompt_tokens: 3, completion_tokens: 4 },
    })
    expect(events.slice(-2)).toMatchObject([
      { kind: 'usage', usage: { input: 3, output: 4 } },
      { kind: 'finish', reason: 'stop' },
    ])
  })

  it('ends in an error when it stops before its finish, and well when only [DONE] is missing', () => {
    expect(read(delta({ content: 'a' })).at(-1)).toMatchObject({ kind: 'error', code: 'upstream-cut' })
    expect(read(delta({ content: 'a' }, 'length')).at(-1)).toMatchObject({ kind: 'finish', reason: 'length' })
  })

  it('tells parallel calls apart that are all numbered 0, and gives ids to those without', () => {
    const call = (id: string | undefined, name: string, text: string): object =>
      delta({ tool_calls: [{ index: 0, id, function: { name, arguments: text } }] })
    const named = collect(read(call('x', 'f', '{"a":1}'), call('y', 'g', '{}'), delta({}, 'stop')))
    expect(named.parts).toMatchObject([
      { id: 'x', name: 'f', arguments: '{"a":1}' },
      { id: 'y', name: 'g' },
    ])
    expect(named.finish.reason).toBe('tool-calls')
    const unnamed = collect(
      read(delta({ tool_calls: [{ function: { name: 'f', arguments: { b: 1, 2: 3 } } }, { function: { name: 'g' } }] }, 'tool_calls')),
    )
    expect(unnamed.parts.map((part) => (part.kind === 'tool-call' ? part.id : ''))).toEqual(['call_c1_0', 'call_c1_1'])
  })

  it('counts reasoning once, whether a host counts it inside or beside', () => {
    const usage = (total: number): object => ({
      choices: [],
      usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: total, completion_tokens_details: { reasoning_tokens: 4 } },
    })
    expect(read(delta({}, 'stop'), usage(19)).at(-2)).toMatchObject({ usage: { output: 9, reasoning: 4 } })
    expect(read(delta({}, 'stop'), usage(15)).at(-2)).toMatchObject({ usage: { output: 5, reasoning: 4 } })
  })

  it('counts sound once, whether a host counts it inside or beside the prompt', () => {
    const usage = (prompt: number): object => ({
      choices: [],
      usage: { prompt_tokens: prompt, completion_tokens: 5, total_tokens: 391, prompt_tokens_details: { audio_tokens: 375 } },
    })
    for (const prompt of [11, 386])
      expect(read(delta({}, 'stop'), usage(prompt)).at(-2)).toMatchObject({ usage: { input: 11, inputAudio: 375, output: 5 } })
  })

  it('writes the usage chunk only to a client that asked, and nothing after an error', () => {
    const events = read(delta({ content: 'a' }, 'stop'), { choices: [], usage: { prompt_tokens: 3, completion_tokens: 4 } })
    const sent = (members: string): readonly string[] => {
      const writer = client.writer(intentOf(requestOf(members)), SERVED)
      return [...events.flatMap((event) => writer.write(event)), ...writer.end()].map((frame) => frame.data)
    }
    expect(sent('"stream":true').some((data) => data.includes('"usage"'))).toBe(false)
    expect(sent('"stream":true,"stream_options":{"include_usage":true}').at(-2)).toContain('"choices":[],"usage":{"prompt_tokens":3')
    const writer = client.writer(intentOf(requestOf('')), SERVED)
    expect(JSON.parse(writer.fail(new GatewayError('upstream-cut', 'It broke off.'))[0]?.data ?? '')).toMatchObject({
      error: { message: 'It broke off.', param: null },
    })
    expect(writer.end()).toEqual([])
  })

  it('tells a call’s seal in a piece of that call which has a function, as checking readers want', () => {
    const writer = client.writer(intentOf(requestOf('"stream":true')), SERVED)
    const events: readonly ChatEvent[] = [
      { kind: 'start', id: 'r', model: 'm' },
      { kind: 'block-start', index: 0, block: { kind: 'tool-call', id: 'a', name: 'f' } },
      { kind: 'block-delta', index: 0, text: '{}' },
      { kind: 'block-seal', index: 0, seal: { issuer: 'google', value: 'sig' } },
      { kind: 'block-end', index: 0 },
      { kind: 'finish', reason: 'tool-calls', native: null },
    ]
    const chunks = events.flatMap((event) => writer.write(event)).map(({ data }): unknown => JSON.parse(data))
    expect(chunks).toContainEqual(
      expect.objectContaining({
        choices: [
          expect.objectContaining({
            delta: {
              tool_calls: [{ index: 0, function: { arguments: '' }, extra_content: { google: { thought_signature: 'sig' } } }],
            },
          }),
        ],
      }),
    )
  })

  it('tells a seal that is there from the first in the first piece of its call, where some clients alone look', () => {
    const writer = client.writer(intentOf(requestOf('"stream":true')), SERVED)
    const events: readonly ChatEvent[] = [
      { kind: 'start', id: 'r', model: 'm' },
      { kind: 'block-start', index: 0, block: { kind: 'tool-call', id: 'a', name: 'f' } },
      { kind: 'block-seal', index: 0, seal: { issuer: 'google', value: 'sig' } },
      { kind: 'block-delta', index: 0, text: '{"x":1}' },
      { kind: 'block-end', index: 0 },
      { kind: 'finish', reason: 'tool-calls', native: null },
    ]
    const pieces = events
      .flatMap((event) => writer.write(event))
      .flatMap(({ data }) => (JSON.parse(data) as { choices: { delta: { tool_calls?: object[] } }[] }).choices[0]?.delta.tool_calls ?? [])
    expect(pieces).toEqual([
      {
        index: 0,
        id: 'a',
        type: 'function',
        function: { name: 'f', arguments: '' },
        extra_content: { google: { thought_signature: 'sig' } },
      },
      { index: 0, function: { arguments: '{"x":1}' } },
    ])
  })

  it('lets an observer skip what says nothing', () => {
    expect(upstream.worthReading('{"choices":[{"delta":{"content":"\\"usage\\":{"},"finish_reason":null}],"usage":null}')).toBe(false)
    expect(upstream.worthReading('{"choices":[{"finish_reason" : "stop"}]}')).toBe(true)
    expect(upstream.isUsageOnly({ data: '{"choices": [ ],"usage": {"prompt_tokens":1}}' })).toBe(true)
    expect(upstream.isUsageOnly({ data: '{"choices":[{"delta":{}}],"usage":{"prompt_tokens":1}}' })).toBe(false)
  })
})

describe('errors', () => {
  it("keeps the provider's words, type, code and param", () => {
    const text = '{"error":{"message":"No such model.","type":"invalid_request_error","param":"model","code":"model_not_found"}}'
    const error = upstream.readError(404, new Headers(), text)
    expect(error).toMatchObject({ code: 'upstream-refused', status: 404 })
    expect(error && client.writeError(error, null)).toEqual(JSON.parse(text))
  })

  it('finds an error in a 200, and waits as long as it is told', () => {
    expect(upstream.readError(200, new Headers(), '{"error":{"message":"Overloaded","code":503}}')?.code).toBe('upstream-overloaded')
    expect(upstream.readError(200, new Headers(), '{"choices":[{"message":{"content":"\\"error\\""}}],"error":null}')).toBeNull()
    const headers = new Headers({ 'retry-after': 'Wed, 21 Oct 2026 07:28:30 GMT', date: 'Wed, 21 Oct 2026 07:28:00 GMT' })
    expect(upstream.readError(429, headers, 'slow down')).toMatchObject({ message: 'slow down', detail: { retryAfterMs: 30_000 } })
  })

  it('words an exhausted budget as a budget, and our own credential as no fault of the key', () => {
    expect(client.writeError(new GatewayError('budget-exceeded', 'Spent $1 of $1.'), null)).toMatchObject({
      error: { message: 'The budget is exhausted. Spent $1 of $1.', type: 'insufficient_quota', code: 'insufficient_quota', param: null },
    })
    const refused = upstream.readError(
      401,
      new Headers(),
      '{"error":{"message":"Bad key","type":"invalid_request_error","code":"invalid_api_key"}}',
    )
    expect(refused && client.writeError(refused, null)).toMatchObject({ error: { type: 'api_error', code: 'credential-refused' } })
  })
})
