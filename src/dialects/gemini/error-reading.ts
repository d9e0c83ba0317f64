// Google's errors (google.rpc.Status) → one code of our table, in Google's own words. Statuses, also those inside a stream; no success is read here.

import type { JsonObject, JsonValue } from '../../core/canonical.ts'
import type { ErrorCode } from '../../core/errors.ts'
import { GatewayError } from '../../core/errors.ts'
import { codeOfStatus, objectIn, readRetryAfterMs } from '../provider-error.ts'
import { DIALECT, isObject, listOf, textOf } from './wire.ts'

/** The longest text of a page that is no JSON which becomes a message. */
const MESSAGE_LENGTH = 500

/** An error answer, or an error that came with status 200; `null` when it is none. */
export function readError(status: number, headers: Headers, text: string): GatewayError | null {
  if (status < 400 && !text.includes('"error"')) return null
  const body = objectIn(text)
  const error = body === null ? null : errorOf(body)
  if (status < 400 && error === null) return null
  const said = status >= 400 ? status : (error?.status ?? 500)
  const message = error?.message ?? plainText(text) ?? `The provider answered ${said}.`
  const retryAfterMs = readRetryAfterMs(headers) ?? error?.retryAfterMs ?? null
  return new GatewayError(codeOf(said, message), message, {
    upstream: { status: said, dialect: DIALECT, body },
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
  })
}

export type StreamError = { readonly code: ErrorCode; readonly message: string }

/** The error that a frame carries; `null` when it carries none. */
export function frameError(frame: JsonObject): StreamError | null {
  const error = errorOf(frame)
  if (error === null) return null
  return {
    code: codeOf(error.status ?? 500, error.message ?? ''),
    message: error.message ?? 'The provider reported an error inside the reply.',
  }
}

type Told = { readonly status: number | null; readonly message: string | null; readonly retryAfterMs: number | null }

function errorOf(body: JsonObject): Told | null {
  const { error } = body
  if (typeof error === 'string') return { status: null, message: textOf(error) ?? textOf(body['message']), retryAfterMs: null }
  if (!isObject(error)) {
    const message = textOf(body['message']) ?? textOf(body['detail'])
    return message === null || body['candidates'] !== undefined ? null : { status: null, message, retryAfterMs: null }
  }
  const { code } = error
  return {
    status: typeof code === 'number' && code >= 400 && code < 600 ? code : (STATUS.get(textOf(error['status']) ?? '') ?? null),
    message: textOf(error['message']) ?? textOf(error['status']),
    retryAfterMs: retryDelay(error['details']),
  }
}

/** Source: google/rpc/code.proto */
const STATUS: ReadonlyMap<string, number> = new Map([
  ['INVALID_ARGUMENT', 400],
  ['FAILED_PRECONDITION', 400],
  ['UNAUTHENTICATED', 401],
  ['PERMISSION_DENIED', 403],
  ['NOT_FOUND', 404],
  ['RESOURCE_EXHAUSTED', 429],
  ['CANCELLED', 499],
  ['INTERNAL', 500],
  ['UNAVAILABLE', 503],
  ['DEADLINE_EXCEEDED', 504],
])

function codeOf(status: number, message: string): ErrorCode {
  const told = codeOfStatus(status)
  if (told !== null) return told
  if (/token count .*exceeds|exceeds the maximum number of (input )?tokens|context (length|window)/i.test(message))
    return 'upstream-context-too-long'
  if (/safety polic|content polic|prohibited content|blocked by/i.test(message)) return 'upstream-content-refused'
  return 'upstream-refused'
}

/** `google.rpc.RetryInfo`: `"34s"`, `"1.5s"`. */
function retryDelay(details: JsonValue | undefined): number | null {
  for (const detail of listOf(details)) {
    const delay = isObject(detail) ? textOf(detail['retryDelay']) : null
    const seconds = delay === null ? Number.NaN : Number(/^([\d.]{1,12})s$/.exec(delay)?.[1])
    if (Number.isFinite(seconds)) return Math.ceil(seconds * 1000)
  }
  return null
}

function plainText(text: string): string | null {
  const words = text
    .slice(0, 20_000)
    .replace(/<(style|script)\b[\s\S]*?<\/\1>/gi, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
  return /\w/.test(words) && words !== 'null' ? words.slice(0, MESSAGE_LENGTH) : null
}
