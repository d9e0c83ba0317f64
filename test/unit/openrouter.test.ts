// OpenRouter's chat language: what is its own beside OpenAI's shape, and what it refuses because it is not there yet.

import { describe, expect, it } from 'vitest'
import { Body } from '../../src/core/body.ts'
import type { ChatRequest, ChatResponse, Part } from '../../src/core/canonical.ts'
import { replay } from '../../src/core/collect.ts'
import { GatewayError } from '../../src/core/errors.ts'
import { usageOf } from '../../src/core/usage.ts'
import type { Intent, Served } from '../../src/dialects/contract.ts'
import { openaiChatUpstream } from '../../src/dialects/openai-chat/upstream.ts'
import { openrouterClient as client } from '../../src/dialects/openrouter/client.ts'

const SERVED: Served = {
  requestId: 'gen-1',
  provider: { id: 'anthropic', name: 'Anthropic' },
  model: 'claude-haiku-4-5',
  costNanoUsd: (usage) => (usage === null ? null : usage.input * 1000 + usage.output * 5000),
}
const bodyOf = (text: string): Body => new Body(new TextEncoder().encode(text))
const requestOf = (members: string): string => `{"messages":[{"role":"user","content":"hi"}]${members === '' ? '' : `,${members}`}}`
const intentOf = (members: string, headers = new Headers()): Intent =>
  client.intent({ path: '', query: new URLSearchParams(), headers, body: bodyOf(requestOf(members)), nowSeconds: 1_790_000_000 })
const plain = (members = ''): Intent => intentOf(`"model":"anthropic/claude-haiku-4.5"${members}`)
const read = (members: string): ChatRequest => client.read(bodyOf(requestOf(members)))
const responseOf = (parts: readonly Part[]): ChatResponse => ({
  id: 'msg_1',
  model: 'claude-haiku-4-5-20251001',
  parts,
  finish: { reason: 'stop', native: 'end_turn' },
  usage: usageOf({ input: 10, cacheRead: 5, cacheWrite5m: 3, output: 7, reasoning: 2 }),
  extras: { dialect: 'anthropic-messages', fields: {} },
})
const chunksOf = (response: ChatResponse, intent = plain()): readonly { readonly [name: string]: unknown }[] => {
  const writer = client.writer(intent, SERVED)
  const frames = [...replay(response).flatMap((event) => [...writer.write(event)]), ...writer.end()]
  expect(frames.at(-1)?.data).toBe('[DONE]')
  return frames.slice(0, -1).map(({ data }) => JSON.parse(data) as { readonly [name: string]: unknown })
}

const THOUGHT: Part = { kind: 'reasoning', text: 'Let me think.', seal: { issuer: 'anthropic', value: 'c2VhbA==' } }
const REDACTED: Part = { kind: 'reasoning', text: '', seal: { issuer: 'anthropic', value: 'cmVk' } }
const CALL: Part = { kind: 'tool-call', id: 'call_1', name: 'f', arguments: '{"a":1.0}', seal: { issuer: 'google', value: 'c2ln' } }
const TEXT: Part = { kind: 'text', text: 'Done.' }

describe('an answer', () => {
  it('tells who served it, the generation, the provider’s own finish word, and the exact cost', () => {
    expect(JSON.parse(client.write(responseOf([TEXT]), plain(), SERVED))).toMatchObject({
      id: 'gen-1',
      provider: 'Anthropic',
      model: 'anthropic/claude-haiku-4.5',
      object: 'chat.completion',
      choices: [{ finish_reason: 'stop', native_finish_reason: 'end_turn', message: { content: 'Done.' } }],
      usage: {
        prompt_tokens: 18,
        completion_tokens: 7,
        total_tokens: 25,
        cost: 0.000045,
        is_byok: false,
        cost_details: {
          upstream_inference_cost: null,
          upstream_inference_prompt_cost: 0.00001,
          upstream_inference_completions_cost: 0.000035,
        },
        prompt_tokens_details: { cached_tokens: 5, cache_write_tokens: 3 },
        completion_tokens_details: { reasoning_tokens: 2 },
      },
    })
  })

  it('leaves out a cost that is not known', () => {
    const { usage } = JSON.parse(client.write(responseOf([TEXT]), plain(), { ...SERVED, costNanoUsd: () => null })) as {
      readonly usage: object
    }
    expect(Object.keys(usage)).not.toContain('cost')
  })

  it('ends a stream with its usage though nobody asked', () => {
    const last = chunksOf(responseOf([TEXT])).at(-1)
    expect(last).toMatchObject({ id: 'gen-1', provider: 'Anthropic', choices: [], usage: { cost: 0.000045, prompt_tokens: 18 } })
  })

  it.each([
    ['whole', (response: ChatResponse) => [JSON.parse(client.write(response, plain(), SERVED)) as { readonly [name: string]: unknown }]],
    ['streamed', (response: ChatResponse) => chunksOf(response)],
  ])('gives reasoning and seals that a client can send back, %s', (_, answers) => {
    const message: { reasoning: string; details: unknown[]; calls: unknown[] } = { reasoning: '', details: [], calls: [] }
    for (const answer of answers(responseOf([THOUGHT, REDACTED, TEXT, CALL]))) {
      const [choice] = answer['choices'] as readonly { readonly message?: object; readonly delta?: object }[]
      const said = { ...(choice?.message ?? choice?.delta) } as { readonly [name: string]: unknown }
      if (typeof said['reasoning'] === 'string') message.reasoning += said['reasoning']
      if (Array.isArray(said['reasoning_details'])) message.details.push(...(said['reasoning_details'] as unknown[]))
      expect(said).not.toHaveProperty('reasoning_content')
    }
    expect(message.reasoning).toBe('Let me think.')
    const sent = {
      role: 'assistant',
      content: 'Done.',
      reasoning: message.reasoning,
      reasoning_details: message.details,
      tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"a":1.0}' } }],
    }
    const back = client.read(bodyOf(JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hi' }, sent] })))
    expect(back.turns[1]?.parts).toEqual([THOUGHT, REDACTED, TEXT, CALL])
  })

  it('shows no reasoning to a client that excludes it, but keeps the seals of calls', () => {
    const response = responseOf([THOUGHT, TEXT, CALL])
    for (const member of [',"reasoning":{"exclude":true}', ',"include_reasoning":false']) {
      const intent = plain(member)
      const texts = [client.write(response, intent, SERVED), JSON.stringify(chunksOf(response, intent))]
      for (const text of texts) {
        expect(text).not.toContain('think')
        expect(text).not.toContain('c2VhbA==')
        expect(text).toContain('c2ln')
      }
    }
  })

  it('ends a broken stream in an error and a choice that says so, and nothing after it', () => {
    const writer = client.writer(plain(), SERVED)
    writer.write({ kind: 'start', id: '', model: '' })
    const [frame, ...more] = [...writer.fail(new GatewayError('upstream-cut', 'It broke off.')), ...writer.end()]
    expect(more).toEqual([])
    expect(JSON.parse(frame?.data ?? '')).toMatchObject({
      id: 'gen-1',
      error: { code: 502, message: 'It broke off.', metadata: { error_type: 'provider_unavailable' } },
      choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error' }],
    })
  })
})

describe('an error', () => {
  it.each([
    ['budget-exceeded', 402, 'payment_required'],
    ['upstream-overloaded', 529, 'provider_overloaded'],
    ['upstream-timeout', 524, 'timeout'],
    ['upstream-context-too-long', 400, 'context_length_exceeded'],
    ['key-unknown', 401, 'authentication'],
    ['model-unknown', 404, 'not_found'],
  ] as const)('%s is status and code %d, %s', (code, status, type) => {
    const error = new GatewayError(code, 'Why.')
    expect(client.status(error)).toBe(status)
    expect(client.writeError(error, null)).toMatchObject({ error: { code: status, metadata: { error_type: type } } })
  })

  it('tells the provider’s own words, but not those about our credential', () => {
    const upstream = { status: 400, dialect: 'anthropic-messages', body: { error: { type: 'x' } } }
    const told = (code: 'upstream-refused' | 'credential-refused'): unknown =>
      client.writeError(new GatewayError(code, 'No.', { upstream }), null, { name: 'Anthropic' })['error']
    expect(told('upstream-refused')).toMatchObject({ metadata: { provider_name: 'Anthropic', raw: '{"error":{"type":"x"}}' } })
    expect(JSON.stringify(told('credential-refused'))).not.toContain('raw')
  })
})

describe('a request', () => {
  it.each([
    ['"model":"a/b:online"', 'model'],
    ['"model":"@preset/x"', 'model'],
    ['"model":"a/b@preset/x"', 'model'],
    ['"model":"a/b","plugins":[{"id":"web"}]', 'plugins[0]'],
    ['"model":"a/b","transforms":["middle-out"]', 'transforms'],
    ['"model":"a/b","tools":[{"type":"openrouter:web_search"}]', 'tools'],
    ['"model":"a/b","debug":{"echo_upstream_body":true}', 'debug.echo_upstream_body'],
  ])('with %s is refused by the member’s name', (members, at) => {
    expect(() => intentOf(members)).toThrow(expect.objectContaining({ code: 'request-unsupported', detail: { at } }))
  })

  it.each(['"plugins":{}', '"models":"a/b"', '"reasoning":[]', '"reasoning":{"max_tokens":-1}', '"session_id":5'])(
    'with %s is malformed',
    (member) => {
      expect(() => intentOf(`"model":"a/b",${member}`)).toThrow(expect.objectContaining({ code: 'request-malformed' }))
    },
  )

  it('may say what is the case anyway', () => {
    const said =
      '"models":["a/b"],"provider":{"allow_fallbacks":true,"order":[],"data_collection":"allow","sort":null},"plugins":[{"id":"web","enabled":false}],"transforms":[],"route":"fallback","usage":{"include":true}'
    expect(intentOf(said).model).toBe('a/b')
    expect(read(`"model":"a/b",${said}`).extras.fields).toEqual({})
  })

  it.each([
    ['"models":["a/b","c/d"]', 'a/b'],
    ['"model":"a/b","models":["c/d"]', 'a/b'],
    ['"model":null,"models":["c/d"]', 'c/d'],
    ['"model":"a/b:nitro"', 'a/b:nitro'],
  ])('with %s names %s', (members, model) => expect(intentOf(members).model).toBe(model))

  it('refuses two efforts that disagree, and takes two that agree', () => {
    expect(() => plain(',"reasoning":{"effort":"low"},"reasoning_effort":"high"')).toThrow(
      expect.objectContaining({ code: 'request-malformed', detail: { at: 'reasoning_effort' } }),
    )
    expect(read('"model":"m","reasoning":{"effort":"low"},"reasoning_effort":"low"').reasoning).toEqual({ effort: 'low' })
  })

  it.each([
    ['"reasoning":{"max_tokens":2000,"effort":"low"}', { budgetTokens: 2000 }],
    ['"reasoning":{"enabled":true}', { effort: 'medium' }],
    ['"reasoning":{"enabled":false,"effort":"high"}', { off: true }],
    ['"reasoning":{"effort":"none"}', { off: true }],
    ['"reasoning_effort":"xhigh"', { effort: 'xhigh' }],
    ['"reasoning":{}', undefined],
  ])('reads %s', (member, wish) => {
    expect(read(`"model":"m",${member}`).reasoning).toEqual(wish)
  })

  it('prefers the session of the body to the header’s', () => {
    const headers = new Headers({ 'x-session-id': 'header' })
    expect(intentOf('"model":"m","session_id":"body"', headers).session).toBe('body')
    expect(intentOf('"model":"m"', headers).session).toBe('header')
  })

  it('takes a cache mark on itself as the wish that marks be set', () => {
    const { cache, turns } = read('"model":"m","cache_control":{"type":"ephemeral","ttl":"1h"}')
    expect(cache).toEqual({ ttl: '1h' })
    expect(turns[0]?.parts).toEqual([{ kind: 'text', text: 'hi' }])
  })

  it('sends sampling beyond OpenAI’s only to places that take it, and reports the rest', () => {
    const request = read('"model":"m","min_p":0.1,"top_a":0.2,"repetition_penalty":1.1,"service_tier":"fast","metadata":{"a":"b"}')
    const sent = (accepts: readonly string[]) =>
      openaiChatUpstream.write(request, plain(), {
        model: 'up',
        maxOutputTokens: null,
        habits: { issuer: 'x', accepts: new Set(accepts) },
      })
    expect(JSON.parse(sent(['min_p']).text)).toMatchObject({ min_p: 0.1, service_tier: 'priority' })
    expect(sent(['min_p']).dropped).toEqual(['top_a', 'repetition_penalty', 'metadata'])
    expect(sent([]).dropped).toContain('min_p')
  })
})
