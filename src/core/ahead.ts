// The write-ahead ceiling: how much a key's object may admit before it is on disk. Each writing-down of the books carries a slack: what may
// be admitted after it and before the next one. Within the slack an admission waits for no disk; after a crash the slack of what was on
// disk is held (lost.ts). Amounts count gross: what is given back meanwhile makes no room, for the disk does not know of it. Pure.

/** What an admission takes, by what it is taken of: `money` (nano-dollars), `requests`, `tokens`, a shared budget's scope (nano-dollars). */
export type Taken = readonly (readonly [of: string, amount: number])[]

/** A writing-down on its way to the disk, or there; `used` is what was admitted after it. */
export type Writing = { readonly slack: Taken; readonly allowed: ReadonlyMap<string, number>; readonly used: Map<string, number> }

/** What was needed between two writings counts for less with each one that follows. */
const FADING = 0.9
/** Room for so many times what was needed. */
const SPARE = 2

export class Ahead {
  /** The first is on disk, any of the others may be. */
  #writings: Writing[] = [writingOf([])]
  readonly #needs = new Map<string, number>()

  /** Counts what was admitted. `true`: whatever is on disk covers it; otherwise it must be written down before anybody hears of it. */
  take(taken: Taken): boolean {
    let covered = true
    for (const { allowed, used } of this.#writings) {
      for (const [of, amount] of taken) {
        const sum = (used.get(of) ?? 0) + amount
        used.set(of, sum)
        if (sum > (allowed.get(of) ?? 0)) covered = false
      }
    }
    return covered
  }

  /** Whether what is on disk, or may be, leaves a slack. */
  get isOpen(): boolean {
    return this.#writings.some(({ slack }) => slack.length > 0)
  }

  /** For a writing that is taken now. `room`: the most that can still be admitted of something. Closed: nothing may follow it unwritten. */
  begin(room: (of: string) => number, closed = false): Writing {
    for (const [of, need] of this.#needs) {
      const faded = Math.floor(need * FADING)
      if (faded === 0) this.#needs.delete(of)
      else this.#needs.set(of, faded)
    }
    for (const [of, used] of this.#writings.at(-1)?.used ?? []) if (used > (this.#needs.get(of) ?? 0)) this.#needs.set(of, used)
    const slack = closed
      ? []
      : [...this.#needs].map(([of, need]) => [of, Math.min(SPARE * need, Math.max(0, room(of)))] as const).filter(([, most]) => most > 0)
    const writing = writingOf(slack)
    this.#writings.push(writing)
    return writing
  }

  /** It is on disk: those before it are not any more. */
  written(writing: Writing): void {
    const at = this.#writings.indexOf(writing)
    if (at > 0) this.#writings = this.#writings.slice(at)
  }
}

function writingOf(slack: Taken): Writing {
  return { slack, allowed: new Map(slack), used: new Map() }
}
