// What providers' refusals have in common, whatever language they are worded in: the status, the waiting time, the object in the text.

import type { JsonObject } from '../core/canonical.ts'
import type { ErrorCode } from '../core/errors.ts'

/** The code that the status alone tells; `null`: a refusal of this request, told apart by its words. */
export function codeOfStatus(status: number): ErrorCode | null {
  if (status === 401 || status === 402 || status === 403) return 'credential-refused'
  if (status === 429) return 'upstream-limited'
  if (status === 408 || status === 504) return 'upstream-timeout'
  if (status === 503 || status === 529) return 'upstream-overloaded'
  return status >= 500 ? 'upstream-failed' : null
}

/** Milliseconds of `retry-after-ms`, or of `retry-after` as seconds or as an HTTP date, which counts from the answer's own `date`: there is no clock here. */
export function readRetryAfterMs(headers: Headers): number | null {
  const ms = Number(headers.get('retry-after-ms') ?? Number.NaN)
  if (Number.isFinite(ms) && ms >= 0) return Math.ceil(ms)
  const said = headers.get('retry-after')?.trim() ?? ''
  if (said === '') return null
  const seconds = Number(said)
  if (Number.isFinite(seconds)) return seconds >= 0 ? Math.ceil(seconds * 1000) : null
  const wait = Date.parse(said) - Date.parse(headers.get('date') ?? '')
  return Number.isFinite(wait) ? Math.max(0, wait) : null
}

/** The object in an error's text; of a list (Google's way) its first. `null`: plain text, HTML, or nothing. */
export function objectIn(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text)
    const first: unknown = Array.isArray(value) ? value[0] : value
    return typeof first === 'object' && first !== null && !Array.isArray(first) ? (first as JsonObject) : null
  } catch {
    return null
  }
}
