// Prints JSON lawfully but as no printer would: white space, escaped letters, 1.0 for 1. Any parse-and-print on the way then shows.

import { chance, oneOf } from './chance.ts'

/** The text of a JSON value, spelled oddly; the same for the same seed. Values of members named in `plain` are spelled as usual. */
export function oddJson(value: unknown, seed: string, plain: ReadonlySet<string> = new Set()): string {
  const random = chance(seed)
  const gap = (): string => (random() < 0.2 ? oneOf(random, [' ', '\n  ', '\t', '\r\n']) : '')
  const text = (said: string): string =>
    JSON.stringify(said).replaceAll(/[a-z/](?=[a-z])/g, (letter) => (random() < 0.01 ? escaped(letter) : letter))
  const print = (said: unknown, odd: boolean): string => {
    if (typeof said === 'string') return odd ? text(said) : JSON.stringify(said)
    if (Array.isArray(said)) return `[${gap()}${said.map((item) => print(item, odd)).join(`${gap()},${gap()}`)}${gap()}]`
    if (typeof said === 'object' && said !== null) {
      const members = Object.entries(said).filter(([, member]) => member !== undefined)
      const printed = members.map(([name, member]) => `${JSON.stringify(name)}${gap()}:${gap()}${print(member, odd && !plain.has(name))}`)
      return `{${gap()}${printed.join(`${gap()},${gap()}`)}${gap()}}`
    }
    return JSON.stringify(said) ?? 'null'
  }
  return print(value, true)
}

function escaped(letter: string): string {
  return letter === '/' ? '\\/' : `\\u00${letter.charCodeAt(0).toString(16)}`
}

/**
 * The top-level members of a JSON object's text, each with its raw text, in order. A reader of its own, so that what the gateway
 * spliced is not judged by the gateway's scanner.
 */
export function rawMembers(text: string): readonly (readonly [name: string, raw: string])[] {
  const found: (readonly [string, string])[] = []
  let at = text.indexOf('{') + 1
  for (;;) {
    at = skipSpace(text, at)
    if (text[at] === '}') return found
    const nameEnd = stringEnd(text, at)
    const name: unknown = JSON.parse(text.slice(at, nameEnd))
    at = skipSpace(text, nameEnd)
    if (text[at] !== ':' || typeof name !== 'string') throw new Error(`no member at ${at}`)
    const start = at
    at = valueEnd(text, skipSpace(text, at + 1))
    found.push([name, text.slice(start, at)])
    at = skipSpace(text, at)
    if (text[at] === ',') at++
  }
}

function skipSpace(text: string, at: number): number {
  while (' \t\r\n'.includes(text[at] ?? 'x')) at++
  return at
}

function stringEnd(text: string, at: number): number {
  for (let i = at + 1; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === '"') return i + 1
  }
  throw new Error('unclosed string')
}

function valueEnd(text: string, at: number): number {
  let depth = 0
  for (let i = at; i < text.length; i++) {
    const c = text[i] ?? ''
    if (c === '"') i = stringEnd(text, i) - 1
    else if (c === '{' || c === '[') depth++
    else if (c === '}' || c === ']') {
      if (depth === 0) return i
      depth--
    } else if (depth === 0 && ', \t\r\n'.includes(c)) return i
    if (depth === 0 && '"}]'.includes(c)) return i + 1
  }
  return text.length
}
