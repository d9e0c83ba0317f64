// Scores of a tenant's recent requests: 64 bins over 0 to 1, halved when there are more than 4,000. So the newest two to four thousand decide,
// and a request of long ago counts a half, a quarter, an eighth … of what it did.

import type { ScoreHistogram } from './contract.ts'

export const BINS = 64
const MOST_TOTAL = 4000
/** Fewer say nothing of a tenant's traffic: then it is taken to be as everybody's. */
export const LEAST_SCORES = 200

export const NO_SCORES: ScoreHistogram = { bins: Array.from({ length: BINS }, () => 0), total: 0 }

/** Of a score outside 0 to 1 the nearest; `null`: it is no number. */
export function binOf(score: number): number | null {
  if (Number.isNaN(score)) return null
  return Math.max(0, Math.min(BINS - 1, Math.floor(score * BINS)))
}

/** More scores; `more` by bin. What is no count is left out. */
export function withScores(histogram: ScoreHistogram, more: Iterable<readonly [bin: number, count: number]>): ScoreHistogram {
  const bins = Array.from({ length: BINS }, (_, bin) => histogram.bins[bin] ?? 0)
  for (const [bin, count] of more) {
    const before = bins[bin]
    if (before !== undefined && Number.isFinite(count) && count > 0) bins[bin] = before + count
  }
  let total = sum(bins)
  while (total > MOST_TOTAL) {
    for (const [bin, count] of bins.entries()) bins[bin] = Math.floor(count) / 2
    total = sum(bins)
  }
  return { bins, total }
}

/** The score below which the share `q` (0 to 1) of them lies, as if they were spread evenly over their bin; `null`: there are none. */
export function quantile({ bins, total }: ScoreHistogram, q: number): number | null {
  if (total <= 0) return null
  const wanted = Math.max(0, Math.min(1, q)) * total
  let below = 0
  for (const [bin, count] of bins.entries()) {
    if (count > 0 && below + count >= wanted) return (bin + (wanted - below) / count) / BINS
    below += count
  }
  return 1
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}
