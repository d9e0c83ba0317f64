// Which secrets a Worker must be given: its own two, made when it has none, and the providers' settings found on this machine.

import { missingSettings, secretsOf } from '../../src/providers/configured.ts'
import type { Provider } from '../../src/providers/contract.ts'
import { declaringSettings } from '../../src/providers/declared.ts'
import { PROVIDERS } from '../../src/providers/index.ts'
import { fingerprint } from './remote-state.ts'

export const KEY_SECRET = 'SLUICE_KEY_SECRET'
export const ADMIN_KEY = 'SLUICE_ADMIN_KEY'

export type SecretPlan = {
  readonly send: { readonly [name: string]: string }
  /** Made now, so that somebody must be told; `null`: the Worker has one, or the operator chose it. */
  readonly newAdminKey: string | null
  /** Names left out, and why. */
  readonly notes: readonly string[]
}

/** `has`: what the Worker has by `wrangler secret list`; `sent`: what it was last given from here. */
export function planSecrets(given: {
  readonly worker: string
  readonly has: ReadonlySet<string>
  readonly sent: { readonly [name: string]: string }
  readonly settings: { readonly [name: string]: string }
  readonly make: { keySecret(): string; adminKey(): string }
}): SecretPlan {
  const { worker, has, sent, settings, make } = given
  const send: { [name: string]: string } = {}
  const notes: string[] = []
  let newAdminKey: string | null = null
  if (!has.has(KEY_SECRET)) send[KEY_SECRET] = settings[KEY_SECRET] ?? make.keySecret()
  else if (settings[KEY_SECRET] !== undefined)
    notes.push(`${KEY_SECRET} stays as the Worker has it: another one would end every key. docs/deploy.md says how to rotate it.`)
  if (!has.has(ADMIN_KEY)) {
    newAdminKey = settings[ADMIN_KEY] === undefined ? make.adminKey() : null
    send[ADMIN_KEY] = settings[ADMIN_KEY] ?? newAdminKey ?? ''
  }
  for (const { name, address } of providerSettings(settings)) {
    const value = settings[name]
    if (value === undefined) continue
    if (address && isLoopback(value)) notes.push(`${name} stays here: ${value} is this machine, which a Worker cannot reach.`)
    else if (!has.has(name) || sent[name] !== fingerprint(worker, name, value)) send[name] = value
  }
  return { send, newAdminKey, notes }
}

function providerSettings(settings: { readonly [name: string]: string }): readonly { readonly name: string; readonly address: boolean }[] {
  const outside = PROVIDERS.filter((provider) => provider.local === undefined)
  const secrets = new Set(outside.flatMap((provider) => [...secretsOf(provider), ...placeSettings(provider)]))
  const declared = declaringSettings(Object.keys(settings), (name) => settings[name] ?? null)
  return [
    ...[...secrets].map((name) => ({ name, address: false })),
    ...outside.map((provider) => ({ name: provider.baseUrlSetting, address: true })),
    ...declared.map((name) => ({ name, address: name.endsWith('_BASE_URL') })),
  ]

  /** An account’s id and a region are set for other tools, too: they are the place's business only when its key is there. */
  function placeSettings(provider: Provider): readonly string[] {
    const wanted = new Set([...(provider.address?.needs ?? []).flat(), ...(provider.regionSettings ?? []), ...(provider.reads ?? [])])
    const missing = missingSettings(provider, (name) => settings[name] !== undefined || wanted.has(name))
    return missing.length === 0 ? [...wanted] : []
  }
}

function isLoopback(url: string): boolean {
  const host = URL.canParse(url) ? new URL(url).hostname : ''
  return host === 'localhost' || host.endsWith('.localhost') || host.startsWith('127.') || host === '[::1]' || host === '0.0.0.0'
}
