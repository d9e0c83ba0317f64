// How far a count of random events may be from what is expected before a test must doubt the code.

/** Five standard deviations of a binomial: a right program fails once in about two million readings, and with a fixed seed never again. */
export function doubtAt(trials: number, share: number): number {
  return 5 * Math.sqrt(trials * share * (1 - share))
}

/** `counts` of `trials` against `shares`; a text for each that is too far off, so that a test can expect none. */
export function doubts(
  trials: number,
  counts: ReadonlyMap<string, number>,
  shares: { readonly [name: string]: number },
): readonly string[] {
  const found: string[] = []
  for (const [name, share] of Object.entries(shares)) {
    const count = counts.get(name) ?? 0
    const expected = trials * share
    if (Math.abs(count - expected) > doubtAt(trials, share)) found.push(`${name}: ${count} of ${trials}, expected ${expected.toFixed(1)}`)
  }
  const known = new Set(Object.keys(shares))
  for (const name of counts.keys()) if (!known.has(name)) found.push(`${name} was not expected`)
  return found
}
