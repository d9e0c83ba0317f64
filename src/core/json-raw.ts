// Raw JSON text inside JSON: members that must never be parsed and re-printed (tool arguments, schemas) are read as text and
// written as text. A schema whose keys moved is another prompt to a provider's cache; 1.0 and 12345678901234567890 do not survive
// JSON.parse. Reading: one scan wraps each raw value into a JSON string, then the native parser does the rest.

import type { JsonObject, JsonValue } from './canonical.ts'
import { GatewayError } from './errors.ts'

/** Raw JSON text standing for a value in a body that is being written. */
export class Raw {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** What `printJson` takes: JSON with raw texts in it; an absent (`undefined`) member is left out. */
export type Writable = JsonValue | Raw | undefined | readonly Writable[] | { readonly [key: string]: Writable }

/** Which members stay text: paths with `*` for any index or name, such as `tools.*.function.parameters`. */
export type RawPaths = { readonly [step: string]: RawPaths | true }

/** Builds the table that `parseKeepingRaw` walks. `rawPaths('tools.*.input_schema', 'output_format.schema')`. */
export function rawPaths(...paths: readonly string[]): RawPaths {
  const root: { [step: string]: RawPaths | true } = Object.create(null)
  for (const path of paths) {
    const steps = path.split('.')
    let at = root
    steps.forEach((step, i) => {
      if (i === steps.length - 1) at[step] = true
      else at = (at[step] ??= Object.create(null)) as { [step: string]: RawPaths | true }
    })
  }
  return root
}

/**
 * Parses a JSON object text; each value at a raw path arrives as a string that holds the value's own text, byte for byte. A value
 * there that already is a JSON string (OpenAI's `arguments`) is parsed as usual, so it too arrives as the text it carries; `null` stays null.
 * @throws GatewayError `upstream-garbled` when the text is no JSON object
 */
export function parseKeepingRaw(text: string, paths: RawPaths): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(wrapRaw(text, paths))
  } catch (cause) {
    throw new GatewayError('upstream-garbled', 'The text is not valid JSON.', { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new GatewayError('upstream-garbled', 'The text is not a JSON object.')
  return value as JsonObject
}

/** The text with each value at a raw path replaced by a JSON string of its text. Lenient: what is no JSON is left to the parser. */
function wrapRaw(text: string, paths: RawPaths): string {
  const spans: number[] = []
  try {
    walk(text, space(text, 0), paths, spans)
  } catch (error) {
    if (error instanceof RangeError) return text // unbalanced or too deep: the parser says what is wrong
    throw error
  }
  if (spans.length === 0) return text
  let out = ''
  let from = 0
  for (let i = 0; i < spans.length; i += 2) {
    const start = spans[i] as number
    const end = spans[i + 1] as number
    out += text.slice(from, start) + JSON.stringify(text.slice(start, end))
    from = end
  }
  return out + text.slice(from)
}

/** Walks one value that has raw paths below it and gives back where it ends; collects start and end of each raw value. */
function walk(text: string, at: number, paths: RawPaths, spans: number[]): number {
  const opener = text.charCodeAt(at)
  if (opener !== 123 && opener !== 91) return skipValue(text, at)
  const isObject = opener === 123
  at = space(text, at + 1)
  for (let index = 0; ; index++) {
    const c = text.charCodeAt(at)
    if (c === 125 || c === 93) return at + 1
    let next: RawPaths | true | undefined
    if (isObject) {
      const end = skipString(text, at)
      next = step(paths, text, at, end)
      at = space(text, end)
      if (text.charCodeAt(at) !== 58) throw new RangeError('no colon')
      at = space(text, at + 1)
    } else next = paths['*']
    if (next === undefined) at = skipValue(text, at)
    else if (next === true) {
      const end = skipValue(text, at)
      const first = text.charCodeAt(at)
      if (first === 123 || first === 91 || (first !== 34 && first !== 110)) spans.push(at, end)
      at = end
    } else at = walk(text, at, next, spans)
    at = space(text, at)
    if (text.charCodeAt(at) === 44) at = space(text, at + 1)
  }
}

function step(paths: RawPaths, text: string, start: number, end: number): RawPaths | true | undefined {
  let name = text.slice(start + 1, end - 1)
  if (name.includes('\\')) {
    try {
      name = JSON.parse(text.slice(start, end)) as string
    } catch {
      throw new RangeError('bad escape')
    }
  }
  return paths[name] ?? paths['*']
}

function space(text: string, at: number): number {
  for (;;) {
    const c = text.charCodeAt(at)
    if (c !== 32 && c !== 10 && c !== 13 && c !== 9) return at
    at++
  }
}

function skipString(text: string, at: number): number {
  if (text.charCodeAt(at) !== 34) throw new RangeError('no string')
  for (;;) {
    const quote = text.indexOf('"', at + 1)
    if (quote < 0) throw new RangeError('unclosed string')
    let slashes = 0
    while (text.charCodeAt(quote - 1 - slashes) === 92) slashes++
    if (slashes % 2 === 0) return quote + 1
    at = quote
  }
}

function skipValue(text: string, at: number): number {
  const first = text.charCodeAt(at)
  if (first === 34) return skipString(text, at)
  if (first !== 123 && first !== 91) {
    const start = at
    while (at < text.length && !',}] \n\t\r'.includes(text.charAt(at))) at++
    if (at === start) throw new RangeError('no value')
    return at
  }
  let depth = 0
  for (;;) {
    const c = text.charCodeAt(at)
    if (c === 34) {
      at = skipString(text, at)
      continue
    }
    if (c === 123 || c === 91) depth++
    else if (c === 125 || c === 93) {
      depth--
      if (depth === 0) return at + 1
    } else if (Number.isNaN(c)) throw new RangeError('unclosed value')
    at++
  }
}

/** Prints JSON without white space; raw texts stand as they are. Members that are `undefined` are left out. */
export function printJson(value: Writable): string {
  if (value instanceof Raw) return value.text
  if (value === null || typeof value !== 'object') return JSON.stringify(value ?? null)
  if (Array.isArray(value)) return `[${(value as readonly Writable[]).map(printJson).join(',')}]`
  let out = ''
  for (const [name, member] of Object.entries(value as { readonly [key: string]: Writable })) {
    if (member === undefined) continue
    out += `${out === '' ? '' : ','}${JSON.stringify(name)}:${printJson(member)}`
  }
  return `{${out}}`
}

/** A tool call's arguments as the text of a JSON object, for dialects that only take objects: text that is none (cut by a length limit) is wrapped. */
export function asObjectText(text: string): string {
  const bare = text.trim()
  if (bare === '' || bare === 'null') return '{}' // no arguments; some hosts say null
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return text
  } catch {
    // wrapped below
  }
  return JSON.stringify({ _raw: text })
}
