// Errors of all hosts of OpenAI's chat language: which kind they are, in the host's own words.

import type { JsonObject, JsonValue } from '../../core/canonical.ts'
import { GatewayError, type ErrorCode } from '../../core/errors.ts'
import { codeOfStatus, objectIn, readRetryAfterMs } from '../provider-error.ts'
import { firstText, isObject, objectsOf, OPENAI_CHAT } from './wire.ts'

const MAX_PLAIN_LENGTH = 500
const MAX_WORDS_LENGTH = 4000

/** An error by its status, or one that came with status 200. `null`: not an error. */
export function readError(status: number, headers: Headers, text: string): GatewayError | null {
  if (status < 400) {
    const body = text.includes('"error"') ? objectIn(text) : null
    return body === null ? null : errorInside(body, status)
  }
  const body = objectIn(text)
  const words = body === null ? text.trim().slice(0, MAX_PLAIN_LENGTH) : wordsOf(body)
  return errorOf(status, words, body, readRetryAfterMs(headers))
}

/** The error inside a 200 body or a chunk of a stream, or `null`. */
export function errorInside(body: JsonObject, status: number): GatewayError | null {
  const said = body['error']
  const isOne = (isObject(said) && Object.keys(said).length > 0) || (typeof said === 'string' && said !== '') || body['object'] === 'error'
  return isOne ? errorOf(statusInside(body) ?? status, wordsOf(body), body, null) : null
}

function errorOf(status: number, words: string, body: JsonObject | null, retryAfter: number | null): GatewayError {
  const message = words === '' ? `The provider answered ${status}.` : words.slice(0, MAX_WORDS_LENGTH)
  return new GatewayError(codeOf(status, message, body), message, {
    upstream: { status, dialect: OPENAI_CHAT, body },
    ...(retryAfter === null ? {} : { retryAfterMs: retryAfter }),
  })
}

function codeOf(status: number, message: string, body: JsonObject | null): ErrorCode {
  const told = codeOfStatus(status)
  if (told !== null) return told
  const marks = marksOf(body)
  if (status >= 400) return refusalOf(marks, message)
  // A 200 or an unnumbered error in a stream: only its words tell.
  if (/rate_?limit|too_many_requests|quota/.test(marks)) return 'upstream-limited'
  if (/overload|unavailable|capacity/.test(marks)) return 'upstream-overloaded'
  if (/timeout/.test(marks)) return 'upstream-timeout'
  if (/authentication|invalid_api_key|permission/.test(marks)) return 'credential-refused'
  if (/invalid_request|context_length|content_filter|content_policy|not_found/.test(marks)) return refusalOf(marks, message)
  return 'upstream-failed'
}

function refusalOf(marks: string, message: string): ErrorCode {
  if (/context_length|context_size|context_window|string_above_max_length/.test(marks) || CONTEXT.test(message))
    return 'upstream-context-too-long'
  if (/content_filter|content_policy|responsibleai|moderation/.test(marks) || CONTENT.test(message)) return 'upstream-content-refused'
  return 'upstream-refused'
}

const CONTEXT =
  /maximum context length|context (?:length|size|window)[^.]{0,40}(?:exceed|limit)|exceeds?[^.]{0,40}context (?:length|size|window)|prompt is too long|too many (?:input )?tokens|input is too long/i
const CONTENT = /content management policy|content policy|content_filter|safety system|flagged (?:as|by|for)|usage policies/i

/** Types and codes of the body in one lower-case text. */
function marksOf(body: JsonObject | null): string {
  if (body === null) return ''
  const error = isObject(body['error']) ? body['error'] : body
  const inner = isObject(error['innererror']) ? error['innererror'] : {}
  const metadata = isObject(error['metadata']) ? error['metadata'] : {}
  const marks = [error['type'], error['code'], error['status'], inner['code'], metadata['error_type']]
  return marks
    .filter((mark) => typeof mark === 'string')
    .join(' ')
    .toLowerCase()
}

/** OpenRouter, Groq and llama.cpp put the status beside the words. */
function statusInside(body: JsonObject): number | null {
  const error = isObject(body['error']) ? body['error'] : body
  for (const said of [error['status_code'], error['code'], error['status']]) {
    const status = typeof said === 'string' ? Number(said) : said
    if (typeof status === 'number' && Number.isInteger(status) && status >= 400 && status < 600) return status
  }
  return null
}

function wordsOf(body: JsonObject): string {
  const { error, message, detail } = body
  if (isObject(error)) {
    const words = firstText(error['message'], error['detail'], error['error'], error['type'], error['code'])
    const metadata = isObject(error['metadata']) ? error['metadata'] : {}
    const raw = firstText(metadata['raw'])
    return raw === '' || words.includes(raw) ? words : `${words}: ${raw}`
  }
  const listed = objectsOf(detail).map((item) => firstText(item['msg'], item['message']))
  return firstText(error, message, detail, ...listed, body['msg'], body['title'], inner(message), inner(detail))
}

/** Mistral nests FastAPI's list under `message`. */
function inner(value: JsonValue | undefined): string {
  if (!isObject(value)) return ''
  const listed = objectsOf(value['detail']).map((item) => firstText(item['msg'], item['message']))
  return firstText(value['message'], value['detail'], ...listed)
}
