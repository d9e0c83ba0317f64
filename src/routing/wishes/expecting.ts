// Members and headers that ask something of routing, by the type they must have: a wrong one is a 400 that names its place, and nobody is called.

import type { JsonObject, JsonValue } from '../../core/canonical.ts'
import { GatewayError } from '../../core/errors.ts'
import type { Path } from '../../core/json-splice.ts'

/** A body, as far as wishes look: raw JSON texts of its top-level members. */
export type Members = { member(path: Path): string | null }

const LONGEST_NAME = 256
const MOST_NAMES = 64
/** Longer than anything may take; it keeps sums of times whole. */
const LONGEST_SECONDS = 86_400

export function malformed(at: string, must: string): GatewayError {
  return new GatewayError('request-malformed', `Invalid value for '${at}': it must be ${must}.`, { at })
}

export function unsupported(at: string, why: string): GatewayError {
  return new GatewayError('request-unsupported', `'${at}' is not supported here, and is not ignored: ${why}`, { at })
}

/** A member's value; `null` when it is absent or null. */
export function valueOf(members: Members, name: string): JsonValue {
  const text = members.member([name])
  if (text === null) return null
  try {
    return JSON.parse(text) as JsonValue
  } catch (cause) {
    throw new GatewayError('request-malformed', `Invalid value for '${name}': it is not valid JSON.`, { at: name, cause })
  }
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value)
}

/** An own member; `null` when it is absent. Never what an object inherits. */
export function memberOf(object: JsonObject, name: string): JsonValue {
  return Object.hasOwn(object, name) ? (object[name] ?? null) : null
}

export function expectObject(value: JsonValue, at: string): JsonObject {
  if (!isObject(value)) throw malformed(at, 'an object')
  return value
}

export function expectList(value: JsonValue, at: string, most = MOST_NAMES): readonly JsonValue[] {
  if (!isList(value)) throw malformed(at, 'an array')
  if (value.length > most) throw malformed(at, `an array of at most ${most}`)
  return value
}

/** A name of something: not empty, not endless. */
export function expectName(value: JsonValue, at: string, what: string): string {
  if (typeof value !== 'string' || value.trim() === '' || value.length > LONGEST_NAME) throw malformed(at, what)
  return value
}

export function expectNames(value: JsonValue, at: string, what: string): readonly string[] {
  return expectList(value, at).map((name, i) => expectName(name, `${at}[${i}]`, what))
}

/** `null` is "not said". */
export function optionalFlag(value: JsonValue, at: string): boolean | null {
  if (value === null || typeof value === 'boolean') return value
  throw malformed(at, 'true or false')
}

/** `null` is "not said". */
export function optionalText(value: JsonValue, at: string): string | null {
  if (value === null || typeof value === 'string') return value
  throw malformed(at, 'a string')
}

export function expectNumber(value: JsonValue, at: string, must = 'a number from 0 up'): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw malformed(at, must)
  return value
}

/** Seconds above 0 as whole milliseconds, at least one. `null` is "not said". */
export function optionalSeconds(value: JsonValue, at: string): number | null {
  if (value === null) return null
  const seconds = expectNumber(value, at, 'a number of seconds above 0')
  if (seconds === 0) throw malformed(at, 'a number of seconds above 0')
  return Math.max(1, Math.round(Math.min(seconds, LONGEST_SECONDS) * 1000))
}

const DECIMAL = /^\d{1,12}(\.\d{1,12})?$/

/** A header that is a number; `null`: it is not there. */
export function numberIn(headers: Headers, name: string, what: string): number | null {
  const text = headers.get(name)
  if (text === null) return null
  if (!DECIMAL.test(text.trim())) throw malformed(name, what)
  return Number(text)
}

/** The earliest of these times; `null`: none was said. */
export function earliest(...times: readonly (number | null)[]): number | null {
  return times.reduce((first, time) => (first === null || (time !== null && time < first) ? time : first), null)
}
