// What is verifiably no good about an answer, in every language that answers come in; and that no schema, however made, can keep us busy.

import { describe, expect, it } from 'vitest'
import type { ChatRequest, ChatResponse, JsonValue, Part } from '../../src/core/canonical.ts'
import { holdsAgainst } from '../../src/core/json-schema.ts'
import { patternSteps } from '../../src/core/pattern-cost.ts'
import { UNFIT, unfitness, type Unfit } from '../../src/core/unfit.ts'
import { usageOf } from '../../src/core/usage.ts'
import { upstreamDialect } from '../../src/dialects/index.ts'

const ALL: ReadonlySet<Unfit> = new Set(UNFIT)
const PERSON = JSON.stringify({
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer', minimum: 0 } },
  required: ['name', 'age'],
  additionalProperties: false,
})
const WEATHER = {
  kind: 'function',
  name: 'weather',
  schema: '{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}',
} as const

function request(more: Partial<ChatRequest> = {}): ChatRequest {
  return {
    turns: [{ role: 'user', parts: [{ kind: 'text', text: 'hi' }] }],
    tools: [],
    sampling: {},
    extras: { dialect: 'x', fields: {} },
    ...more,
  }
}

const asSchema = request({ replyFormat: { kind: 'schema', name: 'p', schema: PERSON, strict: true } })
const withTools = request({ tools: [WEATHER] })

function response(parts: readonly Part[], more: Partial<ChatResponse> = {}): ChatResponse {
  return {
    id: 'i',
    model: 'm',
    parts,
    finish: { reason: 'stop', native: null },
    usage: null,
    extras: { dialect: 'x', fields: {} },
    ...more,
  }
}

const text = (said: string): ChatResponse => response([{ kind: 'text', text: said }])
const call = (name: string, args: string): ChatResponse =>
  response([{ kind: 'tool-call', id: 'c', name, arguments: args }], { finish: { reason: 'tool-calls', native: null } })

const judge = (answer: ChatResponse, asked: ChatRequest | null = request(), ceiling: number | null = null, on = ALL): Unfit | null =>
  unfitness(answer, { request: asked, ceiling }, on)

describe('an answer is no good', () => {
  it.each<[string, ChatResponse, ChatRequest | null, Unfit | null]>([
    ['JSON as the schema has it', text('{"name":"a","age":1}'), asSchema, null],
    ['JSON with space around it', text(' \n{"name":"a","age":1}\n'), asSchema, null],
    ['JSON that lacks a member', text('{"name":"a"}'), asSchema, 'schema'],
    ['JSON with a member too many', text('{"name":"a","age":1,"b":2}'), asSchema, 'schema'],
    ['JSON in a fence', text('```json\n{"name":"a","age":1}\n```'), asSchema, 'schema'],
    ['prose', text('Certainly!'), asSchema, 'schema'],
    ['prose where any JSON was asked for', text('Certainly!'), request({ replyFormat: { kind: 'json' } }), 'schema'],
    ['any JSON where any was asked for', text('{"x":[1]}'), request({ replyFormat: { kind: 'json' } }), null],
    ['prose where prose was asked for', text('Certainly!'), request({ replyFormat: { kind: 'text' } }), null],
    [
      'the rest of what the client began',
      text('"a","age":1}'),
      { ...asSchema, turns: [...asSchema.turns, { role: 'assistant', parts: [{ kind: 'text', text: '{"name":' }] }] },
      null,
    ],
    [
      'a schema that nobody can check',
      text('{"a":1}'),
      request({ replyFormat: { kind: 'schema', name: 'p', schema: '{"$ref":"https://elsewhere.test/s"}', strict: true } }),
      null,
    ],
    ['a call as it should be', call('weather', '{"city":"Bern"}'), withTools, null],
    ['a call with broken JSON', call('weather', '{"city":"Be'), withTools, 'tool-call'],
    ['a call with a list', call('weather', '["Bern"]'), withTools, 'tool-call'],
    ['a call with null', call('weather', 'null'), withTools, 'tool-call'],
    ['a call that breaks the tool’s schema', call('weather', '{"town":"Bern"}'), withTools, 'tool-arguments'],
    [
      'a call without arguments',
      call('now', ''),
      request({ tools: [{ kind: 'function', name: 'now', schema: '{"type":"object"}' }] }),
      null,
    ],
    ['a call of a tool that nobody offered', call('sunshine', '{}'), withTools, 'unknown-tool'],
    ['a call where none was offered', call('weather', '{}'), request(), 'unknown-tool'],
    [
      'a call of a tool of the provider’s own kind',
      call('bash', 'ls'),
      request({ tools: [{ kind: 'native', dialect: 'anthropic-messages', value: { type: 'bash_20250124', name: 'bash' } }] }),
      null,
    ],
    ['a call beside a reply format', call('weather', '{"city":"Bern"}'), { ...withTools, replyFormat: { kind: 'json' } }, null],
    ['a call of a request that nobody can read', call('sunshine', '{'), null, null],
    ['nothing', response([]), request(), 'empty'],
    ['nothing but space', text(' \n '), request(), 'empty'],
    ['nothing but thoughts', response([{ kind: 'reasoning', text: 'hm' }]), request(), 'empty'],
    ['nothing, of a request that nobody can read', response([]), null, 'empty'],
    ['nothing, but there are stop words', response([]), request({ sampling: { stop: ['\n'] } }), null],
    ['a picture', response([{ kind: 'media', mediaType: 'image/png', source: { at: 'inline', base64: '' } }]), request(), null],
    ['a refusal by its part', response([{ kind: 'refusal', text: 'no' }]), asSchema, 'refusal'],
    ['a refusal by its end', response([], { finish: { reason: 'filtered', native: 'content_filter' } }), request(), 'refusal'],
    ['words that sound like a refusal', text("I'm sorry, but I can't help with that."), request(), null],
    ['a pause', response([], { finish: { reason: 'paused', native: 'pause_turn' } }), asSchema, null],
    [
      'a call that Gemini could not make out',
      response([], { finish: { reason: 'other', native: 'MALFORMED_FUNCTION_CALL' } }),
      request(),
      'tool-call',
    ],
  ])('%s', (_, answer, asked, want) => {
    expect(judge(answer, asked)).toBe(want)
  })

  it('is cut off where nobody set the end, and not where the client or its budget did', () => {
    const cut = (output: number | null): ChatResponse => ({
      ...text('{"name":'),
      finish: { reason: 'length', native: 'length' },
      usage: output === null ? null : usageOf({ input: 5, output }),
    })
    expect(judge(cut(100), asSchema, null)).toBe('truncated')
    expect(judge(cut(100), asSchema, 4000)).toBe('truncated') // at the context's end
    expect(judge(cut(100), asSchema, 100)).toBeNull()
    expect(judge(cut(98), asSchema, 100)).toBeNull()
    expect(judge(cut(null), asSchema, 100)).toBeNull()
  })

  it('only by what was asked for', () => {
    const but = (word: Unfit): ReadonlySet<Unfit> => new Set(UNFIT.filter((one) => one !== word))
    expect(judge(text('x'), asSchema, null, but('schema'))).toBeNull()
    expect(judge(call('weather', '{'), withTools, null, but('tool-call'))).toBeNull()
    expect(judge(call('weather', '{}'), withTools, null, but('tool-arguments'))).toBeNull()
    expect(judge(call('x', '{}'), withTools, null, but('unknown-tool'))).toBeNull()
    expect(judge(response([]), asSchema, null, but('empty'))).toBeNull()
    expect(judge(response([{ kind: 'refusal', text: 'no' }]), asSchema, null, but('refusal'))).toBeNull()
    expect(judge({ ...text('{'), finish: { reason: 'length', native: null } }, asSchema, null, but('truncated'))).toBeNull()
  })
})

describe('as the providers say it', () => {
  const read = (dialect: string, body: object): Unfit | null => judge(upstreamDialect(dialect).read(JSON.stringify(body)), withTools)
  const openai = (message: object, finish_reason: string): object => ({
    id: 'c',
    object: 'chat.completion',
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason }],
    usage: { prompt_tokens: 5, completion_tokens: 5, total_tokens: 10 },
  })
  const tool = (name: string, args: string): object => ({
    content: null,
    tool_calls: [{ id: 'c', type: 'function', function: { name, arguments: args } }],
  })
  const claude = (content: readonly object[], stop_reason: string): object => ({
    id: 'm',
    type: 'message',
    role: 'assistant',
    model: 'c',
    content,
    stop_reason,
    usage: { input_tokens: 5, output_tokens: 5 },
  })
  const gemini = (parts: readonly object[], finishReason: string): object => ({
    candidates: [{ content: { role: 'model', parts }, finishReason }],
    usageMetadata: { promptTokenCount: 5, candidatesTokenCount: 5, totalTokenCount: 10 },
  })
  const output = (item: object, more: object = {}): object => ({
    id: 'r',
    object: 'response',
    model: 'm',
    status: 'completed',
    output: [item],
    usage: { input_tokens: 5, output_tokens: 5, total_tokens: 10 },
    ...more,
  })
  const message = (content: readonly object[]): object => ({ type: 'message', id: 'm', role: 'assistant', status: 'completed', content })

  it.each<[string, string, object, Unfit | null]>([
    ['good', 'openai-chat', openai({ content: 'hi' }, 'stop'), null],
    ['empty', 'openai-chat', openai({ content: '' }, 'stop'), 'empty'],
    ['refusal', 'openai-chat', openai({ content: null, refusal: 'No.' }, 'stop'), 'refusal'],
    ['filter', 'openai-chat', openai({ content: '' }, 'content_filter'), 'refusal'],
    ['length', 'openai-chat', openai({ content: 'hi' }, 'length'), 'truncated'],
    ['broken call', 'openai-chat', openai(tool('weather', '{"city'), 'tool_calls'), 'tool-call'],
    ['unknown tool', 'openai-chat', openai(tool('other', '{}'), 'tool_calls'), 'unknown-tool'],
    ['good', 'anthropic-messages', claude([{ type: 'text', text: 'hi' }], 'end_turn'), null],
    ['empty', 'anthropic-messages', claude([], 'end_turn'), 'empty'],
    ['refusal', 'anthropic-messages', claude([{ type: 'text', text: 'hi' }], 'refusal'), 'refusal'],
    ['length', 'anthropic-messages', claude([{ type: 'text', text: 'hi' }], 'max_tokens'), 'truncated'],
    [
      'wrong arguments',
      'anthropic-messages',
      claude([{ type: 'tool_use', id: 't', name: 'weather', input: {} }], 'tool_use'),
      'tool-arguments',
    ],
    ['unknown tool', 'anthropic-messages', claude([{ type: 'tool_use', id: 't', name: 'other', input: {} }], 'tool_use'), 'unknown-tool'],
    ['good', 'gemini', gemini([{ text: 'hi' }], 'STOP'), null],
    ['filter', 'gemini', gemini([], 'SAFETY'), 'refusal'],
    ['length', 'gemini', gemini([{ text: 'hi' }], 'MAX_TOKENS'), 'truncated'],
    ['broken call', 'gemini', gemini([], 'MALFORMED_FUNCTION_CALL'), 'tool-call'],
    ['unknown tool', 'gemini', gemini([{ functionCall: { name: 'other', args: {} } }], 'STOP'), 'unknown-tool'],
    ['good', 'openai-responses', output(message([{ type: 'output_text', text: 'hi', annotations: [] }])), null],
    ['refusal', 'openai-responses', output(message([{ type: 'refusal', refusal: 'No.' }])), 'refusal'],
    [
      'length',
      'openai-responses',
      output(message([{ type: 'output_text', text: 'hi', annotations: [] }]), {
        status: 'incomplete',
        incomplete_details: { reason: 'max_output_tokens' },
      }),
      'truncated',
    ],
    [
      'broken call',
      'openai-responses',
      output({ type: 'function_call', id: 'f', call_id: 'c', name: 'weather', arguments: '{"c', status: 'completed' }),
      'tool-call',
    ],
  ])('%s of %s', (_, dialect, body, want) => {
    expect(read(dialect, body)).toBe(want)
  })
})

describe('a schema', () => {
  const check = (schema: unknown, value: JsonValue): string => holdsAgainst(JSON.stringify(schema), value, JSON.stringify(value).length)
  const TREE = {
    $defs: {
      node: {
        type: 'object',
        properties: { v: { type: 'number' }, next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] } },
        required: ['v', 'next'],
      },
    },
    $ref: '#/$defs/node',
  }

  it.each<[string, unknown, JsonValue, string]>([
    ['references', TREE, { v: 1, next: { v: 2, next: null } }, 'holds'],
    ['references', TREE, { v: 1, next: { v: 'x', next: null } }, 'fails'],
    ['enum', { enum: ['a', { b: 1 }] }, { b: 1 }, 'holds'],
    ['enum', { enum: ['a', { b: 1 }] }, { b: 2 }, 'fails'],
    ['const with words of schemas', { const: { format: 'email', pattern: 'x' } }, { format: 'email', pattern: 'x' }, 'holds'],
    [
      'properties with words of schemas',
      { properties: { format: { type: 'number' }, pattern: { type: 'number' } } },
      { format: 'x' },
      'fails',
    ],
    ['properties that every object has', { properties: { a: {} }, additionalProperties: false }, { toString: 1 }, 'fails'],
    ['format is a remark', { format: 'email' }, 'nobody', 'holds'],
    ['pattern', { pattern: '^\\d{4}-\\d{2}$' }, '2024-01', 'holds'],
    ['pattern', { pattern: '^\\d{4}-\\d{2}$' }, 'soon', 'fails'],
    ['no rules', true, 1, 'holds'],
    ['draft 4', { $schema: 'http://json-schema.org/draft-04/schema#', minimum: 1, exclusiveMinimum: true }, 1, 'fails'],
    ['elsewhere', { $ref: 'https://elsewhere.test/schema.json' }, 1, 'unknown'],
    ['no schema', [], 1, 'unknown'],
    ['a word of another language', { type: 'object', propertyOrdering: ['a'] }, {}, 'holds'],
  ])('%s', (_, schema, value, want) => {
    expect(check(schema, value)).toBe(want)
  })

  it('of a thousand rows is checked whole', () => {
    const rows = Array.from({ length: 1000 }, (_, i) => ({ name: `n${i}`, age: i }))
    expect(check({ type: 'array', items: JSON.parse(PERSON) }, rows)).toBe('holds')
    expect(check({ type: 'array', items: JSON.parse(PERSON) }, [...rows, { name: 'x', age: -1 }])).toBe('fails')
  })

  const doubled = Object.fromEntries(
    Array.from({ length: 40 }, (_, i) => [`a${i}`, { allOf: [{ $ref: `#/$defs/a${i + 1}` }, { $ref: `#/$defs/a${i + 1}` }] }]),
  )
  const deep = (n: number): JsonValue => (n === 0 ? 1 : { a: deep(n - 1) })
  it.each<[string, unknown, JsonValue]>([
    ['doubles itself', { $ref: '#/$defs/a0', $defs: { ...doubled, a40: {} } }, {}],
    ['doubles itself with each level of the answer', { properties: { a: { allOf: [{ $ref: '#' }, { $ref: '#' }] } } }, deep(60)],
    ['leads to itself', { $ref: '#' }, 1],
    ['compares all with all', { uniqueItems: true }, Array.from({ length: 20_000 }, (_, i) => i)],
    ['backtracks by repetition', { pattern: '(a+)+$' }, `${'a'.repeat(60)}b`],
    ['backtracks by options', { pattern: `^${'a?'.repeat(60)}${'a'.repeat(60)}b` }, 'a'.repeat(60)],
    ['backtracks by alternatives', { pattern: `^${'(a|a)'.repeat(60)}b` }, 'a'.repeat(60)],
    ['backtracks in names', { patternProperties: { '(a+)+$': {} } }, { [`${'a'.repeat(60)}b`]: 1 }],
    ['backtracks under a name that looks like data', { properties: { const: { pattern: '(a+)+$' } } }, { const: `${'a'.repeat(60)}b` }],
    [
      'has many words',
      { items: { anyOf: [{ enum: Array.from({ length: 8000 }, (_, i) => `w${i}`) }, {}] } },
      Array.from({ length: 5000 }, () => 'no'),
    ],
    ['is nested too deep', JSON.parse(`${'{"not":'.repeat(100)}{}${'}'.repeat(100)}`), 1],
    ['is too large', { enum: ['x'.repeat(70_000)] }, 'y'],
  ])('that %s is left alone', (_, schema, value) => {
    const began = performance.now()
    expect(check(schema, value)).toBe('unknown')
    expect(performance.now() - began).toBeLessThan(2000)
  })
})

describe('the cost of a pattern', () => {
  it.each([
    ['^abc$', 100],
    ['^[a-z]+$', 100],
    ['^\\d{4}-\\d{2}-\\d{2}$', 100],
    ['^(foo|bar|baz)$', 100],
    ['^(?:\\+\\d{1,3} )?\\d+$', 40],
  ])('of %s is small', (pattern, length) => {
    expect(patternSteps(pattern, length)).toBeLessThan(100_000)
  })

  it.each(['(a*)*', '(a|b)+', '(a?){5}', '((a+)b)*', '(a)\\1', 'a{9999}{9999}'])('of %s has no bound', (pattern) => {
    expect(patternSteps(pattern, 10)).toBe(Number.POSITIVE_INFINITY)
  })

  it('is never below the steps of a search that backtracks', () => {
    // a?ⁿaⁿ against aⁿ⁻¹ fails after all 2ⁿ ways; a*a*…b against aᵐ after about mᵏ ÷ k!.
    expect(patternSteps(`^${'a?'.repeat(12)}`, 12)).toBeGreaterThanOrEqual(2 ** 12)
    expect(patternSteps('^a*a*a*b', 50)).toBeGreaterThanOrEqual(50 ** 3 / 6)
  })
})
