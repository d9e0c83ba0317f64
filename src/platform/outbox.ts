// Settled rows of one key on their way to D1: on disk first, a batch in one value, then carried in order. A batch that is repeated counts once.

import type { Row } from '../core/account.ts'
import type { Booked } from '../core/book.ts'
import { keepingSums } from './hourly.ts'
import { CORRECT_ROWS, INSERT_ROWS, rowsParameter } from './rows.ts'

const BATCH = 'settled:'
/** A stored value holds at most 2 MiB, a row about one kB. */
const BATCH_ROWS = 200
const FLUSH_ROWS = 250
/** Storage takes so many names in one call. */
const MOST_NAMES = 128
/** Not waited for by other answers of this object; whoever needs it on disk waits for `sync`. */
export const QUIETLY = { allowUnconfirmed: true } as const

export class Outbox {
  readonly #storage: DurableObjectStorage
  /** By the name of the stored batch, in order; and the same by request id. */
  readonly #batches = new Map<string, readonly Booked[]>()
  readonly #waiting = new Map<string, Booked>()
  #last = 0

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
  }

  get isEmpty(): boolean {
    return this.#batches.size === 0
  }

  /** A row that has not reached D1 yet. */
  find(requestId: string): Row | null {
    return this.#waiting.get(requestId)?.row ?? null
  }

  /** What an earlier life of the object has left. */
  async restore(): Promise<readonly Row[]> {
    for (const [name, batch] of await this.#storage.list<readonly Booked[]>({ prefix: BATCH })) {
      this.#last = Math.max(this.#last, Number(name.slice(BATCH.length)))
      this.#add(name, batch)
    }
    return [...this.#waiting.values()].map(({ row }) => row)
  }

  /** Writes down: a write for each row would cost more than the rest of the path. */
  keep(settled: readonly Booked[]): void {
    for (let i = 0; i < settled.length; i += BATCH_ROWS) {
      const batch = settled.slice(i, i + BATCH_ROWS)
      const name = `${BATCH}${String(++this.#last).padStart(12, '0')}`
      this.#add(name, batch)
      void this.#storage.put(name, batch, QUIETLY)
    }
  }

  /** Carries all to D1, each batch with what `alongside` reads and writes first; `carried` is told what came of it. @throws what D1 throws: the rest stays */
  async flush(
    db: D1Database,
    alongside: () => readonly D1PreparedStatement[],
    carried: (results: readonly D1Result[]) => Promise<void>,
  ): Promise<void> {
    while (this.#batches.size > 0) {
      const { names, rows } = this.#next()
      const sums = keepingSums(
        db,
        rows.map(({ row }) => row.id),
      )
      const statements = [...alongside(), sums.before]
      const fresh = rows.filter((p) => !p.corrects).map((p) => p.row)
      const corrections = rows.filter((p) => p.corrects).map((p) => p.row)
      if (fresh.length > 0) statements.push(db.prepare(INSERT_ROWS).bind(rowsParameter(fresh)))
      if (corrections.length > 0) statements.push(db.prepare(CORRECT_ROWS).bind(rowsParameter(corrections)))
      await this.#storage.sync() // or D1 would know of settles that a crash takes from the books, and their cost would be told twice
      await carried(await db.batch([...statements, sums.after]))
      for (const name of names) this.#batches.delete(name)
      // A correction may have come meanwhile: it waits in a batch of its own.
      for (const sent of rows) if (this.#waiting.get(sent.row.id) === sent) this.#waiting.delete(sent.row.id)
      void this.#storage.delete(names, QUIETLY)
    }
  }

  #next(): { readonly names: string[]; readonly rows: readonly Booked[] } {
    const names: string[] = []
    const rows: Booked[] = []
    for (const [name, batch] of this.#batches) {
      if (rows.length > 0 && (rows.length + batch.length > FLUSH_ROWS || names.length === MOST_NAMES)) break
      names.push(name)
      rows.push(...batch)
    }
    return { names, rows }
  }

  #add(name: string, batch: readonly Booked[]): void {
    this.#batches.set(name, batch)
    for (const pending of batch) this.#waiting.set(pending.row.id, pending)
  }
}
