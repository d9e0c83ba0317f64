// Checks a JSON body byte by byte and finds its members, in one pass and without building anything: the forward way never parses
// a body, and ten megabytes of pictures must not become ten megabytes of string. Strict (RFC 8259, UTF-8), bounded in depth.

import { GatewayError } from './errors.ts'

/** Where a member stands: the key's opening quote, the value's first byte, and the byte behind the value. */
export type Member = { readonly name: string; readonly keyStart: number; readonly valueStart: number; readonly valueEnd: number }

/** What one pass tells of a body. */
export type Scan = {
  /** Position of the closing brace. */
  readonly close: number
  readonly members: ReadonlyMap<string, Member>
  /** Values of members named `type`, anywhere. */
  readonly types: ReadonlySet<string>
  /** Something is named that is not in the body: an http(s) URL of a file, or a file by id. */
  readonly refersOutside: boolean
}

/** Deeper than any schema that a person wrote; providers refuse such bodies too. */
const MAX_DEPTH = 512
const MAX_TYPES = 256
const OPEN_OBJECT = 0x7b
const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })

const STATE = { value: 0, afterValue: 1, key: 2, firstKey: 3, firstItem: 4 } as const

/** ASCII that needs no look inside a string. */
const PLAIN = new Uint8Array(256).fill(1, 0x20, 0x80)
PLAIN[0x22] = 0
PLAIN[0x5c] = 0

type Watch = 'type' | 'url' | 'id' | null

function malformed(what: string, at: number): GatewayError {
  return new GatewayError('request-malformed', `The body is not valid JSON: ${what} at byte ${at}.`)
}

/**
 * Scans a body that must be one JSON object.
 * @throws GatewayError `request-malformed`: not JSON, not an object, a repeated top-level member (also one spelled with escapes), too deep
 */
export function scanJson(bytes: Uint8Array): Scan {
  const end = bytes.length
  const stack = new Uint8Array(MAX_DEPTH)
  const members = new Map<string, Member>()
  const types = new Set<string>()
  let refersOutside = false
  let depth = 0
  let at = skipSpace(bytes, 0)
  if (at >= end) throw new GatewayError('request-malformed', 'The body is empty; a JSON object is needed.')
  if (bytes[at] !== OPEN_OBJECT) {
    throw new GatewayError('request-malformed', 'The body must be a JSON object.')
  }
  let state: number = STATE.value
  let watch: Watch = null
  let name = ''
  let keyStart = 0
  let valueStart = 0
  for (;;) {
    at = skipSpace(bytes, at)
    const c = bytes[at]
    if (c === undefined) throw malformed('it ends too soon', at)
    if (state === STATE.afterValue) {
      if (depth === 1) members.set(name, { name, keyStart, valueStart, valueEnd: trimmedEnd })
      const isObject = stack[depth - 1] === OPEN_OBJECT
      if (c === 0x2c) {
        at++
        state = isObject ? STATE.key : STATE.value
        watch = null
        continue
      }
      if (c !== (isObject ? 0x7d : 0x5d)) throw malformed('a comma or a closing bracket is missing', at)
      depth--
      at++
      if (depth === 0) break
      trimmedEnd = at
      continue
    }
    if (state === STATE.firstItem) {
      if (c === 0x5d) {
        depth--
        at++
        trimmedEnd = at
        state = STATE.afterValue
        continue
      }
      state = STATE.value
    }
    if (state === STATE.firstKey || state === STATE.key) {
      if (c === 0x7d && state === STATE.firstKey) {
        depth--
        at++
        if (depth === 0) break
        trimmedEnd = at
        state = STATE.afterValue
        continue
      }
      if (c !== 0x22) throw malformed('a member needs a name in double quotes', at)
      const start = at
      at = skipString(bytes, at)
      if (depth === 1) {
        name = nameOf(bytes, start, at)
        keyStart = start
        if (members.has(name))
          throw new GatewayError('request-malformed', `The member ${JSON.stringify(name.slice(0, 80))} appears twice.`, {
            at: name.slice(0, 80),
          })
      }
      watch = watchOf(bytes, start, at)
      at = skipSpace(bytes, at)
      if (bytes[at] !== 0x3a) throw malformed('a colon is missing', at)
      at = skipSpace(bytes, at + 1)
      if (depth === 1) valueStart = at
      state = STATE.value
      continue
    }
    // a value
    if (c === 0x22) {
      const start = at
      at = skipString(bytes, at)
      if (watch !== null) {
        if (watch === 'type') {
          if (at - start <= 64 && types.size < MAX_TYPES) types.add(nameOf(bytes, start, at))
        } else if (pointsOutside(bytes, start, at, watch)) refersOutside = true
      }
    } else if (c === OPEN_OBJECT || c === 0x5b) {
      if (depth >= MAX_DEPTH) throw new GatewayError('request-malformed', `The body is nested more than ${MAX_DEPTH} deep.`)
      stack[depth++] = c
      at++
      state = c === OPEN_OBJECT ? STATE.firstKey : STATE.firstItem
      watch = null
      continue
    } else at = skipScalar(bytes, at, c)
    trimmedEnd = at
    state = STATE.afterValue
  }
  const close = at - 1
  if (skipSpace(bytes, at) !== end) throw malformed('there is something behind the end', at)
  return { close, members, types, refersOutside }
}

/** End of the value just read; module state is safe because a scan never yields. */
let trimmedEnd = 0

/** The members of an object inside a body that was scanned before, in order. @throws GatewayError `request-malformed` for a repeated member */
export function membersOf(bytes: Uint8Array, open: number): { readonly list: readonly Member[]; readonly close: number } {
  const list: Member[] = []
  const seen = new Set<string>()
  let at = skipSpace(bytes, open + 1)
  for (;;) {
    if (bytes[at] === 0x7d) return { list, close: at }
    const keyStart = at
    at = skipString(bytes, at)
    const name = nameOf(bytes, keyStart, at)
    if (seen.has(name))
      throw new GatewayError('request-malformed', `The member ${JSON.stringify(name.slice(0, 80))} appears twice in one object.`)
    seen.add(name)
    at = skipSpace(bytes, skipSpace(bytes, at) + 1)
    const valueStart = at
    at = skipValue(bytes, at)
    list.push({ name, keyStart, valueStart, valueEnd: at })
    at = skipSpace(bytes, at)
    if (bytes[at] === 0x2c) at = skipSpace(bytes, at + 1)
  }
}

/** Text of a span. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  return decoder.decode(bytes.subarray(start, end))
}

function nameOf(bytes: Uint8Array, start: number, end: number): string {
  for (let i = start + 1; i < end - 1; i++) if (bytes[i] === 0x5c) return JSON.parse(textOf(bytes, start, end)) as string
  return textOf(bytes, start + 1, end - 1)
}

/** Names behind which a reference may stand. */
const WATCHED = new Map<string, Watch>([
  ['type', 'type'],
  ['mimeType', 'type'], // Gemini's parts have no type, but media have a media type
  ['mime_type', 'type'],
  ['url', 'url'],
  ['image_url', 'url'],
  ['file_url', 'url'],
  ['file_data', 'url'],
  ['file_uri', 'id'],
  ['fileUri', 'id'],
  ['file_id', 'id'],
])

function watchOf(bytes: Uint8Array, start: number, end: number): Watch {
  const length = end - start - 2
  if (length < 3 || length > 54) return null // longest watched name, each character escaped as \uXXXX
  const first = bytes[start + 1]
  if (length <= 9 && first !== 0x74 && first !== 0x75 && first !== 0x69 && first !== 0x66 && first !== 0x6d && first !== 0x5c) return null
  if (length > 9) {
    let escaped = false
    for (let i = start + 1; i < end - 1; i++) if (bytes[i] === 0x5c) escaped = true
    if (!escaped) return null
  }
  return WATCHED.get(nameOf(bytes, start, end)) ?? null
}

/** A URL counts unless it plainly carries its data; an id always counts. */
function pointsOutside(bytes: Uint8Array, start: number, end: number, watch: Watch): boolean {
  if (end - start <= 2) return false
  if (watch === 'id') return true
  const first = bytes[start + 1]
  return first === 0x68 || first === 0x48 || first === 0x5c || first === 0x67 || first === 0x73 || first === 0x2f // h, H, an escape, g(s://), s(3://), //
}

function skipSpace(bytes: Uint8Array, at: number): number {
  for (;;) {
    const c = bytes[at]
    if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return at
    at++
  }
}

/** From the opening quote to behind the closing one; checks escapes, control characters and UTF-8. */
function skipString(bytes: Uint8Array, at: number): number {
  const start = at
  const end = bytes.length
  at++
  for (;;) {
    while (at < end && PLAIN[bytes[at] as number] === 1) at++
    const c = bytes[at]
    if (c === undefined) throw malformed('a string is not closed, opened', start)
    if (c === 0x22) return at + 1
    if (c < 0x20) throw malformed('a control character stands in a string', at)
    if (c === 0x5c) at = skipEscape(bytes, at)
    else at = skipWide(bytes, at, c)
  }
}

function skipEscape(bytes: Uint8Array, at: number): number {
  const c = bytes[at + 1]
  if (c === 0x75) {
    for (let i = 2; i < 6; i++) {
      const h = bytes[at + i] ?? 0
      if (!((h >= 0x30 && h <= 0x39) || (h >= 0x41 && h <= 0x46) || (h >= 0x61 && h <= 0x66))) throw malformed('a bad escape', at)
    }
    return at + 6
  }
  if (c === 0x22 || c === 0x5c || c === 0x2f || c === 0x62 || c === 0x66 || c === 0x6e || c === 0x72 || c === 0x74) return at + 2
  throw malformed('a bad escape', at)
}

/** One character of two to four bytes, by RFC 3629 (no surrogates, nothing overlong). */
function skipWide(bytes: Uint8Array, at: number, lead: number): number {
  const second = bytes[at + 1] ?? 0
  let length: number
  let low = 0x80
  let high = 0xbf
  if (lead >= 0xc2 && lead <= 0xdf) length = 2
  else if (lead >= 0xe0 && lead <= 0xef) {
    length = 3
    if (lead === 0xe0) low = 0xa0
    if (lead === 0xed) high = 0x9f
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    length = 4
    if (lead === 0xf0) low = 0x90
    if (lead === 0xf4) high = 0x8f
  } else throw malformed('bytes that are not UTF-8', at)
  if (second < low || second > high) throw malformed('bytes that are not UTF-8', at)
  for (let i = 2; i < length; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) throw malformed('bytes that are not UTF-8', at)
  return at + length
}

function skipScalar(bytes: Uint8Array, at: number, c: number): number {
  if (c === 0x74) return word(bytes, at, 'true')
  if (c === 0x66) return word(bytes, at, 'false')
  if (c === 0x6e) return word(bytes, at, 'null')
  return skipNumber(bytes, at)
}

function word(bytes: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) throw malformed('an unknown word', at)
  return at + text.length
}

function skipNumber(bytes: Uint8Array, start: number): number {
  let at = start
  if (bytes[at] === 0x2d) at++
  const first = at
  at = digits(bytes, at)
  if (at - first > 1 && bytes[first] === 0x30) throw malformed('a number with a leading zero', start)
  if (bytes[at] === 0x2e) at = digits(bytes, at + 1)
  const c = bytes[at]
  if (c === 0x65 || c === 0x45) {
    at++
    if (bytes[at] === 0x2b || bytes[at] === 0x2d) at++
    at = digits(bytes, at)
  }
  return at
}

function digits(bytes: Uint8Array, at: number): number {
  const start = at
  for (let c = bytes[at]; c !== undefined && c >= 0x30 && c <= 0x39; c = bytes[at]) at++
  if (at === start) throw malformed('an unexpected character', at)
  return at
}

/** Behind a value of a body that was scanned before: nothing is checked again. */
function skipValue(bytes: Uint8Array, at: number): number {
  let depth = 0
  for (;;) {
    const c = bytes[at]
    if (c === undefined) return at
    if (c === 0x22) {
      at = skipString(bytes, at)
      if (depth === 0) return at
      continue
    }
    if (c === OPEN_OBJECT || c === 0x5b) depth++
    else if (c === 0x7d || c === 0x5d) {
      if (depth === 0) return at // a scalar ended at the bracket of its parent
      if (--depth === 0) return at + 1
    } else if (depth === 0 && (c === 0x2c || c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09)) return at
    at++
  }
}
