// How a property is held: a fixed seed, so that a failure comes back, and a count that keeps the whole quick. fast-check prints seed and counterexample.

import fc from 'fast-check'

const SEED = Number(process.env['FUZZ_SEED'] ?? 20261121)
/** For a long run by hand. */
const TIMES = Number(process.env['FUZZ_TIMES'] ?? 1)

export function holds<T>(property: fc.IProperty<T>, runs: number): void {
  fc.assert(property, { seed: SEED, numRuns: runs * TIMES })
}

/** Bytes and the places at which they are cut. */
export function cutAt(bytes: Uint8Array, marks: readonly number[]): readonly Uint8Array[] {
  const ends = [...new Set(marks.map((mark) => mark % (bytes.length + 1)))].sort((a, b) => a - b)
  return [...ends, bytes.length].map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end))
}

export const MARKS = fc.array(fc.nat({ max: 100_000 }), { maxLength: 12 })
