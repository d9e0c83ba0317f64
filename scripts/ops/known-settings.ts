// The names of all settings there are, and what a name that is none was probably meant to be.

import { NUMBER_SETTINGS } from '../../src/admin/doctor-report.ts'
import { settingsOf } from '../../src/providers/configured.ts'
import { PROVIDERS } from '../../src/providers/index.ts'

export const SLUICE_SETTINGS: readonly string[] = [
  ...NUMBER_SETTINGS,
  'SLUICE_ADMIN_KEY',
  'SLUICE_KEY',
  'SLUICE_KEY_SECRET',
  'SLUICE_DEMO',
  'SLUICE_LOG',
  'SLUICE_STATE_DIR',
  'SLUICE_STATUS',
  'SLUICE_URL',
]

const PROVIDER_SETTINGS: readonly string[] = PROVIDERS.flatMap(settingsOf)
const OTHERS: readonly string[] = ['PORT', 'CLOUDFLARE_API_TOKEN', 'CLOUDFLARE_ACCOUNT_ID']
const KNOWN: ReadonlySet<string> = new Set([...SLUICE_SETTINGS, ...PROVIDER_SETTINGS, ...OTHERS])

/** What other tools call the same thing. */
const ELSEWHERE: { readonly [name: string]: string } = {
  GEMINI_API_KEY: 'GOOGLE_API_KEY',
  GOOGLE_GENERATIVE_AI_API_KEY: 'GOOGLE_API_KEY',
  CLAUDE_API_KEY: 'ANTHROPIC_API_KEY',
  ANTHROPIC_AUTH_TOKEN: 'ANTHROPIC_API_KEY',
  GROK_API_KEY: 'XAI_API_KEY',
  PPLX_API_KEY: 'PERPLEXITY_API_KEY',
  TOGETHERAI_API_KEY: 'TOGETHER_API_KEY',
  TOGETHER_AI_API_KEY: 'TOGETHER_API_KEY',
  FIREWORKS_AI_API_KEY: 'FIREWORKS_API_KEY',
  OPENAI_API_BASE: 'OPENAI_BASE_URL',
  GOOGLE_VERTEX_PROJECT: 'VERTEX_PROJECT',
  GOOGLE_VERTEX_LOCATION: 'VERTEX_LOCATION',
  AZURE_OPENAI_BASE_URL: 'AZURE_BASE_URL',
  AZURE_OPENAI_API_VERSION: 'AZURE_API_VERSION',
  OLLAMA_HOST: 'OLLAMA_BASE_URL',
}

export function isKnown(name: string): boolean {
  return KNOWN.has(name)
}

/** The name that was meant; `null`: it is not near to any. */
export function meantBy(name: string): string | null {
  const elsewhere = ELSEWHERE[name.toUpperCase()]
  if (elsewhere !== undefined) return elsewhere
  const plain = bare(name)
  const same = [...KNOWN].find((known) => bare(known) === plain)
  if (same !== undefined) return same
  const near = [...KNOWN].map((known) => ({ known, steps: distance(plain, bare(known)) })).toSorted((a, b) => a.steps - b.steps)[0]
  return near !== undefined && near.steps <= (plain.length > 12 ? 3 : 2) && plain.length > 4 ? near.known : null
}

/** Certain enough to speak of a name in the whole environment, which is full of names that are nobody's business here. */
export function isSurelyMeant(name: string): boolean {
  return (
    Object.hasOwn(ELSEWHERE, name.toUpperCase()) || name.startsWith('SLUICE_') || [...KNOWN].some((known) => bare(known) === bare(name))
  )
}

const bare = (name: string): string => name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '')

/** Levenshtein's. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
