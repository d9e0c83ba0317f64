// When an object writes what it keeps: at once where the last writing is long enough ago, else as soon as it is. A timer of the object's own.

/** One of each object. `write` saves everything that waits; it may find nothing. */
export class WriteSoon {
  readonly #write: () => void
  #wroteAt = 0
  #waiting: { readonly at: number; readonly timer: ReturnType<typeof setTimeout> } | null = null

  constructor(write: () => void) {
    this.#write = write
  }

  /** Within `ms` of the last writing at the latest; an earlier one that waits stays. */
  within(ms: number): void {
    const now = Date.now()
    const at = Math.max(now, this.#wroteAt + ms)
    if (this.#waiting !== null) {
      if (this.#waiting.at <= at) return
      clearTimeout(this.#waiting.timer)
    }
    this.#waiting = null
    if (at <= now) this.#now()
    else this.#waiting = { at, timer: setTimeout(() => this.#now(), at - now) }
  }

  /** What waits is not written. */
  cancel(): void {
    if (this.#waiting !== null) clearTimeout(this.#waiting.timer)
    this.#waiting = null
  }

  #now(): void {
    this.#waiting = null
    this.#wroteAt = Date.now()
    this.#write()
  }
}
