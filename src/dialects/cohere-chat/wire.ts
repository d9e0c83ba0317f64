// Cohere's own words (chat, API v2): names, finish reasons, counts and looks into parsed JSON. No request and no reply is built here.
// Source: docs.cohere.com/reference/chat and /reference/chat-stream, read 2026, and recorded traffic.

import type { Citation, FinishReason, JsonObject, JsonValue, Usage } from '../../core/canonical.ts'
import { rawPaths } from '../../core/json-raw.ts'
import { usageOf } from '../../core/usage.ts'

export const COHERE_CHAT = 'cohere-chat'

/** Arguments are strings here; should one come as an object, its own text is kept. */
export const ANSWER_RAW = rawPaths('message.tool_calls.*.function.arguments')
export const EVENT_RAW = rawPaths('delta.message.tool_calls.function.arguments')

const FINISH: ReadonlyMap<string, FinishReason> = new Map([
  ['COMPLETE', 'stop'],
  ['STOP_SEQUENCE', 'stop'],
  ['MAX_TOKENS', 'length'],
  ['ERROR_LIMIT', 'length'],
  ['TOOL_CALL', 'tool-calls'],
  ['ERROR_TOXIC', 'filtered'],
])

export function finishOf(native: string | null, hasCalls: boolean): FinishReason {
  const reason = native === null ? 'stop' : (FINISH.get(native) ?? 'other')
  return reason === 'stop' && hasCalls ? 'tool-calls' : reason
}

/** Reasons that are failures, not endings. */
export function failureOf(native: string | null): 'upstream-failed' | 'upstream-timeout' | null {
  if (native === 'ERROR') return 'upstream-failed'
  return native === 'TIMEOUT' ? 'upstream-timeout' : null
}

/**
 * `tokens` counts the whole prompt, Cohere's own preamble included; `billed_units` is what the bill says, in which cached tokens
 * are not cheaper. The first is told, the second is paid.
 */
export function readUsageOf(value: JsonValue | undefined): Usage | null {
  if (!isObject(value)) return null
  const { tokens, billed_units: billed } = value
  const told = isObject(tokens) ? tokens : isObject(billed) ? billed : null
  if (told === null) return null
  const input = countOf(told['input_tokens'])
  const cacheRead = Math.min(input, countOf(value['cached_tokens']))
  const reasoning = told['reasoning_tokens']
  const usage = usageOf({
    input: input - cacheRead, // `image_tokens` stand beside the input's; the bill has them
    cacheRead,
    output: countOf(told['output_tokens']),
    reasoning: typeof reasoning === 'number' ? countOf(reasoning) : null,
  })
  if (!isObject(billed) || told === billed) return usage
  return { ...usage, billed: usageOf({ input: countOf(billed['input_tokens']), output: countOf(billed['output_tokens']) }) }
}

function countOf(value: JsonValue | undefined): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0
}

/** A citation of text: Cohere names documents and tool outputs, of which only documents may have an address. */
export function readCitation(value: JsonObject): Citation {
  const source = objectsOf(value['sources'])[0] ?? {}
  const document = isObject(source['document']) ? source['document'] : {}
  return {
    url: textOf(document['url']),
    title: textOf(document['title']),
    start: placeOf(value['start']),
    end: placeOf(value['end']),
    raw: value,
  }
}

/** Citations of the plan or of a thought are none of the text. */
export function isOfText(citation: JsonObject): boolean {
  return citation['type'] === undefined || citation['type'] === 'TEXT_CONTENT'
}

function placeOf(value: JsonValue | undefined): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function objectOf(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {}
}

export function objectsOf(value: JsonValue | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

/** A string with something in it. */
export function textOf(value: JsonValue | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

/** Unlike those of other replies: a conversation in which two calls share an id is refused. */
export function callIdOf(said: JsonValue | undefined, replyId: string, index: number): string {
  return textOf(said) ?? `call_${replyId.replaceAll(/[^A-Za-z0-9]/g, '').slice(-24)}_${index}`
}
