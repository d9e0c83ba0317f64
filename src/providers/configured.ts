// Which providers an operator has set up, and what is missing. Knows names of settings, never their values.

import type { Provider } from './contract.ts'

/** All it needs is there; a place without a default address, or without a key, counts only when its address is set. Not for `demo`. */
export function isConfigured(provider: Provider, has: (name: string) => boolean): boolean {
  return missingSettings(provider, has).length === 0
}

/** What must still be set before the place can be called. */
export function missingSettings(provider: Provider, has: (name: string) => boolean): readonly string[] {
  const { needs, address, defaultBaseUrl, baseUrlSetting } = provider
  return [...needs.filter((name) => !has(name)), ...missingAddress()]

  function missingAddress(): readonly string[] {
    if (has(baseUrlSetting) || (defaultBaseUrl !== null && needs.length > 0)) return []
    return address === undefined ? [baseUrlSetting] : address.needs.filter((name) => !has(name))
  }
}

/** Every setting a provider reads. */
export function settingsOf(provider: Provider): readonly string[] {
  return [...provider.needs, ...(provider.takes ?? []), ...(provider.address?.needs ?? []), provider.baseUrlSetting]
}
