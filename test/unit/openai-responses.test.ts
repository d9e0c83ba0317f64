// What the contracts cannot see of OpenAI's Responses language: where seals travel, what is refused, and the order of a stream's events.

import { describe, expect, it } from 'vitest'
import type { ChatEvent, ChatRequest, ChatResponse } from '../../src/core/canonical.ts'
import { collect, replay } from '../../src/core/collect.ts'
import { usageOf } from '../../src/core/usage.ts'
import { openaiResponsesClient as client } from '../../src/dialects/openai-responses/client.ts'
import { openaiResponsesUpstream as upstream } from '../../src/dialects/openai-responses/upstream.ts'
import { incoming, intentFor, ordersFor } from '../contracts/dialect-play.ts'
import { SERVED } from '../support/served.ts'

const reply = (parts: ChatResponse['parts'], reason: ChatResponse['finish']['reason'] = 'stop'): ChatResponse => ({
  id: 'chatcmpl-7',
  model: 'm',
  parts,
  finish: { reason, native: null },
  usage: usageOf({ input: 5, cacheRead: 3, output: 2, reasoning: 1 }),
  extras: { dialect: 'x', fields: {} },
})

function read(body: object): ChatRequest {
  return client.read(incoming('/v1/responses', JSON.stringify({ model: 'm', input: 'Hi.', ...body })).body)
}

function eventsOf(response: ChatResponse): readonly { readonly [member: string]: unknown }[] {
  const writer = client.writer(intentFor(true), SERVED)
  return replay(response)
    .flatMap((event) => [...writer.write(event)])
    .map(({ event, data }) => {
      const said = JSON.parse(data) as { readonly [member: string]: unknown }
      expect(event).toBe(said['type'])
      return said
    })
}

describe('seals', () => {
  const parts: ChatResponse['parts'] = [
    { kind: 'reasoning', text: 'Hm.', seal: { issuer: 'anthropic', value: 'sig:1' } },
    { kind: 'reasoning', text: '', seal: { issuer: 'openai', value: 'gAAAA' } },
    { kind: 'tool-call', id: 'call_1', name: 'f', arguments: '{"a":1.0}', seal: { issuer: 'google', value: 'thought' } },
    { kind: 'tool-call', id: 'call_2', name: 'g', arguments: '{}' },
  ]

  it('of every issuer come back with the items a client returns, whole or streamed', () => {
    const whole = JSON.parse(client.write(reply(parts), intentFor(false), SERVED)) as { readonly output: readonly object[] }
    const last = eventsOf(reply(parts)).at(-1)?.['response'] as { readonly output: readonly object[] }
    for (const { output } of [whole, last]) expect(read({ input: [...output] }).turns.flatMap((turn) => turn.parts)).toEqual(parts)
  })

  it('of OpenAI go home with the id of their item, and to nobody else', () => {
    const item = { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'Hm.' }], encrypted_content: 'gAAAA' }
    const request = read({ input: [{ role: 'user', content: 'Hi.' }, item, { role: 'assistant', content: 'Yes.' }] })
    const home = JSON.parse(upstream.write(request, intentFor(false), ordersFor('openai')).text) as { readonly input: readonly unknown[] }
    expect(home.input[1]).toEqual(item)
    const away = upstream.write(request, intentFor(false), ordersFor('xai'))
    expect(away.text).not.toContain('gAAAA')
    expect(away.dropped).toEqual(['input[1].reasoning.signature'])
  })
})

describe('a request', () => {
  it.each([
    { previous_response_id: 'resp_1' },
    { conversation: 'conv_1' },
    { prompt: { id: 'pmpt_1' } },
    { background: true },
    { input: [{ type: 'item_reference', id: 'msg_1' }] },
    { input: [{ type: 'compaction', encrypted_content: 'x' }] },
  ])('that leans on what a provider keeps is refused in translation: %j', (body) => {
    expect(() => read(body)).toThrow(expect.objectContaining({ code: 'request-unsupported' }))
    expect(client.intent(incoming('/v1/responses', JSON.stringify({ model: 'm', input: 'Hi.', ...body }))).model).toBe('m')
  })

  it.each([
    [{ previous_response_id: 'resp_1' }, null],
    [{ tools: [{ type: 'web_search' }] }, null],
    [{ input: [{ role: 'user', content: [{ type: 'input_file', file_url: 'https://a.b/c.pdf' }] }] }, null],
    [{ previous_response_id: null, tools: [{ type: 'function', name: 'f', parameters: {} }] }, 'bytes'],
  ])('%j is bounded by %s', (body, bound) => {
    const { body: sent, ...rest } = incoming('/v1/responses', JSON.stringify({ model: 'm', input: 'Hi.', ...body }))
    expect(client.intent({ ...rest, body: sent }).inputBound).toBe(bound === null ? null : sent.byteLength)
  })

  it('says nothing of defaults, and names every other member that has no place', () => {
    const { extras, cacheKey } = read({
      store: true,
      truncation: 'disabled',
      service_tier: 'auto',
      metadata: {},
      include: ['reasoning.encrypted_content'],
      reasoning: { effort: 'low', summary: 'auto' },
      text: { verbosity: 'low' },
      prompt_cache_key: 'k',
    })
    expect(Object.keys(extras.fields).sort()).toEqual(['store', 'text.verbosity'])
    expect(cacheKey).toBe('k')
  })

  it('reads what the assistant thought, said and called in a row as one turn', () => {
    const { turns } = read({
      instructions: 'Be brief.',
      input: [
        { role: 'user', content: [{ type: 'input_text', text: 'Hi.' }] },
        {
          type: 'message',
          role: 'assistant',
          id: 'msg_1',
          status: 'completed',
          content: [{ type: 'output_text', text: 'Ok.', annotations: [] }],
        },
        { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{"a": 1.0}' },
        { type: 'function_call_output', call_id: 'c1', output: [{ type: 'input_text', text: 'done' }] },
      ],
    })
    expect(turns.map((turn) => [turn.role, turn.parts.map((part) => part.kind)])).toEqual([
      ['system', ['text']],
      ['user', ['text']],
      ['assistant', ['text', 'tool-call']],
      ['tool', ['tool-result']],
    ])
    expect(turns[2]?.parts[1]).toMatchObject({ arguments: '{"a": 1.0}' })
  })

  it('of another language is not strict about tools and keeps nothing at the provider', () => {
    const tool = { kind: 'function', name: 'f', schema: '{"x":1.0}' } as const
    const request: ChatRequest = {
      turns: [{ role: 'user', parts: [{ kind: 'text', text: 'Hi.' }] }],
      tools: [tool],
      reasoning: { effort: 'low' },
      sampling: { seed: 7 },
      extras: { dialect: 'openai-chat', fields: {} },
    }
    const { text, dropped } = upstream.write(request, intentFor(false), ordersFor('openai'))
    expect(text).toContain('"parameters":{"x":1.0}')
    expect(JSON.parse(text)).toMatchObject({ store: false, tools: [{ strict: false }], include: ['reasoning.encrypted_content'] })
    expect(dropped).toEqual(['seed'])
  })
})

describe('a stream', () => {
  it('tells each item from its start to its end, numbered, and all of it once more at the end', () => {
    const response = reply([
      { kind: 'reasoning', text: 'Hm.' },
      { kind: 'text', text: 'Yes.' },
      { kind: 'tool-call', id: 'call_1', name: 'f', arguments: '' },
    ])
    const events = eventsOf(response)
    expect(events.map((event) => event['type'])).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.reasoning_summary_part.added',
      'response.reasoning_summary_text.delta',
      'response.reasoning_summary_text.done',
      'response.reasoning_summary_part.done',
      'response.output_item.done',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.output_item.added',
      'response.function_call_arguments.delta',
      'response.function_call_arguments.done',
      'response.output_item.done',
      'response.completed',
    ])
    expect(events.map((event) => event['sequence_number'])).toEqual(events.map((_, i) => i))
    expect(events.at(-1)?.['response']).toEqual(JSON.parse(client.write(response, intentFor(false), SERVED)))
    expect(events.at(-1)).toMatchObject({
      response: { usage: { input_tokens: 8, input_tokens_details: { cached_tokens: 3 }, output_tokens: 2, total_tokens: 10 } },
    })
  })

  it.each([
    ['length', 'max_output_tokens'],
    ['filtered', 'content_filter'],
  ] as const)('that ends by %s is incomplete by %s', (reason, why) => {
    const last = eventsOf(reply([{ kind: 'text', text: 'Ye' }], reason)).at(-1)
    expect(last).toMatchObject({ type: 'response.incomplete', response: { status: 'incomplete', incomplete_details: { reason: why } } })
    expect(last).toMatchObject({ response: { output: [{ status: 'incomplete' }] } })
  })

  it('of a host that sends only finished items, or only the last event, is read all the same', () => {
    const item = { type: 'message', id: 'msg_1', role: 'assistant', content: [{ type: 'output_text', text: 'Yes.' }] }
    const done = { type: 'response.output_item.done', output_index: 0, item }
    const end = (output: readonly object[]): object => ({
      type: 'response.completed',
      response: { id: 'r', model: 'm', status: 'completed', output },
    })
    for (const events of [[done, end([])], [end([item])], [done, end([item])]]) {
      const reader = upstream.reader()
      const told: ChatEvent[] = events.flatMap((event) => [...reader.read({ data: JSON.stringify(event) })])
      expect(collect([...told, ...reader.end()]).parts).toEqual([{ kind: 'text', text: 'Yes.' }])
    }
  })
})
