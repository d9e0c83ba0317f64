// The places where a model is to be had here, in the rows of OpenRouter's endpoints lists. What `max_price`, `zdr` and `require_parameters` are held against is what
// these rows say. Public, as the list of models is; how the places do is told to holders of a key.

import { MODES, type Mode, type ModelEntry } from '../catalogue/entry.ts'
import type { Catalogue } from '../catalogue/index.ts'
import { priced } from '../catalogue/price-book.ts'
import { GatewayError } from '../core/errors.ts'
import { bearerOf } from '../dialects/openai-chat/client.ts'
import { placesServing, type Place } from '../gateway/planning/model-names.ts'
import { supportedParameters } from '../gateway/planning/parameters.ts'
import { targetFacts } from '../gateway/planning/target-facts.ts'
import type { Deps } from '../ports.ts'
import type { Provider, Settings } from '../providers/contract.ts'
import type { HealthView, Quantiles } from '../routing/contract.ts'
import type { EndpointNumbers, HealthTarget } from '../routing/health.ts'
import { architectureOf, createdOf, pricingOf } from './openrouter-rows.ts'

/** `numbers`: what all isolates have told of a target, where that can be asked. */
type World = Pick<Deps, 'catalogue' | 'prices' | 'providers' | 'settings' | 'routes' | 'health' | 'keys'> & {
  readonly numbers?: (target: HealthTarget) => Promise<EndpointNumbers>
}
type Row = { readonly [name: string]: unknown }
type Found = { readonly provider: Provider; readonly settings: Settings; readonly model: string; readonly entry: ModelEntry }

const ANY_MODE: ReadonlySet<Mode> = new Set(MODES)
const LONGEST_NAME = 256
/** Rows of the whole list: a page that a client can read. */
const MOST_ROWS = 2000

/** The model that a name means here, told by the place that is tried first for it. @throws GatewayError `model-unknown` */
export async function modelOf(name: string, deps: World): Promise<{ readonly id: string; readonly entry: ModelEntry }> {
  const [{ entry }] = await somePlaces(name, deps)
  return { id: idOf(entry), entry }
}

/** @throws GatewayError `model-unknown` where no configured place is known to serve it */
export async function endpointsOf(name: string, headers: Headers, deps: World): Promise<Row> {
  const places = await somePlaces(name, deps)
  const [{ entry }] = places
  const id = idOf(entry)
  return {
    id,
    name: entry.name ?? id,
    created: createdOf(entry),
    description: '',
    architecture: architectureOf(entry),
    endpoints: await told(places, headers, deps),
  }
}

/** Rows with what all isolates together know, where somebody with a key asks. */
async function told(places: readonly Found[], headers: Headers, deps: World): Promise<readonly Row[]> {
  const row = await rows(headers, deps)
  const { numbers } = deps
  if (numbers === undefined || !(await isHolder(headers, deps))) return places.map(row)
  return Promise.all(
    places.map(async (place) => {
      const { provider, settings, model } = place
      const own = row(place)
      const { status, ...known } = await numbers({ provider: provider.id, region: settings.region, model, credential: null })
      const said = Object.entries(known).filter(([, value]) => value !== null)
      return { ...own, ...Object.fromEntries(said), status: Math.min(status, Number(own['status'])) }
    }),
  )
}

async function isHolder(headers: Headers, deps: World): Promise<boolean> {
  const credential = bearerOf(headers)
  return credential !== null && (await deps.keys.check(credential)) !== null
}

/** All that is to be had without being kept, by any customer of its provider or by the operator's word. */
export async function zdrEndpoints(headers: Headers, deps: World): Promise<readonly Row[]> {
  const catalogue = await deps.catalogue()
  const { places: rules } = await deps.routes()
  const known = new Map(deps.providers.map((provider) => [provider.id, provider]))
  const all = await found(catalogue.list(), catalogue, known, deps)
  return all
    .filter((one) => targetFacts(one, rules).zdr)
    .slice(0, MOST_ROWS)
    .map(await rows(headers, deps))
}

/** As they are asked for the name on OpenRouter's mount, those that the catalogue knows. */
async function somePlaces(name: string, deps: World): Promise<readonly [Found, ...Found[]]> {
  const shown = JSON.stringify(name.slice(0, LONGEST_NAME))
  const [first, ...others] = name.length > LONGEST_NAME ? [] : await placesOf(name, deps)
  if (first === undefined) throw new GatewayError('model-unknown', `No place that is set up here is known to serve ${shown}.`)
  return [first, ...others]
}

async function placesOf(name: string, deps: World): Promise<readonly Found[]> {
  const catalogue = await deps.catalogue()
  const known = new Map(deps.providers.map((provider) => [provider.id, provider]))
  const isConfigured = (id: string): boolean => {
    const provider = known.get(id)
    return provider !== undefined && deps.settings(provider) !== null
  }
  return found(
    placesServing(name, ANY_MODE, (id) => known.has(id), isConfigured, catalogue),
    catalogue,
    known,
    deps,
  )
}

async function found(
  places: Iterable<Place>,
  catalogue: Catalogue,
  known: ReadonlyMap<string, Provider>,
  deps: World,
): Promise<readonly Found[]> {
  const book = await deps.prices()
  const settingsBy = new Map<string, Settings | null>()
  return [...places].flatMap(({ provider: id, model }): readonly Found[] => {
    const provider = known.get(id)
    if (provider === undefined) return []
    if (!settingsBy.has(id)) settingsBy.set(id, deps.settings(provider))
    const settings = settingsBy.get(id) ?? null
    const entry = settings === null ? null : priced(book, id, model, catalogue.lookUp(id, model))
    return settings === null || entry === null ? [] : [{ provider, settings, model, entry }]
  })
}

async function rows(headers: Headers, deps: World): Promise<(place: Found) => Row> {
  const isKnown = await isHolder(headers, deps)
  const { places: rules } = await deps.routes()
  return ({ provider, settings, model, entry }) => {
    const { tags, quantization } = targetFacts({ provider, settings, model, entry }, rules)
    const health = isKnown ? deps.health.view({ provider: provider.id, region: settings.region, model, credential: null }) : null
    const id = idOf(entry)
    return {
      name: `${provider.name} | ${id}`,
      model_id: id,
      model_name: entry.name ?? id,
      provider_name: provider.name,
      tag: [provider.id, ...tags.slice(0, 1)].join('/'),
      quantization,
      context_length: entry.contextTokens,
      max_completion_tokens: entry.maxOutputTokens,
      max_prompt_tokens: null,
      pricing: { ...pricingOf(entry.price), discount: 0 },
      supported_parameters: [...supportedParameters(provider, model, entry)],
      status: health === null ? 0 : statusOf(health),
      // An isolate alone does not keep count for so long.
      uptime_last_5m: null,
      uptime_last_30m: null,
      uptime_last_1d: null,
      // Of the last five minutes.
      latency_last_30m: rounded(health?.firstContentMs ?? null),
      throughput_last_30m: rounded(health?.tokensPerSecond ?? null),
      // Who bills what is written into a cache wants to be told what to write.
      supports_implicit_caching: entry.abilities.has('prompt-cache') && entry.price?.cacheWrite5m === undefined,
    }
  }
}

/** 0 is well; OpenRouter's own numbers below it are not documented, only that lower is worse. */
function statusOf({ state, parkedUntil }: HealthView): number {
  if (state === 'open') return -2
  return state === 'half-open' || parkedUntil !== null ? -1 : 0
}

function rounded(quantiles: Quantiles | null): Quantiles | null {
  if (quantiles === null) return null
  const one = (value: number): number => Math.round(value * 10) / 10
  return { p50: one(quantiles.p50), p75: one(quantiles.p75), p90: one(quantiles.p90), p99: one(quantiles.p99) }
}

/** OpenRouter's name for it, else ours. */
function idOf({ openrouterId, provider, model }: ModelEntry): string {
  return openrouterId ?? `${provider}/${model}`
}
