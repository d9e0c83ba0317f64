// Whole generateContent answers: the same reader as for streams, one frame long, so streamed and whole cannot differ.

import type { ChatResponse, JsonObject, JsonValue, Usage } from '../../core/canonical.ts'
import { collect } from '../../core/collect.ts'
import { GatewayError } from '../../core/errors.ts'
import { GeminiReader } from './stream.ts'
import { candidateOf, isObject, objectOf, paidSearches, textOf, usageFrom } from './wire.ts'

/** @throws GatewayError `upstream-garbled`, or the code of an error that stands in the body */
export function readResponse(text: string): ChatResponse {
  if (text.trim() === '') throw new GatewayError('upstream-garbled', 'The provider answered nothing.')
  const reader = new GeminiReader()
  return collect([...reader.read({ data: text }), ...reader.endWhole()])
}

/** Usage and Gemini's own finish reason. @throws GatewayError `upstream-garbled` when the text is no JSON object */
export function readUsage(text: string): { readonly usage: Usage | null; readonly finish: string | null } {
  const body = parsed(text)
  const candidate = candidateOf(body)
  const model = textOf(body['modelVersion']) ?? ''
  return {
    usage: usageFrom(objectOf(body['usageMetadata']), paidSearches(candidate, model)),
    finish: textOf(candidate['finishReason']) ?? textOf(objectOf(body['promptFeedback'])['blockReason']),
  }
}

function parsed(text: string): JsonObject {
  let value: JsonValue
  try {
    value = JSON.parse(text) as JsonValue
  } catch (cause) {
    throw new GatewayError('upstream-garbled', 'The text is not valid JSON.', { cause })
  }
  if (!isObject(value)) throw new GatewayError('upstream-garbled', 'The text is not a JSON object.')
  return value
}
