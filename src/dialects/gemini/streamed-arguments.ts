// Arguments of a function call that Gemini streams in pieces, each under a JSON path (`streamFunctionCallArguments`). Builds them, nothing else.
// Source: docs.cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling#streaming-fc

import type { JsonObject, JsonValue } from '../../core/canonical.ts'
import type { Writable } from '../../core/json-raw.ts'
import { Raw, printJson } from '../../core/json-raw.ts'
import { isObject, listOf } from './wire.ts'

type Branch = Map<string, Node> | Node[]
type Node = Branch | string | boolean | null | Raw

/** Deeper arguments than any schema means are refused rather than followed. */
const DEEPEST = 64

/** Puts pieces together; a piece for a path whose string was begun continues it. */
export class StreamedArguments {
  readonly #root = new Map<string, Node>()

  /** `false`: a piece has a path that cannot be followed. */
  add(pieces: JsonValue | undefined): boolean {
    return listOf(pieces).every((piece) => isObject(piece) && this.#place(piece))
  }

  /** JSON text of the arguments so far. */
  text(): string {
    return printJson(writable(this.#root))
  }

  #place(piece: JsonObject): boolean {
    const path = piece['jsonPath']
    const keys = typeof path === 'string' ? keysOf(path) : null
    const last = keys?.pop()
    if (keys === null || last === undefined || keys.length > DEEPEST) return false
    let at: Branch = this.#root
    for (const [i, key] of keys.entries()) {
      const found = get(at, key)
      if (found === undefined) {
        const made: Branch = typeof (keys[i + 1] ?? last) === 'number' ? [] : new Map<string, Node>()
        if (!set(at, key, made)) return false
        at = made
      } else if (found instanceof Map || Array.isArray(found)) at = found
      else return false
    }
    const value = valueOf(piece)
    if (value === undefined) return true
    const before = get(at, last)
    return set(at, last, typeof value === 'string' && typeof before === 'string' ? before + value : value)
  }
}

/** `$.a.b[0]['c d']` → `['a', 'b', 0, 'c d']`; `null` when it is no such path. */
function keysOf(path: string): (string | number)[] | null {
  if (!path.startsWith('$')) return null
  const keys: (string | number)[] = []
  let read = 1
  for (const match of path.slice(1).matchAll(/\.([^.[\]]+)|\[(\d{1,6})\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]/gy)) {
    read += match[0].length
    const quoted = match[3] ?? match[4]
    if (match[2] !== undefined) keys.push(Number(match[2]))
    else keys.push(match[1] ?? (quoted ?? '').replace(/\\(.)/g, '$1'))
  }
  return read === path.length ? keys : null
}

function valueOf(piece: JsonObject): string | boolean | null | Raw | undefined {
  const { stringValue, numberValue, boolValue } = piece
  if (typeof stringValue === 'string') return stringValue
  if (typeof numberValue === 'string')
    return numberValue.trim() !== '' && Number.isFinite(Number(numberValue)) ? new Raw(numberValue) : numberValue
  if (typeof boolValue === 'boolean') return boolValue
  return 'nullValue' in piece ? null : undefined
}

function get(at: Branch, key: string | number): Node | undefined {
  return at instanceof Map ? at.get(String(key)) : typeof key === 'number' ? at[key] : undefined
}

/** A list grows only at its end: a far index would make a list of holes. */
function set(at: Branch, key: string | number, node: Node): boolean {
  if (at instanceof Map) at.set(String(key), node)
  else if (typeof key === 'number' && key <= at.length) at[key] = node
  else return false
  return true
}

function writable(node: Node): Writable {
  if (node instanceof Map) return Object.fromEntries([...node].map(([key, value]) => [key, writable(value)]))
  return Array.isArray(node) ? node.map(writable) : node
}
