// What a running Worker can say of its own set-up: bindings, migrations, secrets, providers, catalogue. Names and yes or no; never a value.

import { PRICE_VERSION } from '../catalogue/index.ts'
import { parseOverlay } from '../catalogue/overlay.ts'
import { setting, type Env } from '../platform/env.ts'
import { isConfigured } from '../providers/configured.ts'
import { PROVIDERS } from '../providers/index.ts'

/** Settings that are whole numbers from 1 up. */
export const NUMBER_SETTINGS: readonly string[] = [
  'SLUICE_MAX_BODY_BYTES',
  'SLUICE_MAX_WHOLE_ANSWER_BYTES',
  'SLUICE_HEADERS_TIMEOUT_MS',
  'SLUICE_FIRST_CONTENT_TIMEOUT_MS',
  'SLUICE_IDLE_TIMEOUT_MS',
  'SLUICE_HOLD_SECONDS',
  'SLUICE_DEFAULT_MAX_TOKENS',
]

const OVERLAY_KEY = 'catalogue/overlay'

export type DoctorReport = {
  /** `DB` answers, `ROUTES` answers, `KEYS` is bound. */
  readonly bindings: { readonly DB: boolean; readonly ROUTES: boolean; readonly KEYS: boolean }
  /** Names of the applied ones, as their files are called. */
  readonly migrations: readonly string[]
  readonly secrets: { readonly SLUICE_KEY_SECRET: boolean; readonly SLUICE_ADMIN_KEY: boolean }
  readonly providers: readonly { readonly id: string; readonly configured: boolean; readonly missing: readonly string[] }[]
  readonly catalogue: { readonly priceVersion: string; readonly overlay: string | null | { readonly error: string } }
  /** Settings with a value that is none and so does not count; with what is wanted. */
  readonly badSettings: readonly { readonly name: string; readonly wanted: string }[]
}

/** `GET /api/v1/doctor`. Never throws: what fails is in the report. */
export async function doctorReport(env: Env): Promise<DoctorReport> {
  const [db, routes] = await Promise.all([migrationsOf(env), overlayOf(env)])
  const has = (name: string): boolean => setting(env, name) !== null
  return {
    bindings: {
      DB: db !== null,
      ROUTES: routes.answers,
      KEYS: typeof (env.KEYS as Partial<Env['KEYS']> | undefined)?.idFromName === 'function',
    },
    migrations: db ?? [],
    secrets: { SLUICE_KEY_SECRET: has('SLUICE_KEY_SECRET'), SLUICE_ADMIN_KEY: has('SLUICE_ADMIN_KEY') },
    providers: PROVIDERS.map((provider) => {
      if (provider.local !== undefined)
        return {
          id: provider.id,
          configured: setting(env, 'SLUICE_DEMO') === 'on',
          missing: setting(env, 'SLUICE_DEMO') === 'on' ? [] : ['SLUICE_DEMO'],
        }
      const wanted = [
        ...provider.needs,
        ...(provider.defaultBaseUrl === null || provider.needs.length === 0 ? [provider.baseUrlSetting] : []),
      ]
      return { id: provider.id, configured: isConfigured(provider, has), missing: wanted.filter((name) => !has(name)) }
    }),
    catalogue: { priceVersion: PRICE_VERSION, overlay: routes.overlay },
    badSettings: badSettings((name) => setting(env, name)),
  }
}

/** Settings whose value does not count, so that the default holds. */
export function badSettings(valueOf: (name: string) => string | null): DoctorReport['badSettings'] {
  const numbers = NUMBER_SETTINGS.filter((name) => {
    const value = valueOf(name)
    return value !== null && !(Number.isSafeInteger(Number(value)) && Number(value) > 0)
  }).map((name) => ({ name, wanted: 'a whole number from 1 up' }))
  const switches = ['SLUICE_DEMO', 'SLUICE_LOG']
    .filter((name) => !['on', 'off', null].includes(valueOf(name)))
    .map((name) => ({ name, wanted: 'on or off' }))
  const addresses = PROVIDERS.map((provider) => provider.baseUrlSetting)
    .filter((name) => !isAddress(valueOf(name)))
    .map((name) => ({ name, wanted: 'an address such as https://host/v1' }))
  return [...numbers, ...switches, ...addresses]
}

function isAddress(value: string | null): boolean {
  return value === null || (URL.canParse(value) && /^https?:$/.test(new URL(value).protocol))
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
