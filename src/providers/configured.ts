// Which providers an operator has set up. Knows names of settings, never their values.

import type { Provider } from './contract.ts'

/** All it needs is there; a place without a default address, or without a key, counts only when its address is set. Not for `demo`. */
export function isConfigured(provider: Provider, has: (name: string) => boolean): boolean {
  if (!provider.needs.every(has)) return false
  return (provider.defaultBaseUrl !== null && provider.needs.length > 0) || has(provider.baseUrlSetting)
}
