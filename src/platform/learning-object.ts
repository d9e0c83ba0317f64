// One Durable Object a key: what was learnt of its requests. Isolates tell what they gathered and hear the newest in the same call; it is in
// memory, and written down now and then as one value. `forget` begins a new epoch, so what isolates gathered before it counts no more.

import { DurableObject } from 'cloudflare:workers'
import {
  absorbed,
  NEW_TENANT,
  readTenant,
  saveTenant,
  type Gathered,
  type Lately,
  type SavedTenant,
  type Tenant,
} from '../routing/choosing/tenant.ts'
import type { SavedCells } from '../routing/choosing/outcomes.ts'
import type { Env } from './env.ts'
import { WriteSoon } from './write-soon.ts'

/** `epoch`: the one that the isolate heard last; `null`: none. `cells`: the number of the outcomes that it has. */
export type Telling = { readonly epoch: string | null; readonly cells: number | null; readonly gathered: Gathered | null }
/** `cells`: `null` where the isolate has them already. */
export type Heard = {
  readonly epoch: string
  readonly bins: readonly number[]
  readonly lately: Lately
  readonly active: readonly string[]
  readonly number: number
  readonly cells: SavedCells | null
}

const TENANT = 'tenant'
const EPOCH = 'epoch'
/** Between two writings: of outcomes, and of mere counts. Memory is lost after ten idle seconds. */
const WRITE_MS = 2000
const WRITE_COUNTS_MS = 5000

export class LearningObject extends DurableObject<Env> {
  #tenant: Tenant | null = null
  #epoch = ''
  /** Of the outcomes: another one whenever they change, and in each life of the object. */
  #number = 0
  readonly #writing = new WriteSoon(() => this.#write())

  tell({ epoch, cells, gathered }: Telling): Heard {
    const before = this.#open()
    if (gathered !== null && (epoch === null || epoch === this.#epoch)) {
      const after = absorbed(before, gathered)
      const isNews = after.cells !== before.cells
      this.#tenant = after
      if (isNews) this.#number++
      this.#writing.within(isNews ? WRITE_MS : WRITE_COUNTS_MS)
    }
    return this.#heard(cells === this.#number && epoch === this.#epoch)
  }

  /** All that is kept. */
  view(): Heard {
    this.#open()
    return this.#heard(false)
  }

  /** On disk when this answers. */
  async forget(): Promise<void> {
    this.#open()
    this.#writing.cancel()
    this.#tenant = NEW_TENANT
    this.#number++
    this.#epoch = crypto.randomUUID()
    this.ctx.storage.kv.delete(TENANT)
    this.ctx.storage.kv.put(EPOCH, this.#epoch)
    await this.ctx.storage.sync()
  }

  #heard(hasCells: boolean): Heard {
    const { scores, lately, active, cells } = this.#open()
    return {
      epoch: this.#epoch,
      bins: scores.bins,
      lately,
      active: [...active],
      number: this.#number,
      cells: hasCells ? null : saveTenant({ ...NEW_TENANT, cells }).cells,
    }
  }

  #open(): Tenant {
    if (this.#tenant !== null) return this.#tenant
    const saved = this.ctx.storage.kv.get<SavedTenant>(TENANT)
    this.#epoch = this.ctx.storage.kv.get<string>(EPOCH) ?? ''
    this.#number = Math.floor(Math.random() * Number.MAX_SAFE_INTEGER * 0.5)
    this.#tenant = saved === undefined ? NEW_TENANT : readTenant(saved)
    return this.#tenant
  }

  #write(): void {
    this.ctx.storage.kv.put(TENANT, saveTenant(this.#open()))
  }
}
