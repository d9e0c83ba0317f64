// Independent readers of what our client dialects write: the official SDKs, fed the bytes through a `fetch` that never leaves the process.
// A new client dialect gets its judge here, or its contract suite fails.

import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import type { ChatResponse } from '../../src/core/canonical.ts'
import { GEMINI_JUDGE } from './gemini-judge.ts'

/** A reply as its client sees it, in words that all dialects share. */
export type Plain = {
  readonly text: string
  readonly reasoning: string
  readonly calls: readonly { readonly id: string; readonly name: string; readonly arguments: unknown }[]
  readonly finish: string
  /** The model or a filter would not answer: a refusal part, or a finish that says so. */
  readonly refused: boolean
  readonly usage: { readonly input: number; readonly cacheRead: number; readonly output: number } | null
}

export type Judge = {
  /** A reader of our own for what we write, where the SDK is no dependency; providers' answers are not held against it. */
  readonly isOurs?: true
  /** What of a reply the language has a place for; all of it unless said. */
  hears?(reply: Plain): Plain
  /** @throws what the SDK throws for a stream that fails */
  stream(text: string): Promise<Plain>
  whole(text: string): Promise<Plain>
  /** The error the SDK throws for an answer with this status and body. */
  refusal(status: number, text: string): Promise<{ readonly status: number | undefined; readonly message: string }>
  /** Whether a JSON body is this dialect's shape of an error, member by member. */
  isErrorShape(body: { readonly [member: string]: unknown }): boolean
}

const OPENAI_FINISH: { readonly [said: string]: string } = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool-calls',
  content_filter: 'filtered',
}
const ANTHROPIC_FINISH: { readonly [said: string]: string } = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  tool_use: 'tool-calls',
  refusal: 'filtered',
  pause_turn: 'paused',
}

/** `ApiErrorType` of OpenRouter's openapi.yaml. */
const OPENROUTER_ERRORS: ReadonlySet<string> = new Set(
  `context_length_exceeded max_tokens_exceeded token_limit_exceeded string_too_long authentication permission_denied payment_required
  rate_limit_exceeded provider_overloaded provider_unavailable invalid_request invalid_prompt not_found precondition_failed
  payload_too_large unprocessable content_policy_violation refusal invalid_image image_too_large image_too_small
  unsupported_image_format image_not_found image_download_failed server timeout unmapped`.split(/\s+/),
)

/** Recordings that the official SDK of their language cannot read, each with why. */
export const SDK_CANNOT_READ: { readonly [id: string]: string } = {
  'mistral-chat-d9d8b724b0': 'content is a list of typed parts, as Mistral tells its thinking',
  'mistral-chat-e53804e1df': 'tool calls of a stream have no type',
  'groq-chat-bb5da64aae': 'arguments of calls without any are the word null',
  'openrouter-chat-2f8b52eb05': 'the last event is not closed by a blank line',
  'anthropic-messages-328bcaf818': "a host of the Messages API that closes the stream with OpenAI's [DONE]",
}

const OPENAI_JUDGE: Judge = {
  async stream(text) {
    const stream = openai(200, text, 'text/event-stream').chat.completions.stream({
      model: 'm',
      messages: [],
      stream_options: { include_usage: true },
    })
    let reasoning = ''
    stream.on('chunk', (chunk) => (reasoning += reasoningOf(chunk.choices[0]?.delta)))
    return openaiPlain(await stream.finalChatCompletion(), reasoning)
  },
  async whole(text) {
    const completion = await openai(200, text, 'application/json').chat.completions.create({ model: 'm', messages: [] })
    return openaiPlain(completion, reasoningOf(completion.choices[0]?.message))
  },
  refusal: (status, text) => caught(() => openai(status, text, 'application/json').chat.completions.create({ model: 'm', messages: [] })),
  isErrorShape: ({ error, ...others }) =>
    Object.keys(others).every((name) => name === 'user_id' || name === 'request_id') &&
    isObject(error) &&
    typeof error['message'] === 'string' &&
    typeof error['type'] === 'string' &&
    'code' in error &&
    'param' in error &&
    (error['param'] === null || typeof error['param'] === 'string'),
}

export const JUDGES: { readonly [clientDialect: string]: Judge } = {
  gemini: GEMINI_JUDGE,
  'openai-chat': OPENAI_JUDGE,
  // Most of OpenRouter's clients are OpenAI's SDK with another address.
  openrouter: {
    ...OPENAI_JUDGE,
    isErrorShape: ({ error }) =>
      isObject(error) &&
      Number.isInteger(error['code']) &&
      typeof error['message'] === 'string' &&
      isObject(error['metadata']) &&
      OPENROUTER_ERRORS.has(String(error['metadata']['error_type'])),
  },
  'openai-completions': {
    hears: (reply) => ({
      ...reply,
      reasoning: '',
      calls: [],
      finish: reply.finish === 'tool-calls' ? 'stop' : reply.finish,
      refused: reply.finish === 'filtered',
    }),
    async stream(text) {
      const stream = await openai(200, text, 'text/event-stream').completions.create({ model: 'm', prompt: 'x', stream: true })
      const chunks: OpenAI.Completion[] = []
      for await (const chunk of stream) chunks.push(chunk)
      return completionPlain(chunks)
    },
    whole: async (text) => completionPlain([await openai(200, text, 'application/json').completions.create({ model: 'm', prompt: 'x' })]),
    refusal: (status, text) => caught(() => openai(status, text, 'application/json').completions.create({ model: 'm', prompt: 'x' })),
    isErrorShape: (body) => JUDGES['openai-chat']?.isErrorShape(body) === true,
  },
  'openai-responses': {
    async stream(text) {
      const stream = openai(200, text, 'text/event-stream').responses.stream({ model: 'm', input: 'x' })
      return responsesPlain(await stream.finalResponse())
    },
    async whole(text) {
      return responsesPlain(await openai(200, text, 'application/json').responses.create({ model: 'm', input: 'x' }))
    },
    refusal: (status, text) => caught(() => openai(status, text, 'application/json').responses.create({ model: 'm', input: 'x' })),
    isErrorShape: (body) => JUDGES['openai-chat']?.isErrorShape(body) === true,
  },
  'anthropic-messages': {
    async stream(text) {
      const stream = anthropic(200, text, 'text/event-stream').messages.stream({ model: 'm', messages: [], max_tokens: 64 })
      return anthropicPlain(await stream.finalMessage())
    },
    async whole(text) {
      return anthropicPlain(await anthropic(200, text, 'application/json').messages.create({ model: 'm', messages: [], max_tokens: 64 }))
    },
    refusal: (status, text) =>
      caught(() => anthropic(status, text, 'application/json').messages.create({ model: 'm', messages: [], max_tokens: 64 })),
    isErrorShape: ({ type, error }) =>
      type === 'error' && isObject(error) && typeof error['type'] === 'string' && typeof error['message'] === 'string',
  },
}

/** What a client of any dialect must see of a canonical reply. Parts that only one dialect knows are not told here. */
export function plainOf(response: ChatResponse): Plain {
  let text = ''
  let refusal = ''
  let reasoning = ''
  const calls: { readonly id: string; readonly name: string; readonly arguments: unknown }[] = []
  for (const part of response.parts) {
    if (part.kind === 'text') text += part.text
    else if (part.kind === 'refusal') refusal += part.text
    else if (part.kind === 'reasoning') reasoning += part.text
    else if (part.kind === 'tool-call') calls.push({ id: part.id, name: part.name, arguments: data(part.arguments) })
  }
  const { usage } = response
  return {
    text: text + refusal,
    reasoning,
    calls,
    finish: response.finish.reason,
    refused: refusal !== '' || response.finish.reason === 'filtered',
    usage: usage && {
      input: usage.input + usage.cacheRead + usage.cacheWrite5m + usage.cacheWrite1h + usage.inputAudio,
      cacheRead: usage.cacheRead,
      output: usage.output + usage.outputAudio + usage.outputImage,
    },
  }
}

/** The two replies with what the client's dialect cannot say made equal: a finish it has no word for, usage nobody told, a refusal that is a finish. */
export function comparable(want: Plain, got: Plain): { readonly want: Plain; readonly got: Plain } {
  const unsayable = want.finish === 'other' || want.finish === 'paused' || (want.refused && got.refused)
  const finish = unsayable ? want.finish : got.finish
  // An SDK gives what it could parse of arguments that were cut short.
  const calls = got.calls.map((call, i) => (want.calls[i]?.arguments === CUT_SHORT ? { ...call, arguments: CUT_SHORT } : call))
  return { want, got: { ...got, calls, finish, usage: want.usage === null ? null : got.usage } }
}

type Reply = (status: number, text: string, type: string) => typeof fetch
const reply: Reply = (status, text, type) => () => Promise.resolve(new Response(text, { status, headers: { 'content-type': type } }))

function openai(status: number, text: string, type: string): OpenAI {
  return new OpenAI({ apiKey: 'test', baseURL: 'http://sdk.test/v1', maxRetries: 0, fetch: reply(status, text, type) })
}

function anthropic(status: number, text: string, type: string): Anthropic {
  return new Anthropic({ apiKey: 'test', baseURL: 'http://sdk.test', maxRetries: 0, fetch: reply(status, text, type) })
}

/** The same reading for a completion of the SDK, also in the tests that go over the network. */
export function openaiPlain(completion: OpenAI.ChatCompletion, reasoning: string): Plain {
  const choice = completion.choices[0]
  const { usage } = completion
  return {
    text: (choice?.message.content ?? '') + (choice?.message.refusal ?? ''),
    reasoning,
    calls: (choice?.message.tool_calls ?? []).map((call) =>
      call.type === 'function'
        ? { id: call.id, name: call.function.name, arguments: data(call.function.arguments) }
        : { id: call.id, name: call.custom.name, arguments: call.custom.input },
    ),
    finish: OPENAI_FINISH[choice?.finish_reason ?? ''] ?? String(choice?.finish_reason),
    refused: Boolean(choice?.message.refusal) || choice?.finish_reason === 'content_filter',
    usage: usage
      ? { input: usage.prompt_tokens, cacheRead: usage.prompt_tokens_details?.cached_tokens ?? 0, output: usage.completion_tokens }
      : null,
  }
}

const RESPONSES_FINISH: { readonly [said: string]: string } = { max_output_tokens: 'length', content_filter: 'filtered' }

/** The same reading for a response of the SDK, also in the tests that go over the network. */
export function responsesPlain(response: OpenAI.Responses.Response): Plain {
  const texts: string[] = []
  const thoughts: string[] = []
  const calls: { readonly id: string; readonly name: string; readonly arguments: unknown }[] = []
  let refused = false
  for (const item of response.output) {
    if (item.type === 'message') {
      for (const part of item.content) {
        texts.push(part.type === 'refusal' ? part.refusal : part.text)
        refused ||= part.type === 'refusal'
      }
    } else if (item.type === 'reasoning') {
      const parts = [...item.summary, ...(item.content ?? [])].map((part) => part.text)
      thoughts.push(parts.filter((part) => part !== '').join('\n\n'))
    } else if (item.type === 'function_call') calls.push({ id: item.call_id, name: item.name, arguments: data(item.arguments) })
    else if (item.type === 'custom_tool_call') calls.push({ id: item.call_id, name: item.name, arguments: data(item.input) })
  }
  const why = response.incomplete_details?.reason
  const ended = response.status === 'completed' || response.status === undefined ? (calls.length > 0 ? 'tool-calls' : 'stop') : 'other'
  const finish = why === undefined ? ended : (RESPONSES_FINISH[why] ?? 'other')
  const { usage } = response
  return {
    text: texts.join(''),
    reasoning: thoughts.join(''),
    calls,
    finish,
    refused: refused || finish === 'filtered',
    usage: usage
      ? { input: usage.input_tokens, cacheRead: usage.input_tokens_details?.cached_tokens ?? 0, output: usage.output_tokens }
      : null,
  }
}

function completionPlain(chunks: readonly OpenAI.Completion[]): Plain {
  const choices = chunks.flatMap((chunk) => (chunk.choices ?? []).filter(({ index }) => index === 0))
  const usage = chunks.findLast((chunk) => chunk.usage != null)?.usage ?? null
  const said: string | undefined = choices.findLast((choice) => choice.finish_reason != null)?.finish_reason
  const finish = said === 'eos' ? 'stop' : (OPENAI_FINISH[said ?? ''] ?? String(said))
  return {
    text: choices.map((choice) => choice.text).join(''),
    reasoning: '',
    calls: [],
    finish,
    refused: finish === 'filtered',
    usage: usage && {
      input: usage.prompt_tokens,
      cacheRead: usage.prompt_tokens_details?.cached_tokens ?? 0,
      output: usage.completion_tokens,
    },
  }
}

/** The same reading for a message of the SDK, also in the tests that go over the network. */
export function anthropicPlain(message: Anthropic.Message): Plain {
  let text = ''
  let reasoning = ''
  const calls: { readonly id: string; readonly name: string; readonly arguments: unknown }[] = []
  for (const block of message.content) {
    if (block.type === 'text') text += block.text
    else if (block.type === 'thinking') reasoning += block.thinking
    else if (block.type === 'tool_use') calls.push({ id: block.id, name: block.name, arguments: unwrapped(block.input) })
  }
  const { usage } = message
  const cacheRead = usage.cache_read_input_tokens ?? 0
  return {
    text,
    reasoning,
    calls,
    finish: ANTHROPIC_FINISH[message.stop_reason ?? ''] ?? String(message.stop_reason),
    refused: message.stop_reason === 'refusal',
    usage: { input: usage.input_tokens + cacheRead + (usage.cache_creation_input_tokens ?? 0), cacheRead, output: usage.output_tokens },
  }
}

/** Reasoning text has no place in OpenAI's own types; hosts say it under either name. */
export function reasoningOf(said: object | undefined): string {
  const member: unknown = said === undefined ? null : (Reflect.get(said, 'reasoning_content') ?? Reflect.get(said, 'reasoning'))
  return typeof member === 'string' ? member : ''
}

async function caught(call: () => PromiseLike<unknown>): Promise<{ readonly status: number | undefined; readonly message: string }> {
  try {
    await call()
  } catch (error) {
    if (error instanceof OpenAI.APIError || error instanceof Anthropic.APIError)
      return { status: typeof error.status === 'number' ? error.status : undefined, message: error.message }
    throw error
  }
  throw new Error('The SDK took the error for a good answer.')
}

const CUT_SHORT = '(arguments cut short)'

/** Arguments as data: none are an empty object, and text that a length limit cut is one word in all dialects. */
function data(text: string): unknown {
  if (text.trim() === '') return {}
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : CUT_SHORT
  } catch {
    return CUT_SHORT
  }
}

function unwrapped(input: unknown): unknown {
  return isObject(input) ? ('_raw' in input ? CUT_SHORT : input) : CUT_SHORT
}

function isObject(value: unknown): value is { readonly [member: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
