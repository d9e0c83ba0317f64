// Puts D1 back to an earlier time, as Time Travel does: every table, whole.

import { bindings } from './bindings.ts'

const TABLES = ['keys', 'requests', 'refusals', 'budgets', 'restores'] as const

type Saved = ReadonlyMap<string, readonly Record<string, unknown>[]>

export async function bookmark(): Promise<Saved> {
  const saved = new Map<string, readonly Record<string, unknown>[]>()
  for (const table of TABLES) saved.set(table, (await bindings.DB.prepare(`SELECT * FROM ${table}`).all<Record<string, unknown>>()).results)
  return saved
}

export async function putBack(saved: Saved): Promise<void> {
  const statements: D1PreparedStatement[] = []
  for (const [table, rows] of saved) {
    statements.push(bindings.DB.prepare(`DELETE FROM ${table}`))
    for (const row of rows) {
      const columns = Object.keys(row)
      const places = columns.map((_, i) => `?${i + 1}`).join(', ')
      statements.push(bindings.DB.prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${places})`).bind(...Object.values(row)))
    }
  }
  await bindings.DB.batch(statements)
}
