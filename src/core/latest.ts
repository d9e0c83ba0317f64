// The last few measurements of one thing, and their median: it follows a change within some calls, where a window of minutes would take minutes.

const KEPT = 9
const LEAST = 5
const LASTS_MS = 300_000

export class Latest {
  readonly #values: { readonly at: number; readonly value: number }[] = []

  add(value: number, now: number): void {
    this.#values.push({ at: now, value })
    if (this.#values.length > KEPT) this.#values.shift()
  }

  /** `null`: there were fewer than five in the last five minutes. */
  median(now: number): number | null {
    const values = this.#values.filter(({ at }) => now - at <= LASTS_MS).map(({ value }) => value)
    if (values.length < LEAST) return null
    values.sort((a, b) => a - b)
    return values[Math.floor(values.length / 2)] ?? null
  }
}
