// What D1 holds of a key, compared with what the key's object has told it. A D1 that was put back to an earlier time is noticed by that,
// and gets back what the object knows: policy, spend, or the whole row. The object's own numbers never follow it back.

import type { Settlement } from '../core/account.ts'
import type { Book } from '../core/book.ts'
import { isOurLabel } from '../core/key.ts'
import { samePolicy, type Policy } from '../core/policy.ts'
import { policyOf, policyText, readKey, type StoredKey } from './policies.ts'
import { insertRestore, logRestore, type Restore } from './restores.ts'
import { readSpend, spendText } from '../core/spend.ts'

/** How far D1 is known to have come: its count of reports, and the newest policy seen there. `restoredAt`: when it was last seen behind that. */
export type Known = { readonly reported: number; readonly version: number; readonly restoredAt: number | null }
/** How far D1 has come. */
export type Reached = Pick<StoredKey, 'reported' | 'version'>

const NAME = 'd1'
const QUIETLY = { allowUnconfirmed: true } as const

export class Mirror {
  readonly #storage: DurableObjectStorage
  readonly #db: () => D1Database
  readonly #keyId: string
  readonly #book: Book
  readonly #changed: () => void
  #known: Known = { reported: 0, version: 0, restoredAt: null }
  #mending: Promise<void> | null = null

  /** `changed`: the book has another policy; what it writes down goes to disk with it. */
  constructor(storage: DurableObjectStorage, db: () => D1Database, keyId: string, book: Book, changed: () => void) {
    this.#storage = storage
    this.#db = db
    this.#keyId = keyId
    this.#book = book
    this.#changed = changed
  }

  async restore(): Promise<void> {
    this.#known = (await this.#storage.get<Known>(NAME)) ?? this.#known
  }

  /** The object begins with what D1 has. */
  hydrated(stored: Reached): void {
    this.#confirm(stored, 0)
  }

  /**
   * May the object take this policy of an administrator's? Not an older one, nor another one of the version that D1 has confirmed: then
   * D1 was put back, or somebody else was faster. `inD1`: it is written there.
   */
  async take(policy: Policy, inD1: boolean): Promise<boolean> {
    const mine = this.#book.policy
    if (mine !== null) {
      if (policy.version < mine.version) return false
      if (policy.version === mine.version && this.#known.version >= mine.version && !samePolicy(policy, mine)) return false
    }
    this.#book.hydrate(policy)
    if (inD1) this.#known = { ...this.#known, version: Math.max(this.#known.version, policy.version) }
    await this.#storage.put({ policy: this.#book.policy, [NAME]: this.#known })
    return true
  }

  /** What D1 must have come to, for whatever is read there from now on: a comparison begins with it, as answers come in any order. */
  get known(): Known {
    return this.#known
  }

  /** The key's row as it stands: first in a batch that writes. */
  look(): D1PreparedStatement {
    return this.#db().prepare('SELECT * FROM keys WHERE id = ?1').bind(this.#keyId)
  }

  /** Reads the row, then reports the spend: not to a D1 that was put back, where it would hide the traces. */
  report(): readonly D1PreparedStatement[] {
    const { reported, version } = this.#known
    const tell = 'UPDATE keys SET spend = ?1, reported = MAX(reported, ?3) + 1 WHERE id = ?2 AND reported >= ?3 AND version >= ?4'
    return [
      this.look(),
      this.#db().prepare(tell).bind(spendText(this.#book.spend, this.#book.spentByModel), this.#keyId, reported, version),
    ]
  }

  /** Looks at what `look` or `report` has read; `known` as it was before that. @throws what D1 throws: it is to be repeated */
  async compare(results: readonly D1Result[], known: Known, reported: boolean): Promise<void> {
    const row = rowOf(results)
    if (this.#isBehind(row, known)) return this.#mend()
    const mine = this.#book.policy
    if (row === null) return
    // A change of which the object knows only a half: what D1 has taken is what counts.
    if (mine !== null && this.#known.version < mine.version && row.version === mine.version) {
      this.#book.hydrate(policyOf(row))
      void this.#storage.put('policy', this.#book.policy, QUIETLY)
      this.#changed()
    }
    this.#confirm(row, reported ? 1 : 0)
  }

  /** An administrator has read D1 and is about to change it. `true`: it was behind, or changed since, so read again. */
  async reconcile(found: Reached | null): Promise<boolean> {
    if (!this.#isBehind(found, this.#known)) return false
    await this.#mend()
    return true
  }

  /**
   * Which of these settlements, unknown to the object and to the ledger, are booked all the same: of requests from before the ledger
   * was put back its silence proves nothing, and their holds would be in the books still.
   */
  bookedBefore(results: readonly D1Result[], known: Known, unknown: readonly Settlement[]): readonly Settlement[] {
    if (this.#isBehind(rowOf(results), known)) this.#notice()
    const { restoredAt } = this.#known
    return restoredAt === null ? [] : unknown.filter(({ row }) => row !== null && row.createdAt <= restoredAt)
  }

  #isBehind(found: Reached | null, known: Known): boolean {
    if (found === null) return this.#book.policy?.deleted === false // rows of keys are never taken out; one that is deleted needs none
    return found.reported < known.reported || found.version < known.version
  }

  #confirm(row: Reached, reports: number): void {
    if (!Number.isSafeInteger(row.reported)) return // put back to before its migration: what it says is not comparable
    this.#known = {
      ...this.#known,
      reported: Math.max(this.#known.reported, row.reported + reports),
      version: Math.max(this.#known.version, row.version),
    }
    void this.#storage.put(NAME, this.#known, QUIETLY)
  }

  /** On disk before anything is written to D1. */
  #notice(): void {
    this.#known = { ...this.#known, restoredAt: Date.now() }
    void this.#storage.put(NAME, this.#known)
  }

  /** Once however many have seen it, and only if it is so still. */
  #mend(): Promise<void> {
    this.#mending ??= this.#lookAgain().finally(() => {
      this.#mending = null
    })
    return this.#mending
  }

  async #lookAgain(): Promise<void> {
    const known = this.#known
    const row = await readKey(this.#db(), this.#keyId)
    const mine = this.#book.policy
    if (mine !== null && this.#isBehind(row, known)) await this.#writeForward(row, mine)
  }

  async #writeForward(row: StoredKey | null, mine: Policy): Promise<void> {
    this.#notice()
    const db = this.#db()
    const other = await db
      .withSession('first-primary')
      .prepare('SELECT id FROM keys WHERE hash = ?1 AND id <> ?2')
      .bind(mine.secrets[0]?.hash ?? '', this.#keyId)
      .first<{ readonly id: string }>()
    const policy: Policy = { ...mine, version: Math.max(mine.version, row?.version ?? 0), deleted: mine.deleted || other !== null }
    const restore: Restore = {
      createdAt: Date.now(),
      kind: 'key',
      scope: this.#keyId,
      detail: {
        did: other !== null ? 'ended: its secret was imported again' : row === null ? 'row inserted' : 'row written forward',
        d1: row === null ? null : { version: row.version, reported: row.reported, spent_ever_nano_usd: readSpend(row.spend).everNanoUsd },
        object: { version: mine.version, reported: this.#known.reported, spent_ever_nano_usd: this.#book.spend.everNanoUsd },
      },
    }
    const mark = `${this.#known.version}:${this.#known.reported}`
    const forward =
      other === null
        ? [upsert(db, policy, spendText(this.#book.spend, this.#book.spentByModel), this.#known.reported + 1, restore.createdAt)]
        : []
    await db.batch([...forward, insertRestore(db, restore, mark)])
    logRestore(restore)
    if (this.#book.policy === mine) this.#book.hydrate(policy)
    if (other === null) this.#confirm({ version: policy.version, reported: this.#known.reported + 1 }, 0)
    await this.#storage.put('policy', this.#book.policy)
  }
}

function rowOf(results: readonly D1Result[]): StoredKey | null {
  return (results[0]?.results[0] as StoredKey | undefined) ?? null // as `look` asked for it
}

/** The whole row, as the object knows it. */
function upsert(db: D1Database, policy: Policy, spend: string, reported: number, now: number): D1PreparedStatement {
  const [newest, before] = policy.secrets
  const columns: { readonly [column: string]: string | number | null } = {
    id: policy.keyId,
    hash: newest?.hash ?? '',
    previous_hash: before?.hash ?? null,
    previous_until: before?.until ?? null,
    label: policy.label,
    name: policy.name,
    created_at: policy.createdAt,
    updated_at: now,
    version: policy.version,
    disabled: policy.disabled ? 1 : 0,
    deleted_at: policy.deleted ? now : null,
    expires_at: policy.expiresAt,
    limit_nano_usd: policy.limitNanoUsd,
    limit_reset: policy.limitReset,
    policy: policyText(policy),
    spend,
    reported,
    imported: isOurLabel(policy.label) ? 0 : 1,
  }
  const names = Object.keys(columns)
  const kept = new Set(['id', 'created_at', 'imported'])
  const sets = names.filter((name) => !kept.has(name)).map((name) => `${name} = excluded.${name}`)
  return db
    .prepare(
      `INSERT INTO keys (${names.join(', ')}) VALUES (${names.map((_, i) => `?${i + 1}`).join(', ')}) ON CONFLICT (id) DO UPDATE SET ${sets.join(', ')}`,
    )
    .bind(...Object.values(columns))
}
