// Seeded chance for tests: the same seed gives the same numbers, so a failure comes back. Never used outside tests.

/** A source of numbers in [0, 1) that depends on the seed alone (FNV-1a into xorshift32). */
export function chance(seed: string): () => number {
  let state = 0x811c9dc5
  for (let i = 0; i < seed.length; i++) state = Math.imul(state ^ seed.charCodeAt(i), 0x01000193)
  state |= 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 0x1_0000_0000
  }
}

/** A whole number from 0 up to, not including, `below`. */
export function whole(random: () => number, below: number): number {
  return Math.floor(random() * below)
}

/** One of a list that is not empty. */
export function oneOf<T>(random: () => number, list: readonly T[]): T {
  const found = list[whole(random, list.length)]
  if (found === undefined) throw new Error('Nothing to choose from.')
  return found
}

/** `count` different places to cut `length` bytes, in order; all of them when there are not more. */
export function offsets(seed: string, length: number, count: number): readonly number[] {
  if (length - 1 <= count) return Array.from({ length: Math.max(0, length - 1) }, (_, i) => i + 1)
  const random = chance(seed)
  const found = new Set<number>()
  while (found.size < count) found.add(1 + whole(random, length - 1))
  return [...found].sort((a, b) => a - b)
}
