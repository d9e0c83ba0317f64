import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ScoreHistogram } from '../../../src/routing/choosing/contract.ts'
import { binOf, BINS, NO_SCORES, quantile, withScores } from '../../../src/routing/choosing/score-histogram.ts'

/** The share (0 to 1) of them below a score; `null`: there are none. */
function shareBelow({ bins, total }: ScoreHistogram, score: number): number | null {
  if (total <= 0) return null
  const at = Math.max(0, Math.min(1, score)) * BINS
  const below = bins.reduce((found, count, bin) => found + count * Math.max(0, Math.min(1, at - bin)), 0)
  return Math.min(1, below / total)
}

const scores = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 400 })
const counted = (list: readonly number[]): typeof NO_SCORES =>
  withScores(
    NO_SCORES,
    list.map((score) => [binOf(score) ?? 0, 1] as const),
  )

describe('the histogram of scores', () => {
  it('puts every number into a bin, and what is none into none', () => {
    expect([-1, 0, 0.5, 1, 7, Number.POSITIVE_INFINITY].map(binOf)).toEqual([0, 0, 32, 63, 63, 63])
    expect(binOf(Number.NaN)).toBeNull()
  })

  it('has its quantiles within a bin of the true ones', () => {
    fc.assert(
      fc.property(scores, fc.double({ min: 0, max: 1, noNaN: true }), (list, q) => {
        const sorted = list.toSorted((a, b) => a - b)
        const exact = sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0
        expect(Math.abs((quantile(counted(list), q) ?? 2) - exact)).toBeLessThanOrEqual(1 / BINS + 1e-9)
      }),
    )
  })

  it('never has a larger quantile for a smaller share', () => {
    fc.assert(
      fc.property(scores, fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (list, a, b) => {
        const histogram = counted(list)
        expect(quantile(histogram, Math.min(a, b))).toBeLessThanOrEqual(quantile(histogram, Math.max(a, b)) ?? 0)
      }),
    )
  })

  it('says what share is below a score, as the quantile says it the other way round', () => {
    fc.assert(
      fc.property(scores, fc.double({ min: 0.01, max: 0.99, noNaN: true }), (list, q) => {
        const histogram = counted(list)
        expect(shareBelow(histogram, quantile(histogram, q) ?? 0)).toBeCloseTo(q, 6)
      }),
    )
  })

  it('knows nothing of nothing', () => {
    expect([quantile(NO_SCORES, 0.5), shareBelow(NO_SCORES, 0.5)]).toEqual([null, null])
  })

  it('forgets: new traffic is all that counts after some thousand requests', () => {
    let histogram = NO_SCORES
    for (let i = 0; i < 20_000; i++) histogram = withScores(histogram, [[10, 1]])
    expect(histogram.total).toBeGreaterThan(1999)
    expect(histogram.total).toBeLessThanOrEqual(4000)
    for (let i = 0; i < 20_000; i++) histogram = withScores(histogram, [[50, 1]])
    expect(quantile(histogram, 0.01)).toBeGreaterThan(50 / BINS)
  })

  it('does not take what is no count', () => {
    const before = counted([0.1, 0.9])
    expect(withScores(before, [[-1, 1], [64, 1], [3, -5], [3, Number.NaN], [1.5, 1]])).toEqual(before) // prettier-ignore
  })
})
