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
type State = 'preamble' | 'after-delimiter' | 'headers' | 'body' | 'epilogue'

/** What RFC 2046 lets stand in a boundary; `=` and `?` also without quotes, as many clients send them. */
const BOUNDARY =
  /;\s*boundary\s*=\s*(?:"([0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?])"|([0-9A-Za-z'()+_,\-./:=?]{1,70}))\s*(?=;|$)/gi

/** @throws GatewayError `request-malformed` when the header tells no boundary, or two */
export function boundaryOf(contentType: string): string {
  const [only] = contentType.matchAll(BOUNDARY)
  const boundary = only?.[1] ?? only?.[2]
  if (boundary === undefined) throw broken('its content-type names no boundary')
  // Of two one reader takes the first and another the last.
  if (contentType.match(/;\s*boundary\b/gi)?.length !== 1) throw broken('its content-type names several boundaries')
  return boundary
}

export class FormScan {
  readonly #delimiter: Uint8Array
  readonly #fields = new Map<string, Field>()
  readonly #names = new Map<string, 'file' | 'text'>()
  #state: State = 'preamble'
  #part: Part | null = null
  #textBytes = 0
  #files = 0
  /** What is not settled yet stands in `#buffer` from `#from` to `#to`; `#at` is where it begins in the whole body, `#seen` what of it was searched. */
  #buffer: Uint8Array = new Uint8Array(1024)
  #from = 0
  #to = 2
  #seen = 0
  #at = -2

  constructor(boundary: string) {
    this.#delimiter = new TextEncoder().encode(`\r\n--${boundary}`)
    this.#buffer.set([CR, LF]) // a delimiter at the very start has no line break before it: one is lent
  }

  /** The text field of this name; `null`: not there so far. */
  field(name: string): Field | null {
    return this.#fields.get(name) ?? null
  }

  /** Files so far, one that is not whole yet included. */
  get files(): number {
    return this.#files
  }

  /** Bytes of the texts so far. */
  get textBytes(): number {
    return this.#textBytes
  }

  get isWhole(): boolean {
    return this.#state === 'epilogue'
  }

  /** @throws GatewayError `request-malformed` for what is no form, and for a field that is there twice */
  push(chunk: Uint8Array): void {
    this.#append(chunk)
    while (this.#step());
  }

  /** @throws GatewayError `request-malformed` when the form stopped before its end */
  end(): void {
    if (!this.isWhole) throw broken('it stopped before its end')
  }

  #append(chunk: Uint8Array): void {
    const kept = this.#to - this.#from
    if (this.#to + chunk.length > this.#buffer.length) {
      const grown = kept + chunk.length > this.#buffer.length ? new Uint8Array(2 * (kept + chunk.length)) : this.#buffer
      grown.set(this.#buffer.subarray(this.#from, this.#to))
      this.#buffer = grown
      this.#from = 0
      this.#to = kept
    }
    this.#buffer.set(chunk, this.#to)
    this.#to += chunk.length
  }

  get #rest(): Uint8Array {
    return this.#buffer.subarray(this.#from, this.#to)
  }

  /** One step forward; `false`: more bytes are needed. */
  #step(): boolean {
    switch (this.#state) {
      case 'after-delimiter':
        return this.#readDelimiterEnd()
      case 'headers':
        return this.#readHeaders()
      default:
        return this.#findDelimiter()
    }
  }

  #findDelimiter(): boolean {
    const found = this.#find(this.#delimiter)
    if (found >= 0) {
      if (this.#state === 'epilogue') throw broken('it goes on behind its end')
      if (this.#part !== null) this.#close(this.#part, found)
      this.#part = null
      this.#drop(found + this.#delimiter.length)
      this.#state = 'after-delimiter'
      return true
    }
    const length = this.#to - this.#from
    if (this.#part !== null && !this.#part.isFile) {
      if (this.#textBytes + length - this.#delimiter.length > MOST_TEXT_BYTES) throw broken('its texts are too long')
      return false
    }
    this.#drop(Math.max(0, length - this.#delimiter.length + 1)) // the end may be the beginning of a delimiter
    return false
  }

  #readDelimiterEnd(): boolean {
    const [a, b] = this.#rest
    if (a === undefined || b === undefined) return false
    if (a === DASH && b === DASH) this.#state = 'epilogue'
    else if (a === CR && b === LF) this.#state = 'headers'
    else throw broken('a boundary is followed by something else than a line break')
    this.#drop(2)
    return true
  }

  #readHeaders(): boolean {
    const end = this.#find(HEADERS_END)
    if (end > MOST_HEADER_BYTES || (end < 0 && this.#to - this.#from > MOST_HEADER_BYTES)) throw broken("a part's headers are too long")
    if (end < 0) return false
    const part = partOf(textOf(this.#rest.subarray(0, end)), this.#at + end + HEADERS_END.length)
    this.#refuseTwice(part)
    if (part.isFile) this.#files++
    this.#drop(end + HEADERS_END.length - LINE_BREAK_BYTES) // its line break stays, so that a boundary right behind it is seen
    this.#part = part
    this.#state = 'body'
    return true
  }

  #close(part: Part, end: number): void {
    // Some readers see the end of the part here, others a text that begins with two dashes.
    if (this.#at + end < part.start) throw broken('a part has no empty line of its own before the boundary')
    if (part.isFile) return
    const value = this.#rest.subarray(LINE_BREAK_BYTES, end)
    this.#textBytes += value.length
    if (this.#textBytes > MOST_TEXT_BYTES) throw broken('its texts are too long')
    this.#fields.set(part.name, { name: part.name, value: textOf(value), start: part.start, end: part.start + value.length })
  }

  /** Of two texts one reader takes the first and another the last, so neither is taken. Lists are named `x[]`; files may come in numbers. */
  #refuseTwice({ name, isFile }: Part): void {
    const key = name.trim().toLowerCase()
    if (/^model\W/.test(key)) throw broken('a field named like `model` may be taken for it')
    if (key.endsWith('[]')) return
    const before = this.#names.get(key)
    if (before !== undefined && !(isFile && before === 'file'))
      throw new GatewayError('request-malformed', `The field ${JSON.stringify(name.slice(0, 64))} is there twice.`, {
        at: name.slice(0, 64),
      })
    this.#names.set(key, isFile ? 'file' : 'text')
  }

  /** Where `wanted`, which begins with a carriage return, stands in what is not settled; -1: not there. What was searched is not searched again. */
  #find(wanted: Uint8Array): number {
    const rest = this.#rest
    const last = rest.length - wanted.length
    for (let at = rest.indexOf(CR, this.#seen); at >= 0 && at <= last; at = rest.indexOf(CR, at + 1)) {
      let same = 1
      while (same < wanted.length && rest[at + same] === wanted[same]) same++
      if (same === wanted.length) return at
    }
    this.#seen = Math.max(this.#seen, last + 1)
    return -1
  }

  #drop(count: number): void {
    this.#from += count
    this.#at += count
    this.#seen = 0
  }
}

const HEADERS_END = new Uint8Array([CR, LF, CR, LF])
const LINE_BREAK_BYTES = 2

function partOf(headers: string, start: number): Part {
  let disposition: string | null = null
  for (const line of headers.split('\r\n')) {
    const colon = line.indexOf(':')
    if (/^[ \t]/.test(line)) throw broken('a line of its headers is folded')
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
  // What is quoted in one way by one reader and in another by the next may be two names.
  if ((only?.[1] ?? '').includes('\\')) throw broken('a name has a backslash in it')
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
