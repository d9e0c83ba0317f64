// Counts on a logarithmic scale: eight buckets an octave, so a quantile is within five percent, and however much is counted the size stays bounded.

/** Bucket and how often. */
export type Histogram = Map<number, number>
export type Counts = readonly (readonly [bucket: number, count: number])[]
export type Percentiles = { readonly p50: number; readonly p75: number; readonly p90: number; readonly p99: number }

const PER_OCTAVE = 8
/** A sixteenth and a million: what is beyond counts as these. */
const LOWEST = -4 * PER_OCTAVE
const HIGHEST = 20 * PER_OCTAVE

/** `null`: no number that can be counted. */
export function bucketOf(value: number): number | null {
  if (!Number.isFinite(value) || value < 0) return null
  return Math.max(LOWEST, Math.min(HIGHEST, Math.round(Math.log2(value) * PER_OCTAVE)))
}

export function count(histogram: Histogram, bucket: number, times: number): void {
  histogram.set(bucket, (histogram.get(bucket) ?? 0) + times)
}

/** Nearest rank over all of them; `null`: nothing was counted. */
export function percentiles(histograms: Iterable<Histogram>): Percentiles | null {
  const sums: Histogram = new Map()
  let total = 0
  for (const histogram of histograms)
    for (const [bucket, times] of histogram) {
      count(sums, bucket, times)
      total += times
    }
  if (total === 0) return null
  const sorted = [...sums].sort(([a], [b]) => a - b)
  const at = (percent: number): number => {
    let left = Math.ceil((percent / 100) * total)
    for (const [bucket, times] of sorted) {
      left -= times
      if (left <= 0) return valueOf(bucket)
    }
    return valueOf(HIGHEST)
  }
  return { p50: at(50), p75: at(75), p90: at(90), p99: at(99) }
}

/** Three digits, which is more than it is exact to. */
function valueOf(bucket: number): number {
  return Number((2 ** (bucket / PER_OCTAVE)).toPrecision(3))
}
