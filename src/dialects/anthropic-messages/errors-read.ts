// Reads errors of the Messages API: which code of the table, whose words, when to try again.

import type { JsonObject } from '../../core/canonical.ts'
import { type ErrorCode, GatewayError } from '../../core/errors.ts'
import { codeOfStatus, objectIn, readRetryAfterMs } from '../provider-error.ts'
import { ANTHROPIC_MESSAGES, isArray, isObject, textOr } from './wire.ts'

const WORDS_MAX_CHARACTERS = 500

/** https://platform.claude.com/docs/en/api/errors */
const STATUS_OF_TYPE: { readonly [type: string]: number } = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
}

/** An error answer, also one that came with status 200. `null`: not an error. */
export function readError(status: number, headers: Headers, text: string): GatewayError | null {
  const failed = status >= 400
  // A whole good answer may be megabytes: its first words tell whether it can be an error at all.
  if (!failed && !text.slice(0, 400).includes('"error"')) return null
  const body = objectIn(text)
  const error = isObject(body?.['error']) ? body['error'] : null
  if (!failed && body?.['type'] !== 'error' && (error === null || body?.['content'] !== undefined)) return null
  const type = textOr(error?.['type'], '')
  const effective = failed ? status : Object.hasOwn(STATUS_OF_TYPE, type) ? (STATUS_OF_TYPE[type] ?? 500) : 500
  const said = body === null ? plainWords(text) : errorWords(body)
  const message = said ?? `The provider answered ${effective}.`
  const retryAfterMs = readRetryAfterMs(headers)
  return new GatewayError(codeOf(effective, message), message, {
    upstream: { status: effective, dialect: ANTHROPIC_MESSAGES, body },
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
  })
}

/** The code of an error event inside a stream, by its type. */
export function errorCodeOf(type: string, message: string): ErrorCode {
  return codeOf(Object.hasOwn(STATUS_OF_TYPE, type) ? (STATUS_OF_TYPE[type] ?? 500) : 500, message)
}

/** The provider's own words, from any of the shapes that hosts of this dialect use. */
export function errorWords(body: JsonObject, depth = 0): string | null {
  if (depth > 5) return null
  for (const name of ['error', 'message', 'Message', 'detail', 'msg', 'title']) {
    const value = body[name]
    if (typeof value === 'string' && value.trim() !== '') return value
    const inner = isArray(value) ? value[0] : value
    if (isObject(inner)) {
      const words = errorWords(inner, depth + 1)
      if (words !== null) return words
    }
  }
  return null
}

function codeOf(status: number, message: string): ErrorCode {
  const told = codeOfStatus(status)
  if (told !== null) return told
  const words = message.toLowerCase()
  // The second is Bedrock's.
  if (
    words.includes('prompt is too long') ||
    words.includes('input is too long') ||
    words.includes('exceed context limit') ||
    words.includes('context window')
  )
    return 'upstream-context-too-long'
  if (words.includes('content filtering policy')) return 'upstream-content-refused'
  return 'upstream-refused'
}

/** Plain text or HTML without its tags. */
function plainWords(text: string): string | null {
  const plain = text.trimStart().startsWith('<') ? text.replace(/<[^>]*>/g, ' ') : text
  const words = plain.replace(/\s+/g, ' ').trim().slice(0, WORDS_MAX_CHARACTERS)
  return words === '' ? null : words
}
