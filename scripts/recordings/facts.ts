// The plain form in which a recorded answer and our reading of it are compared. Knows neither the wire nor the canonical form.

import { parsed } from './look.ts'

export type Call = { readonly id: string; readonly name: string; readonly args: unknown }

/** Counts as a person would add them up: `input` and `output` are totals, the others are parts of them. */
export type Tokens = {
  /** `null`: the counts told contradict one another, so there is no total to compare. */
  readonly input: number | null
  readonly output: number
  readonly cacheRead: number
  readonly cacheWrite: number
  readonly cacheWrite1h: number
  readonly inputAudio: number
  readonly outputAudio: number
  readonly outputImage: number
  readonly reasoning: number | null
}

export type Ending = 'stop' | 'length' | 'tool-calls' | 'filtered' | 'paused' | 'other'

export type Facts = {
  readonly text: string
  readonly reasoning: string
  readonly calls: readonly Call[]
  /** `null`: the recording tells no ending. */
  readonly finish: Ending | null
  readonly tokens: Tokens | null
  /** The words of an error that the answer ends in. */
  readonly error: string | null
}

const NO_TOKENS: Tokens = {
  input: 0,
  output: 0,
  cacheRead: 0,
  cacheWrite: 0,
  cacheWrite1h: 0,
  inputAudio: 0,
  outputAudio: 0,
  outputImage: 0,
  reasoning: null,
}

export function facts(part: Partial<Facts>): Facts {
  return { text: '', reasoning: '', calls: [], finish: null, tokens: null, error: null, ...part }
}

/** Counts; what is not named is zero, and nothing is counted beyond the total it is part of. */
export function tokens(part: Partial<Tokens>): Tokens {
  return { ...NO_TOKENS, ...part }
}

/** A call's arguments as data; text that is no JSON (cut by a length limit) is kept as text, none is an empty object. */
export function argsOf(value: unknown): unknown {
  if (value === undefined || value === null) return {}
  if (typeof value !== 'string') return value
  if (value.trim() === '') return {}
  const data = parsed(value)
  return data === undefined ? { '(text)': value } : (data ?? {})
}

/** The words of an error in any of the shapes that providers use; `null` when there are none. */
export function wordsOf(value: unknown): string | null {
  if (typeof value === 'string') return value.trim() === '' ? null : value.trim()
  if (Array.isArray(value)) return value.map(wordsIn).find((words) => words !== null) ?? null
  return wordsIn(value)
}

const NAMES = ['message', 'Message', 'detail', 'error', 'msg', 'title'] as const

function wordsIn(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return null
  if (Array.isArray(value)) return wordsOf(value)
  const named = value as { readonly [name: string]: unknown }
  for (const name of NAMES) {
    const member = named[name]
    if (typeof member === 'string' && member.trim() !== '') return member.trim()
    const deeper = wordsIn(member)
    if (deeper !== null) return deeper
  }
  return null
}
