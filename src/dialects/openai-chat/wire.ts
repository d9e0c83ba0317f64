// Words of OpenAI's chat language that both halves share: raw paths, finish words, issuers of seals, and looks into parsed JSON.

import type { FinishReason, JsonObject, JsonValue } from '../../core/canonical.ts'
import { rawPaths } from '../../core/json-raw.ts'

export const OPENAI_CHAT = 'openai-chat'

/** Raw paths of a request body: schemas and arguments are never parsed and printed again. */
export const REQUEST_RAW = rawPaths(
  'messages.*.tool_calls.*.function.arguments',
  'messages.*.function_call.arguments',
  'tools.*.function.parameters',
  'functions.*.parameters',
  'response_format.json_schema.schema',
)

/** Raw paths of an answer, whole or one chunk of a stream. */
export const ANSWER_RAW = rawPaths(
  'choices.*.message.tool_calls.*.function.arguments',
  'choices.*.message.function_call.arguments',
  'choices.*.delta.tool_calls.*.function.arguments',
  'choices.*.delta.function_call.arguments',
  'choices.*.logprobs',
)

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value)
}

/** The value as a list of its objects; anything else in it, or instead of it, is nothing. */
export function objectsOf(value: JsonValue | undefined): readonly JsonObject[] {
  return isArray(value) ? value.filter(isObject) : []
}

/** The first of the values that is a text and not empty. */
export function firstText(...values: readonly (JsonValue | undefined)[]): string {
  for (const value of values) if (typeof value === 'string' && value !== '') return value
  return ''
}

/** The text of a call's arguments; Groq says `null` for none. */
export function argumentsIn(...values: readonly (JsonValue | undefined)[]): string {
  const text = firstText(...values)
  return text === 'null' ? '' : text
}

/** Hosts that copied OpenAI's shape kept words of their own engines. */
const FINISH: { readonly [word: string]: FinishReason } = {
  stop: 'stop',
  eos: 'stop',
  end_turn: 'stop',
  stop_sequence: 'stop',
  length: 'length',
  max_tokens: 'length',
  model_length: 'length',
  tool_calls: 'tool-calls',
  tool_use: 'tool-calls',
  function_call: 'tool-calls',
  content_filter: 'filtered',
  sensitive: 'filtered',
}

/** Many hosts say `stop` beside tool calls; a client that acts on the reason would not run them. An empty word is an ordinary end. */
export function readFinish(word: string | null, hasCalls: boolean): FinishReason {
  const reason = word === null || word === '' ? 'stop' : Object.hasOwn(FINISH, word) ? (FINISH[word] ?? 'other') : 'other'
  return reason === 'stop' && hasCalls ? 'tool-calls' : reason
}

/** OpenAI has four reasons; a pause and the unknown are an ordinary end to its clients. */
export function writeFinish(reason: FinishReason): string {
  switch (reason) {
    case 'length':
      return 'length'
    case 'tool-calls':
      return 'tool_calls'
    case 'filtered':
      return 'content_filter'
    case 'stop':
    case 'paused':
    case 'other':
      return 'stop'
    default:
      return reason satisfies never
  }
}

/**
 * An id for a call that came without one: the same for the same reply, and unlike those of other replies, because
 * providers refuse a conversation in which two calls share an id.
 */
export function inventCallId(replyId: string, index: number): string {
  const tail = replyId.replaceAll(/[^A-Za-z0-9]/g, '').slice(-24)
  return tail === '' ? `call_${index}` : `call_${tail}_${index}`
}

/** `format` of `reasoning_details` (OpenRouter's member) and the vendor that can open what is in it. */
const FORMATS: readonly (readonly [format: string, issuer: string])[] = [
  ['anthropic-claude-v1', 'anthropic'],
  ['google-gemini-v1', 'google'],
  ['openai-responses-v1', 'openai'],
  ['xai-responses-v1', 'xai'],
]

export function issuerOf(format: JsonValue | undefined): string {
  if (typeof format !== 'string' || format === '') return 'unknown'
  return FORMATS.find(([name]) => name === format)?.[1] ?? format
}

export function formatOf(issuer: string): string {
  return FORMATS.find(([, name]) => name === issuer)?.[0] ?? issuer
}

/** Gemini's OpenAI surface keeps thought signatures under `extra_content.<vendor>.thought_signature`. */
export function sealIn(extraContent: JsonValue | undefined): { readonly issuer: string; readonly value: string } | undefined {
  if (!isObject(extraContent)) return undefined
  for (const [issuer, of] of Object.entries(extraContent)) {
    const value = isObject(of) ? of['thought_signature'] : undefined
    if (typeof value === 'string' && value !== '') return { issuer, value }
  }
  return undefined
}
