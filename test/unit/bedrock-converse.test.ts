// What Converse says in its own way: blocks, cache points, what each model family takes, and streams with exceptions in them.

import { describe, expect, it } from 'vitest'
import type { ChatRequest } from '../../src/core/canonical.ts'
import { collect } from '../../src/core/collect.ts'
import { bedrockConverseUpstream } from '../../src/dialects/bedrock-converse/upstream.ts'
import { intentFor } from '../contracts/dialect-play.ts'

const CLAUDE = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'
const REQUEST: ChatRequest = {
  turns: [{ role: 'user', parts: [{ kind: 'text', text: 'hi' }] }],
  tools: [],
  sampling: {},
  extras: { dialect: 'anthropic-messages', fields: {} },
}

function write(request: Partial<ChatRequest>, model = CLAUDE) {
  const orders = { model, maxOutputTokens: null, habits: { issuer: 'anthropic' } }
  const { text, ...reports } = bedrockConverseUpstream.write({ ...REQUEST, ...request }, intentFor(false), orders)
  return { text, body: JSON.parse(text) as { readonly [name: string]: unknown }, ...reports }
}

describe('a Converse request', () => {
  it('puts cache points behind what is marked, where the family has a cache', () => {
    const marked: Partial<ChatRequest> = {
      turns: [
        { role: 'system', parts: [{ kind: 'text', text: 'rules', cache: { ttl: '1h' } }] },
        { role: 'user', parts: [{ kind: 'text', text: 'hi', cache: { ttl: '5m' } }] },
      ],
    }
    expect(write(marked).body).toMatchObject({
      system: [{ text: 'rules' }, { cachePoint: { type: 'default', ttl: '1h' } }],
      messages: [{ role: 'user', content: [{ text: 'hi' }, { cachePoint: { type: 'default' } }] }],
    })
    expect(write(marked, 'meta.llama3-8b-instruct-v1:0')).toMatchObject({ dropped: ['cache'] })
  })

  it('gives Claude its own thoughts back, with text, withheld and redacted, and nobody else', () => {
    const turns: ChatRequest['turns'] = [
      ...REQUEST.turns,
      {
        role: 'assistant',
        parts: [
          { kind: 'reasoning', text: 'hm', seal: { issuer: 'anthropic', value: 'c2ln' } },
          { kind: 'reasoning', text: '', seal: { issuer: 'anthropic', value: 'signature:c2ln' } },
          { kind: 'reasoning', text: '', seal: { issuer: 'anthropic', value: 'data' } },
          { kind: 'text', text: 'yes' },
        ],
      },
    ]
    const [, answer] = write({ turns }).body['messages'] as { content: unknown[] }[]
    expect(answer?.content).toEqual([
      { reasoningContent: { reasoningText: { text: 'hm', signature: 'c2ln' } } },
      { reasoningContent: { reasoningText: { text: '', signature: 'c2ln' } } },
      { reasoningContent: { redactedContent: 'ZGF0YQ==' } },
      { text: 'yes' },
    ])
    const other = write({ turns }, 'amazon.nova-lite-v1:0')
    expect(other.text).not.toContain('c2ln')
    expect(other.dropped).toEqual(['messages[1].reasoning.signature'])
  })

  it('keeps schemas and arguments as the text they were', () => {
    const { text, body } = write({
      turns: [
        ...REQUEST.turns,
        { role: 'assistant', parts: [{ kind: 'tool-call', id: 'a.b', name: 'f', arguments: '{"10":1.0,"9":12345678901234567890}' }] },
        { role: 'tool', parts: [{ kind: 'tool-result', callId: 'a.b', content: [{ kind: 'text', text: 'no' }], isError: true }] },
      ],
      tools: [{ kind: 'function', name: 'f', schema: '{"type":"object","10":1.0}' }],
      replyFormat: { kind: 'schema', name: 'x', schema: '{"type":"object" ,"9":1.0}', strict: true },
    })
    expect(text).toContain('"input":{"10":1.0,"9":12345678901234567890}')
    expect(text).toContain('"json":{"type":"object","10":1.0}')
    expect(body).toMatchObject({
      messages: [
        {},
        { content: [{ toolUse: { toolUseId: 'a_b' } }] },
        { role: 'user', content: [{ toolResult: { toolUseId: 'a_b', status: 'error' } }] },
      ],
      outputConfig: { textFormat: { structure: { jsonSchema: { schema: '{"type":"object" ,"9":1.0}' } } } },
    })
  })

  it('defines tools that were called before when none are given', () => {
    const turns: ChatRequest['turns'] = [
      ...REQUEST.turns,
      { role: 'assistant', parts: [{ kind: 'tool-call', id: '1', name: 'f', arguments: '' }] },
    ]
    expect(write({ turns }).body['toolConfig']).toMatchObject({ tools: [{ toolSpec: { name: 'f' } }] })
  })

  it('says to each family what it takes', () => {
    const asked: Partial<ChatRequest> = { reasoning: { effort: 'high' }, sampling: { topK: 5, maxOutputTokens: 4096 } }
    expect(write({ ...asked, sampling: { maxOutputTokens: 4096 } }).body).toMatchObject({
      inferenceConfig: { maxTokens: 4096 },
      additionalModelRequestFields: { thinking: { type: 'enabled', budget_tokens: 3276 } },
    })
    expect(write(asked, 'openai.gpt-oss-120b-1:0')).toMatchObject({
      body: { additionalModelRequestFields: { reasoning_effort: 'high' } },
      dropped: ['topK'],
    })
    expect(write(asked, 'amazon.nova-lite-v1:0')).toMatchObject({
      body: { additionalModelRequestFields: { inferenceConfig: { topK: 5 } } },
      dropped: ['reasoning'],
    })
  })

  it('names pictures that must be fetched, and puts a text beside a lonely document', () => {
    const url = { kind: 'media', mediaType: 'image/*', source: { at: 'url', url: 'https://a.example/x.png' } } as const
    const file = { kind: 'media', mediaType: 'application/pdf', source: { at: 'inline', base64: 'AAAA' } } as const
    const { body, dropped } = write({ turns: [{ role: 'user', parts: [url, file], at: 'messages[0]' }] })
    expect(dropped).toEqual(['messages[0].image_url'])
    expect(body['messages']).toEqual([
      {
        role: 'user',
        content: [{ document: { format: 'pdf', name: 'document-1', source: { bytes: 'AAAA' } } }, { text: 'See the attached document.' }],
      },
    ])
  })
})

describe('a Converse reply', () => {
  const play = (...frames: readonly (readonly [event: string, body: unknown])[]) => {
    const reader = bedrockConverseUpstream.reader()
    return [...frames.flatMap(([event, body]) => [...reader.read({ event, data: JSON.stringify(body) })]), ...reader.end()]
  }
  const usage = {
    inputTokens: 3,
    outputTokens: 5,
    cacheReadInputTokens: 7,
    cacheWriteInputTokens: 11,
    cacheDetails: [{ inputTokens: 4, ttl: '1h' }],
  }

  it('tells written cache tokens apart by their life, and finishes with the last event', () => {
    const events = play(
      ['messageStart', { role: 'assistant' }],
      ['contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'hi' } }],
      ['messageStop', { stopReason: 'end_turn' }],
      ['metadata', { usage }],
    )
    expect(collect(events)).toMatchObject({
      parts: [{ kind: 'text', text: 'hi' }],
      usage: { input: 3, output: 5, cacheRead: 7, cacheWrite5m: 7, cacheWrite1h: 4 },
      finish: { reason: 'stop', native: 'end_turn' },
    })
  })

  it('is finished without its last event, but not without a stop', () => {
    expect(play(['messageStop', { stopReason: 'max_tokens' }]).at(-1)).toEqual({ kind: 'finish', reason: 'length', native: 'max_tokens' })
    expect(play(['messageStart', {}]).at(-1)).toMatchObject({ kind: 'error', code: 'upstream-cut' })
  })

  it.each([
    ['throttlingException', 'upstream-limited'],
    ['serviceUnavailableException', 'upstream-overloaded'],
    ['internalServerException', 'upstream-failed'],
    ['modelStreamErrorException', 'upstream-failed'],
    ['validationException', 'upstream-refused'],
  ])('ends in an error for a %s', (event, code) => {
    const events = play(
      ['messageStart', {}],
      ['contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'h' } }],
      [event, { message: 'why' }],
    )
    expect(events.slice(-2)).toEqual([
      { kind: 'block-end', index: 0 },
      { kind: 'error', code, message: 'why' },
    ])
  })
})
