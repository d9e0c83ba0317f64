// What judging one recording came to.

import type { Exchange } from './exchange.ts'

/** `faults`: what our reading got wrong. `notes`: what was left out on purpose, and why. `unjudged`: why nothing can be said of it at all. */
export type Findings = { readonly faults: readonly string[]; readonly notes: readonly string[]; readonly unjudged?: string }

export function unjudged(why: string): Findings {
  return { faults: [], notes: [], unjudged: why }
}

/** Judges the recordings of one API. */
export type Checker = (exchange: Exchange) => Findings

export type Verdict = {
  readonly id: string
  readonly provider: string
  readonly api: string
  readonly outcome: 'pass' | 'fail' | 'not judged'
  readonly reasons: readonly string[]
  readonly notes: readonly string[]
}
