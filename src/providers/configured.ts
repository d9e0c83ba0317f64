// Which providers an operator has set up, and what is missing. Knows names of settings, never their values.

import type { OneOf, Provider } from './contract.ts'

/** All it needs is there; a place without a default address, or without a key, counts only when its address is set. Not for `demo`. */
export function isConfigured(provider: Provider, has: (name: string) => boolean): boolean {
  return missingSettings(provider, has).length === 0
}

/** What must still be set before the place can be called. */
export function missingSettings(provider: Provider, has: (name: string) => boolean): readonly string[] {
  const { needs, needsOneOf, address, defaultBaseUrl, baseUrlSetting } = provider
  const secrets = [...needs.filter((name) => !has(name)), ...lacking(needsOneOf, has)]
  const wantsKey = needs.length > 0 || needsOneOf !== undefined
  if (has(baseUrlSetting) || (defaultBaseUrl !== null && wantsKey)) return secrets
  return [...secrets, ...(address === undefined ? [baseUrlSetting] : lacking(address.needs, has))]
}

/** Names of the secrets a provider may be given. */
export function secretsOf(provider: Provider): readonly string[] {
  return [...new Set([...provider.needs, ...(provider.needsOneOf ?? []).flat(), ...(provider.takes ?? [])])]
}

/** Every setting a provider reads. */
export function settingsOf(provider: Provider): readonly string[] {
  const places = [
    ...(provider.address?.needs ?? []).flat(),
    ...(provider.regionSettings ?? []),
    ...(provider.reads ?? []),
    provider.baseUrlSetting,
  ]
  return [...new Set([...secretsOf(provider), ...places])]
}

/** What the first set lacks; nothing when any set is complete. */
function lacking(oneOf: OneOf | undefined, has: (name: string) => boolean): readonly string[] {
  if (oneOf === undefined || oneOf.some((names) => names.every(has))) return []
  return oneOf[0].filter((name) => !has(name))
}
