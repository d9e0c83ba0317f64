// What is kept of a shadow beside its own row: how its answer compares with the one that the client got. No text of either.

import type { Ending } from './account.ts'
import type { FinishReason } from './canonical.ts'

/**
 * A shadow is admitted only where so many times its worst case is left: of the key's money, tokens and requests. Nobody waits for it, so it must
 * never be what a client lacks.
 */
export const SPARE = 4

/** One of the two answers. Milliseconds from its own request's start. */
export type Side = {
  readonly provider: string | null
  readonly model: string | null
  readonly ended: Ending
  readonly finish: FinishReason | null
  /** Characters of its words, refusal and tool calls, without what it thought; `null`: nobody listened, or it was too large. */
  readonly characters: number | null
  readonly costNanoUsd: number | null
  readonly firstEventMs: number | null
  readonly totalMs: number
}

/** `main: null`: the client's own answer had not ended when the shadow's time was over, or was never sent. */
export type Comparison = {
  readonly main: Side | null
  readonly shadow: Side
  /** `null`: nobody can say. */
  readonly sameText: boolean | null
  readonly sameFinish: boolean | null
  /** 0 to 1: the part of all their runs of three words that both have (Jaccard), in the first 32,768 characters; `null`: one has no text. */
  readonly similarity: number | null
}

/** What was heard of an answer: its first characters, and how many there were. */
export type Heard = { readonly text: string; readonly characters: number; readonly finish: FinishReason | null }

/** `null`: nothing was heard. */
export function compareTexts(main: Heard | null, shadow: Heard | null): Pick<Comparison, 'sameText' | 'sameFinish' | 'similarity'> {
  if (main === null || shadow === null) return { sameText: null, sameFinish: null, similarity: null }
  const sameFinish = main.finish === null || shadow.finish === null ? null : main.finish === shadow.finish
  return { sameText: isSame(main, shadow), sameFinish, similarity: similarityOf(main.text, shadow.text) }
}

function isSame(a: Heard, b: Heard): boolean | null {
  if (a.characters !== b.characters || a.text !== b.text) return false
  return a.text.length === a.characters ? true : null
}

const RUN = 3

/** Of two texts that were heard; 1 for equal ones, `null` where one has no words. */
function similarityOf(a: string, b: string): number | null {
  const [runsA, runsB] = [runsOf(a), runsOf(b)]
  if (runsA.size === 0 || runsB.size === 0) return null
  let both = 0
  for (const run of runsA) if (runsB.has(run)) both++
  return Math.round((1000 * both) / (runsA.size + runsB.size - both)) / 1000
}

/** A text of fewer words than a run is one run. */
function runsOf(text: string): ReadonlySet<string> {
  const words = text
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '')
  const runs = new Set<string>()
  if (words.length > 0 && words.length < RUN) runs.add(words.join(' '))
  for (let i = 0; i + RUN <= words.length; i++) runs.add(words.slice(i, i + RUN).join(' '))
  return runs
}
