// An object's storage for simulations: what is written in one turn is one batch, batches reach the disk in order and when the world says
// so, and a crash forgets those that have not. The part of `DurableObjectStorage` that the objects use.

type Batch = readonly ((disk: Map<string, unknown>) => void)[]

export class Disk {
  /** What a restart finds. */
  readonly #durable = new Map<string, unknown>()
  /** What this life of the object sees. */
  #seen = new Map<string, unknown>()
  #open: ((disk: Map<string, unknown>) => void)[] | null = null
  readonly #waiting: Batch[] = []
  #written = 0
  #durableCount = 0
  #gatedUpTo = 0
  #waiters: { readonly upTo: number; readonly resolve: () => void }[] = []
  /** A new life makes the storage of the one before deaf. */
  #life = 0
  alarmAt: number | null = null
  #durableAlarm: number | null = null
  readonly #onBatch: () => void

  /** `onBatch`: there is one more to carry to the disk. */
  constructor(onBatch: () => void) {
    this.#onBatch = onBatch
  }

  /** Carries the oldest batch to the disk. */
  carry(): void {
    const batch = this.#waiting.shift()
    if (batch === undefined) return
    for (const write of batch) write(this.#durable)
    this.#durableCount++
    const ready = this.#waiters.filter(({ upTo }) => upTo <= this.#durableCount)
    this.#waiters = this.#waiters.filter(({ upTo }) => upTo > this.#durableCount)
    for (const { resolve } of ready) resolve()
  }

  /** `kept` batches still make it to the disk. */
  crash(kept: number): void {
    this.#close()
    for (let i = 0; i < kept && this.#waiting.length > 0; i++) this.carry()
    this.#waiting.length = 0
    this.#waiters = []
    this.#open = null
    this.#written = this.#durableCount
    this.#gatedUpTo = this.#durableCount
    this.#seen = new Map(this.#durable)
    this.alarmAt = this.#durableAlarm
    this.#life++
  }

  /** Until what was written to be waited for is on disk. */
  gate(): Promise<void> {
    return this.#until(this.#gatedUpTo)
  }

  storage(): DurableObjectStorage {
    const life = this.#life
    const alive = (): boolean => life === this.#life
    const never = new Promise<never>(() => undefined)
    const write = (one: (disk: Map<string, unknown>) => void, options?: { readonly allowUnconfirmed?: boolean }): Promise<void> => {
      if (!alive()) return never
      one(this.#seen)
      this.#add(one)
      if (options?.allowUnconfirmed !== true) this.#gatedUpTo = this.#written + 1
      return Promise.resolve()
    }
    const made = {
      get: (names: string | readonly string[]) => {
        if (!alive()) return never
        if (typeof names === 'string') return Promise.resolve(structuredClone(this.#seen.get(names)))
        const found = names.filter((name) => this.#seen.has(name)).map((name) => [name, structuredClone(this.#seen.get(name))] as const)
        return Promise.resolve(new Map(found))
      },
      list: ({ prefix, startAfter = '', limit }: { readonly prefix: string; readonly startAfter?: string; readonly limit?: number }) => {
        if (!alive()) return never
        const found = [...this.#seen].filter(([name]) => name.startsWith(prefix) && name > startAfter).sort(([a], [b]) => (a < b ? -1 : 1))
        return Promise.resolve(new Map(found.slice(0, limit)))
      },
      put: (name: string | Record<string, unknown>, value: unknown, options?: { readonly allowUnconfirmed?: boolean }) => {
        const entries = structuredClone(typeof name === 'string' ? { [name]: value } : name)
        const how = (typeof name === 'string' ? options : value) as { readonly allowUnconfirmed?: boolean } | undefined
        return write((disk) => {
          for (const [at, stored] of Object.entries(entries)) disk.set(at, stored)
        }, how)
      },
      delete: (names: string | readonly string[], options?: { readonly allowUnconfirmed?: boolean }) =>
        write((disk) => {
          for (const name of typeof names === 'string' ? [names] : names) disk.delete(name)
        }, options),
      setAlarm: (at: number, options?: { readonly allowUnconfirmed?: boolean }) => {
        if (alive()) this.alarmAt = at
        return write(() => {
          this.#durableAlarm = at
        }, options)
      },
      sync: () => (alive() ? this.#until(this.#open === null ? this.#written : this.#written + 1) : never),
    }
    return made as unknown as DurableObjectStorage
  }

  /** An alarm goes off until its handler has run to the end: the runtime tries again. */
  takeAlarm(): { done(): void } {
    const at = this.alarmAt
    this.alarmAt = null
    return {
      done: () => {
        if (this.#durableAlarm === at) this.#durableAlarm = null
      },
    }
  }

  #until(upTo: number): Promise<void> {
    if (upTo <= this.#durableCount) return Promise.resolve()
    return new Promise((resolve) => this.#waiters.push({ upTo, resolve }))
  }

  #add(one: (disk: Map<string, unknown>) => void): void {
    if (this.#open === null) {
      const life = this.#life
      this.#open = []
      queueMicrotask(() => {
        if (life === this.#life) this.#close()
      })
    }
    this.#open.push(one)
  }

  #close(): void {
    if (this.#open === null) return
    this.#waiting.push(this.#open)
    this.#open = null
    this.#written++
    this.#onBatch()
  }
}
