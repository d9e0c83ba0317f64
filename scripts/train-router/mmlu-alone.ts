// The check of method: what the same features give with free weights, trained and tested on one source.

import { BUCKETS, DENSE } from '../../src/classifier/features.ts'
import { exampleOf } from './examples.ts'
import { generator, shuffle, type Example } from './linear.ts'
import { wordsOf } from './measure.ts'
import { outcomeOf, type Outcome } from './panels.ts'
import type { Row } from './rows.ts'

const FOLDS = 5
const LAMBDA_GRAMS = 2
const LAMBDA_DENSE = 150
const STEPS = 40

export type Alone = { readonly scores: readonly number[]; readonly words: readonly number[]; readonly outcomes: readonly Outcome[] }

export function mmluAlone(rows: readonly Row[], tell: (line: string) => void): Alone {
  const outcomes = rows.map(outcomeOf)
  const examples = rows.map(({ prompt }) => exampleOf(prompt))
  const order = rows.map((_, i) => i)
  shuffle(order, generator(5))
  const scores: number[] = rows.map(() => 0)
  for (let fold = 0; fold < FOLDS; fold++) {
    tell(`routellm-mmlu alone, fold ${fold + 1} of ${FOLDS} …`)
    const test = order.filter((_, i) => i % FOLDS === fold)
    const training = order.filter((_, i) => i % FOLDS !== fold)
    const predict = ridge(
      training.flatMap((i) => examples[i] ?? []),
      training.map((i) => (outcomes[i]?.strong ?? 0) - (outcomes[i]?.cheap ?? 0)),
    )
    for (const i of test) {
      const example = examples[i]
      if (example !== undefined) scores[i] = predict(example)
    }
  }
  return { scores, words: rows.map(({ prompt }) => wordsOf(prompt)), outcomes }
}

/** Ridge regression on buckets and standardised dense numbers by conjugate gradients. */
function ridge(examples: readonly Example[], targets: readonly number[]): (example: Example) => number {
  const width = DENSE.length
  const mean = Float64Array.from(
    { length: width },
    (_, k) => examples.reduce((sum, { dense }) => sum + (dense[k] ?? 0), 0) / examples.length,
  )
  const spread = Float64Array.from(
    { length: width },
    (_, k) => Math.sqrt(examples.reduce((sum, { dense }) => sum + ((dense[k] ?? 0) - (mean[k] ?? 0)) ** 2, 0) / examples.length) || 1,
  )
  const middle = targets.reduce((sum, target) => sum + target, 0) / targets.length
  const size = BUCKETS + width
  const rows = examples.map(({ buckets, dense }) => ({
    buckets,
    value: 1 / Math.sqrt(Math.max(1, buckets.length)),
    dense: dense.map((one, k) => (one - (mean[k] ?? 0)) / (spread[k] ?? 1)),
  }))
  type Prepared = (typeof rows)[number]
  const product = ({ buckets, value, dense }: Prepared, weights: Float64Array): number => {
    let sum = 0
    for (const bucket of buckets) sum += value * (weights[bucket] ?? 0)
    dense.forEach((one, k) => (sum += one * (weights[BUCKETS + k] ?? 0)))
    return sum
  }
  const add = ({ buckets, value, dense }: Prepared, by: number, into: Float64Array): void => {
    for (const bucket of buckets) into[bucket] = (into[bucket] ?? 0) + by * value
    dense.forEach((one, k) => (into[BUCKETS + k] = (into[BUCKETS + k] ?? 0) + by * one))
  }
  const times = (weights: Float64Array): Float64Array => {
    const result = weights.map((weight, k) => (k < BUCKETS ? LAMBDA_GRAMS : LAMBDA_DENSE) * weight)
    for (const row of rows) add(row, product(row, weights), result)
    return result
  }
  const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, one, k) => sum + one * (b[k] ?? 0), 0)
  const weights = new Float64Array(size)
  const residual = new Float64Array(size)
  rows.forEach((row, i) => add(row, (targets[i] ?? 0) - middle, residual))
  let direction = residual.slice()
  let length = dot(residual, residual)
  for (let step = 0; step < STEPS && length > 1e-9; step++) {
    const image = times(direction)
    const by = length / dot(direction, image)
    for (let k = 0; k < size; k++) {
      weights[k] = (weights[k] ?? 0) + by * (direction[k] ?? 0)
      residual[k] = (residual[k] ?? 0) - by * (image[k] ?? 0)
    }
    const next = dot(residual, residual)
    const ratio = next / length
    direction = residual.map((one, k) => one + ratio * (direction[k] ?? 0))
    length = next
  }
  return ({ buckets, dense }) =>
    product(
      {
        buckets,
        value: 1 / Math.sqrt(Math.max(1, buckets.length)),
        dense: dense.map((one, k) => (one - (mean[k] ?? 0)) / (spread[k] ?? 1)),
      },
      weights,
    )
}
