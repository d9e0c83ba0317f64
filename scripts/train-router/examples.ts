// A text as training sees it, and the scale on which its numbers are compared.

import { DENSE, FeatureReader } from '../../src/classifier/features.ts'
import type { TaskType } from '../../src/classifier/contract.ts'
import type { Example } from './linear.ts'

const reader = new FeatureReader()

/** Features of a text, standardised by nothing yet. */
export function exampleOf(text: string): Example {
  const { dense, buckets, count } = reader.read(text)
  return { dense: dense.slice(), buckets: buckets.slice(0, count) }
}

/** `need`: how much a strong model is needed, on the scale of its unit. */
export type Known = {
  readonly example: Example
  readonly unit: string
  readonly source: string
  readonly type: TaskType | null
  readonly need: number
}

export type Scale = { readonly mean: Float64Array; readonly spread: Float64Array }

export function sizesOf(known: readonly { readonly unit: string }[]): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>()
  for (const { unit } of known) sizes.set(unit, (sizes.get(unit) ?? 0) + 1)
  return sizes
}

export function scaleOf(known: readonly Known[]): Scale {
  const mean = new Float64Array(DENSE.length)
  const spread = new Float64Array(DENSE.length)
  for (const { example } of known) example.dense.forEach((value, k) => (mean[k] = (mean[k] ?? 0) + value / known.length))
  for (const { example } of known)
    example.dense.forEach((value, k) => (spread[k] = (spread[k] ?? 0) + (value - (mean[k] ?? 0)) ** 2 / known.length))
  return { mean, spread: spread.map((square) => Math.sqrt(square) || 1) }
}

export function standardised({ dense }: Example, { mean, spread }: Scale): Float64Array {
  return dense.map((value, k) => Math.max(-4, Math.min(4, (value - (mean[k] ?? 0)) / (spread[k] ?? 1))))
}
