// Words of Bedrock's Converse API that reading and writing share: raw paths, stop reasons, counts, and looks into parsed JSON.
// Source: docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html and API_runtime_ConverseStream.html, and recorded traffic.

import type { Citation, FinishReason, JsonObject, JsonValue, Usage } from '../../core/canonical.ts'
import { rawPaths, type Writable } from '../../core/json-raw.ts'
import { usageOf } from '../../core/usage.ts'

export const BEDROCK_CONVERSE = 'bedrock-converse'

/** Only Claude signs its reasoning here, with the signatures it has at Anthropic. */
export const ISSUER = 'anthropic'

/** A block of content: one member, which names its kind. */
export type WireBlock = { readonly [kind: string]: Writable }

export const ANSWER_RAW = rawPaths('output.message.content.*.toolUse.input')

const FINISH: ReadonlyMap<string, FinishReason> = new Map([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['tool_use', 'tool-calls'],
  ['guardrail_intervened', 'filtered'],
  ['content_filtered', 'filtered'],
])

/** Some models end with a plain stop after calls, and tools that Bedrock ran alone are an ordinary stop. */
export function finishOf(native: string | null, hasCalls: boolean): FinishReason {
  const reason = native === null ? 'stop' : (FINISH.get(native) ?? 'other')
  if (reason === 'stop' && hasCalls) return 'tool-calls'
  return reason === 'tool-calls' && !hasCalls ? 'stop' : reason
}

/** `inputTokens` leaves out what was read from or written to a cache. `cacheDetails` tells the written apart by life. */
export function readUsageOf(value: JsonValue | undefined): Usage | null {
  if (!isObject(value) || Object.keys(value).length === 0) return null
  const written = countOf(value['cacheWriteInputTokens'])
  const hour = objectsOf(value['cacheDetails'])
    .filter((detail) => detail['ttl'] === '1h')
    .reduce((sum, detail) => sum + countOf(detail['inputTokens']), 0)
  const cacheWrite1h = Math.min(written, hour)
  return usageOf({
    input: countOf(value['inputTokens']),
    cacheRead: countOf(value['cacheReadInputTokens']),
    cacheWrite5m: written - cacheWrite1h,
    cacheWrite1h,
    output: countOf(value['outputTokens']),
  })
}

function countOf(value: JsonValue | undefined): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0
}

export function readCitation(citation: JsonObject): Citation {
  const web = objectOf(objectOf(citation['location'])['web'])
  const source = textOf(citation['source'])
  const url = textOf(web['url']) ?? (source !== null && /^https?:/.test(source) ? source : null)
  return { url, title: textOf(citation['title']) ?? textOf(web['domain']), start: null, end: null, raw: citation }
}

/** A redacted thought is base64 of the text that Anthropic calls its data. */
export function dataOfRedacted(redacted: string): string {
  try {
    return atob(redacted)
  } catch {
    return redacted
  }
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
