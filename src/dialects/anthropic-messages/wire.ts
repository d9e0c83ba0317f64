// Words of the Anthropic Messages API that both halves share: raw paths, stop reasons, JSON guards, seals in signatures.

import type { FinishReason, JsonObject, JsonValue, Seal } from '../../core/canonical.ts'
import { rawPaths } from '../../core/json-raw.ts'

/** The member that names a conversation which Anthropic holds (beta). */
export const THREAD = 'thread'

export const ANTHROPIC_MESSAGES = 'anthropic-messages'

/** The vendor whose models sign thinking in this dialect. */
export const ISSUER = 'anthropic'

export const REQUEST_RAW = rawPaths(
  'tools.*.input_schema',
  'messages.*.content.*.input',
  'output_config.format.schema',
  'output_format.schema',
)
export const RESPONSE_RAW = rawPaths('content.*.input')
export const EVENT_RAW = rawPaths('content_block.input', 'message.content.*.input')

/** https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons */
const FINISH: { readonly [stopReason: string]: FinishReason } = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool-calls',
  refusal: 'filtered',
  pause_turn: 'paused',
  compaction: 'paused',
}
const STOP_REASON: { readonly [reason in FinishReason]: string } = {
  stop: 'end_turn',
  length: 'max_tokens',
  'tool-calls': 'tool_use',
  filtered: 'refusal',
  paused: 'pause_turn',
  other: 'end_turn',
}

export function readFinish(stopReason: string | null): FinishReason {
  return stopReason !== null && Object.hasOwn(FINISH, stopReason) ? (FINISH[stopReason] ?? 'other') : 'other'
}

/**
 * The stop reason a client is told. Agents act on `tool_use`, so it follows the calls that are really there: some places end with a
 * plain stop after calls, and server tools alone must not look like a call. `native` is kept where it is a word of this dialect.
 */
export function stopReasonOf(
  finish: { readonly reason: FinishReason; readonly native: string | null },
  said: { readonly calls: boolean; readonly refusal: boolean },
): string {
  const { reason, native } = finish
  if (said.calls && (reason === 'stop' || reason === 'other')) return 'tool_use'
  if (!said.calls && reason === 'tool-calls') return 'end_turn'
  if (said.refusal && reason === 'stop') return 'refusal'
  return native !== null && readFinish(native) === reason && reason !== 'other' ? native : STOP_REASON[reason]
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value)
}

export function textOr(value: JsonValue | undefined, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise
}

export function parseObject(text: string): JsonObject | null {
  try {
    const value = JSON.parse(text) as JsonValue
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

/** Thinking whose text is withheld (`display: omitted`) has only a signature; redacted thinking has only data. One prefix tells them apart. */
const OMITTED = 'signature:'
const FOREIGN = 'sluice:'
const FOREIGN_CALL = 'sluice-call:'

export function sealOfThinking(thinking: string, signature: string): Seal {
  return { issuer: ISSUER, value: thinking === '' ? OMITTED + signature : signature }
}

/** The signature of thinking whose text was withheld, or `null` when the value is redacted thinking. */
export function omittedSignature(value: string): string | null {
  return value.startsWith(OMITTED) ? value.slice(OMITTED.length) : null
}

/** Another vendor's seal rides in the signature, so that a client which sends its thinking back returns it to the vendor. */
export function foreignSignature(seal: Seal, of: 'reasoning' | 'call'): string {
  return `${of === 'call' ? FOREIGN_CALL : FOREIGN}${seal.issuer}:${seal.value}`
}

export function readForeignSignature(signature: string): { readonly of: 'reasoning' | 'call'; readonly seal: Seal } | null {
  const prefix = signature.startsWith(FOREIGN) ? FOREIGN : signature.startsWith(FOREIGN_CALL) ? FOREIGN_CALL : null
  if (prefix === null) return null
  const at = signature.indexOf(':', prefix.length)
  if (at < 0) return null
  const seal = { issuer: signature.slice(prefix.length, at), value: signature.slice(at + 1) }
  return { of: prefix === FOREIGN_CALL ? 'call' : 'reasoning', seal }
}
