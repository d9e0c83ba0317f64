// What a running Worker can say of its own set-up: bindings, migrations, secrets, providers, catalogue. Names and yes or no; never a value.

import { PRICE_VERSION } from '../catalogue/index.ts'
import { parseOverlay } from '../catalogue/overlay.ts'
import { setting, type Env } from '../platform/env.ts'
import { countRestores } from '../platform/restores.ts'
import { missingFor, providersOf } from '../deps.ts'
import { badSettings, type DoctorReport } from './doctor-report.ts'

const OVERLAY_KEY = 'catalogue/overlay'

/** `GET /api/v1/doctor`. Never throws: what fails is in the report. */
export async function doctorReport(env: Env): Promise<DoctorReport> {
  const [db, routes, restores] = await Promise.all([migrationsOf(env), overlayOf(env), restoresOf(env)])
  const has = (name: string): boolean => setting(env, name) !== null
  return {
    bindings: {
      DB: db !== null,
      ROUTES: routes.answers,
      KEYS: isBound(env.KEYS),
      BUDGETS: isBound(env.BUDGETS),
      DRAINS: isBound(env.DRAINS),
      ROUTE_TABLE: isBound(env.ROUTE_TABLE),
      HEALTH: isBound(env.HEALTH),
      LEARNING: isBound(env.LEARNING),
    },
    migrations: db ?? [],
    secrets: { SLUICE_KEY_SECRET: has('SLUICE_KEY_SECRET'), SLUICE_ADMIN_KEY: has('SLUICE_ADMIN_KEY') },
    providers: providersOf(env).map((provider) => {
      const missing = missingFor(provider, env)
      return { id: provider.id, configured: missing.length === 0, missing }
    }),
    catalogue: { priceVersion: PRICE_VERSION, overlay: routes.overlay },
    restores,
    badSettings: badSettings((name) => setting(env, name), Object.keys(env)),
  }
}

/** `null`: the database does not answer. A database without the table of migrations has none applied. */
async function migrationsOf(env: Env): Promise<readonly string[] | null> {
  try {
    const { results } = await env.DB.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name = 'd1_migrations'").all()
    if (results.length === 0) return []
    const applied = await env.DB.prepare('SELECT name FROM d1_migrations ORDER BY id').all<{ readonly name: string }>()
    return applied.results.map(({ name }) => name)
  } catch {
    return null
  }
}

/** `null`: the table does not answer. */
async function restoresOf(env: Env): Promise<DoctorReport['restores']> {
  try {
    const { count, last } = await countRestores(env.DB)
    return { count, last: last === null ? null : new Date(last).toISOString() }
  } catch {
    return null
  }
}

async function overlayOf(env: Env): Promise<{ readonly answers: boolean; readonly overlay: string | null | { readonly error: string } }> {
  let text: string | null
  try {
    text = await env.ROUTES.get(OVERLAY_KEY)
  } catch {
    return { answers: false, overlay: null }
  }
  if (text === null) return { answers: true, overlay: null }
  try {
    return { answers: true, overlay: parseOverlay(text).version }
  } catch (cause) {
    return { answers: true, overlay: { error: cause instanceof Error ? cause.message.slice(0, 1000) : 'unknown' } }
  }
}

function isBound(objects: Partial<DurableObjectNamespace> | undefined): boolean {
  return typeof objects?.idFromName === 'function'
}
