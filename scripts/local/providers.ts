// Which providers an operator's settings are enough for.

import { isConfigured } from '../../src/providers/configured.ts'
import { declaredProviders } from '../../src/providers/declared.ts'
import { PROVIDERS } from '../../src/providers/index.ts'
import type { Settings } from './settings.ts'

export function configuredProviders(settings: Settings): { readonly ready: readonly string[]; readonly missing: readonly string[] } {
  const has = (name: string): boolean => (settings[name] ?? '') !== ''
  const declared = declaredProviders(Object.keys(settings), (name) => settings[name] ?? null)
  const outside = [...PROVIDERS.filter((p) => p.local === undefined), ...declared]
  return {
    ready: outside.filter((p) => isConfigured(p, has)).map((p) => p.id),
    missing: outside.filter((p) => !isConfigured(p, has)).map((p) => p.id),
  }
}
