// Errors of all hosts of OpenAI's chat language: which kind they are, in the host's own words.

import type { JsonObject, JsonValue } from '../../core/canonical.ts'
import { GatewayError, type ErrorCode } from '../../core/errors.ts'
import { firstText, isObject, objectsOf, OPENAI_CHAT } from './wire.ts'

const MAX_PLAIN_LENGTH = 500
const MAX_WORDS_LENGTH = 4000

/** An error by its status, or one that came with status 200. `null`: not an error. */
export function readError(status: number, headers: Headers, text: string): GatewayError | null {
  if (status < 400) {
    const body = text.includes('"error"') ? parse(text) : null
    return body === null ? null : errorInside(body, status)
  }
  const body = parse(text)
  const words = body === null ? text.trim().slice(0, MAX_PLAIN_LENGTH) : wordsOf(body)
  return errorOf(status, words, body, retryAfterMs(headers))
}

/** The error inside a 200 body or a chunk of a stream, or `null`. */
export function errorInside(body: JsonObject, status: number): GatewayError | null {
  const said = body['error']
  const isOne = (isObject(said) && Object.keys(said).length > 0) || (typeof said === 'string' && said !== '') || body['object'] === 'error'
  return isOne ? errorOf(statusInside(body) ?? status, wordsOf(body), body, undefined) : null
}

function errorOf(status: number, words: string, body: JsonObject | null, retryAfter: number | undefined): GatewayError {
  const message = words === '' ? `The provider answered ${status}.` : words.slice(0, MAX_WORDS_LENGTH)
  return new GatewayError(codeOf(status, message, body), message, {
    upstream: { status, dialect: OPENAI_CHAT, body },
    ...(retryAfter === undefined ? {} : { retryAfterMs: retryAfter }),
  })
}

function codeOf(status: number, message: string, body: JsonObject | null): ErrorCode {
  if (status === 401 || status === 402 || status === 403) return 'credential-refused'
  if (status === 429) return 'upstream-limited'
  if (status === 408 || status === 504) return 'upstream-timeout'
  if (status === 503 || status === 529) return 'upstream-overloaded'
  if (status >= 500) return 'upstream-failed'
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

/** The body as an object; of a list (Google's way) its first. */
function parse(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text)
    const first: unknown = Array.isArray(value) ? value[0] : value
    return isObject(first) ? first : null
  } catch {
    return null
  }
}

/** `retry-after-ms`, or `retry-after` as seconds or as a date against the answer's own `date`: there is no clock here. */
function retryAfterMs(headers: Headers): number | undefined {
  const inMs = Number(headers.get('retry-after-ms') ?? Number.NaN)
  if (Number.isFinite(inMs) && inMs >= 0) return inMs
  const said = headers.get('retry-after')?.trim() ?? ''
  if (said === '') return undefined
  const seconds = Number(said)
  if (Number.isFinite(seconds)) return seconds >= 0 ? Math.round(seconds * 1000) : undefined
  const wait = Date.parse(said) - Date.parse(headers.get('date') ?? '')
  return Number.isFinite(wait) ? Math.max(0, wait) : undefined
}
