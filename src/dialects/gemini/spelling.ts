// Members of a client's request: Google takes camelCase and snake_case, so both are looked for; a value of a wrong type is a 400 that names its place.

import type { JsonObject, JsonValue } from '../../core/canonical.ts'
import { GatewayError } from '../../core/errors.ts'
import { isObject } from './wire.ts'

/** Members that no canonical member stands for, by their path in the client's body. */
export type Leftovers = { [path: string]: JsonValue }

export function malformed(at: string, must: string): GatewayError {
  return new GatewayError('request-malformed', `Invalid value at '${at}': it must be ${must}.`, { at })
}

/** `maxOutputTokens` → `max_output_tokens`. */
export function snakeOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** A member under either spelling; `null` counts as absent. */
export function said(of: JsonObject, name: string): JsonValue | undefined {
  return of[name] ?? of[snakeOf(name)] ?? undefined
}

/** What is left of an object without these members, whichever way they are spelled; absent (`null`) members are left out. */
export function besides(of: JsonObject, names: readonly string[]): readonly (readonly [string, JsonValue])[] {
  return Object.entries(of).filter(([name, value]) => value !== null && !names.some((known) => known === name || snakeOf(known) === name))
}

function optional<T>(must: string, check: (value: JsonValue) => T | undefined) {
  return (of: JsonObject, name: string, at: string): T | undefined => {
    const value = said(of, name)
    if (value === undefined) return undefined
    const checked = check(value)
    if (checked === undefined) throw malformed(`${at}${name}`, must)
    return checked
  }
}

export const optionalText = optional('a string', (value) => (typeof value === 'string' ? value : undefined))
export const optionalFlag = optional('true or false', (value) => (typeof value === 'boolean' ? value : undefined))
/** A number that JSON can say again: 1e400 arrives as Infinity and is none. */
export const optionalNumber = optional('a number', (value) => (typeof value === 'number' && Number.isFinite(value) ? value : undefined))
export const optionalObject = optional('an object', (value) => (isObject(value) ? value : undefined))
/** One where many are meant is a list of one, as Google reads it. */
export const optionalList = optional<readonly JsonValue[]>('a list', (value) =>
  Array.isArray(value) ? (value as readonly JsonValue[]) : isObject(value) ? [value] : undefined,
)

export function objectAt(value: JsonValue | undefined, at: string): JsonObject {
  if (!isObject(value)) throw malformed(at, 'an object')
  return value
}

export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0
}
