// Chance that can be had again: what was drawn when the order was foreseen is drawn when it is made.

export class Draws {
  readonly #random: () => number
  readonly #drawn: number[] = []
  #at = 0

  constructor(random: () => number) {
    this.#random = random
  }

  /** All that was drawn so far. */
  get drawn(): readonly number[] {
    return this.#drawn
  }

  next(): number {
    const known = this.#drawn[this.#at++]
    if (known !== undefined) return known
    const value = this.#random()
    this.#drawn.push(value)
    return value
  }

  /** From the first one on. */
  again(): void {
    this.#at = 0
  }
}
