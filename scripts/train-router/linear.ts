// The few fits that training needs: linear, small and deterministic, so no library is.

/** A text as the fits see it: dense numbers, and buckets that are each there once. */
export type Example = { readonly dense: Float64Array; readonly buckets: Uint16Array }

/**
 * Least squares by coordinate descent in which each weight has the sign that `shape` gives it (0: it is left out) and is drawn by `lambda` to
 * the best multiple of `shape`. Rows are centred by the caller.
 */
export function signedRidge(
  rows: readonly Float64Array[],
  target: Float64Array,
  weights: Float64Array,
  shape: readonly number[],
  lambda: number,
): Float64Array {
  const n = shape.length
  const gram = Array.from({ length: n }, () => new Float64Array(n))
  const moment = new Float64Array(n)
  let total = 0
  rows.forEach((row, i) => {
    const weight = weights[i] ?? 0
    if (weight === 0) return
    total += weight
    for (let a = 0; a < n; a++) {
      const value = weight * (row[a] ?? 0)
      moment[a] = (moment[a] ?? 0) + value * (target[i] ?? 0)
      const line = gram[a]
      if (line !== undefined) for (let b = 0; b < n; b++) line[b] = (line[b] ?? 0) + value * (row[b] ?? 0)
    }
  })
  let [equal, square] = [0, 0]
  for (let a = 0; a < n; a++) {
    equal += ((shape[a] ?? 0) * (moment[a] ?? 0)) / total
    for (let b = 0; b < n; b++) square += ((shape[a] ?? 0) * (shape[b] ?? 0) * (gram[a]?.[b] ?? 0)) / total
  }
  const size = Math.max(0, equal / square)
  const fitted = new Float64Array(n)
  for (let sweep = 0; sweep < 1000; sweep++) {
    for (let a = 0; a < n; a++) {
      const sign = Math.sign(shape[a] ?? 0)
      const line = gram[a]
      if (sign === 0 || line === undefined) continue
      let rest = (moment[a] ?? 0) / total
      for (let b = 0; b < n; b++) if (b !== a) rest -= ((line[b] ?? 0) / total) * (fitted[b] ?? 0)
      fitted[a] = sign * Math.max(0, (sign * rest + lambda * size * Math.abs(shape[a] ?? 0)) / ((line[a] ?? 0) / total + lambda))
    }
  }
  return fitted
}

export type Softmax = {
  /** A row of weights a bucket, and a row of dense weights a class. */
  readonly grams: Float64Array
  readonly dense: Float64Array
  readonly bias: Float64Array
}

export type SoftmaxOptions = {
  readonly classes: number
  readonly buckets: number
  readonly epochs: number
  /** Of a bucket's weight, by how many texts have it: what stands everywhere says little. */
  readonly importance: Float64Array
}

const RATE = 0.12
const DENSE_RATE = 0.03
const DENSE_DECAY = 0.002

/** Multinomial logistic regression by AdaGrad in a fixed random order; the value of a bucket is importance ÷ √(number of buckets). */
export function softmax(
  examples: readonly Example[],
  labels: readonly number[],
  weights: readonly number[],
  options: SoftmaxOptions,
): Softmax {
  const { classes, buckets, epochs, importance } = options
  const width = examples[0]?.dense.length ?? 0
  const grams = new Float64Array(buckets * classes)
  const gramSquares = new Float64Array(buckets * classes).fill(0.01)
  const dense = new Float64Array(width * classes)
  const denseSquares = new Float64Array(width * classes).fill(1)
  const bias = new Float64Array(classes)
  const shares = new Float64Array(classes)
  const order = examples.map((_, i) => i)
  const random = generator(20261121)
  for (let epoch = 0; epoch < epochs; epoch++) {
    shuffle(order, random)
    for (const i of order) {
      const example = examples[i]
      const weight = weights[i] ?? 0
      if (example === undefined || weight === 0) continue
      const norm = 1 / Math.sqrt(Math.max(1, example.buckets.length))
      probabilities({ grams, dense, bias }, example, importance, shares)
      for (let c = 0; c < classes; c++) {
        const error = weight * ((shares[c] ?? 0) - (c === labels[i] ? 1 : 0))
        if (Math.abs(error) < 1e-4) continue
        bias[c] = (bias[c] ?? 0) - 0.01 * error
        for (const bucket of example.buckets) {
          const at = bucket * classes + c
          const slope = error * norm * (importance[bucket] ?? 0)
          const square = (gramSquares[at] ?? 0) + slope * slope
          gramSquares[at] = square
          grams[at] = (grams[at] ?? 0) - (RATE * slope) / Math.sqrt(square)
        }
        for (let k = 0; k < width; k++) {
          const at = c * width + k
          const slope = error * (example.dense[k] ?? 0) + DENSE_DECAY * (dense[at] ?? 0)
          const square = (denseSquares[at] ?? 0) + slope * slope
          denseSquares[at] = square
          dense[at] = (dense[at] ?? 0) - (DENSE_RATE * slope) / Math.sqrt(square)
        }
      }
    }
  }
  return { grams, dense, bias }
}

/** Into `shares`. */
export function probabilities({ grams, dense, bias }: Softmax, example: Example, importance: Float64Array, shares: Float64Array): void {
  const classes = bias.length
  const width = example.dense.length
  const norm = 1 / Math.sqrt(Math.max(1, example.buckets.length))
  shares.set(bias)
  for (const bucket of example.buckets) {
    const value = norm * (importance[bucket] ?? 0)
    const row = bucket * classes
    for (let c = 0; c < classes; c++) shares[c] = (shares[c] ?? 0) + value * (grams[row + c] ?? 0)
  }
  for (let c = 0; c < classes; c++) {
    let sum = shares[c] ?? 0
    for (let k = 0; k < width; k++) sum += (example.dense[k] ?? 0) * (dense[c * width + k] ?? 0)
    shares[c] = sum
  }
  const top = shares.reduce((most, one) => Math.max(most, one), -Infinity)
  let total = 0
  for (let c = 0; c < classes; c++) {
    const share = Math.exp((shares[c] ?? 0) - top)
    shares[c] = share
    total += share
  }
  for (let c = 0; c < classes; c++) shares[c] = (shares[c] ?? 0) / total
}

/** Numbers from 0 (inclusive) to 1 (exclusive), always the same for a seed (xorshift32). */
export function generator(seed: number): () => number {
  let state = seed >>> 0 || 1
  return () => {
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state / 4_294_967_296
  }
}

export function shuffle(items: number[], random: () => number): void {
  for (let last = items.length - 1; last > 0; last--) {
    const at = Math.floor(random() * (last + 1))
    const [a, b] = [items[last] ?? 0, items[at] ?? 0]
    items[last] = b
    items[at] = a
  }
}
