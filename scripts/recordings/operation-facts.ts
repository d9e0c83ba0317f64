// The plain form in which a recorded exchange beside chat (vectors, rankings, counts, pictures, sound) and our reading of it are compared.

import { isDeepStrictEqual } from 'node:util'
import { short } from './compare.ts'

export type Asked =
  | {
      readonly kind: 'embeddings'
      readonly inputs: readonly (string | readonly number[])[]
      readonly dimensions: number | null
      readonly purpose: 'query' | 'document' | 'classification' | 'clustering' | null
      /** Absent in languages that have one form only. */
      readonly format?: 'float' | 'base64'
    }
  | {
      readonly kind: 'rerank'
      readonly query: string
      readonly documents: readonly unknown[]
      readonly topN: number | null
      readonly returnDocuments: boolean
    }

export type Ranked = { readonly index: number | null; readonly score: number | null; readonly document?: unknown }

export type Told =
  | { readonly kind: 'embeddings'; readonly vectors: readonly (readonly number[])[] }
  | { readonly kind: 'rerank'; readonly results: readonly Ranked[] }
  | { readonly kind: 'count-tokens'; readonly inputTokens: number }

/** Everything that is counted, by name; what is zero is left out. */
export type Counts = { readonly [what: string]: number }

/** Reads what a recording in one language holds; shares nothing with our languages. */
export type HeldOperation = {
  /** `null`: it asks for more than can be compared (pictures, sound). Absent: nothing of it is translated. */
  asked?(body: unknown): Asked | null
  /** `null`: no answer in this language, or one that nobody can be told. Absent: answers are passed on unread. */
  told?(body: unknown, asked: Asked | null): Told | null
  /** Of the body, or of the values of a stream. `null`: nothing is told. */
  counts(values: readonly unknown[]): Counts | null
}

export function counts(named: { readonly [what: string]: number | null }): Counts {
  return Object.fromEntries(Object.entries(named).filter((one): one is [string, number] => one[1] !== null && one[1] !== 0))
}

/** What differs, member by member; only members that both sides have a word for. */
export function factDifferences(what: string, held: object, ours: object): readonly string[] {
  const other = new Map<string, unknown>(Object.entries(ours))
  return Object.entries(held)
    .filter(([name, value]) => other.has(name) && !isDeepStrictEqual(value, other.get(name)))
    .map(([name, value]) => `${what}: ${name}: held ${short(value)}, ours ${short(other.get(name))}`)
}

export function countDifferences(what: string, held: Counts | null, ours: Counts | null): readonly string[] {
  return isDeepStrictEqual(sorted(held), sorted(ours)) ? [] : [`${what}: held ${JSON.stringify(held)}, ours ${JSON.stringify(ours)}`]
}

function sorted(said: Counts | null): unknown {
  return said === null ? null : Object.entries(said).toSorted(([a], [b]) => a.localeCompare(b, 'en'))
}
