// Finds the fields of a form (multipart/form-data, RFC 7578) in bytes as they come. It remembers where the texts are and nothing of the
// files, so that a file of any size can pass through. No library does this: those that are kept well hold each part until it ends.

import { GatewayError } from './errors.ts'

/** A text field: its value, and where its bytes stand in the whole body. */
export type Field = { readonly name: string; readonly value: string; readonly start: number; readonly end: number }

const MOST_HEADER_BYTES = 8192
const MOST_TEXT_BYTES = 262_144
const CR = 0x0d
const LF = 0x0a
const DASH = 0x2d
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

type Part = { readonly name: string; readonly isFile: boolean; readonly start: number }
type State = 'preamble' | 'after-delimiter' | 'headers' | 'body' | 'end'

/** @throws GatewayError `request-malformed` when the header tells no boundary */
export function boundaryOf(contentType: string): string {
  const match = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType)
  const boundary = match?.[1] ?? match?.[2]
  if (boundary === undefined) throw broken('its content-type names no boundary')
  return boundary
}

export class FormScan {
  readonly #delimiter: Uint8Array
  #state: State = 'preamble'
  /** What is not settled yet, and where it begins in the whole body. A delimiter at the very start has no line break before it: one is lent. */
  #rest: Uint8Array = new Uint8Array([CR, LF])
  #at = -2
  #part: Part | null = null
  #textBytes = 0
  readonly #fields = new Map<string, Field>()
  readonly #names = new Map<string, 'file' | 'text'>()

  constructor(boundary: string) {
    this.#delimiter = new TextEncoder().encode(`\r\n--${boundary}`)
  }

  /** The text field of this name; `null`: not there so far. */
  field(name: string): Field | null {
    return this.#fields.get(name) ?? null
  }

  get isWhole(): boolean {
    return this.#state === 'end'
  }

  /** @throws GatewayError `request-malformed` for what is no form, and for a field that is there twice */
  push(chunk: Uint8Array): void {
    if (this.#state === 'end') return
    if (this.#rest.length === 0) this.#rest = chunk
    else {
      const joined = new Uint8Array(this.#rest.length + chunk.length)
      joined.set(this.#rest)
      joined.set(chunk, this.#rest.length)
      this.#rest = joined
    }
    while (this.#step());
  }

  /** @throws GatewayError `request-malformed` when the form stopped before its end */
  end(): void {
    if (this.#state !== 'end') throw broken('it stopped before its end')
  }

  /** One step forward; `false`: more bytes are needed. */
  #step(): boolean {
    switch (this.#state) {
      case 'preamble':
      case 'body':
        return this.#findDelimiter()
      case 'after-delimiter':
        return this.#readDelimiterEnd()
      case 'headers':
        return this.#readHeaders()
      default:
        return false
    }
  }

  #findDelimiter(): boolean {
    const found = indexOfBytes(this.#rest, this.#delimiter)
    if (found >= 0) {
      if (this.#part !== null) this.#close(this.#part, found)
      this.#part = null
      this.#drop(found + this.#delimiter.length)
      this.#state = 'after-delimiter'
      return true
    }
    const isText = this.#part !== null && !this.#part.isFile
    if (isText) {
      if (this.#rest.length > MOST_TEXT_BYTES) throw broken('one of its texts is too long')
      return false
    }
    // The end may be the beginning of a delimiter.
    this.#drop(Math.max(0, this.#rest.length - this.#delimiter.length + 1))
    return false
  }

  #readDelimiterEnd(): boolean {
    if (this.#rest.length < 2) return false
    const [a, b] = this.#rest
    if (a === DASH && b === DASH) {
      this.#state = 'end'
      this.#drop(this.#rest.length)
      return false
    }
    if (a !== CR || b !== LF) throw broken('a boundary is followed by something else than a line break')
    this.#drop(2)
    this.#state = 'headers'
    return true
  }

  #readHeaders(): boolean {
    const end = indexOfBytes(this.#rest, HEADERS_END)
    if (end < 0) {
      if (this.#rest.length > MOST_HEADER_BYTES) throw broken("a part's headers are too long")
      return false
    }
    const part = partOf(textOf(this.#rest.subarray(0, end)), this.#at + end + HEADERS_END.length)
    this.#refuseTwice(part)
    this.#drop(end + HEADERS_END.length)
    this.#part = part
    this.#state = 'body'
    return true
  }

  #close(part: Part, end: number): void {
    if (part.isFile) return
    const value = this.#rest.subarray(0, end)
    this.#textBytes += value.length
    if (this.#textBytes > MOST_TEXT_BYTES) throw broken('its texts are too long')
    this.#fields.set(part.name, { name: part.name, value: textOf(value), start: part.start, end: part.start + value.length })
  }

  /** Of two texts one reader takes the first and another the last, so neither is taken. Lists are named `x[]`; files may come in numbers. */
  #refuseTwice({ name, isFile }: Part): void {
    if (name.endsWith('[]')) return
    const key = name.trim().toLowerCase()
    const before = this.#names.get(key)
    if (before !== undefined && !(isFile && before === 'file'))
      throw new GatewayError('request-malformed', `The field ${JSON.stringify(name.slice(0, 64))} is there twice.`, {
        at: name.slice(0, 64),
      })
    this.#names.set(key, isFile ? 'file' : 'text')
  }

  #drop(count: number): void {
    this.#rest = this.#rest.subarray(count)
    this.#at += count
  }
}

const HEADERS_END = new Uint8Array([CR, LF, CR, LF])

function partOf(headers: string, start: number): Part {
  let disposition: string | null = null
  for (const line of headers.split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon < 0) throw broken('a line of its headers has no colon')
    const name = line.slice(0, colon).trim().toLowerCase()
    if (name === 'content-transfer-encoding' && !/^\s*(binary|8bit|7bit)\s*$/i.test(line.slice(colon + 1)))
      throw broken('a content-transfer-encoding is not supported')
    if (name !== 'content-disposition') continue
    if (disposition !== null) throw broken('a part has two dispositions')
    disposition = line.slice(colon + 1)
  }
  const names = [...(disposition ?? '').matchAll(/;\s*name\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/gi)]
  const [only] = names
  if (names.length !== 1 || only === undefined || /;\s*name\*/i.test(disposition ?? '')) throw broken('a part has no name, or several')
  return { name: only[1] ?? only[2] ?? '', isFile: /;\s*filename\*?\s*=/i.test(disposition ?? ''), start }
}

function textOf(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    throw broken('one of its texts is not UTF-8')
  }
}

function broken(why: string): GatewayError {
  return new GatewayError('request-malformed', `The form cannot be read: ${why}.`)
}

/** Where `wanted`, which begins with a carriage return, stands; -1: not here. */
function indexOfBytes(bytes: Uint8Array, wanted: Uint8Array): number {
  const last = bytes.length - wanted.length
  for (let at = bytes.indexOf(CR); at >= 0 && at <= last; at = bytes.indexOf(CR, at + 1)) {
    let same = 1
    while (same < wanted.length && bytes[at + same] === wanted[same]) same++
    if (same === wanted.length) return at
  }
  return -1
}
