// Cohere's errors (`{"message": …}`) → one code of our table, in Cohere's own words.

import type { JsonObject } from '../../core/canonical.ts'
import { GatewayError, type ErrorCode } from '../../core/errors.ts'
import { codeOfStatus, objectIn, readRetryAfterMs } from '../provider-error.ts'
import { COHERE_CHAT, isObject, textOf } from './wire.ts'

const MESSAGE_LENGTH = 4000

/** An error answer, or an error that came with status 200; `null` when it is none. */
export function readError(status: number, headers: Headers, text: string): GatewayError | null {
  const body = objectIn(text)
  const words = body === null ? null : wordsOf(body)
  if (status < 400 && (words === null || body?.['finish_reason'] !== undefined)) return null
  const said = status >= 400 ? status : 500
  const message = (words ?? text.trim()).slice(0, MESSAGE_LENGTH) || `The provider answered ${said}.`
  const retryAfterMs = readRetryAfterMs(headers)
  return new GatewayError(codeOf(said, message), message, {
    upstream: { status: said, dialect: COHERE_CHAT, body },
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
  })
}

/** The words of an error inside a stream; `null` when the event is none. */
export function errorInEvent(event: JsonObject): string | null {
  if (textOf(event['type']) !== null && event['type'] !== 'error') return null
  return wordsOf(event)
}

function wordsOf(body: JsonObject): string | null {
  const { error, message } = body
  if (isObject(error)) return textOf(error['message']) ?? textOf(error['type'])
  return textOf(message) ?? textOf(error) ?? textOf(body['detail'])
}

function codeOf(status: number, message: string): ErrorCode {
  // Cohere's own code for a token it does not take.
  if (status === 498) return 'credential-refused'
  const told = codeOfStatus(status)
  if (told !== null) return told
  if (/too many tokens|context (?:length|window)|maximum (?:input|context)/i.test(message)) return 'upstream-context-too-long'
  if (/safety|blocked|content polic/i.test(message)) return 'upstream-content-refused'
  return 'upstream-refused'
}
