// Who takes part in the conversations of the seals suite: places that think, sign and call, and clients that keep their history.

import type { JsonObject, JsonValue } from '../../src/core/canonical.ts'

export const list = (value: JsonValue | undefined): readonly JsonValue[] => (Array.isArray(value) ? value : [])
export const text = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : '')

/** What stands there; `undefined`: nothing. `length` is that of a list. */
export function at(value: JsonValue | undefined, ...path: readonly (string | number)[]): JsonValue | undefined {
  return path.reduce<JsonValue | undefined>(
    (inner, step) =>
      typeof inner === 'object' && inner !== null ? (inner as { readonly [step: string | number]: JsonValue })[step] : undefined,
    value,
  )
}

export type Place = {
  readonly upstream: string
  readonly issuer: string
  readonly model: string
  readonly seal: string
  /** An answer that thinks, signs and calls. */
  answer(n: number): object
}

export const PLACES: readonly Place[] = [
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
export type Client = {
  readonly id: string
  readonly path: string
  start(): JsonObject
  /** The request that follows an answer: all that was said, and the results of its calls. */
  next(request: JsonObject, answer: JsonObject): JsonObject
}

const SCHEMA = { type: 'object', properties: { at: { type: 'integer' } } }

export const CLIENTS: readonly Client[] = [
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
        ...list(answer['output']),
        ...list(answer['output']).flatMap((item) =>
          at(item, 'type') === 'function_call'
            ? [{ type: 'function_call_output', call_id: text(at(item, 'call_id')), output: 'seen' }]
            : [],
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
        { role: 'assistant', content: list(answer['content']) },
        {
          role: 'user',
          content: list(answer['content']).flatMap((block) =>
            at(block, 'type') === 'tool_use' ? [{ type: 'tool_result', tool_use_id: text(at(block, 'id')), content: 'seen' }] : [],
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
      const content = at(answer, 'candidates', 0, 'content') ?? null
      const results = list(at(content, 'parts')).flatMap((part) => {
        const call = at(part, 'functionCall')
        const id = at(call, 'id')
        const named = { ...(id === undefined ? {} : { id }), name: text(at(call, 'name')) }
        return call === undefined ? [] : [{ functionResponse: { ...named, response: { result: 'seen' } } }]
      })
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
      const message = at(answer, 'choices', 0, 'message') ?? null
      const results = list(at(message, 'tool_calls')).map((call) => ({ role: 'tool', tool_call_id: text(at(call, 'id')), content: 'seen' }))
      return { ...request, messages: [...list(request['messages']), message, ...results] }
    },
  },
]
