// Members of a client's request by the type they must have: a wrong one is a 400 that names its place. `null` counts as absent.

import type { JsonObject, JsonValue } from '../../core/canonical.ts'
import { GatewayError } from '../../core/errors.ts'
import { isArray, isObject } from './wire.ts'

export function malformed(at: string, must: string): GatewayError {
  return new GatewayError('request-malformed', `Invalid value for '${at}': it must be ${must}.`, { at })
}

function optional<T>(must: string, check: (value: JsonValue) => T | undefined) {
  return (of: JsonObject, name: string, at = name): T | undefined => {
    const value = of[name]
    if (value === undefined || value === null) return undefined
    const checked = check(value)
    if (checked === undefined) throw malformed(at, must)
    return checked
  }
}

export const optionalText = optional('a string', (value) => (typeof value === 'string' ? value : undefined))
export const optionalBoolean = optional('true or false', (value) => (typeof value === 'boolean' ? value : undefined))
/** A number that JSON can say again: 1e400 arrives as Infinity and is none. */
export const optionalNumber = optional('a number', (value) => (typeof value === 'number' && Number.isFinite(value) ? value : undefined))
export const optionalCount = optional('a positive whole number', (value) => (isCount(value) ? value : undefined))
/** Ollama's clients say 0 for "no ceiling": it counts as not said. */
export function optionalCeiling(of: JsonObject, name: string): number | undefined {
  return of[name] === 0 ? undefined : optionalCount(of, name)
}
export const optionalObject = optional('an object', (value) => (isObject(value) ? value : undefined))
export const optionalList = optional('an array', (value) => (isArray(value) ? value : undefined))

export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0
}

export function expectText(of: JsonObject, name: string, at: string): string {
  const value = optionalText(of, name, at)
  if (value === undefined) throw malformed(at, 'a string')
  return value
}

export function expectObject(value: JsonValue | undefined, at: string): JsonObject {
  if (!isObject(value)) throw malformed(at, 'an object')
  return value
}

/** The raw text of a JSON schema. A client may send the schema as a string instead, which can be no JSON at all. */
export function optionalSchema(of: JsonObject, name: string, at: string): string | undefined {
  const text = of[name]
  if (text === undefined || text === null) return undefined
  if (typeof text !== 'string' || !isObjectText(text)) throw malformed(at, 'a JSON Schema object')
  return text
}

function isObjectText(text: string): boolean {
  try {
    return isObject(JSON.parse(text))
  } catch {
    return false
  }
}
