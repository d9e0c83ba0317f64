// Which providers have budgets, as a key's object knows it: read with the key, and again in the background while it is in use. What a
// budget allows is its own object's alone, so a change of one that is known takes effect at once.

const STORED = 'providers'
/** A new budget is seen within so long of use. */
const READ_MS = 60_000

export class ProviderBudgets {
  readonly #storage: DurableObjectStorage
  readonly #db: D1Database
  #ids: ReadonlySet<string> = new Set()
  #readAt = 0
  #reading: Promise<void> | null = null

  constructor(storage: DurableObjectStorage, db: D1Database) {
    this.#storage = storage
    this.#db = db
  }

  get ids(): ReadonlySet<string> {
    return this.#ids
  }

  async restore(): Promise<void> {
    this.#ids = new Set(await this.#storage.get<readonly string[]>(STORED))
  }

  /** @throws what D1 throws: what was known stays */
  async read(now: number): Promise<void> {
    this.#readAt = now
    const { results } = await this.#db
      .prepare(
        "SELECT substr(scope, 10) AS id FROM budgets WHERE scope >= 'provider:' AND scope < 'provider;' AND removed = 0 ORDER BY scope",
      )
      .all<{ readonly id: string }>()
    const ids = results.map(({ id }) => id)
    if (ids.join() === [...this.#ids].join()) return
    this.#ids = new Set(ids)
    await this.#storage.put(STORED, ids)
  }

  /** Reads again where it is time; `null`: it is not. Never fails. */
  refresh(now: number): Promise<void> | null {
    if (this.#reading !== null || now - this.#readAt <= READ_MS) return null
    this.#reading = this.read(now)
      .catch(() => undefined) // D1 is away: it is tried again in a minute of use
      .finally(() => {
        this.#reading = null
      })
    return this.#reading
  }
}
