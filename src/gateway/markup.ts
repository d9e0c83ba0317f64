// What a key adds on top of every price, in what is booked.

import type { Candidate } from './planning/candidate.ts'

/** The target at the price of this key, which its admission told: it holds for this request even when the key is changed meanwhile. */
export function markedUp(candidate: Candidate, basisPoints: number | undefined): Candidate {
  const { entry } = candidate
  const price = entry?.price ?? null
  if (basisPoints === undefined || entry === null || price === null) return candidate
  return {
    ...candidate,
    entry: {
      ...entry,
      price: { ...price, markups: [...(price.markups ?? []), basisPoints] },
      priceVersion: `${entry.priceVersion}+key-${basisPoints}`,
    },
  }
}
