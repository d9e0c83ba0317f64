// The models that a router's name chooses from, and where each of them is to be had: those of the capability table that a configured place serves
// and whose price is known. Bounded, so that admission stays cheap; made once for a catalogue and a set of places.

import type { Catalogue } from '../../catalogue/index.ts'
import type { ModelEntry } from '../../catalogue/entry.ts'
import { priced, type PriceBook } from '../../catalogue/price-book.ts'
import { matchesGlob } from '../../core/glob.ts'
import type { ModelName } from '../../routing/choosing/contract.ts'
import type { RouterName } from '../../routing/choosing/router-names.ts'
import type { RouterWish } from '../../routing/wishes/auto-router.ts'
import { byMakerThenPrice, type Place } from './model-names.ts'

export const MOST_MODELS = 24
export const MOST_PLACES = 2

export type Pooled = { readonly model: ModelName; readonly places: readonly Place[] }

export type PoolFacts = {
  readonly catalogue: Catalogue
  readonly prices: PriceBook | null
  /** Those that the capability table holds to be worth choosing between, the best known first. */
  readonly models: readonly ModelName[]
  /** Ids of the providers that are set up. */
  readonly configured: readonly string[]
  /** All places of a model, in the order in which they are tried. */
  readonly serving: (model: ModelName) => readonly Place[]
  readonly now: number
}

/** The models that are left of a router's own, and those that the client adds by name. */
export function poolOf({ pool }: RouterName, wish: RouterWish | null, facts: PoolFacts): readonly Pooled[] {
  const base = knownPool(pool, facts)
  if (wish === null) return base.slice(0, MOST_MODELS)
  const { allowed, excluded } = wish
  const isNamed = (patterns: readonly string[], model: ModelName): boolean => patterns.some((one) => matchesGlob(one, model))
  const inside = new Set(base.map(({ model }) => model))
  const added = (pool === 'free' ? [] : (allowed ?? []))
    .filter((name, index, all) => !name.includes('*') && !inside.has(name) && all.indexOf(name) === index)
    .slice(0, MOST_MODELS)
    .flatMap((model): readonly Pooled[] => {
      const places = configuredOf(facts.serving(model), facts).slice(0, MOST_PLACES)
      return places.length === 0 ? [] : [{ model, places }]
    })
  return [...added, ...base.filter(({ model }) => allowed === null || isNamed(allowed, model))]
    .filter(({ model }) => !isNamed(excluded, model))
    .slice(0, MOST_MODELS)
}

type Known = {
  readonly key: string
  readonly prices: PriceBook | null
  readonly models: readonly ModelName[]
  readonly pool: readonly Pooled[]
}

const known = new WeakMap<Catalogue, Map<RouterName['pool'], Known>>()

function knownPool(kind: RouterName['pool'], facts: PoolFacts): readonly Pooled[] {
  const { catalogue, prices, models } = facts
  const key = facts.configured.join()
  const kinds = known.get(catalogue) ?? new Map<RouterName['pool'], Known>()
  known.set(catalogue, kinds)
  const before = kinds.get(kind)
  if (before !== undefined && before.key === key && before.prices === prices && before.models === models) return before.pool
  const pool = kind === 'free' ? freePool(facts) : chosenPool(facts)
  kinds.set(kind, { key, prices, models, pool })
  return pool
}

function chosenPool(facts: PoolFacts): readonly Pooled[] {
  return facts.models.flatMap((model) => {
    const places = configuredOf(facts.serving(model), facts)
      .filter((place) => isPriced(place, facts))
      .slice(0, MOST_PLACES)
    return places.length === 0 ? [] : [{ model, places }]
  })
}

/** Models that are chats by their wire alone: they say whether a text is safe, and nothing else. */
const JUDGES = /guard|content-safety|moderation/

/** What costs nothing by the catalogue and has a name that is everybody's: which models stand on a server of the operator's own nobody here knows. */
function freePool(facts: PoolFacts): readonly Pooled[] {
  const byModel = new Map<ModelName, ModelEntry[]>()
  const configured = new Set(facts.configured)
  for (const entry of facts.catalogue.list()) {
    if (
      entry.openrouterId === undefined ||
      entry.mode !== 'chat' ||
      !configured.has(entry.provider) ||
      JUDGES.test(entry.openrouterId) ||
      !isFree(priceOf(entry, facts)) ||
      isOver(entry, facts.now)
    )
      continue
    const model = entry.openrouterId
    byModel.set(model, [...(byModel.get(model) ?? []), entry])
  }
  return [...byModel]
    .map(([model, entries]) => ({ model, entries, released: entries[0]?.releasedOn ?? '' }))
    .sort((a, b) => (a.released < b.released ? 1 : a.released > b.released ? -1 : 0))
    .map(({ model, entries }) => ({ model, places: entries.sort(byMakerThenPrice).slice(0, MOST_PLACES) }))
}

function configuredOf(places: readonly Place[], { configured }: PoolFacts): readonly Place[] {
  return places.filter(({ provider }) => configured.includes(provider))
}

function isPriced({ provider, model }: Place, facts: PoolFacts): boolean {
  const entry = priced(facts.prices, provider, model, facts.catalogue.lookUp(provider, model))
  return entry !== null && entry.price !== null && !isOver(entry, facts.now)
}

function priceOf(entry: ModelEntry, { prices }: PoolFacts): ModelEntry['price'] {
  return priced(prices, entry.provider, entry.model, entry)?.price ?? null
}

function isFree(price: ModelEntry['price']): boolean {
  return price !== null && price.input === 0 && price.output === 0
}

function isOver({ deprecatedOn }: ModelEntry, now: number): boolean {
  return deprecatedOn !== undefined && Date.parse(deprecatedOn) <= now
}
