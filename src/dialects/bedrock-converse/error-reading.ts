// Bedrock's errors, whole and as exceptions of a stream → one code of our table, in Bedrock's own words.

import type { JsonObject } from '../../core/canonical.ts'
import { GatewayError, type ErrorCode } from '../../core/errors.ts'
import { codeOfStatus, objectIn, readRetryAfterMs } from '../provider-error.ts'
import { BEDROCK_CONVERSE, isObject, textOf } from './wire.ts'

const MESSAGE_LENGTH = 4000

/** `null`: not an error; one that comes with status 200 comes in a stream. */
export function readError(status: number, headers: Headers, text: string): GatewayError | null {
  if (status < 400) return null
  const body = objectIn(text)
  // `ValidationException:http://internal.amazon.com/coral/…`
  const type = (headers.get('x-amzn-errortype') ?? textOf(body?.['__type']) ?? '').split(':', 1)[0] ?? ''
  const words = body === null ? text.trim() : (wordsOf(body) ?? '')
  const message = words.slice(0, MESSAGE_LENGTH) || type || `The provider answered ${status}.`
  const retryAfterMs = readRetryAfterMs(headers)
  return new GatewayError(codeOf(status, type, message), message, {
    upstream: { status, dialect: BEDROCK_CONVERSE, body },
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
  })
}

/** The code of an exception in a stream; `null` when the event is none. */
export function exceptionOf(event: string, body: JsonObject): { readonly code: ErrorCode; readonly message: string } | null {
  if (!/exception$|error$/i.test(event)) return null
  const message = (wordsOf(body) ?? event).slice(0, MESSAGE_LENGTH)
  return { code: CODES.get(event.toLowerCase()) ?? (/validation/i.test(event) ? refusalOf(message) : 'upstream-failed'), message }
}

const CODES: ReadonlyMap<string, ErrorCode> = new Map([
  ['throttlingexception', 'upstream-limited'],
  ['servicequotaexceededexception', 'upstream-limited'],
  ['serviceunavailableexception', 'upstream-overloaded'],
  ['modelnotreadyexception', 'upstream-overloaded'],
  ['modeltimeoutexception', 'upstream-timeout'],
  ['accessdeniedexception', 'credential-refused'],
])

function codeOf(status: number, type: string, message: string): ErrorCode {
  const told = CODES.get(type.toLowerCase()) ?? codeOfStatus(status)
  if (told !== null) return told
  return status === 424 ? 'upstream-failed' : refusalOf(message) // 424: the model itself failed
}

function refusalOf(message: string): ErrorCode {
  if (/too many (?:input )?tokens|input is too long|prompt is too long|context (?:length|window)|maximum (?:input|context)/i.test(message))
    return 'upstream-context-too-long'
  if (/content filter|guardrail|blocked by/i.test(message)) return 'upstream-content-refused'
  return 'upstream-refused'
}

function wordsOf(body: JsonObject): string | null {
  const { error } = body
  const inner = isObject(error) ? (textOf(error['message']) ?? textOf(error['type'])) : textOf(error)
  return textOf(body['message']) ?? textOf(body['Message']) ?? textOf(body['originalMessage']) ?? inner
}
