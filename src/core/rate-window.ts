// A sliding window over a count: what was counted in the last span never exceeds a limit, whenever one looks. Counts stand in buckets of
// a sixtieth of the span or less (a minute's seconds, a day's quarters of an hour), and a bucket leaves when its end is a whole span ago: so it errs by one bucket, and never upwards.

/** Counts by the bucket's number since the epoch. What a restart must bring back. */
export type Counted = readonly (readonly [bucket: number, count: number])[]

export class RateWindow {
  readonly #spanMs: number
  readonly #bucketMs: number
  /** In rising order of buckets. */
  readonly #counts = new Map<number, number>()
  #sum = 0

  constructor(spanMs: number, bucketMs: number) {
    this.#spanMs = spanMs
    this.#bucketMs = bucketMs
  }

  used(now: number): number {
    for (const [bucket, count] of this.#counts) {
      if (this.#leavesAt(bucket) > now) break
      this.#counts.delete(bucket)
      this.#sum -= count
    }
    return this.#sum
  }

  /** Counts something that happened at `at`; a negative count corrects. What has left the window is not corrected any more. */
  add(count: number, at: number): void {
    const bucket = Math.floor(at / this.#bucketMs)
    const before = this.#counts.get(bucket)
    if (before === undefined && count < 0) return
    const after = Math.max(0, (before ?? 0) + count)
    this.#counts.set(bucket, after)
    this.#sum += after - (before ?? 0)
  }

  /** Milliseconds until `count` more fit below `limit`; zero: they fit now. */
  waitMs(count: number, limit: number, now: number): number {
    let used = this.used(now)
    if (used + count <= limit) return 0
    for (const [bucket, there] of this.#counts) {
      used -= there
      if (used + count <= limit) return this.#leavesAt(bucket) - now
    }
    return this.#spanMs
  }

  /** Milliseconds until nothing is counted any more. */
  emptyMs(now: number): number {
    this.used(now)
    const last = [...this.#counts.keys()].at(-1)
    return last === undefined ? 0 : this.#leavesAt(last) - now
  }

  snapshot(): Counted {
    return [...this.#counts]
  }

  restore(counted: Counted): void {
    for (const [bucket, count] of [...counted].sort(([a], [b]) => a - b)) this.add(count, bucket * this.#bucketMs)
  }

  #leavesAt(bucket: number): number {
    return (bucket + 1) * this.#bucketMs + this.#spanMs
  }
}
