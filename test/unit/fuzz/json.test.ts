// The JSON scanner, the splice and the raw texts against JSON.parse, over texts that no printer would write.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Body } from '../../../src/core/body.ts'
import type { JsonValue } from '../../../src/core/canonical.ts'
import { GatewayError } from '../../../src/core/errors.ts'
import { JsonArrayReader, JsonArrayWriter } from '../../../src/core/json-array.ts'
import { parseKeepingRaw, printJson, Raw, rawPaths, type Writable } from '../../../src/core/json-raw.ts'
import type { Edit, Edits, Path } from '../../../src/core/json-splice.ts'
import { rawMembers } from '../../support/odd-json.ts'
import { cutAt, holds, MARKS } from './holds.ts'
import { ALMOST_JSON, NAMES, OBJECT_TEXT, VALUE_TEXT } from './odd-text.ts'

const MOST_DEPTH = 512
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
type Data = { [name: string]: unknown }

/** The object of a text that is one, without members that come twice at the top; else `null`. */
function objectOf(text: string): Data | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (!isData(value)) return null
  const names = rawMembers(text).map(([name]) => name)
  return new Set(names).size === names.length && depthOf(value) <= MOST_DEPTH ? value : null
}

function isData(value: unknown): value is Data {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function depthOf(value: unknown): number {
  let depth = 0
  let level: unknown[] = [value]
  while ((level = level.filter((one) => typeof one === 'object' && one !== null)).length > 0) {
    depth++
    level = level.flatMap((one) => Object.values(one as object))
  }
  return depth
}

/** What a call gives, or the GatewayError it throws; anything else it throws is the test's failure. */
function outcome<T>(call: () => T): T | GatewayError {
  try {
    return call()
  } catch (error) {
    if (error instanceof GatewayError) return error
    throw error
  }
}

describe('the scanner', () => {
  it('agrees with JSON.parse on what is a body, and on the value of every member', () => {
    holds(
      fc.property(ALMOST_JSON, (text) => {
        const want = objectOf(text)
        const body = outcome(() => new Body(encoder.encode(text)))
        if (want === null) {
          expect(body).toMatchObject({ name: 'GatewayError', code: 'request-malformed' })
          return
        }
        if (body instanceof GatewayError) throw body
        for (const name of [...Object.keys(want), 'absent']) {
          const raw = body.member([name])
          if (Object.hasOwn(want, name)) expect(JSON.parse(raw ?? '')).toEqual(want[name])
          else expect(raw).toBeNull()
        }
      }),
      3000,
    )
  })

  it('finds members of members, or refuses those that come twice', () => {
    holds(
      fc.property(OBJECT_TEXT, fc.array(fc.constantFrom(...NAMES), { minLength: 2, maxLength: 3 }), (text, steps) => {
        const want = objectOf(text)
        if (want === null) return
        const [first, ...rest] = steps
        const raw = outcome(() => new Body(encoder.encode(text)).member([first ?? '', ...rest]))
        if (raw instanceof GatewayError) {
          expect(raw.message).toContain('appears twice')
          return
        }
        const found = steps.reduce<unknown>((at, step) => (isData(at) && Object.hasOwn(at, step) ? at[step] : undefined), want)
        if (found === undefined) expect(raw).toBeNull()
        else expect(JSON.parse(raw ?? '')).toEqual(found)
      }),
      1500,
    )
  })

  it('names every type, and throws nothing but GatewayError for any bytes', () => {
    holds(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.tuple(OBJECT_TEXT, fc.nat(), fc.nat(255)).map(spoiltByte)), (bytes) => {
        const body = outcome(() => new Body(bytes))
        if (body instanceof GatewayError) return
        JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
      }),
      1500,
    )
  })
})

const EDIT: fc.Arbitrary<Edit> = fc.record({
  path: fc
    .tuple(fc.constantFrom(...NAMES), fc.array(fc.constantFrom(...NAMES), { maxLength: 2 }))
    .map(([first, rest]): Path => [first, ...rest]),
  json: fc.option(VALUE_TEXT, { freq: 3 }),
})

/** Edits of which none stands below another. */
const EDITS: fc.Arbitrary<Edits> = fc
  .array(EDIT, { minLength: 1, maxLength: 5 })
  .map((edits) => edits.filter((edit, i) => edits.every((other, j) => i === j || !touches(other.path, edit.path))))

function touches(a: Path, b: Path): boolean {
  return a.every((step, i) => i >= b.length || step === b[i])
}

function applied(value: Data, edits: Edits): Data {
  for (const { path, json } of edits) {
    let at: Data | null = value
    for (const step of path.slice(0, -1)) {
      const next: unknown = at !== null && Object.hasOwn(at, step) ? at[step] : undefined
      if (isData(next)) at = next
      else if (json === null) at = null
      else if (at !== null) at = put(at, step, {})
      if (at === null) break
    }
    const last = path.at(-1) ?? ''
    if (at === null) continue
    if (json === null) delete at[last]
    else put(at, last, JSON.parse(json))
  }
  return value
}

/** Also for `__proto__`, which an assignment would take for something else. */
function put<T>(at: Data, name: string, value: T): T {
  Object.defineProperty(at, name, { value, writable: true, enumerable: true, configurable: true })
  return value
}

describe('a splice', () => {
  it('parses as the edited object, and leaves the text of every other member as it was', () => {
    holds(
      fc.property(OBJECT_TEXT, EDITS, (text, edits) => {
        const value = objectOf(text)
        if (value === null) return
        const sent = outcome(() => new Body(encoder.encode(text)).spliced(edits))
        if (sent instanceof GatewayError) {
          expect(sent.message).toContain('appears twice')
          return
        }
        const got = decoder.decode(Buffer.concat(sent))
        expect(JSON.parse(got)).toEqual(applied(value, edits))
        const roots = new Set<string>(edits.map(({ path }) => path[0]))
        const others = (of: string): unknown => rawMembers(of).filter(([name]) => !roots.has(name))
        expect(others(got)).toEqual(others(text))
      }),
      3000,
    )
  })
})

const RAW = rawPaths('a.*.b', 'tools.*', 'model')

/** The value that a text with raw members stands for. */
function unwrapped(value: unknown, paths: typeof RAW | true | undefined, original: unknown): unknown {
  if (paths === undefined) return value
  if (paths === true) return typeof value === 'string' && typeof original !== 'string' ? JSON.parse(value) : value
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, member]) => {
    const next = Array.isArray(value) ? paths['*'] : (paths[name] ?? paths['*'])
    return [name, unwrapped(member, next, Object.getOwnPropertyDescriptor(Object(original), name)?.value)] as const
  })
  if (Array.isArray(value)) return entries.map(([, member]) => member)
  const made: Data = {}
  for (const [name, member] of entries) put(made, name, member)
  return made
}

describe('raw texts', () => {
  it('stand for the values they were, and nothing else is changed', () => {
    holds(
      fc.property(ALMOST_JSON, (text) => {
        const read = outcome(() => parseKeepingRaw(text, RAW))
        let want: unknown
        try {
          want = JSON.parse(text)
        } catch {
          // Perhaps accepted: a raw value is checked where it is written, not here.
          return
        }
        if (!isData(want)) {
          expect(read).toBeInstanceOf(GatewayError)
          return
        }
        if (read instanceof GatewayError) throw read
        expect(unwrapped(read, RAW, want)).toEqual(want)
      }),
      3000,
    )
  })

  it('are printed as they stand, in JSON that says the same', () => {
    holds(
      fc.property(VALUE_TEXT, VALUE_TEXT, (text, raw) => {
        const value = JSON.parse(text) as JsonValue
        const written: Writable = { value, raw: new Raw(raw), none: undefined, list: [new Raw(raw)] }
        const printed = printJson(written)
        // As text: a printer may say 0 for -0.
        const said = JSON.parse(raw) as JsonValue
        expect(JSON.stringify(JSON.parse(printed))).toBe(JSON.stringify({ value, raw: said, list: [said] }))
        expect(printed).toContain(`"raw":${raw}`)
      }),
      1000,
    )
  })
})

describe('a stream framed as a JSON array', () => {
  it('gives the same elements wherever it is cut, as they were written', () => {
    holds(
      fc.property(fc.array(OBJECT_TEXT, { maxLength: 4 }), MARKS, (elements, marks) => {
        const writer = new JsonArrayWriter()
        const text = elements.map((data) => writer.text([{ data: data.trim() }])).join('') + writer.end([])
        const reader = new JsonArrayReader()
        const frames = cutAt(encoder.encode(text), marks).flatMap((piece) => [...reader.push(piece)])
        expect([...frames, ...reader.end()]).toEqual(elements.map((data) => ({ data: data.trim() })))
      }),
      800,
    )
  })

  it('takes any bytes, and can be closed wherever it says that it can', () => {
    holds(
      fc.property(fc.array(OBJECT_TEXT, { maxLength: 3 }), fc.nat(), (elements, at) => {
        const text = `[${elements.join(',')}]`
        const sent = text.slice(0, at % (text.length + 1))
        const reader = new JsonArrayReader()
        reader.push(encoder.encode(sent))
        const last = reader.farewell([{ data: '{"error":1}' }])
        if (last !== null && wellCut(sent)) expect(JSON.parse(sent + last).at(-1)).toEqual({ error: 1 })
        reader.push(Uint8Array.of(0xff, 0x5d, 0x7b, 0x22))
      }),
      800,
    )
  })
})

/** Not behind a comma: a provider's next element would have followed. */
function wellCut(sent: string): boolean {
  return !sent.trimEnd().endsWith(',')
}

function spoiltByte([text, at, byte]: readonly [string, number, number]): Uint8Array {
  const bytes = encoder.encode(text)
  bytes[at % bytes.length] = byte
  return bytes
}
