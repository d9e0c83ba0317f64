// A plain classifier of task types for measuring pools with: words and pairs of words hashed into 2^13 buckets, softmax regression by stochastic descent.

import type { Row } from './rows.ts'

const BUCKETS = 1 << 13
const MOST_WORDS = 150

/** `confidence`: 0 to 1, the type's share of the probability. */
export type TypeOf = (row: Row) => { readonly type: string; readonly confidence: number }

function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return (hash ^ (hash >>> 15)) >>> 0
}

const seen = new Map<string, Uint16Array>()

/** The buckets of a prompt, each once. */
function bucketsOf(row: Row): Uint16Array {
  const known = seen.get(row.id)
  if (known) return known
  const words =
    row.prompt
      .toLowerCase()
      .match(/[a-z]+|\d+|[^\sa-z\d]/g)
      ?.slice(0, MOST_WORDS) ?? []
  const found = new Set<number>()
  for (const [at, word] of words.entries()) {
    found.add(hashOf(word) % BUCKETS)
    found.add(hashOf(`${words[at - 1] ?? ''} ${word}`) % BUCKETS)
  }
  const made = Uint16Array.from(found)
  seen.set(row.id, made)
  return made
}

export function generator(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export function shuffled<T>(items: readonly T[], seed: number): readonly T[] {
  const next = generator(seed)
  return items
    .map((item) => [next(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item)
}

/** Learns `labelOf` (rows where it is `null` are left out). Deterministic. */
export function learnTypes(training: readonly Row[], labelOf: (row: Row) => string | null, epochs = 6): TypeOf {
  const labelled = training.flatMap((row) => {
    const label = labelOf(row)
    return label === null ? [] : [{ buckets: bucketsOf(row), label }]
  })
  const labels = [...new Set(labelled.map(({ label }) => label))].sort()
  const index = new Map(labels.map((label, at) => [label, at]))
  const size = labels.length
  const weights = new Float32Array((BUCKETS + 1) * size)
  const logits = new Float32Array(size)
  const score = (buckets: Uint16Array): void => {
    // The last row is the bias.
    for (let k = 0; k < size; k += 1) logits[k] = weights[BUCKETS * size + k] ?? 0
    const scale = 1 / Math.sqrt(buckets.length || 1)
    for (const bucket of buckets)
      for (let k = 0, at = bucket * size; k < size; k += 1, at += 1) logits[k] = (logits[k] ?? 0) + scale * (weights[at] ?? 0)
  }
  for (let epoch = 0; epoch < epochs; epoch += 1) {
    const rate = 2 / (1 + epoch)
    for (const { buckets, label } of shuffled(labelled, epoch + 1)) {
      score(buckets)
      const top = logits.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY)
      let sum = 0
      for (let k = 0; k < size; k += 1) sum += Math.exp((logits[k] ?? 0) - top)
      const scale = 1 / Math.sqrt(buckets.length || 1)
      for (let k = 0; k < size; k += 1) {
        const step = rate * (Number(index.get(label) === k) - Math.exp((logits[k] ?? 0) - top) / sum)
        weights[BUCKETS * size + k] = (weights[BUCKETS * size + k] ?? 0) + 0.1 * step
        for (const bucket of buckets) weights[bucket * size + k] = (weights[bucket * size + k] ?? 0) + step * scale
      }
    }
  }
  return (row) => {
    score(bucketsOf(row))
    const top = logits.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY)
    const shares = Array.from(logits, (value) => Math.exp(value - top))
    return { type: labels[shares.indexOf(1)] ?? '', confidence: 1 / shares.reduce((sum, share) => sum + share, 0) }
  }
}
