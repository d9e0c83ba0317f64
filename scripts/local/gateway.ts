// A gateway on this machine: the Worker in workerd with embedded D1, KV and Durable Objects, and its migrations applied.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare'
import { bundleWorker } from './bundle.ts'
import { openRelay } from './relay.ts'
import type { Settings } from './settings.ts'

export const COMPATIBILITY = { compatibilityDate: '2026-11-01', compatibilityFlags: ['enable_request_signal'] }

export type Local = { readonly miniflare: Miniflare; dispose(): Promise<void> }

/** Serves on `host:port`, from its first answer with the tables in place. @throws Error when the port is taken or a migration fails */
export async function openLocal(options: {
  readonly state: string
  readonly settings: Settings
  readonly host: string
  readonly port: number
  /** Without it a client that leaves is noticed late, and nothing stands between a measurement and workerd. */
  readonly relayed?: boolean
}): Promise<Local> {
  const { state, settings, host, port, relayed = true } = options
  await migrateFirst(state)
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      ...SHARED,
      // The Worker's own socket serves the clients, behind the relay; miniflare's proxy in front of it, on a port of its own, is not used.
      unsafeDirectSockets: [relayed ? { host: '127.0.0.1', port: 0 } : { host, port }],
      name: 'sluice',
      modules: [{ type: 'ESModule', path: 'index.js', contents: await bundleWorker() }],
      bindings: { ...settings },
      kvNamespaces: { ROUTES: 'routes' },
      durableObjects: {
        KEYS: { className: 'KeyObject', useSQLite: true },
        BUDGETS: { className: 'BudgetObject', useSQLite: true },
        DRAINS: { className: 'DrainObject', useSQLite: true },
        ROUTE_TABLE: { className: 'RoutesObject', useSQLite: true },
        HEALTH: { className: 'HealthObject', useSQLite: true },
        LEARNING: { className: 'LearningObject', useSQLite: true },
      },
      resourcePersistencePath: state,
    }),
  )
  const direct = await miniflare.unsafeGetDirectURL()
  const relay = relayed ? await openRelay(host, port, Number(direct.port)) : null
  return {
    miniflare,
    async dispose() {
      relay?.close()
      await miniflare.dispose()
    },
  }
}

const SHARED = {
  ...COMPATIBILITY,
  log: new Log(LogLevel.WARN),
  host: '127.0.0.1',
  port: 0,
  d1Databases: { DB: 'sluice' },
  cf: false,
}

/** A runtime that serves nobody brings the tables up to date, when there is something new: nothing listens until they are there. */
async function migrateFirst(state: string): Promise<void> {
  const mark = join(state, 'migrations.json')
  const wanted = JSON.stringify(migrationFiles())
  if (existsSync(mark) && existsSync(join(state, 'd1')) && readFileSync(mark, 'utf8') === wanted) return
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      ...SHARED,
      name: 'migrate',
      modules: true,
      script: 'export default { fetch: () => new Response() }',
      resourcePersistencePath: state,
    }),
  )
  try {
    await migrate(miniflare)
  } finally {
    await miniflare.dispose()
  }
  writeFileSync(mark, wanted)
}

function migrationFiles(): readonly string[] {
  return readdirSync(MIGRATIONS)
    .filter((file) => file.endsWith('.sql'))
    .toSorted()
}

const MIGRATIONS = fileURLToPath(new URL('../../migrations', import.meta.url))

/** Applies what is new, each migration once, as `wrangler d1 migrations apply` does. */
async function migrate(miniflare: Miniflare): Promise<void> {
  const db = await miniflare.getD1Database('DB')
  await db
    .prepare(
      'CREATE TABLE IF NOT EXISTS d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)',
    )
    .run()
  const { results } = await db.prepare('SELECT name FROM d1_migrations').all<{ readonly name: string }>()
  const applied = new Set(results.map((row) => row.name))
  for (const name of migrationFiles()) {
    if (applied.has(name)) continue
    const statements = statementsOf(readFileSync(join(MIGRATIONS, name), 'utf8'))
    await db.batch([...statements.map((sql) => db.prepare(sql)), db.prepare('INSERT INTO d1_migrations (name) VALUES (?1)').bind(name)])
  }
}

function statementsOf(sql: string): readonly string[] {
  return sql
    .replace(/--.*$/gm, '')
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '')
}
