// Places that an operator declares by settings alone: `<NAME>_BASE_URL`, with `<NAME>_API_KEY` and `<NAME>_DIALECT` where wanted.
// Names and addresses only; a key is read by `authorize` at the last moment, as everywhere.

import type { DialectId } from '../core/canonical.ts'
import { UNSAID } from './abort-billing.ts'
import type { Provider, Voice } from './contract.ts'
import { PROVIDERS } from './index.ts'
import { bearer, chatVoice, completionsVoice } from './openai-compatible.ts'
import { ALL_OF_COPIES, openAiOperations } from './operations.ts'
import { settingName } from './setting-name.ts'

/** What a declared place may be said to speak. */
export const DECLARED_DIALECTS = ['openai-chat', 'anthropic-messages'] as const

type DeclaredDialect = (typeof DECLARED_DIALECTS)[number]
type SettingOf = (name: string) => string | null

const NAME = /^([A-Z][A-Z0-9_]{0,62})_(BASE_URL|API_KEY|DIALECT)$/
const KNOWN: ReadonlySet<string> = new Set(PROVIDERS.map(({ id }) => bare(id)))

/** The places declared among these settings, by id. A name that is nearly a known provider's (`OPEN_AI`) declares nothing: it is a slip. */
export function declaredProviders(names: Iterable<string>, setting: SettingOf): readonly Provider[] {
  const made: Provider[] = []
  for (const name of names) {
    const id = declaredId(name)
    if (id === null || !name.endsWith('_BASE_URL') || !isAddress(setting(name))) continue
    const dialect = dialectOf(setting(settingName(id, 'DIALECT')))
    if (dialect !== null) made.push(place(id, dialect))
  }
  return made.toSorted((a, b) => (a.id < b.id ? -1 : 1))
}

/** The names among these that declare a place, with what belongs to them. Never a key whose address is not there: it is somebody else's. */
export function declaringSettings(names: Iterable<string>, setting: SettingOf): readonly string[] {
  return declaredProviders(names, setting).flatMap(({ id }) =>
    (['BASE_URL', 'API_KEY', 'DIALECT'] as const).map((kind) => settingName(id, kind)).filter((name) => setting(name) !== null),
  )
}

/** The id that a setting of this name would belong to; `null`: it is a known provider's, Sluice's own, or no name of the kind. */
export function declaredId(name: string): string | null {
  const stem = NAME.exec(name)?.[1]
  if (stem === undefined || /^SLUICE(_|$)|__|_$/.test(stem)) return null
  const id = stem.toLowerCase().replaceAll('_', '-')
  return KNOWN.has(bare(id)) ? null : id
}

function place(id: string, dialect: DeclaredDialect): Provider {
  const key = settingName(id, 'API_KEY')
  const voices: readonly Voice[] =
    dialect === 'openai-chat'
      ? [chatVoice({ issuer: id }), completionsVoice({ issuer: id })]
      : [{ dialect, habits: { issuer: id }, path: () => '/v1/messages' }]
  return {
    id,
    name: id,
    needs: [],
    takes: [key],
    baseUrlSetting: settingName(id, 'BASE_URL'),
    defaultBaseUrl: null,
    voices,
    operations:
      dialect === 'openai-chat'
        ? openAiOperations(ALL_OF_COPIES, { issuer: id })
        : [{ dialect: 'anthropic-count-tokens', habits: { issuer: id }, path: () => '/v1/messages/count_tokens' }],
    stopsBillingOnAbort: UNSAID,
    authorize: ({ secrets }) =>
      dialect === 'openai-chat'
        ? bearer(secrets[key])
        : { 'anthropic-version': '2023-06-01', ...(secrets[key] === undefined ? {} : { 'x-api-key': secrets[key] }) },
  }
}

function dialectOf(said: string | null): DeclaredDialect | null {
  return said === null ? 'openai-chat' : (DECLARED_DIALECTS.find((dialect: DialectId) => dialect === said) ?? null)
}

function isAddress(value: string | null): boolean {
  return value !== null && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)
}

function bare(name: string): string {
  return name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '')
}
