// A conversation with tools and signed reasoning that is led at one place, goes on at another and comes back: nothing that a place
// would refuse reaches it, and signatures only go home. Every client language that carries reasoning, every pair of places.

import { describe, expect, it } from 'vitest'
import { Body } from '../../src/core/body.ts'
import type { JsonObject, JsonValue } from '../../src/core/canonical.ts'
import type { ClientDialect, UpstreamDialect } from '../../src/dialects/contract.ts'
import { CLIENT_DIALECTS, upstreamDialect } from '../../src/dialects/index.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

type Json = { readonly [name: string]: any } // eslint-disable-line -- bodies of four languages, looked into by the checks below

type Place = {
  readonly upstream: string
  readonly issuer: string
  readonly model: string
  readonly seal: string
  /** An answer that thinks, signs and calls. */
  answer(n: number): object
}

const PLACES: readonly Place[] = [
  {
    upstream: 'openai-responses',
    issuer: 'openai',
    model: 'gpt-5',
    seal: 'ENC-OF-OPENAI',
    answer: (n) => ({
      id: `resp_${n}`,
      object: 'response',
      status: 'completed',
      model: 'gpt-5',
      output: [
        {
          type: 'reasoning',
          id: `rs_a${n}`,
          summary: [{ type: 'summary_text', text: `openai thought ${n}` }],
          encrypted_content: `ENC-OF-OPENAI-${n}`,
        },
        { type: 'function_call', id: `fc_${n}`, call_id: `call_${n}`, name: 'look', arguments: '{"at":1}', status: 'completed' },
      ],
      usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 },
    }),
  },
  {
    upstream: 'anthropic-messages',
    issuer: 'anthropic',
    model: 'claude-sonnet-4-5',
    seal: 'SIG-OF-ANTHROPIC',
    answer: (n) => ({
      id: `msg_${n}`,
      type: 'message',
      role: 'assistant',
      model: 'claude-sonnet-4-5',
      content: [
        { type: 'thinking', thinking: `claude thought ${n}`, signature: `SIG-OF-ANTHROPIC-${n}` },
        { type: 'tool_use', id: `toolu_${n}`, name: 'look', input: { at: 1 } },
      ],
      stop_reason: 'tool_use',
      usage: { input_tokens: 1, output_tokens: 1 },
    }),
  },
  {
    upstream: 'gemini',
    issuer: 'google',
    model: 'gemini-3-pro',
    seal: 'SIG-OF-GOOGLE',
    answer: (n) => ({
      candidates: [
        {
          content: {
            role: 'model',
            parts: [
              { text: `gemini thought ${n}`, thought: true },
              { functionCall: { name: 'look', args: { at: 1 } }, thoughtSignature: `SIG-OF-GOOGLE-${n}` },
            ],
          },
          finishReason: 'STOP',
          index: 0,
        },
      ],
      modelVersion: 'gemini-3-pro',
      responseId: `r${n}`,
      usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 },
    }),
  },
  {
    upstream: 'bedrock-converse',
    issuer: 'anthropic',
    model: 'us.anthropic.claude-sonnet-4-5-20250929-v1:0',
    seal: 'SIG-BY-BEDROCK',
    answer: (n) => ({
      output: {
        message: {
          role: 'assistant',
          content: [
            { reasoningContent: { reasoningText: { text: `bedrock thought ${n}`, signature: `SIG-BY-BEDROCK-${n}` } } },
            { toolUse: { toolUseId: `tooluse_${n}`, name: 'look', input: { at: 1 } } },
          ],
        },
      },
      stopReason: 'tool_use',
      usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 },
    }),
  },
]

/** How a client of each language keeps its history. */
type Client = {
  readonly id: string
  readonly path: string
  start(): JsonObject
  /** The request that follows an answer: all that was said, and the results of its calls. */
  next(request: JsonObject, answer: Json): JsonObject
}

const list = (value: JsonValue | undefined): readonly JsonValue[] => (Array.isArray(value) ? value : [])
const SCHEMA = { type: 'object', properties: { at: { type: 'integer' } } }

const CLIENTS: readonly Client[] = [
  {
    id: 'openai-responses',
    path: '/v1/responses',
    start: () => ({
      model: 'm',
      input: [{ role: 'user', content: 'Look.' }],
      store: false,
      reasoning: { effort: 'high' },
      tools: [{ type: 'function', name: 'look', parameters: SCHEMA, strict: false }],
    }),
    next: (request, answer) => ({
      ...request,
      input: [
        ...list(request['input']),
        ...answer['output'],
        ...answer['output'].flatMap((item: Json) =>
          item['type'] === 'function_call' ? [{ type: 'function_call_output', call_id: item['call_id'], output: 'seen' }] : [],
        ),
      ],
    }),
  },
  {
    id: 'anthropic-messages',
    path: '/v1/messages',
    start: () => ({
      model: 'm',
      max_tokens: 8000,
      thinking: { type: 'enabled', budget_tokens: 2000 },
      messages: [{ role: 'user', content: 'Look.' }],
      tools: [{ name: 'look', input_schema: SCHEMA }],
    }),
    next: (request, answer) => ({
      ...request,
      messages: [
        ...list(request['messages']),
        { role: 'assistant', content: answer['content'] },
        {
          role: 'user',
          content: answer['content'].flatMap((block: Json) =>
            block['type'] === 'tool_use' ? [{ type: 'tool_result', tool_use_id: block['id'], content: 'seen' }] : [],
          ),
        },
      ],
    }),
  },
  {
    id: 'gemini',
    path: '/v1beta/models/p/m:generateContent',
    start: () => ({
      contents: [{ role: 'user', parts: [{ text: 'Look.' }] }],
      generationConfig: { thinkingConfig: { thinkingLevel: 'high', includeThoughts: true } },
      tools: [{ functionDeclarations: [{ name: 'look', parametersJsonSchema: SCHEMA }] }],
    }),
    next: (request, answer) => {
      const { content } = answer['candidates'][0]
      const results = content['parts'].flatMap((part: Json) =>
        part['functionCall'] === undefined
          ? []
          : [{ functionResponse: { id: part['functionCall']['id'], name: part['functionCall']['name'], response: { result: 'seen' } } }],
      )
      return { ...request, contents: [...list(request['contents']), content, { role: 'user', parts: results }] }
    },
  },
  {
    id: 'openrouter',
    path: '/api/v1/chat/completions',
    start: () => ({
      model: 'm',
      messages: [{ role: 'user', content: 'Look.' }],
      max_tokens: 8000,
      reasoning: { effort: 'high' },
      tools: [{ type: 'function', function: { name: 'look', parameters: SCHEMA } }],
    }),
    next: (request, answer) => {
      const { message } = answer['choices'][0]
      const results = (message['tool_calls'] ?? []).map((call: Json) => ({ role: 'tool', tool_call_id: call['id'], content: 'seen' }))
      return { ...request, messages: [...list(request['messages']), message, ...results] }
    },
  },
]

const served = { requestId: 'gen-1', provider: { id: 'p', name: 'P' }, model: 'm', costNanoUsd: () => null }

function dialectOf(id: string): ClientDialect {
  const found = CLIENT_DIALECTS.find((one) => one.id === id)
  if (found === undefined) throw new Error(id)
  return found
}

/** What reaches the place. */
function sent(client: Client, place: Place, request: JsonObject): Json {
  const dialect = dialectOf(client.id)
  const upstream: UpstreamDialect = upstreamDialect(place.upstream)
  const body = new Body(encoder.encode(JSON.stringify(request)))
  const intent = dialect.intent({ path: client.path, query: new URLSearchParams(), headers: new Headers(), body, nowSeconds: 0 })
  const orders = { model: place.model, maxOutputTokens: null, habits: { issuer: place.issuer } }
  if (client.id !== place.upstream) return JSON.parse(upstream.write(dialect.read(body), intent, orders).text) as Json
  const foreign = upstream.withoutForeignSeals?.(body, orders)
  const edits = [...upstream.edits(intent, orders, (path) => body.member(path)), ...(foreign?.edits ?? [])]
  return JSON.parse(decoder.decode(Buffer.concat(body.spliced(edits)))) as Json
}

/** What the client gets: the place's own bytes in its own language. */
function told(client: Client, place: Place, n: number, request: JsonObject): Json {
  const text = JSON.stringify(place.answer(n))
  if (client.id === place.upstream) return JSON.parse(text) as Json
  const dialect = dialectOf(client.id)
  const body = new Body(encoder.encode(JSON.stringify(request)))
  const intent = dialect.intent({ path: client.path, query: new URLSearchParams(), headers: new Headers(), body, nowSeconds: 0 })
  return JSON.parse(dialect.write(upstreamDialect(place.upstream).read(text), intent, served)) as Json
}

/** What a place refuses, by its own rules. */
const REFUSED: { readonly [upstream: string]: (body: Json) => readonly string[] } = {
  'openai-responses': ({ input }) =>
    input.flatMap((item: Json, i: number) => {
      if (item['type'] !== 'reasoning') return []
      // Nothing is kept at the provider: an item must bring its own seal, under its own id.
      const isOwn = /^ENC-OF-OPENAI-\d+$/.test(item['encrypted_content'] ?? '') && /^rs_a\d+$/.test(item['id'] ?? 'rs_a0')
      return isOwn ? [] : [`input[${i}] is no reasoning of OpenAI's: ${JSON.stringify(item)}`]
    }),
  'anthropic-messages': ({ messages, thinking }) => [
    ...messages.flatMap((message: Json, i: number) =>
      message['role'] === 'assistant' && Array.isArray(message['content'])
        ? message['content'].flatMap((block: Json) =>
            block['type'] === 'thinking' && !/^SIG-(OF-ANTHROPIC|BY-BEDROCK)-\d+$/.test(block['signature'])
              ? [`messages[${i}]: ${JSON.stringify(block)}`]
              : [],
          )
        : [],
    ),
    ...messages.flatMap((message: Json, i: number) => (message['content'].length === 0 ? [`messages[${i}] is empty`] : [])),
    ...(thinking?.type === 'enabled' &&
    messages.findLast((message: Json) => message['role'] === 'assistant')?.content[0].type !== 'thinking' &&
    messages.length > 1
      ? ['thinking with a call that has none before it']
      : []),
  ],
  gemini: ({ contents }) => [
    ...contents.flatMap(({ parts }: Json) =>
      parts.flatMap((part: Json) => {
        const signature = part['thoughtSignature']
        const isOwn = signature === undefined || signature === 'skip_thought_signature_validator' || /^SIG-OF-GOOGLE-\d+$/.test(signature)
        return isOwn ? [] : [JSON.stringify(part)]
      }),
    ),
    ...contents.flatMap(({ role, parts }: Json, i: number) => {
      const call = role === 'model' ? parts.find((part: Json) => part['functionCall'] !== undefined) : undefined
      return call !== undefined && call['thoughtSignature'] === undefined ? [`contents[${i}]: the first call is not signed`] : []
    }),
  ],
  'bedrock-converse': ({ messages }) =>
    messages.flatMap(({ content }: Json) =>
      content.flatMap((block: Json) => {
        const signature = block['reasoningContent']?.['reasoningText']?.['signature']
        return signature === undefined || /^SIG-(OF-ANTHROPIC|BY-BEDROCK)-\d+$/.test(signature) ? [] : [JSON.stringify(block)]
      }),
    ),
}

const pairs = CLIENTS.flatMap((client) => PLACES.flatMap((first) => PLACES.map((second) => ({ client, first, second }))))

describe('a conversation with tools and signed reasoning', () => {
  it.each(pairs.map((pair) => ({ ...pair, name: `${pair.client.id}: ${pair.first.upstream}, ${pair.second.upstream}, and back` })))(
    '$name',
    ({ client, first, second }) => {
      const one = client.start()
      const two = client.next(one, told(client, first, 1, one))
      const three = client.next(two, told(client, second, 2, two))
      for (const [place, request] of [
        [first, one],
        [second, two],
        [first, three],
      ] as const) {
        const body = sent(client, place, request)
        expect(REFUSED[place.upstream]?.(body)).toEqual([])
        const text = JSON.stringify(body)
        expect(text).not.toContain('sluice:')
        for (const other of PLACES) if (other.issuer !== place.issuer) expect(text).not.toContain(other.seal)
      }
      // Home again, with all that was said in between.
      const back = JSON.stringify(sent(client, first, three))
      expect(back.match(/seen/g)).toHaveLength(2)
      // Gemini's language has room for Google's signatures alone.
      if (client.id !== 'gemini' || first.issuer === 'google') expect(back).toContain(`${first.seal}-1`)
    },
  )
})

describe('what is taken out of a forwarded conversation', () => {
  it('is named, and its words stay', () => {
    const [client] = CLIENTS
    const anthropic = PLACES.find(({ issuer }) => issuer === 'anthropic')
    if (client === undefined || anthropic === undefined) throw new Error('no such client or place')
    const start = client.start()
    const body = new Body(encoder.encode(JSON.stringify(client.next(start, told(client, anthropic, 1, start)))))
    const orders = { model: 'm', maxOutputTokens: null, habits: { issuer: 'openai' } }
    const foreign = upstreamDialect('openai-responses').withoutForeignSeals?.(body, orders)
    expect(foreign).toMatchObject({ dropped: ['input[1].reasoning.signature'], approximated: ['input[1].reasoning'] })
    expect(foreign?.edits[0]?.json).toContain('claude thought 1')
  })

  it('is an item of ours without a seal too: its id is nobody’s', () => {
    const client = dialectOf('openai-responses')
    const start = CLIENTS[0]?.start() ?? {}
    const body = new Body(encoder.encode(JSON.stringify(start)))
    const intent = client.intent({ path: '/v1/responses', query: new URLSearchParams(), headers: new Headers(), body, nowSeconds: 0 })
    const parts = [
      { kind: 'reasoning', text: 'unsealed thought' },
      { kind: 'text', text: 'Hi' },
    ] as const
    const extras = { dialect: 'x', fields: {} }
    const finish = { reason: 'stop', native: null } as const
    const answer = JSON.parse(client.write({ id: 'r', model: 'm', parts, finish, usage: null, extras }, intent, served)) as Json
    const next = new Body(encoder.encode(JSON.stringify({ ...start, input: answer['output'] })))
    const orders = { model: 'm', maxOutputTokens: null, habits: { issuer: 'openai' } }
    const json = upstreamDialect('openai-responses').withoutForeignSeals?.(next, orders)?.edits[0]?.json ?? ''
    expect(JSON.parse(json)[0]).toEqual({ role: 'assistant', content: '<thinking>\nunsealed thought\n</thinking>\n' })
    expect(JSON.parse(json)[1]).toEqual(answer['output'][1])
  })

  it.each([
    ['openai-responses', { model: 'm', input: [{ type: 'reasoning', id: 'rs_0123', encrypted_content: 'gAAAA', summary: [] }] }],
    [
      'anthropic-messages',
      { model: 'm', messages: [{ role: 'assistant', content: [{ type: 'thinking', thinking: 'x', signature: 'Erq' }] }] },
    ],
    ['openai-responses', { model: 'm', input: 'say "sluice:"' }],
  ])('is nothing in %s where every seal is the place’s own', (id, request) => {
    const orders = { model: 'm', maxOutputTokens: null, habits: { issuer: id === 'openai-responses' ? 'openai' : 'anthropic' } }
    expect(upstreamDialect(id).withoutForeignSeals?.(new Body(encoder.encode(JSON.stringify(request))), orders)).toBeNull()
  })
})
