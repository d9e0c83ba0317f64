// Whether a JSON value holds against a JSON Schema that anybody may have written, within a bound of work: what cannot be checked within it is
// said to be unknown. The rules are the library's; the bound is ours, by proxies that count what it reads.

import { Validator } from '@cfworker/json-schema'
import type { JsonValue } from './canonical.ts'
import { patternSteps } from './pattern-cost.ts'

export type SchemaVerdict = 'holds' | 'fails' | 'unknown'
/** Steps that are left for several checks together. */
export type Work = { left: number }

/** Characters. */
const MOST_SCHEMA = 65_536
const MOST_VALUE = 262_144
const MOST_DEPTH = 64
/** Steps of some tens of nanoseconds at worst. */
const MOST_WORK = 3_000_000
/** What a member costs that is read, in such steps. */
const READ = 10

type Draft = '4' | '7' | '2019-09' | '2020-12'
/** What is looked at of a value, for the bounds. */
type Extent = { depth: number; longest: number; longestKey: number; mostKeys: number }

/**
 * `value` was JSON of `length` characters. `format` is not looked at: by the standard it is a remark. Unknown are schemas and values that are too
 * large or too deep, a `$ref` that leads outside, patterns that could take too long, and whatever the library cannot make sense of.
 */
export function holdsAgainst(schemaText: string, value: JsonValue, length: number, work: Work = workFor()): SchemaVerdict {
  if (schemaText.length > MOST_SCHEMA || length > MOST_VALUE) return 'unknown'
  try {
    const schema = JSON.parse(schemaText) as JsonValue
    if (typeof schema === 'boolean') return schema ? 'holds' : 'fails'
    if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return 'unknown'
    const extent = extentOf(value)
    if (extent.depth > MOST_DEPTH || extentOf(schema).depth > MOST_DEPTH) return 'unknown'
    const counted = new Counted(extent, work)
    const validator = new Validator(counted.schema(schema), draftOf(schema))
    return validator.validate(counted.value(value)).valid ? 'holds' : 'fails'
  } catch {
    return 'unknown' // out of work, too deep, or no schema
  }
}

export function workFor(): Work {
  return { left: MOST_WORK }
}

function draftOf(schema: object): Draft {
  const said = String(Reflect.get(schema, '$schema') ?? '')
  if (said.includes('draft-04')) return '4'
  if (said.includes('draft-06') || said.includes('draft-07')) return '7'
  return said.includes('2019-09') ? '2019-09' : '2020-12'
}

/** `null`, text and numbers are of depth 0. */
function extentOf(value: JsonValue): Extent {
  const extent: Extent = { depth: 0, longest: 0, longestKey: 0, mostKeys: 0 }
  const walk = (one: JsonValue, depth: number): void => {
    if (typeof one === 'string') extent.longest = Math.max(extent.longest, one.length)
    if (typeof one !== 'object' || one === null) return
    extent.depth = Math.max(extent.depth, depth)
    if (depth > MOST_DEPTH) return
    if (Array.isArray(one)) for (const inner of one as readonly JsonValue[]) walk(inner, depth + 1)
    else {
      const members = Object.entries(one)
      extent.mostKeys = Math.max(extent.mostKeys, members.length)
      for (const [key, inner] of members) {
        extent.longestKey = Math.max(extent.longestKey, key.length)
        walk(inner, depth + 1)
      }
    }
  }
  walk(value, 1)
  return extent
}

/** Schema and value as the library sees them. @throws Error from inside the library, once the work is used up */
class Counted {
  readonly #work: Work
  readonly #extent: Extent
  readonly #seen = new WeakMap<object, object>()

  constructor(extent: Extent, work: Work) {
    this.#work = work
    this.#extent = extent
  }

  schema(schema: object): object {
    return this.#proxied(schema, (of, name, member) => this.#readSchema(of, name, member, true))
  }

  value(value: JsonValue): JsonValue {
    if (typeof value !== 'object' || value === null) return value
    // A proxy of a JSON value is read like one.
    return this.#proxied(value, (_of, _name, member) => this.#inner(member, (one) => this.value(one as JsonValue) as object)) as JsonValue
  }

  #take(work: number): void {
    this.#work.left -= work
    if (!(this.#work.left >= 0)) throw new Error('Checking this schema takes too long.')
  }

  #proxied<T extends object>(of: T, read: (of: T, name: string | symbol, member: unknown) => unknown): T {
    const known = this.#seen.get(of)
    if (known !== undefined) return known as T
    const made = new Proxy(of, {
      get: (target, name) => {
        this.#take(READ)
        return read(target, name, Reflect.get(target, name) as unknown)
      },
      ownKeys: (target) => {
        const keys = Reflect.ownKeys(target)
        for (const key of keys) this.#take(READ + String(key).length)
        return keys
      },
    })
    this.#seen.set(of, made)
    return made
  }

  #inner(member: unknown, wrapped: (one: object) => object): unknown {
    return typeof member === 'object' && member !== null ? wrapped(member) : member
  }

  /** `isRules`: a schema, or a map or list of some; else data in it, where no word means anything, though it may be a schema under an odd name. */
  #readSchema(of: object, name: string | symbol, member: unknown, isRules: boolean): unknown {
    const { longest, longestKey, mostKeys } = this.#extent
    if (typeof member === 'string') {
      if (name === 'pattern') this.#take(patternSteps(member, longest))
      else if (name === 'format') {
        if (isRules) return undefined
        this.#take(longest * longest)
      }
    } else if (typeof member === 'number') {
      if (name === 'minLength' || name === 'maxLength') this.#take(longest)
    } else if (typeof member === 'object' && member !== null && name === 'patternProperties') {
      for (const pattern of Object.keys(member)) this.#take(patternSteps(pattern, longestKey) * (mostKeys + 1))
    }
    if (typeof member === 'string') this.#take(member.length)
    const isData = !isRules || (!Array.isArray(of) && (name === 'const' || name === 'enum'))
    return this.#inner(member, (one) => this.#proxied(one, (inner, inside, value) => this.#readSchema(inner, inside, value, !isData)))
  }
}
