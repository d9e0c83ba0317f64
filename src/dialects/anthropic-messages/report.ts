// What a written request could not say, or said otherwise. Names are kept once, in the order they came up.

export class Report {
  private readonly lost = new Set<string>()
  private readonly changed = new Set<string>()

  drop(name: string): void {
    this.lost.add(name)
  }

  approximate(name: string): void {
    this.changed.add(name)
  }

  /** Said with another value than the client's: an approximation whose difference the client should see, too. */
  change(name: string): void {
    this.drop(name)
    this.approximate(name)
  }

  get dropped(): readonly string[] {
    return [...this.lost]
  }

  get approximated(): readonly string[] {
    return [...this.changed]
  }
}
