// What the bench's upstream answers: one whole answer and one stream of 200 events for each language, shaped as the providers shape
// them. Built once, with HTTP's framing in place, so that serving them costs next to nothing.

export type Language = 'openai-chat' | 'anthropic-messages' | 'gemini'

export const EVENTS = 200

const WORDS =
  ' The gateway carries what it is given and keeps the books of it; a word is about a token, so this is what one event brings.'.match(
    / [^ ]+/g,
  ) ?? []

const ANSWER = Array.from({ length: 90 }, (_, i) => WORDS[i % WORDS.length] ?? '').join('')
const OPENAI_USAGE = {
  prompt_tokens: 182,
  completion_tokens: 197,
  total_tokens: 379,
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
}
const OPENAI_HEAD = {
  id: 'chatcmpl-BenchBenchBenchBenchBenchBench0',
  created: 1_763_700_000,
  model: 'gpt-4o-mini-2024-07-18',
  service_tier: 'default',
  system_fingerprint: 'fp_560af6e559',
}

/** A whole answer as one HTTP response. */
export function wholeAnswer(language: Language): Buffer {
  const body = JSON.stringify(wholeBody(language))
  return Buffer.from(
    `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_bench\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

function wholeBody(language: Language): object {
  switch (language) {
    case 'openai-chat':
      return {
        ...OPENAI_HEAD,
        object: 'chat.completion',
        choices: [
          {
            index: 0,
            message: { role: 'assistant', content: ANSWER, refusal: null, annotations: [] },
            logprobs: null,
            finish_reason: 'stop',
          },
        ],
        usage: OPENAI_USAGE,
      }
    case 'anthropic-messages':
      return {
        id: 'msg_01BenchBenchBenchBenchBench',
        type: 'message',
        role: 'assistant',
        model: 'claude-haiku-4-5-20251001',
        content: [{ type: 'text', text: ANSWER }],
        stop_reason: 'end_turn',
        stop_sequence: null,
        usage: { input_tokens: 182, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 197 },
      }
    case 'gemini':
      return geminiChunk(ANSWER, true)
    default:
      return language satisfies never
  }
}

export type StreamAnswer = { readonly head: Buffer; readonly chunks: readonly Buffer[]; readonly end: Buffer }

/** A stream as its HTTP head, a chunk for each event, and what ends it. */
export function streamAnswer(language: Language, withUsage: boolean): StreamAnswer {
  return {
    head: Buffer.from(
      'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nx-request-id: req_bench\r\ntransfer-encoding: chunked\r\n\r\n',
    ),
    chunks: eventTexts(language, withUsage).map((text) => Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`)),
    end: Buffer.from('0\r\n\r\n'),
  }
}

function eventTexts(language: Language, withUsage: boolean): readonly string[] {
  switch (language) {
    case 'openai-chat':
      return openaiEvents(withUsage)
    case 'anthropic-messages':
      return anthropicEvents()
    case 'gemini':
      return Array.from({ length: EVENTS }, (_, i) => `data: ${JSON.stringify(geminiChunk(word(i), i === EVENTS - 1))}\r\n\r\n`)
    default:
      return language satisfies never
  }
}

function word(i: number): string {
  return WORDS[i % WORDS.length] ?? ''
}

function openaiEvents(withUsage: boolean): readonly string[] {
  const chunk = (delta: object, finish: string | null): string =>
    `data: ${JSON.stringify({
      ...OPENAI_HEAD,
      object: 'chat.completion.chunk',
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
      ...(withUsage ? { usage: null } : {}),
      obfuscation: 'hZ4b1LmQ',
    })}\n\n`
  const last = [
    chunk({}, 'stop'),
    ...(withUsage
      ? [`data: ${JSON.stringify({ ...OPENAI_HEAD, object: 'chat.completion.chunk', choices: [], usage: OPENAI_USAGE })}\n\n`]
      : []),
    'data: [DONE]\n\n',
  ]
  const first = chunk({ role: 'assistant', content: '', refusal: null }, null)
  return [first, ...Array.from({ length: EVENTS - 1 - last.length }, (_, i) => chunk({ content: word(i) }, null)), ...last]
}

function anthropicEvents(): readonly string[] {
  const event = (type: string, rest: object): string => `event: ${type}\ndata: ${JSON.stringify({ type, ...rest })}\n\n`
  const usage = { input_tokens: 182, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 1 }
  const first = [
    event('message_start', {
      message: {
        id: 'msg_01BenchBenchBenchBenchBench',
        type: 'message',
        role: 'assistant',
        model: 'claude-haiku-4-5-20251001',
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage,
      },
    }),
    event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    event('ping', {}),
  ]
  const last = [
    event('content_block_stop', { index: 0 }),
    event('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { ...usage, output_tokens: 197 } }),
    event('message_stop', {}),
  ]
  const words = EVENTS - first.length - last.length
  return [
    ...first,
    ...Array.from({ length: words }, (_, i) => event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: word(i) } })),
    ...last,
  ]
}

function geminiChunk(text: string, isLast: boolean): object {
  return {
    candidates: [{ content: { parts: [{ text }], role: 'model' }, ...(isLast ? { finishReason: 'STOP' } : {}), index: 0 }],
    usageMetadata: {
      promptTokenCount: 182,
      candidatesTokenCount: 197,
      totalTokenCount: 379,
      promptTokensDetails: [{ modality: 'TEXT', tokenCount: 182 }],
    },
    modelVersion: 'gemini-2.5-flash',
    responseId: 'BenchBenchBenchBench',
  }
}
