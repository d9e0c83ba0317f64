import { describe, expect, it } from 'vitest'
import { median, medianRatio, percentile } from '../bench/statistics.ts'

describe('the arithmetic of the bench', () => {
  it('finds a percentile as the value below or at which that share lies', () => {
    const rising = Array.from({ length: 100 }, (_, i) => i + 1)
    expect(percentile(rising, 0.5)).toBe(50)
    expect(percentile(rising, 0.99)).toBe(99)
    expect(percentile(rising, 1)).toBe(100)
    expect(percentile(rising, 0)).toBe(1)
    expect(percentile([7], 0.99)).toBe(7)
    expect(percentile([], 0.5)).toBeNaN()
  })

  it('takes the middle of numbers in any order, and the mean of the two in the middle', () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([10, 1, 2, 3])).toBe(2.5)
    expect(median([])).toBeNaN()
  })

  it('leaves out what is no number', () => {
    expect(median([Number.NaN, 5, Number.POSITIVE_INFINITY])).toBe(5)
  })

  it('compares round by round, so that one slow round of both sides changes nothing', () => {
    expect(medianRatio([2, 20, 2], [1, 10, 1])).toBe(2)
    expect(medianRatio([3, 3], [])).toBeNaN()
  })
})
