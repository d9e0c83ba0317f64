// What is the same for all requests of a conversation: the client's own name for it, else a hash of how it begins. Prompts are never kept: of
// them only 64 bits of hash leave this file, behind the key's id, so that tenants never meet. Reads bounded bytes and makes no text of them.

import { hash32, hashBytes32 } from '../../core/hash.ts'

/** Of one part (instructions, a message) this much is hashed. */
const HASHED_BYTES = 16_384
/** This much of the list of messages is looked at. */
const SCANNED_BYTES = 262_144
const LONGEST_NAME = 256

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Where the languages have what the operator of the application says… */
const INSTRUCTIONS = ['system', 'instructions', 'systemInstruction', 'system_instruction'] as const
/** …and what follows. */
const MESSAGES = ['messages', 'input', 'contents'] as const

export type Asked = {
  readonly keyId: string
  /** The client's name of the session; `null`: it said none. */
  readonly session: string | null
  readonly body: { member(path: readonly [string]): string | null; span(name: string): Uint8Array | null }
}

/**
 * The name of the conversation, with the key's id in it: from the session that the client names, else its `prompt_cache_key`, else the hash
 * of the first instructions and the first other message (as OpenRouter does). `null`: it is none of these.
 */
export function conversationOf({ keyId, session, body }: Asked): string | null {
  if (session !== null && session !== '') return `${keyId} session ${bounded(session)}`
  const cacheKey = stringIn(body.member(['prompt_cache_key']))
  if (cacheKey !== null && cacheKey !== '') return `${keyId} cache-key ${bounded(cacheKey)}`
  const hash = new Hash()
  for (const name of INSTRUCTIONS) {
    const span = body.span(name)
    if (span !== null) readPart(span, 0, span.length, hash)
  }
  for (const name of MESSAGES) {
    const span = body.span(name)
    if (span !== null && readOpening(span, hash)) return `${keyId} opening ${hash.text}`
  }
  return null
}

function bounded(name: string): string {
  return name.length <= LONGEST_NAME ? name : `${hash32(name, 1).toString(16)}${hash32(name, 2).toString(16)}`
}

function stringIn(json: string | null): string | null {
  if (json === null || !json.startsWith('"')) return null
  const value: unknown = JSON.parse(json)
  return typeof value === 'string' ? value : null
}

/** Two chains of 32 bits over spans of bytes. */
class Hash {
  #high = 0x9747b28c
  #low = 0x3c6ef372

  add(bytes: Uint8Array, start: number, end: number): void {
    this.#high = hashBytes32(bytes, start, end, this.#high)
    this.#low = hashBytes32(bytes, start, end, this.#low)
  }

  get text(): string {
    return `${(this.#high >>> 0).toString(16).padStart(8, '0')}${(this.#low >>> 0).toString(16).padStart(8, '0')}`
  }
}

/** The instructions at the head of a list of messages, and the first other message; or a bare text. `false`: there is none. */
function readOpening(span: Uint8Array, hash: Hash): boolean {
  if (span[0] === QUOTE) {
    readPart(span, 0, span.length, hash)
    return true
  }
  if (span[0] !== 0x5b) return false
  const end = Math.min(span.length, SCANNED_BYTES)
  let some = false
  for (let at = 1; at < end;) {
    const c = span[at]
    if (c !== 0x7b && c !== QUOTE) {
      at++
      continue
    }
    some = true
    const part = readPart(span, at, end, hash)
    if (!part.isInstruction) return true
    at = part.end
  }
  return some
}

/**
 * One value from its first byte on. Its texts and names are hashed, but not spaces, numbers and whatever stands under `cache_control`: marks
 * wander from request to request.
 */
function readPart(bytes: Uint8Array, start: number, limit: number, hash: Hash): { readonly end: number; readonly isInstruction: boolean } {
  let depth = 0
  let left = HASHED_BYTES
  let isInstruction = false
  let wasRole = false
  for (let at = start; at < limit;) {
    const c = bytes[at]
    if (c === QUOTE) {
      const close = closingQuote(bytes, at, limit)
      const after = afterSpace(bytes, close + 1, limit)
      const isName = bytes[after] === 0x3a
      if (isName && isWord(bytes, at + 1, close, CACHE_CONTROL)) {
        at = afterValue(bytes, afterSpace(bytes, after + 1, limit), limit)
        continue
      }
      if (wasRole && !isName) isInstruction ||= isWord(bytes, at + 1, close, SYSTEM) || isWord(bytes, at + 1, close, DEVELOPER)
      wasRole = isName && depth === 1 && isWord(bytes, at + 1, close, ROLE)
      const most = Math.min(close, at + 1 + left)
      if (left > 0) hash.add(bytes, at + 1, most)
      left -= most - at
      at = close + 1
      if (depth === 0) return { end: at, isInstruction }
      continue
    }
    at++
    if (c === 0x7b || c === 0x5b) depth++
    else if ((c === 0x7d || c === 0x5d) && --depth === 0) return { end: at, isInstruction }
  }
  return { end: limit, isInstruction }
}

const word = (text: string): Uint8Array => new TextEncoder().encode(text)
const CACHE_CONTROL = word('cache_control')
const ROLE = word('role')
const SYSTEM = word('system')
const DEVELOPER = word('developer')

function isWord(bytes: Uint8Array, start: number, end: number, expected: Uint8Array): boolean {
  if (end - start !== expected.length) return false
  for (let i = 0; i < expected.length; i++) if (bytes[start + i] !== expected[i]) return false
  return true
}

function closingQuote(bytes: Uint8Array, open: number, limit: number): number {
  for (let at = open + 1; at < limit; at++) {
    const c = bytes[at]
    if (c === QUOTE) return at
    if (c === BACKSLASH) at++
  }
  return limit
}

function afterSpace(bytes: Uint8Array, from: number, limit: number): number {
  let at = from
  while (at < limit && (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09)) at++
  return at
}

/** Behind a value; of a scalar at its last byte's next comma or bracket. */
function afterValue(bytes: Uint8Array, from: number, limit: number): number {
  let depth = 0
  for (let at = from; at < limit; at++) {
    const c = bytes[at]
    if (c === QUOTE) {
      at = closingQuote(bytes, at, limit)
      if (depth === 0) return at + 1
    } else if (c === 0x7b || c === 0x5b) depth++
    else if (c === 0x7d || c === 0x5d) {
      if (depth === 0) return at
      if (--depth === 0) return at + 1
    } else if (c === 0x2c && depth === 0) return at
  }
  return limit
}
