// Reads members of a client's request and says where one is of a wrong type. `null` counts as not said.

import type { JsonObject, JsonValue } from '../../core/canonical.ts'
import { GatewayError } from '../../core/errors.ts'
import { isArray, isObject } from './wire.ts'

export function malformed(at: string, expected: string): GatewayError {
  return new GatewayError('request-malformed', `${at}: expected ${expected}.`, { at })
}

function optional<T>(check: (value: JsonValue) => T | undefined, expected: string) {
  return (from: JsonObject, name: string, at = name): T | undefined => {
    const value = from[name]
    if (value === undefined || value === null) return undefined
    const read = check(value)
    if (read === undefined) throw malformed(at, expected)
    return read
  }
}

export const optionalText = optional((value) => (typeof value === 'string' ? value : undefined), 'a string')
export const optionalNumber = optional((value) => (typeof value === 'number' ? value : undefined), 'a number')
export const optionalFlag = optional((value) => (typeof value === 'boolean' ? value : undefined), 'true or false')
export const optionalObject = optional((value) => (isObject(value) ? value : undefined), 'an object')
export const optionalList = optional((value) => (isArray(value) ? value : undefined), 'a list')
/** A whole number from zero up; what is too large to be exact is cut to the largest that is. */
export const optionalCount = optional(
  (value) =>
    typeof value === 'number' && value >= 0 && (Number.isInteger(value) || value === Number.POSITIVE_INFINITY)
      ? Math.min(value, Number.MAX_SAFE_INTEGER)
      : undefined,
  'a whole number from zero up',
)

export function requiredText(from: JsonObject, name: string, at: string): string {
  const value = optionalText(from, name, at)
  if (value === undefined) throw malformed(at, 'a string')
  return value
}

export function objectAt(value: JsonValue | undefined, at: string): JsonObject {
  if (!isObject(value)) throw malformed(at, 'an object')
  return value
}
