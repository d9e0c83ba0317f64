// Cheap looks at a chunk's text, for an observer of forwarded bytes: does it hold anything that must be parsed?

import { isArray, isObject } from './wire.ts'

/** Hosts send `"usage":null` and `"finish_reason":null` in every chunk: only a value that says something counts. */
export function worthReading(data: string): boolean {
  return (
    startsMember(data, '"usage"', '{') ||
    startsMember(data, '"finish_reason"', '"') ||
    (data.includes('"error"') && !startsMember(data, '"error"', 'n')) ||
    data.trimStart().startsWith('[DONE]')
  )
}

/** The chunk that only tells usage: no choices, and usage. */
export function isUsageOnly(data: string): boolean {
  if (!startsMember(data, '"usage"', '{')) return false
  try {
    const chunk: unknown = JSON.parse(data)
    if (!isObject(chunk)) return false
    const choices = chunk['choices']
    return isArray(choices) && choices.length === 0 && isObject(chunk['usage'])
  } catch {
    return false
  }
}

/** Does a member of this (quoted) name anywhere begin with this character? A quoted name inside a text has a backslash before its closing quote. */
export function startsMember(data: string, name: string, first: string): boolean {
  for (let at = data.indexOf(name); at >= 0; at = data.indexOf(name, at + 1)) {
    let i = skipSpace(data, at + name.length)
    if (data[i] !== ':') continue
    i = skipSpace(data, i + 1)
    if (data[i] === first) return true
  }
  return false
}

function skipSpace(data: string, at: number): number {
  while (data[at] === ' ' || data[at] === '\t' || data[at] === '\n' || data[at] === '\r') at++
  return at
}
