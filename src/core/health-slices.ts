// Sums of health over spans of time that lie side by side: the last so many of them, the current one among them.

import { count, type Counts, type Histogram } from './histogram.ts'

export type Slice = {
  good: number
  ill: number
  limited: number
  requests: number
  tokens: number
  /** Milliseconds to the first content. */
  readonly first: Histogram
  /** Tokens a second. */
  readonly speed: Histogram
}

/** What a restart must bring back: a slice's number since the epoch, its sums and its histograms. */
export type SavedSlice = readonly [
  number: number,
  sums: readonly [good: number, ill: number, limited: number, requests: number, tokens: number],
  first: Counts,
  speed: Counts,
]

export class Slices {
  readonly #spanMs: number
  readonly #most: number
  readonly #slices = new Map<number, Slice>()

  constructor(spanMs: number, most: number) {
    this.#spanMs = spanMs
    this.#most = most
  }

  /** The slice of an instant; `null`: it is too long ago. */
  at(time: number, now: number): Slice | null {
    const number = Math.floor(time / this.#spanMs)
    if (number <= Math.floor(now / this.#spanMs) - this.#most) return null
    const found = this.#slices.get(number)
    if (found !== undefined) return found
    this.#forget(now)
    const made: Slice = { good: 0, ill: 0, limited: 0, requests: 0, tokens: 0, first: new Map(), speed: new Map() }
    this.#slices.set(number, made)
    return made
  }

  /** The current one, if anything was counted in it. */
  current(now: number): Slice | undefined {
    return this.#slices.get(Math.floor(now / this.#spanMs))
  }

  all(now: number): readonly Slice[] {
    this.#forget(now)
    return [...this.#slices.values()]
  }

  save(now: number): readonly SavedSlice[] {
    this.#forget(now)
    return [...this.#slices].map(([number, { good, ill, limited, requests, tokens, first, speed }]) => [
      number,
      [good, ill, limited, requests, tokens],
      [...first],
      [...speed],
    ])
  }

  /** Adds what was saved to what there is. */
  restore(saved: readonly SavedSlice[], now: number): void {
    for (const [number, [good, ill, limited, requests, tokens], first, speed] of saved) {
      const slice = this.at(number * this.#spanMs, now)
      if (slice === null) continue
      slice.good += good
      slice.ill += ill
      slice.limited += limited
      slice.requests += requests
      slice.tokens += tokens
      for (const [bucket, times] of first) count(slice.first, bucket, times)
      for (const [bucket, times] of speed) count(slice.speed, bucket, times)
    }
  }

  #forget(now: number): void {
    const oldest = Math.floor(now / this.#spanMs) - this.#most
    for (const number of this.#slices.keys()) if (number <= oldest) this.#slices.delete(number)
  }
}

/** 0 to 1, of what was good or ill; `null`: nothing was. A good answer that broke off is taken from the good ones, maybe of another slice. */
export function uptimeOf(slices: readonly Slice[]): number | null {
  const ill = slices.reduce((sum, slice) => sum + slice.ill, 0)
  const good = Math.max(
    0,
    slices.reduce((sum, slice) => sum + slice.good, 0),
  )
  return good + ill === 0 ? null : good / (good + ill)
}
