// Reads a whole answer of the Messages API. Streams are read by stream-read.ts; both must agree.

import type { ChatResponse, JsonObject, JsonValue, Part } from '../../core/canonical.ts'
import { GatewayError } from '../../core/errors.ts'
import { parseKeepingRaw } from '../../core/json-raw.ts'
import { readCitations } from './citations.ts'
import { readError } from './errors-read.ts'
import { readUsage } from './usage.ts'
import { ANTHROPIC_MESSAGES, isArray, isObject, ISSUER, parseObject, readFinish, RESPONSE_RAW, sealOfThinking, textOr } from './wire.ts'

/** Members of a message, and of `message_delta`, that only this dialect knows. */
const EXTRAS = ['stop_sequence', 'stop_details', 'container', 'context_management', 'diagnostics', 'input_transformations'] as const

/** @throws GatewayError `upstream-garbled`, or the provider's own error in a body that came with status 200 */
export function readResponse(text: string): ChatResponse {
  const failure = readError(200, new Headers(), text)
  if (failure !== null) throw failure
  const message = parseKeepingRaw(text, RESPONSE_RAW)
  if (!isArray(message['content'])) throw new GatewayError('upstream-garbled', 'The answer has no content list.')
  const native = textOr(message['stop_reason'], '')
  const stopReason = native === '' ? null : native
  return {
    id: textOr(message['id'], ''),
    model: textOr(message['model'], ''),
    parts: message['content'].flatMap((block) => (isObject(block) ? [readBlock(block)] : [])),
    finish: { reason: readFinish(stopReason), native: stopReason },
    usage: readUsage(message['usage']),
    extras: { dialect: ANTHROPIC_MESSAGES, fields: extrasFields(message) },
  }
}

export function extrasFields(source: JsonObject): JsonObject {
  const fields: { [name: string]: JsonValue } = {}
  for (const name of EXTRAS) {
    const value = source[name]
    if (value !== undefined && value !== null) fields[name] = value
  }
  return fields
}

/** Usage and stop reason of a whole body, for the forward way. @throws GatewayError `upstream-garbled` when it is no JSON object */
export function readResponseUsage(text: string): Pick<ChatResponse, 'usage'> & { readonly finish: string | null } {
  const message = parseObject(text)
  if (message === null) throw new GatewayError('upstream-garbled', 'The answer is not a JSON object.')
  const finish = message['stop_reason']
  return { usage: readUsage(message['usage']), finish: typeof finish === 'string' ? finish : null }
}

/** One block of an answer. What is not known survives as a native part. */
export function readBlock(block: JsonObject): Part {
  switch (block['type']) {
    case 'text': {
      const citations = readCitations(block['citations'])
      return { kind: 'text', text: textOr(block['text'], ''), ...(citations.length === 0 ? {} : { citations }) }
    }
    case 'thinking': {
      const text = textOr(block['thinking'], '')
      const signature = textOr(block['signature'], '')
      return { kind: 'reasoning', text, ...(signature === '' ? {} : { seal: sealOfThinking(text, signature) }) }
    }
    case 'redacted_thinking':
      return { kind: 'reasoning', text: '', seal: { issuer: ISSUER, value: textOr(block['data'], '') } }
    case 'tool_use':
      return {
        kind: 'tool-call',
        id: textOr(block['id'], ''),
        name: textOr(block['name'], ''),
        arguments: textOr(block['input'], '{}'),
      }
    default:
      return { kind: 'native', dialect: ANTHROPIC_MESSAGES, value: block }
  }
}
