// Builds Deps from the bindings: the only file that knows both the ports and the platform.

import { createCatalogue, type Catalogue } from './catalogue/index.ts'
import { parseOverlay } from './catalogue/overlay.ts'
import { CacheMemory } from './gateway/planning/cache-memory.ts'
import { ModelMemory } from './gateway/planning/model-memory.ts'
import { accountOf } from './platform/account.ts'
import { lasting } from './platform/drain-object.ts'
import { numberSetting, setting, type Env } from './platform/env.ts'
import { foreignKeysOf } from './platform/foreign-keys.ts'
import { healthOf } from './platform/health.ts'
import { edgeKeys } from './platform/keys.ts'
import { learningOf } from './platform/learning.ts'
import { d1Ledger } from './platform/ledger.ts'
import { ROUTER_MODEL } from './platform/router-model.ts'
import { readPrices } from './platform/prices.ts'
import { readRoutes } from './platform/routes.ts'
import { pipe, upload, uploadAsItComes } from './platform/streams.ts'
import type { Abilities, Deps, Keys, Limits } from './ports.ts'
import { cloudflare } from './providers/cloudflare.ts'
import { missingSettings, secretsOf } from './providers/configured.ts'
import type { Provider, Settings } from './providers/contract.ts'
import { declaredProviders } from './providers/declared.ts'
import { demo } from './providers/demo.ts'
import { PROVIDERS } from './providers/index.ts'
import { boundTo, isWorkersAi } from './providers/workers-ai.ts'
import { CAPABILITY, POOL_MODELS } from './routing/choosing/capability.ts'
import { RetryBudget } from './routing/retry-budget.ts'

const OVERLAY_KEY = 'catalogue/overlay'
const OVERLAY_MS = 60_000

/** What does not change while an isolate lives: computed once for its bindings. */
type Fixed = {
  readonly env: Env
  readonly keys: Keys
  readonly limits: Limits
  readonly providers: readonly Provider[]
  readonly settings: ReadonlyMap<string, Settings>
  readonly logs: boolean
}

const ABILITIES: Abilities = { capability: CAPABILITY, models: POOL_MODELS }
const retryBudget = new RetryBudget()
const cacheMemory = new CacheMemory()
const modelMemory = new ModelMemory()
let fixed: Fixed | null = null
/** The catalogue with the operator's overlay, as this isolate last read it. Data, never a promise. */
let catalogue: { readonly value: Catalogue; readonly text: string | null; readonly readAt: number } | null = null

export function makeDeps(env: Env, context: { waitUntil(work: Promise<unknown>): void }): Deps {
  if (fixed === null || fixed.env !== env) fixed = fix(env)
  const { keys, limits, providers, settings, logs } = fixed
  return {
    keys,
    account: (keyId) => accountOf(env, keyId, (work) => context.waitUntil(work)),
    ledger: d1Ledger(env.DB),
    catalogue: () => readCatalogue(env, context),
    prices: () => readPrices(env, (work) => context.waitUntil(work)),
    providers,
    settings: (provider, credential = null) =>
      credential === null ? (settings.get(provider.id) ?? null) : accountSettings(env, provider, credential),
    routes: () => readRoutes(env, (work) => context.waitUntil(work)),
    health: healthOf(env, (work) => context.waitUntil(work)),
    learning: learningOf(env, (work) => context.waitUntil(work)),
    retryBudget,
    classifier: ROUTER_MODEL,
    cacheMemory,
    modelMemory,
    abilities: ABILITIES,
    fetch: (url, init) => fetch(url, init),
    lasting: (language) => lasting(env, language),
    pipe,
    upload,
    uploadAsItComes,
    now: () => Date.now(),
    random: () => Math.random(),
    later: (work) => context.waitUntil(work),
    log: (line) => {
      if (logs) console.log(JSON.stringify(line()))
    },
    limits,
  }
}

function fix(env: Env): Fixed {
  const settings = new Map<string, Settings>()
  const providers = providersOf(env)
  for (const provider of providers) {
    if (missingFor(provider, env).length === 0)
      settings.set(
        provider.id,
        readSettings(provider, (name) => setting(env, name)),
      )
  }
  return {
    env,
    keys: edgeKeys(
      (setting(env, 'SLUICE_KEY_SECRET') ?? '').split(',').filter((secret) => secret !== ''),
      foreignKeysOf(env),
    ),
    limits: {
      bodyBytes: numberSetting(env, 'SLUICE_MAX_BODY_BYTES', 20 * 1024 * 1024),
      formBytes: numberSetting(env, 'SLUICE_MAX_FORM_BYTES', 100 * 1024 * 1024),
      wholeAnswerBytes: numberSetting(env, 'SLUICE_MAX_WHOLE_ANSWER_BYTES', 8 * 1024 * 1024),
      headersMs: numberSetting(env, 'SLUICE_HEADERS_TIMEOUT_MS', 300_000),
      firstContentMs: numberSetting(env, 'SLUICE_FIRST_CONTENT_TIMEOUT_MS', 300_000),
      idleMs: numberSetting(env, 'SLUICE_IDLE_TIMEOUT_MS', 120_000),
    },
    providers,
    settings,
    logs: setting(env, 'SLUICE_LOG') !== 'off',
  }
}

/** What must be set before a place can be called. One inside the Worker needs nothing, but the demonstration must be wanted. */
export function missingFor(provider: Provider, env: Env): readonly string[] {
  if (provider.id === demo.id) return setting(env, 'SLUICE_DEMO') === 'on' ? [] : ['SLUICE_DEMO']
  return provider.local === undefined ? missingSettings(provider, (name) => setting(env, name) !== null) : []
}

/** Those that are known and those that the operator declares; Cloudflare by its binding where there is one. */
export function providersOf(env: Env): readonly Provider[] {
  const ai = Object.hasOwn(env, 'AI') ? env['AI'] : undefined
  const known = isWorkersAi(ai) ? PROVIDERS.map((one) => (one.id === cloudflare.id ? boundTo(ai, one) : one)) : PROVIDERS
  return [...known, ...declaredProviders(Object.keys(env), (name) => setting(env, name))]
}

/** Accounts that routes name, as far as they were asked for: by provider and name. */
const accounts = new WeakMap<Env, Map<string, Settings | null>>()

/**
 * One of several accounts of a provider: what is set under `<NAME>_<ACCOUNT>` (`OPENAI_API_KEY_WORK`) stands before what is set under the name
 * alone, but its secrets never come from there. `null`: it is not set up.
 */
function accountSettings(env: Env, provider: Provider, account: string): Settings | null {
  const known = accounts.get(env) ?? new Map<string, Settings | null>()
  accounts.set(env, known)
  const id = `${provider.id} ${account}`
  const found = known.get(id)
  if (found !== undefined) return found
  const suffix = account.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')
  const secrets = new Set(secretsOf(provider))
  const read = (name: string): string | null => setting(env, `${name}_${suffix}`) ?? (secrets.has(name) ? null : setting(env, name))
  const settings = missingSettings(provider, (name) => read(name) !== null).length === 0 ? readSettings(provider, read) : null
  known.set(id, settings)
  return settings
}

function readSettings(provider: Provider, read: (name: string) => string | null): Settings {
  const those = (names: readonly string[]): { readonly [name: string]: string } =>
    Object.fromEntries(
      names.map((name) => [name, read(name)] as const).filter((pair): pair is readonly [string, string] => pair[1] !== null),
    )
  return {
    secrets: those(secretsOf(provider)),
    values: those(provider.reads ?? []),
    baseUrl: read(provider.baseUrlSetting) ?? provider.address?.baseUrl(read) ?? provider.defaultBaseUrl,
    region: (provider.regionSettings ?? []).map(read).find((value) => value !== null) ?? null,
  }
}

/** An overlay that cannot be read never takes effect: the last good one stays, and the log says why. */
async function readCatalogue(env: Env, context: { waitUntil(work: Promise<unknown>): void }): Promise<Catalogue> {
  if (catalogue === null) await refresh(env)
  else if (Date.now() - catalogue.readAt > OVERLAY_MS) {
    catalogue = { ...catalogue, readAt: Date.now() } // one request refreshes, the others go on
    context.waitUntil(refresh(env))
  }
  return (catalogue ?? { value: createCatalogue(null) }).value
}

async function refresh(env: Env): Promise<void> {
  const before = catalogue
  try {
    const text = await env.ROUTES.get(OVERLAY_KEY)
    if (before !== null && before.text === text) return
    catalogue = { value: createCatalogue(text === null ? null : parseOverlay(text)), text, readAt: Date.now() }
  } catch (cause) {
    console.log(
      JSON.stringify({
        level: 'error',
        message: `The catalogue overlay in KV (${OVERLAY_KEY}) cannot be used: ${cause instanceof Error ? cause.message : 'unknown'}`,
      }),
    )
    catalogue = before ?? { value: createCatalogue(null), text: null, readAt: Date.now() }
  }
}
