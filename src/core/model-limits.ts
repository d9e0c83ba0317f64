// What a key's policy says of some models only: a limit in money, and how much they may be asked. A model that fits several globs is under
// all of them. Pure.

import { matchesGlob } from './glob.ts'
import type { Place } from './permits.ts'
import { narrowsRates, type RateLimits } from './rates.ts'

/** `glob` is over `provider/model`, as the key's `models` are. No member set: only counted. */
export type ModelLimit = {
  readonly glob: string
  readonly limitNanoUsd: number | null
  /** As of a key: counted from the key's creation where it is a span. */
  readonly limitReset: string | null
  readonly limits: RateLimits
}

/** The part of a policy that counts here; one that was written before there were model limits has none. */
export type ModelTerms = { readonly createdAt: number; readonly modelLimits?: readonly ModelLimit[] }

/** What is told of one. Whole nano-dollars of the present period. */
export type ModelLimitView = ModelLimit & {
  readonly resetsAt: number | null
  readonly spentNanoUsd: number
  readonly heldNanoUsd: number
  readonly running: number
}

export function isUnder(glob: string, { model }: Pick<Place, 'model'>): boolean {
  return matchesGlob(glob, model)
}

/** How it is named where something is refused. */
export function scopeOf(glob: string): string {
  return `model ${glob}`
}

/** May less after than before, in any respect? */
export function narrowsModels(before: readonly ModelLimit[], after: readonly ModelLimit[]): boolean {
  return after.some((now) => {
    const was = before.find(({ glob }) => glob === now.glob)
    if (was === undefined) return true
    const most = ({ limitNanoUsd }: ModelLimit): number => limitNanoUsd ?? Number.POSITIVE_INFINITY
    return most(now) < most(was) || now.limitReset !== was.limitReset || narrowsRates(was.limits, now.limits)
  })
}
