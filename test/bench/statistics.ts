// The arithmetic of the bench: percentiles, medians over rounds, ratios. Pure.

/** Of values in rising order, the one below which this share (0 to 1) of them lies; `NaN` of none. */
export function percentile(rising: ArrayLike<number>, share: number): number {
  if (rising.length === 0) return Number.NaN
  const at = Math.min(rising.length - 1, Math.max(0, Math.ceil(share * rising.length) - 1))
  return rising[at] ?? Number.NaN
}

/** The middle of the numbers that are numbers; `NaN` of none. */
export function median(values: readonly number[]): number {
  const rising = values.filter((value) => Number.isFinite(value)).toSorted((a, b) => a - b)
  if (rising.length === 0) return Number.NaN
  const upper = rising[rising.length >> 1] ?? Number.NaN
  return rising.length % 2 === 1 ? upper : (upper + (rising[(rising.length >> 1) - 1] ?? Number.NaN)) / 2
}

/**
 * The median over the rounds of the ratio within each round: both sides of a round met the same weather, so this wanders less than
 * a ratio of medians on a machine that others use too.
 */
export function medianRatio(values: readonly number[], baseline: readonly number[]): number {
  return median(values.map((value, round) => value / (baseline[round] ?? Number.NaN)))
}
