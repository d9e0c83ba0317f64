// The one Durable Object of the route table: numbers its versions, keeps the last hundred, copies them to KV, and takes up a document that
// was put there raw. Only it writes routes to KV.

import { DurableObject } from 'cloudflare:workers'
import type { DocumentError } from '../routing/document-issues.ts'
import type { Env } from './env.ts'
import { checkRoutesText } from './routes-check.ts'

/** Where an operator may put a document by hand. */
export const RAW_KEY = 'routes'
/** The newest version as KV has it: for isolates that cannot reach the object. */
export const NUMBER_KEY = 'routes/current'
export const versionKey = (version: number): string => `routes/v/${version}`

const MOST_VERSIONS = 100
/** The raw document is looked at so often; one that nobody has looked at for twice as long is waited for. */
const LOOK_MS = 60_000
const LOOK_WAIT_MS = 500
const COPY_RETRY_MS = 5000
/** KV's least. */
const RAW_CACHE_SECONDS = 30

/** `writtenBy`: `api`, `kv` (put raw), `rollback of 3`, or `kv copy` (taken back from KV). `document` is JSON text. */
export type VersionInfo = { readonly version: number; readonly writtenAt: number; readonly writtenBy: string; readonly bytes: number }
export type Version = VersionInfo & { readonly document: string }
/** A raw document that never took effect. */
export type Rejected = { readonly at: number; readonly errors: readonly DocumentError[] }
export type Written =
  /** `isNew`: the document before it was another one. */
  | { readonly kind: 'written'; readonly version: Version; readonly isNew: boolean }
  /** Somebody else has written meanwhile, or there is no such version. */
  | { readonly kind: 'changed'; readonly version: number }
  | { readonly kind: 'unknown' }

type InfoRow = { readonly version: number; readonly written_at: number; readonly written_by: string; readonly bytes: number }
type Row = InfoRow & { readonly document: string }
type Facts = { copied: number; adopted: boolean; lookedAt: number; seen: string | null; rejected: Rejected | null }

export class RoutesObject extends DurableObject<Env> {
  readonly #facts: Facts
  #newest: number
  #looking: Promise<void> | null = null
  #copying: Promise<void> | null = null
  #copyTriedAt = 0

  constructor(context: DurableObjectState, env: Env) {
    super(context, env)
    const { sql } = context.storage
    sql.exec(
      'CREATE TABLE IF NOT EXISTS versions (version INTEGER PRIMARY KEY, written_at INTEGER NOT NULL, written_by TEXT NOT NULL, document TEXT NOT NULL)',
    )
    sql.exec('CREATE TABLE IF NOT EXISTS facts (id INTEGER PRIMARY KEY, value TEXT NOT NULL)')
    const [kept] = sql.exec<{ value: string }>('SELECT value FROM facts WHERE id = 1').toArray()
    this.#newest = sql.exec<{ newest: number | null }>('SELECT MAX(version) AS newest FROM versions').one().newest ?? 0
    const none: Facts = { copied: 0, adopted: false, lookedAt: 0, seen: null, rejected: null }
    this.#facts = kept === undefined ? none : (JSON.parse(kept.value) as Facts) // as written below
  }

  /** The newest version's number; 0: none was ever written. */
  async current(): Promise<number> {
    await this.#adopt().catch(() => undefined) // KV is away: later
    const now = Date.now()
    const age = now - this.#facts.lookedAt
    if (age >= 2 * LOOK_MS) await this.#lookBriefly(now)
    else if (age >= LOOK_MS) this.ctx.waitUntil(this.#look(now))
    if (this.#facts.copied < this.#newest && now - this.#copyTriedAt >= COPY_RETRY_MS) this.ctx.waitUntil(this.#copy())
    return this.#newest
  }

  /** `null`: the newest. Answers `null` where there is none, or none any more. */
  async read(version: number | null): Promise<Version | null> {
    const wanted = version ?? this.#newest
    if (wanted <= this.#newest - MOST_VERSIONS) return null
    const [row] = this.ctx.storage.sql
      .exec<Row>('SELECT *, LENGTH(CAST(document AS BLOB)) AS bytes FROM versions WHERE version = ?', wanted)
      .toArray()
    return row === undefined ? null : { ...infoOf(row), document: row.document }
  }

  /** What counts now, and what was refused since. */
  async status(): Promise<{ readonly newest: Version | null; readonly rejected: Rejected | null }> {
    await this.current()
    return { newest: await this.read(null), rejected: this.#facts.rejected }
  }

  /** Newest first, without their documents. */
  async list(): Promise<readonly VersionInfo[]> {
    return this.ctx.storage.sql
      .exec<InfoRow>(
        'SELECT version, written_at, written_by, LENGTH(CAST(document AS BLOB)) AS bytes FROM versions WHERE version > ? ORDER BY version DESC',
        this.#newest - MOST_VERSIONS,
      )
      .toArray()
      .map(infoOf)
  }

  /** `document` has been checked. `ifVersion`: only while this is the newest. On disk when this answers, and in KV unless that is away. */
  async write(document: string, by: string, ifVersion: number | null): Promise<Written> {
    await this.#adopt() // a number that KV knows already must not be given again
    if (ifVersion !== null && ifVersion !== this.#newest) return { kind: 'changed', version: this.#newest }
    const isNew = this.#insert(document, by)
    this.#note({ rejected: null })
    if (isNew) await this.#copy()
    const version = await this.read(null)
    return version === null ? { kind: 'unknown' } : { kind: 'written', version, isNew }
  }

  /** The content of an older version as a new one. */
  async rollback(to: number, ifVersion: number | null): Promise<Written> {
    const old = await this.read(to)
    return old === null ? { kind: 'unknown' } : this.write(old.document, `rollback of ${to}`, ifVersion)
  }

  /** `false`: it is what counts already. */
  #insert(document: string, by: string): boolean {
    const { sql } = this.ctx.storage
    const same = sql.exec('SELECT 1 FROM versions WHERE version = ? AND document = ?', this.#newest, document).toArray().length > 0
    if (same) return false
    sql.exec('INSERT INTO versions VALUES (?, ?, ?, ?)', this.#newest + 1, Date.now(), by, document)
    this.#newest++
    return true
  }

  #note(changed: Partial<Facts>): void {
    Object.assign(this.#facts, changed)
    this.ctx.storage.sql.exec('INSERT OR REPLACE INTO facts VALUES (1, ?)', JSON.stringify(this.#facts))
  }

  /** An object that has lost its storage goes on from what KV has; asked once. */
  async #adopt(): Promise<void> {
    if (this.#facts.adopted) return
    if (this.#newest === 0) {
      const number = Number((await this.env.ROUTES.get(NUMBER_KEY)) ?? 0)
      const document = number > 0 ? await this.env.ROUTES.get(versionKey(number)) : null
      if (number > 0 && document === null) throw new Error('The number of the newest routes is known, but not what they are.')
      // Two that waited here at once must not both take it in.
      if (document !== null && this.#newest === 0) {
        this.ctx.storage.sql.exec('INSERT INTO versions VALUES (?, ?, ?, ?)', number, Date.now(), 'kv copy', document)
        this.#newest = number
        this.#note({ copied: number })
      }
    }
    this.#note({ adopted: true })
  }

  async #lookBriefly(now: number): Promise<void> {
    const looking = this.#look(now)
    this.ctx.waitUntil(looking)
    const waited = Promise.withResolvers<void>()
    const timer = setTimeout(waited.resolve, LOOK_WAIT_MS)
    await Promise.race([looking, waited.promise])
    clearTimeout(timer)
  }

  #look(now: number): Promise<void> {
    this.#looking ??= this.#readRaw(now)
      .catch((cause: unknown) => this.#log(`The raw routes in KV cannot be read: ${cause instanceof Error ? cause.message : 'unknown'}`))
      .finally(() => {
        this.#looking = null
      })
    return this.#looking
  }

  /** Each text is taken up once: one that was overwritten through the API does not come back by itself. */
  async #readRaw(now: number): Promise<void> {
    this.#note({ lookedAt: now })
    const text = await this.env.ROUTES.get(RAW_KEY, { cacheTtl: RAW_CACHE_SECONDS })
    const seen = text === null ? null : await hashOf(text)
    if (seen === this.#facts.seen) return
    if (text === null) return this.#note({ seen, rejected: null })
    await this.#adopt()
    const checked = checkRoutesText(text)
    if (checked.kind === 'bad') {
      this.#note({ seen, rejected: { at: now, errors: checked.errors } })
      const [first] = checked.errors
      this.#log(`The raw routes in KV are not used, ${checked.errors.length} mistakes: ${first?.path ?? ''}: ${first?.message ?? ''}`)
      return
    }
    this.#note({ seen, rejected: null })
    if (this.#insert(JSON.stringify(JSON.parse(text)), 'kv')) await this.#copy()
  }

  /** One after the other; what cannot be copied is tried again, until then isolates read it here. */
  #copy(): Promise<void> {
    this.#copying ??= this.#copyAll()
      .catch((cause: unknown) => this.#log(`The routes cannot be copied to KV: ${cause instanceof Error ? cause.message : 'unknown'}`))
      .finally(() => {
        this.#copying = null
      })
    return this.#copying
  }

  async #copyAll(): Promise<void> {
    this.#copyTriedAt = Date.now()
    while (this.#facts.copied < this.#newest) {
      const version = await this.read(Math.max(this.#facts.copied + 1, this.#newest - MOST_VERSIONS + 1))
      if (version === null) return
      await this.env.ROUTES.put(versionKey(version.version), version.document)
      if (version.version === this.#newest) await this.env.ROUTES.put(NUMBER_KEY, String(version.version))
      this.#note({ copied: version.version })
    }
    const { sql } = this.ctx.storage
    const old = sql.exec<{ version: number }>('SELECT version FROM versions WHERE version <= ?', this.#newest - MOST_VERSIONS).toArray()
    for (const { version } of old) {
      await this.env.ROUTES.delete(versionKey(version))
      sql.exec('DELETE FROM versions WHERE version = ?', version)
    }
  }

  #log(message: string): void {
    console.log(JSON.stringify({ level: 'error', message }))
  }
}

type Reached = Pick<RoutesObject, 'current' | 'read' | 'status' | 'list' | 'write' | 'rollback'>

/** There is one. Its methods as they are written; the platform's own type of a stub wraps every answer once more. */
export function routesObject(env: Env): Reached {
  return env.ROUTE_TABLE.getByName('routes') as unknown as Reached
}

function infoOf(row: InfoRow): VersionInfo {
  return { version: row.version, writtenAt: row.written_at, writtenBy: row.written_by, bytes: row.bytes }
}

async function hashOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
