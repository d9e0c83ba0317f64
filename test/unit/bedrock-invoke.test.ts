// Claude on Bedrock for a client of Claude's own language: forwarded by InvokeModel, its events unwrapped; everybody else goes by Converse.

import { EventStreamCodec } from '@smithy/core/event-streams'
import { describe, expect, it } from 'vitest'
import { AwsWrappedEventsReader } from '../../src/core/aws-wrapped-events.ts'
import { GatewayError } from '../../src/core/errors.ts'
import { anthropicMessagesClient } from '../../src/dialects/anthropic-messages/client.ts'
import { openaiChatClient } from '../../src/dialects/openai-chat/client.ts'
import { bedrock } from '../../src/providers/bedrock.ts'
import { fakeGateway } from '../support/fake-gateway.ts'

const MODEL = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'
const encoder = new TextEncoder()
const codec = new EventStreamCodec(
  (bytes) => new TextDecoder().decode(bytes as Uint8Array),
  (text) => encoder.encode(text),
)
const message = (headers: { readonly [name: string]: string }, body: string): Uint8Array =>
  codec.encode({
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, { type: 'string', value } as const])),
    body: encoder.encode(body),
  })
const chunk = (event: string): Uint8Array =>
  message(
    { ':event-type': 'chunk', ':content-type': 'application/json', ':message-type': 'event' },
    JSON.stringify({ bytes: Buffer.from(event).toString('base64'), p: 'abcdef' }),
  )
const exception = (name: string, words: string): Uint8Array =>
  message({ ':message-type': 'exception', ':exception-type': name }, JSON.stringify({ message: words }))
const joined = (parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => Uint8Array.from(parts.flatMap((part) => [...part]))

/** Spelled as nobody's printer would: what comes out must be the same text. */
const EVENTS = [
  '{"type":"message_start","message":{"id":"msg_bdrk_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[],"stop_reason":null,"usage":{"input_tokens":26,"cache_read_input_tokens":1000,"output_tokens":1}}}',
  '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
  '{"type":"content_block_delta","index":0, "delta":{"type":"text_delta","text":"Grüße \\u00e4 1.0 🎉"}}',
  '{"type":"content_block_stop","index":0}',
  '{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":7}}',
  '{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":26}}',
]
const STREAM = joined(EVENTS.map(chunk))
const asSse = (events: readonly string[]): string =>
  events.map((event) => `event: ${(JSON.parse(event) as { type: string }).type}\ndata: ${event}\n\n`).join('')

/** The bytes in two pieces, so that a message is cut and the rest comes later. */
function twoPieces(bytes: Uint8Array, at: number): ReadableStream<Uint8Array> {
  const pieces = [bytes.slice(0, at), bytes.slice(at)].filter((piece) => piece.length > 0)
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      const next = pieces.shift()
      if (next === undefined) controller.close()
      else controller.enqueue(next)
    },
  })
}
const streamed = (bytes: Uint8Array, at: number): Response =>
  new Response(twoPieces(bytes, at), { headers: { 'content-type': 'application/vnd.amazon.eventstream' } })

const SETTINGS = {
  secrets: { BEDROCK_API_KEY: 'the-key' },
  baseUrl: 'https://bedrock-runtime.us-east-1.amazonaws.com',
  region: 'us-east-1',
}
const REQUEST = {
  model: `bedrock/${MODEL}`,
  max_tokens: 100,
  system: [{ type: 'text', text: 'long', cache_control: { type: 'ephemeral' } }],
  messages: [{ role: 'user', content: 'hi' }],
}

describe('events inside an AWS event stream', () => {
  it('are the same wherever the bytes are cut', () => {
    const whole = new AwsWrappedEventsReader().push(STREAM)
    expect(whole.map((frame) => frame.data)).toEqual(EVENTS)
    for (let at = 0; at <= STREAM.length; at += 7) {
      const reader = new AwsWrappedEventsReader()
      expect([...reader.push(STREAM.subarray(0, at)), ...reader.push(STREAM.subarray(at)), ...reader.end()]).toEqual(whole)
    }
  })

  it('turn AWS’s exceptions into errors of the language', () => {
    const frames = new AwsWrappedEventsReader().push(
      joined([exception('throttlingException', 'slow down'), exception('modelStreamErrorException', 'broke')]),
    )
    expect(frames).toEqual([
      { event: 'error', data: '{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}' },
      { event: 'error', data: '{"type":"error","error":{"type":"api_error","message":"broke"}}' },
    ])
  })

  it('refuse a chunk that is no event', () => {
    for (const body of ['', '{}', '{"bytes":3}', '{"bytes":"***"}', '{"bytes":"e30="}', '{"bytes":"bm8="}', '[]']) {
      const bad = message({ ':event-type': 'chunk', ':message-type': 'event' }, body)
      expect(() => new AwsWrappedEventsReader().push(bad), body).toThrow(GatewayError)
    }
  })
})

describe('an Anthropic client at a Claude on Bedrock', () => {
  it('is forwarded: the body but for model and stream, with the version in it', async () => {
    const answer =
      '{"id":"msg_1","type":"message","role":"assistant","content":[],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":2}}'
    const gateway = fakeGateway(bedrock, SETTINGS, () => new Response(answer, { headers: { 'content-type': 'application/json' } }))
    const response = await gateway.ask(anthropicMessagesClient, '/v1/messages', REQUEST, {
      'anthropic-version': '2023-06-01',
      'anthropic-beta': 'context-1m-2025-08-07, oauth-2025-04-20',
    })
    expect(await response.text()).toBe(answer)
    expect(response.headers.get('x-sluice-dropped')).toBe('anthropic-beta.oauth-2025-04-20')
    const [left] = gateway.left
    expect(left?.url).toBe(`${SETTINGS.baseUrl}/model/${encodeURIComponent(MODEL)}/invoke`)
    const { model: _, ...rest } = REQUEST
    expect(left?.text).toBe(
      `${JSON.stringify(rest).slice(0, -1)},"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["context-1m-2025-08-07"]}`,
    )
    expect(left?.headers.get('authorization')).toBe('Bearer the-key')
    for (const name of ['anthropic-version', 'anthropic-beta', 'x-api-key']) expect(left?.headers.has(name), name).toBe(false)
  })

  it('gets its stream as events, the texts untouched, and is booked', async () => {
    for (const at of [0, 5, 700, STREAM.length - 3]) {
      const gateway = fakeGateway(bedrock, SETTINGS, () => streamed(STREAM, at))
      const response = await gateway.ask(anthropicMessagesClient, '/v1/messages', { ...REQUEST, stream: true })
      expect(response.headers.get('content-type')).toContain('text/event-stream')
      expect(await response.text()).toBe(asSse(EVENTS))
      const [left] = gateway.left
      expect(left?.url.endsWith('/invoke-with-response-stream')).toBe(true)
      expect(left?.text).not.toContain('"stream"')
      await new Promise((resolve) => setTimeout(resolve, 5))
      expect(gateway.settled[0]?.row).toMatchObject({
        ended: 'complete',
        finish: 'end_turn',
        usage: { input: 26, cacheRead: 1000, output: 7 },
      })
    }
  })

  it('is told when the stream stops before its end, garbled or by an exception', async () => {
    const begun = EVENTS.slice(0, 3)
    const spoilt = chunk(EVENTS[3] ?? '')
    spoilt[spoilt.length - 1] = (spoilt.at(-1) ?? 0) ^ 1
    for (const [rest, type] of [
      [[], 'api_error'],
      [[spoilt], 'api_error'],
      [[exception('throttlingException', 'slow down')], 'rate_limit_error'],
    ] as const) {
      const head = joined(begun.map(chunk))
      const gateway = fakeGateway(bedrock, SETTINGS, () => streamed(joined([head, ...rest]), head.length))
      const text = await (await gateway.ask(anthropicMessagesClient, '/v1/messages', { ...REQUEST, stream: true })).text()
      expect(text.startsWith(asSse(begun))).toBe(true)
      const tail = text.slice(asSse(begun).length)
      expect(tail.match(/event: error\n/g)).toHaveLength(1)
      expect(tail).toContain(`"type":"${type}"`)
    }
  })

  it('gets AWS’s refusals in its own language', async () => {
    const gateway = fakeGateway(bedrock, SETTINGS, () => Response.json({ message: 'max_tokens: too large' }, { status: 400 }))
    const response = await gateway.ask(anthropicMessagesClient, '/v1/messages', REQUEST)
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { type: 'error', error: { type: 'invalid_request_error', message: 'max_tokens: too large' } },
    ])
  })
})

describe('others', () => {
  it('go by Converse: clients of another language, and models that are not Claude by their name', async () => {
    const answer = () => Response.json({ output: { message: { role: 'assistant', content: [{ text: 'hi' }] } }, stopReason: 'end_turn', usage: { inputTokens: 1, outputTokens: 1 } }) // prettier-ignore
    const chat = fakeGateway(bedrock, SETTINGS, answer)
    await chat.ask(openaiChatClient, '/v1/chat/completions', { model: REQUEST.model, messages: REQUEST.messages })
    expect(chat.left[0]?.url.endsWith('/converse')).toBe(true)
    for (const model of [
      'amazon.nova-lite-v1:0',
      'anthropic.claude-v2',
      'anthropic.claude-instant-v1',
      'arn:aws:bedrock:us-east-1:1:application-inference-profile/x',
    ]) {
      const gateway = fakeGateway(bedrock, SETTINGS, answer)
      const response = await gateway.ask(anthropicMessagesClient, '/v1/messages', { ...REQUEST, model: `bedrock/${model}` })
      expect([response.status, gateway.left[0]?.url.endsWith('/converse')], model).toEqual([200, true])
    }
  })
})
