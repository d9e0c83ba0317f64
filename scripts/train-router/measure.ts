// How good an order of prompts is, and how sure that is.

import type { Outcome } from './panels.ts'
import { generator } from './linear.ts'

/**
 * Average performance gap recovered (RouteLLM): the mean, over every share of calls that go to the strong model, of the gain over the cheap one as
 * a part of the whole gap. `scores`: higher goes to the strong model first; equal ones count as their mean. 0.5 is chance; beyond 0 and 1 where
 * the strong model is the worse one for some. NaN where there is no gap.
 */
export function apgr(
  scores: ArrayLike<number>,
  outcomes: readonly Outcome[],
  picked: ArrayLike<number> = identity(outcomes.length),
): number {
  const n = picked.length
  const order = Array.from({ length: n }, (_, i) => picked[i] ?? 0).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0))
  const gainOf = (i: number): number => {
    const outcome = outcomes[order[i] ?? 0]
    return outcome === undefined ? 0 : outcome.strong - outcome.cheap
  }
  let [gained, area] = [0, 0]
  for (let i = 0; i < n;) {
    let tied = 0
    let gain = 0
    const score = scores[order[i] ?? 0]
    while (i + tied < n && scores[order[i + tied] ?? 0] === score) gain += gainOf(i + tied++)
    area += tied * gained + (gain * tied) / 2
    gained += gain
    i += tied
  }
  return area / (n * gained)
}

function identity(n: number): Int32Array {
  return Int32Array.from({ length: n }, (_, i) => i)
}

/** Area under the curve of `scores` for 0-to-1 labels, those above a half being the ones looked for; equal scores count half. */
export function auc(scores: ArrayLike<number>, labels: readonly number[]): number {
  const order = Array.from(identity(labels.length)).sort((a, b) => (scores[a] ?? 0) - (scores[b] ?? 0))
  let [sum, found] = [0, 0]
  for (let i = 0; i < order.length;) {
    let end = i
    while (end < order.length && scores[order[end] ?? 0] === scores[order[i] ?? 0]) end++
    for (let k = i; k < end; k++) {
      if ((labels[order[k] ?? 0] ?? 0) <= 0.5) continue
      sum += (i + end + 1) / 2
      found++
    }
    i = end
  }
  return (sum - (found * (found + 1)) / 2) / (found * (order.length - found))
}

export type Interval = { readonly value: number; readonly low: number; readonly high: number }

export const RESAMPLES = 1000

/** 95 % percentile bootstrap of a number over `n` rows; `of` gets the rows that were drawn, with repeats. `value` is that of the rows as they are. */
export function bootstrap(n: number, of: (picked: Int32Array) => number, resamples = RESAMPLES, seed = 6): Interval {
  const random = generator(seed)
  const drawn: number[] = []
  for (let r = 0; r < resamples; r++) {
    const value = of(Int32Array.from({ length: n }, () => Math.floor(random() * n)))
    if (Number.isFinite(value)) drawn.push(value)
  }
  drawn.sort((a, b) => a - b)
  return {
    value: of(identity(n)),
    low: drawn[Math.floor(0.025 * drawn.length)] ?? NaN,
    high: drawn[Math.ceil(0.975 * drawn.length) - 1] ?? NaN,
  }
}

/**
 * Largest share of calls, cheapest prompts first, that may go to the cheap model while at most `loss` of the strong model's mean score is lost,
 * relatively.
 */
export function cheapShare(
  scores: ArrayLike<number>,
  outcomes: readonly Outcome[],
  loss: number,
  picked: ArrayLike<number> = identity(outcomes.length),
): number {
  const n = picked.length
  const order = Array.from({ length: n }, (_, i) => picked[i] ?? 0).sort((a, b) => (scores[a] ?? 0) - (scores[b] ?? 0))
  const strong = order.reduce((sum, i) => sum + (outcomes[i]?.strong ?? 0), 0)
  let [lost, most] = [0, 0]
  order.forEach((i, k) => {
    const outcome = outcomes[i]
    if (outcome !== undefined) lost += outcome.strong - outcome.cheap
    if (lost <= loss * strong) most = k + 1
  })
  return most / n
}

/** Expected calibration error over ten bins of equal count: mean distance of the mean chance from the mean outcome. */
export function calibrationError(chances: readonly number[], outcomes: readonly number[]): number {
  const order = chances.map((_, i) => i).sort((a, b) => (chances[a] ?? 0) - (chances[b] ?? 0))
  let error = 0
  for (let bin = 0; bin < 10; bin++) {
    const members = order.slice(Math.floor((bin * order.length) / 10), Math.floor(((bin + 1) * order.length) / 10))
    const mean = (values: readonly number[]): number => members.reduce((sum, i) => sum + (values[i] ?? 0), 0)
    error += Math.abs(mean(chances) - mean(outcomes)) / order.length
  }
  return error
}

/** Words as white space parts them: the baseline. */
export function wordsOf(text: string): number {
  return text.split(/\s+/).filter((word) => word !== '').length
}
