// `GET /status.json`, open to everybody unless `SLUICE_STATUS` is off: how the configured providers and their models are. Credentials are not in it, nor their names.

import { Hono } from 'hono'
import type { Percentiles } from '../core/histogram.ts'
import { makeDeps } from '../deps.ts'
import { setting, type Env } from '../platform/env.ts'
import { knownLinks } from '../platform/health.ts'
import { askNumbers } from '../platform/health-numbers.ts'
import type { ModelNumbers } from '../platform/health-object.ts'
import type { Deps } from '../ports.ts'

const FRESH_MS = 5000

type ModelRow = {
  readonly model: string
  readonly state: string
  /** Percent. */
  readonly uptime_5m: number | null
  readonly first_content_ms: Pair
  readonly tokens_per_second: Pair
}
type Pair = { readonly p50: number; readonly p90: number } | null

type Place = { readonly provider: string; readonly region: string | null }

/** What was told last, for whoever asks within five seconds. Data, never a promise. */
let told: { readonly env: Env; readonly at: number; readonly text: string } | null = null

export const statusApi = new Hono<{ Bindings: Env }>()

statusApi.get('/status.json', async (c) => {
  if (setting(c.env, 'SLUICE_STATUS') === 'off') return c.notFound()
  const now = Date.now()
  if (told === null || told.env !== c.env || now - told.at >= FRESH_MS) {
    if (told?.env === c.env) told = { ...told, at: now } // one request asks, the others take what there is
    told = { env: c.env, at: now, text: JSON.stringify(await statusOf(c.env, makeDeps(c.env, c.executionCtx), now)) }
  }
  return c.body(told.text, 200, {
    'content-type': 'application/json',
    'cache-control': 'public, max-age=5',
    'access-control-allow-origin': '*',
  })
})

async function statusOf(env: Env, deps: Deps, now: number): Promise<object> {
  const places = placesOf(deps)
  const providers = await Promise.all(
    places.map(async ({ provider, region }) => {
      const numbers = await askNumbers(env, provider, region)
      return { provider, region, known: numbers !== null, models: (numbers ?? []).map(modelRow).sort(byName) }
    }),
  )
  return { updated_at: new Date(now).toISOString(), providers }
}

/** Where the configured providers are, and where else this isolate has called them. */
function placesOf(deps: Deps): readonly Place[] {
  const configured = deps.providers.flatMap((provider) => {
    const settings = deps.settings(provider)
    return settings === null ? [] : [{ provider: provider.id, region: settings.region }]
  })
  const ids = new Set(configured.map(({ provider }) => provider))
  const places = new Map<string, Place>()
  for (const { provider, region } of [...configured, ...knownLinks().filter((link) => ids.has(link.provider))])
    places.set(JSON.stringify([provider, region]), { provider, region })
  return [...places.values()].sort((a, b) => a.provider.localeCompare(b.provider))
}

/** Milliseconds and tokens a second, of the last five minutes; `null`: no sample. */
function modelRow({ model, state, isParked, fiveMinutes }: ModelNumbers): ModelRow {
  return {
    model,
    state: state === 'closed' && isParked ? 'rate-limited' : STATES[state],
    uptime_5m: fiveMinutes.uptime === null ? null : Number((fiveMinutes.uptime * 100).toFixed(2)),
    first_content_ms: pair(fiveMinutes.firstContentMs),
    tokens_per_second: pair(fiveMinutes.tokensPerSecond),
  }
}

const STATES = { closed: 'up', 'half-open': 'recovering', open: 'down' } as const

function pair(percentiles: Percentiles | null): Pair {
  return percentiles === null ? null : { p50: percentiles.p50, p90: percentiles.p90 }
}

function byName(a: ModelRow, b: ModelRow): number {
  return a.model < b.model ? -1 : 1
}
