// What judging one recording came to.

import type { Exchange } from './exchange.ts'

/** `faults`: what our reading got wrong. `notes`: what was left out on purpose, and why. */
export type Findings = { readonly faults: readonly string[]; readonly notes: readonly string[] }

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
