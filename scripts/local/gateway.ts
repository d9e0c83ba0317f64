// A gateway on this machine: the Worker in workerd with embedded D1, KV and Durable Objects, and its migrations applied.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare'
import { bundleWorker } from './bundle.ts'
import type { Settings } from './settings.ts'

export const COMPATIBILITY = { compatibilityDate: '2026-11-01', compatibilityFlags: ['enable_request_signal'] } as const

export type Local = { readonly miniflare: Miniflare; dispose(): Promise<void> }

/** Serves on `host:port`. @throws Error when the port is taken or a migration fails */
export async function openLocal(options: {
  readonly state: string
  readonly settings: Settings
  readonly host: string
  readonly port: number
}): Promise<Local> {
  const { state, settings, host, port } = options
  const options4 = convertV4MiniflareOptions({
    log: new Log(LogLevel.WARN),
    // The Worker's own socket serves the clients; miniflare's proxy in front of it, on a port of its own, is not used.
    host: '127.0.0.1',
    port: 0,
    unsafeDirectSockets: [{ host, port }],
    name: 'sluice',
    modules: [{ type: 'ESModule', path: 'index.js', contents: await bundleWorker() }],
    ...COMPATIBILITY,
    bindings: { ...settings },
    d1Databases: { DB: 'sluice' },
    kvNamespaces: { ROUTES: 'routes' },
    durableObjects: { KEYS: { className: 'KeyObject', useSQLite: true } },
    resourcePersistencePath: state,
    cf: false,
  })
  const miniflare = new Miniflare(options4)
  await miniflare.ready
  await migrate(miniflare)
  return { miniflare, dispose: () => miniflare.dispose() }
}

/** Applies what is new, each migration once, as `wrangler d1 migrations apply` does. */
async function migrate(miniflare: Miniflare): Promise<void> {
  const folder = fileURLToPath(new URL('../../migrations', import.meta.url))
  const db = await miniflare.getD1Database('DB')
  await db
    .prepare(
      'CREATE TABLE IF NOT EXISTS d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)',
    )
    .run()
  const { results } = await db.prepare('SELECT name FROM d1_migrations').all<{ readonly name: string }>()
  const applied = new Set(results.map((row) => row.name))
  for (const name of readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .toSorted()) {
    if (applied.has(name)) continue
    const statements = statementsOf(readFileSync(join(folder, name), 'utf8'))
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
