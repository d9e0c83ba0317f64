// Settled rows of one key on their way to D1: on disk first, a batch in one value, then carried in order. A batch that is repeated counts
// once. What waits long is remembered by its ids only: D1 may be away for hours.

import type { Row } from '../core/account.ts'
import type { Booked } from '../core/book.ts'
import { keepingSums } from './hourly.ts'
import { CORRECT_ROWS, INSERT_ROWS, rowsParameter } from './rows.ts'

/** `rows: null`: on disk only. `size`: in rows of the usual size. */
type Batch = { readonly ids: readonly string[]; readonly rows: readonly Booked[] | null; readonly size: number }

const BATCH = 'settled:'
/** A stored value holds at most 2 MiB, a row about one kB. */
const BATCH_ROWS = 200
const FLUSH_ROWS = 250
/** Storage takes so many names in one call. */
const MOST_NAMES = 128
/** Rows in memory; what comes while more wait is read again when its turn comes. */
const MOST_IN_MEMORY = 2000
/** Batches that are read at once when the object starts. */
const PAGE = 20
/** Not waited for by other answers of this object; whoever needs it on disk waits for `sync`. */
export const QUIETLY = { allowUnconfirmed: true } as const

export class Outbox {
  readonly #storage: DurableObjectStorage
  /** By the name of the stored batch, in order. */
  readonly #batches = new Map<string, Batch>()
  /** Request id → its latest batch. */
  readonly #names = new Map<string, string>()
  #rows = 0
  #inMemory = 0
  #last = 0

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
  }

  get isEmpty(): boolean {
    return this.#batches.size === 0
  }

  /** Rows that wait. */
  get size(): number {
    return this.#rows
  }

  /** A row that has not reached D1 yet. */
  async find(requestId: string): Promise<Row | null> {
    const name = this.#names.get(requestId)
    if (name === undefined) return null
    const rows = this.#batches.get(name)?.rows ?? (await this.#storage.get<readonly Booked[]>(name)) ?? []
    return rows.find(({ row }) => row.id === requestId)?.row ?? null
  }

  /** What an earlier life of the object has left, row by row. */
  async restore(each: (row: Row) => void): Promise<void> {
    for (let after: string | null = null; ;) {
      const page: Map<string, readonly Booked[]> = await this.#storage.list<readonly Booked[]>({
        prefix: BATCH,
        limit: PAGE,
        ...(after === null ? {} : { startAfter: after }),
      })
      for (const [name, batch] of page) {
        this.#last = Math.max(this.#last, Number(name.slice(BATCH.length)))
        this.#add(name, batch)
        for (const { row } of batch) each(row)
        after = name
      }
      if (page.size < PAGE) return
    }
  }

  /** Writes down: a write for each row would cost more than the rest of the path. */
  keep(settled: readonly Booked[]): void {
    for (const batch of batchesOf(settled)) {
      const name = `${BATCH}${String(++this.#last).padStart(12, '0')}`
      this.#add(name, batch)
      void this.#storage.put(name, batch, QUIETLY)
    }
  }

  /**
   * Carries all to D1, each batch with what `alongside` reads and writes first; `carried` is told what came of it, and of which requests
   * the rows are there. @throws what D1 throws: the rest stays
   */
  async flush(
    db: D1Database,
    alongside: () => readonly D1PreparedStatement[],
    carried: (results: readonly D1Result[], ids: readonly string[]) => Promise<void>,
  ): Promise<void> {
    while (this.#batches.size > 0) {
      const { names, rows } = await this.#next()
      const ids = rows.map(({ row }) => row.id)
      const sums = keepingSums(db, ids)
      const statements = [...alongside(), sums.before]
      const fresh = rows.filter((p) => !p.corrects).map((p) => p.row)
      const corrections = rows.filter((p) => p.corrects).map((p) => p.row)
      if (fresh.length > 0) statements.push(db.prepare(INSERT_ROWS).bind(rowsParameter(fresh)))
      if (corrections.length > 0) statements.push(db.prepare(CORRECT_ROWS).bind(rowsParameter(corrections)))
      await this.#storage.sync() // or D1 would know of settles that a crash takes from the books, and their cost would be told twice
      await carried(await db.batch([...statements, sums.after]), ids)
      for (const name of names) this.#drop(name)
      void this.#storage.delete(names, QUIETLY)
    }
  }

  async #next(): Promise<{ readonly names: string[]; readonly rows: readonly Booked[] }> {
    const names: string[] = []
    let count = 0
    for (const [name, { size }] of this.#batches) {
      if (count > 0 && (count + size > FLUSH_ROWS || names.length === MOST_NAMES)) break
      names.push(name)
      count += size
    }
    const absent = names.filter((name) => this.#batches.get(name)?.rows === null)
    const read = absent.length === 0 ? null : await this.#storage.get<readonly Booked[]>(absent)
    return { names, rows: names.flatMap((name) => this.#batches.get(name)?.rows ?? read?.get(name) ?? []) }
  }

  #add(name: string, batch: readonly Booked[]): void {
    const isRemembered = this.#inMemory < MOST_IN_MEMORY
    const size = batch.reduce((sum, one) => sum + sizeOf(one), 0)
    this.#batches.set(name, { ids: batch.map(({ row }) => row.id), rows: isRemembered ? batch : null, size })
    this.#rows += batch.length
    if (isRemembered) this.#inMemory += size
    for (const { row } of batch) this.#names.set(row.id, name)
  }

  /** A correction may have come meanwhile: it waits in a batch of its own. */
  #drop(name: string): void {
    const batch = this.#batches.get(name)
    if (batch === undefined) return
    this.#batches.delete(name)
    this.#rows -= batch.ids.length
    if (batch.rows !== null) this.#inMemory -= batch.size
    for (const id of batch.ids) if (this.#names.get(id) === name) this.#names.delete(id)
  }
}

/** A row that has its decision with it is as large as several. */
function sizeOf({ row }: Booked): number {
  return 1 + Math.ceil((row.decision?.length ?? 0) / 1024)
}

function batchesOf(settled: readonly Booked[]): readonly (readonly Booked[])[] {
  const batches: Booked[][] = []
  let size = 0
  for (const one of settled) {
    const own = sizeOf(one)
    const last = batches.at(-1)
    if (last === undefined || size + own > BATCH_ROWS) {
      batches.push([one])
      size = own
    } else {
      last.push(one)
      size += own
    }
  }
  return batches
}
