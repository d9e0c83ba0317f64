// What a key adds on top of every price, in its holds.

import type { CandidateAsk } from './account.ts'
import type { Policy } from './policy.ts'
import { raised } from './price.ts'

/** A target as dear as it is for a key that adds so many basis points: its rates and fees, each rounded up, so that the hold covers what is booked. */
export function markedUpAsk(candidate: CandidateAsk, basisPoints: number | undefined): CandidateAsk {
  const { worst } = candidate
  if (basisPoints === undefined || basisPoints === 0 || worst === null) return candidate
  const top = (amount: number): number => raised(amount, [basisPoints])
  return {
    ...candidate,
    worst: { inputPico: top(worst.inputPico), outputPico: top(worst.outputPico), feesNanoUsd: top(worst.feesNanoUsd) },
  }
}

/** As admission tells it: only where there is one. */
export function markupOf({ markupBasisPoints = 0 }: Policy): { readonly markupBasisPoints?: number } {
  return markupBasisPoints === 0 ? {} : { markupBasisPoints }
}
