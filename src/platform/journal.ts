// Writes the books of a key down: one value, and the holds in parts of it. Within the write-ahead ceiling (core/ahead.ts) nobody waits for
// the disk; beyond it those who come while a writing is under way share the next one.

import { Ahead, type Taken } from '../core/ahead.ts'
import type { Book, Journal as Books } from '../core/book.ts'
import { QUIETLY } from './outbox.ts'

/** Within the ceiling books are written down at most this often. */
const SOON_MS = 40
/** An idle key leaves no slack on disk: its object may be taken from memory at any time, and nothing must be booked for that. */
export const IDLE_MS = 3000
/** A stored value holds at most 2 MiB, a hold about 300 bytes; with eight long tags and under 32 model limits nearly 8 kB. */
const PART_HOLDS = 250

type Stored = Omit<Books, 'holds'> & { readonly at: number; readonly slack: Taken; readonly parts: number }
type Part = Books['holds']

export class Journal {
  readonly #storage: DurableObjectStorage
  readonly #book: Book
  readonly #ahead = new Ahead()
  #parts = 0
  #due = false
  #underWay: Promise<void> | null = null
  #next: Promise<void> | null = null
  #lastAt = 0
  #watched = false

  constructor(storage: DurableObjectStorage, book: Book) {
    this.#storage = storage
    this.#book = book
  }

  /** What an earlier life of the object has left; what it may have forgotten is held. `false`: nothing was left. */
  async restore(now: number): Promise<boolean> {
    const stored = await this.#storage.get<Stored>('journal')
    if (stored === undefined) return false
    const { at, slack, parts, ...rest } = stored
    const holds = await this.#storage.get<Part>(partNames(0, parts))
    this.#parts = parts
    this.#book.restore({ ...rest, holds: [...holds.values()].flat() })
    this.#book.holdLost(slack, `unattributed-${crypto.randomUUID()}`, at, now)
    return true
  }

  /** Whether a crash now would leave something that may be forgotten. */
  get isOpen(): boolean {
    return this.#ahead.isOpen
  }

  /** Counts an admission. Resolves when it is on disk, or at once where the disk need not know of it yet (`null`). */
  admitted(taken: Taken): Promise<void> | null {
    this.#closeWhenIdle()
    if (!this.#ahead.take(taken)) return this.together()
    this.soon()
    return null
  }

  /** Writes down what was given back: whatever this object says from now on waits until it is on disk, or it could be given back and spent. */
  writeGivenBack(): Promise<void> {
    return this.write(!this.#watched, {})
  }

  /** Writes down now, in one with what else this turn has written. Resolves when it is on disk. Of an idle key without a slack. */
  write(closed = !this.#watched, how: DurableObjectPutOptions = QUIETLY): Promise<void> {
    const now = Date.now()
    const { holds, ...rest } = this.#book.snapshot(now)
    const writing = this.#ahead.begin((of) => this.#book.room(of, now), closed)
    const parts = Math.ceil(holds.length / PART_HOLDS)
    const entries: { [name: string]: Stored | Part } = { journal: { ...rest, at: now, slack: writing.slack, parts } }
    for (const [i, name] of partNames(0, parts).entries()) entries[name] = holds.slice(i * PART_HOLDS, (i + 1) * PART_HOLDS)
    void this.#storage.put(entries, how)
    if (parts < this.#parts) void this.#storage.delete(partNames(parts, this.#parts), QUIETLY)
    this.#parts = parts
    return this.#storage.sync().then(() => this.#ahead.written(writing))
  }

  /** Writes down together with whoever else asks while a writing is under way. */
  together(): Promise<void> {
    if (this.#underWay === null) return this.#start()
    this.#next ??= this.#underWay.then(
      () => this.#start(),
      () => this.#start(),
    )
    return this.#next
  }

  /** Writes down before long; nobody waits. */
  soon(): void {
    if (this.#due) return
    this.#due = true
    setTimeout(() => {
      this.#due = false
      quietly(this.together())
    }, SOON_MS)
  }

  #start(): Promise<void> {
    this.#next = null
    const writing = this.write().finally(() => {
      if (this.#underWay === writing) this.#underWay = null
    })
    this.#underWay = writing
    return writing
  }

  #closeWhenIdle(): void {
    this.#lastAt = Date.now()
    if (this.#watched) return
    this.#watched = true
    this.#closeIn(IDLE_MS)
  }

  #closeIn(ms: number): void {
    setTimeout(() => {
      const left = this.#lastAt + IDLE_MS - Date.now()
      if (left > 0) {
        this.#closeIn(left)
        return
      }
      this.#watched = false
      if (this.#ahead.isOpen) quietly(this.write(true))
    }, ms)
  }
}

/** A disk that fails takes the object with it: nobody needs to be told. */
export function quietly(writing: Promise<void>): void {
  writing.catch(() => undefined)
}

function partNames(from: number, to: number): string[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, i) => `holds:${from + i}`)
}
