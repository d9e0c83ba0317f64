// Makes text of spans of JSON strings, bounded: of more bytes than are wanted the beginning and the end, cut inside no sign and no escape.

import type { Span } from './spoken.ts'

const BACKSLASH = 0x5c
const decoder = new TextDecoder()

/** The strings one below the other; of more bytes than `most` the beginning and the end. */
export function textOf(bytes: Uint8Array, parts: readonly Span[], most: number): string {
  const sum = parts.reduce((all, { start, end }) => all + end - start, 0)
  if (sum <= most) return parts.map(({ start, end }) => decoded(bytes, start + 1, end - 1)).join('\n')
  const half = most >> 1
  const head: string[] = []
  let left = half
  for (const { start, end } of parts) {
    if (left <= 0) break
    head.push(decoded(bytes, start + 1, boundary(bytes, Math.min(end - 1, start + 1 + left), end - 1)))
    left -= end - start
  }
  const tail: string[] = []
  left = half
  for (const { start, end } of [...parts].reverse()) {
    if (left <= 0) break
    tail.unshift(decoded(bytes, boundary(bytes, Math.max(start + 1, end - 1 - left), end - 1), end - 1))
    left -= end - start
  }
  return `${head.join('\n')}\n${tail.join('\n')}`
}

const LONGEST_ESCAPE = 6
const MOST_LOOKED = 4096

/** The next place where the inside of a string can be cut: inside no sign and no escape. `end` is one. */
function boundary(bytes: Uint8Array, from: number, end: number): number {
  const limit = Math.min(end, from + MOST_LOOKED)
  for (let at = from; at < limit; at++) if (isBoundary(bytes, at)) return at
  return limit === end ? end : from
}

function isBoundary(bytes: Uint8Array, at: number): boolean {
  const c = bytes[at] ?? 0
  if (c >= 0x80 && c < 0xc0) return false
  if (c === BACKSLASH) return bytes[at - 1] !== BACKSLASH
  for (let i = 1; i < LONGEST_ESCAPE; i++) if (bytes[at - i] === BACKSLASH) return false
  return true
}

/** The inside of a string. One that cannot be read (it was cut where that cannot be told) is as it stands. */
function decoded(bytes: Uint8Array, start: number, end: number): string {
  if (end <= start) return ''
  const text = decoder.decode(bytes.subarray(start, end))
  if (!text.includes('\\')) return text
  try {
    const value: unknown = JSON.parse(`"${text}"`)
    return typeof value === 'string' ? value : text
  } catch {
    return text
  }
}
