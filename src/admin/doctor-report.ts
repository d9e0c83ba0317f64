// What `GET /api/v1/doctor` tells, and which settings' values count. Pure: `npm run doctor` reads the same file.

import { AZURE_VERSION_SETTINGS, isAzureVersion } from '../providers/azure.ts'
import { DECLARED_DIALECTS, declaredId } from '../providers/declared.ts'
import { PROVIDERS } from '../providers/index.ts'

/** Settings that are whole numbers from 1 up. */
export const NUMBER_SETTINGS: readonly string[] = [
  'SLUICE_MAX_BODY_BYTES',
  'SLUICE_MAX_FORM_BYTES',
  'SLUICE_MAX_WHOLE_ANSWER_BYTES',
  'SLUICE_HEADERS_TIMEOUT_MS',
  'SLUICE_FIRST_CONTENT_TIMEOUT_MS',
  'SLUICE_IDLE_TIMEOUT_MS',
  'SLUICE_HOLD_SECONDS',
  'SLUICE_DRAIN_SECONDS',
  'SLUICE_DEFAULT_MAX_TOKENS',
  'SLUICE_RETENTION_DAYS',
]

/** What wrangler.toml binds. */
export const BINDINGS = ['DB', 'ROUTES', 'KEYS', 'BUDGETS', 'DRAINS', 'ROUTE_TABLE', 'HEALTH', 'LEARNING'] as const

export type DoctorReport = {
  /** `DB` answers, `ROUTES` answers, `KEYS` is bound. */
  readonly bindings: { readonly [name in (typeof BINDINGS)[number]]: boolean }
  /** Names of the applied ones, as their files are called. */
  readonly migrations: readonly string[]
  readonly secrets: { readonly SLUICE_KEY_SECRET: boolean; readonly SLUICE_ADMIN_KEY: boolean }
  readonly providers: readonly { readonly id: string; readonly configured: boolean; readonly missing: readonly string[] }[]
  readonly catalogue: { readonly priceVersion: string; readonly overlay: string | null | { readonly error: string } }
  /** Keys and budgets that have noticed that D1 was put back to an earlier time, and when the last one did; `null`: not to be seen. */
  readonly restores: { readonly count: number; readonly last: string | null } | null
  /** Settings with a value that is none and so does not count; with what is wanted. */
  readonly badSettings: readonly { readonly name: string; readonly wanted: string }[]
}

/** Settings whose value does not count, so that the default holds. `names`: all that are set, among which places may be declared. */
export function badSettings(valueOf: (name: string) => string | null, names: readonly string[] = []): DoctorReport['badSettings'] {
  const numbers = NUMBER_SETTINGS.filter((name) => {
    const value = valueOf(name)
    return value !== null && !(Number.isSafeInteger(Number(value)) && Number(value) > 0)
  }).map((name) => ({ name, wanted: 'a whole number from 1 up' }))
  const switches = ['SLUICE_DEMO', 'SLUICE_LOG', 'SLUICE_STATUS']
    .filter((name) => !['on', 'off', null].includes(valueOf(name)))
    .map((name) => ({ name, wanted: 'on or off' }))
  const addresses = PROVIDERS.map((provider) => provider.baseUrlSetting)
    .filter((name) => !isAddress(valueOf(name)))
    .map((name) => ({ name, wanted: 'an address such as https://host/v1' }))
  const dialects = names
    .filter((name) => name.endsWith('_DIALECT') && declaredId(name) !== null && valueOf(name.replace(/DIALECT$/, 'BASE_URL')) !== null)
    .filter((name) => !DECLARED_DIALECTS.some((dialect) => dialect === valueOf(name)))
    .map((name) => ({ name, wanted: DECLARED_DIALECTS.join(' or ') }))
  const versions = AZURE_VERSION_SETTINGS.filter((name) => !isAzureVersion(valueOf(name))).map((name) => ({
    name,
    wanted: 'a date such as 2024-10-21, or v1',
  }))
  return [...numbers, ...switches, ...addresses, ...dialects, ...versions]
}

function isAddress(value: string | null): boolean {
  return value === null || (URL.canParse(value) && /^https?:$/.test(new URL(value).protocol))
}
