// What a model's name means to a client: the places that could serve it, in the order they are tried. Credentials are not looked at here.

import type { Catalogue } from '../../catalogue/index.ts'
import { isMaker } from '../../catalogue/names.ts'
import type { Mode, ModelEntry } from '../../catalogue/entry.ts'
import { dearest } from '../../core/price.ts'
import { PROVIDERS } from '../../providers/index.ts'

export type Place = { readonly provider: string; readonly model: string }

/** On `/v1`: `provider/model` is that model at that place; a bare name known to the catalogue goes to its home. */
export function placesNamed(name: string, isProvider: (id: string) => boolean, catalogue: Catalogue): readonly Place[] {
  const place = placeIn(name, isProvider) ?? catalogue.homeOf(name)
  return place === null ? [] : [place]
}

/**
 * On OpenRouter's mount: any place that serves the `author/slug` for what is asked, the maker first, then from the cheapest on. A name that is
 * `provider/model` of a place that is set up means that place, where its catalogue has the model or OpenRouter's has not.
 */
export function placesServing(
  name: string,
  modes: ReadonlySet<Mode>,
  isProvider: (id: string) => boolean,
  isConfigured: (id: string) => boolean,
  catalogue: Catalogue,
): readonly Place[] {
  const place = placeIn(name, isProvider)
  if (place !== null && isConfigured(place.provider) && catalogue.lookUp(place.provider, place.model) !== null) return [place]
  const servers = [...catalogue.servedBy(name)].filter((entry) => modes.has(entry.mode)).sort(byMakerThenPrice)
  if (servers.length > 0) return servers
  if (isVariantOfKnown(name, place, catalogue)) return []
  return placesNamed(name, isProvider, catalogue)
}

function placeIn(name: string, isProvider: (id: string) => boolean): Place | null {
  const slash = name.indexOf('/')
  if (slash <= 0 || slash === name.length - 1) return null
  const provider = name.slice(0, slash)
  return isProvider(provider) ? { provider, model: name.slice(slash + 1) } : null
}

/** Suffixes by which OpenRouter names models of their own. */
const VARIANTS = new Set(['free', 'thinking', 'extended', 'batch', 'beta'])

/** `openai/gpt-4o:free` where the catalogue only has `openai/gpt-4o`: another model, which its maker does not know by that name. */
function isVariantOfKnown(name: string, place: Place | null, catalogue: Catalogue): boolean {
  const colon = name.lastIndexOf(':')
  // `openrouter/author/slug:free` names a place that has variants.
  if (colon < 0 || !VARIANTS.has(name.slice(colon + 1)) || name.split('/').length > 2) return false
  const plain = name.slice(0, colon)
  return (
    catalogue.servedBy(plain).length > 0 ||
    (place !== null && catalogue.lookUp(place.provider, place.model.slice(0, place.model.lastIndexOf(':'))) !== null)
  )
}

/** The order in which the places of one model are tried; of equal price in the order of the registry. */
export function byMakerThenPrice(a: ModelEntry, b: ModelEntry): number {
  return Number(isMaker(b.provider, b.model)) - Number(isMaker(a.provider, a.model)) || costOf(a) - costOf(b) || rankOf(a) - rankOf(b)
}

const REGISTRY: ReadonlyMap<string, number> = new Map(PROVIDERS.map(({ id }, i) => [id, i]))

function rankOf({ provider }: ModelEntry): number {
  return REGISTRY.get(provider) ?? REGISTRY.size
}

/** A token in and a token out, at the dearest, or a piece of each kind; an unknown price stands last. */
function costOf({ price }: ModelEntry): number {
  if (price === null) return Number.MAX_SAFE_INTEGER
  const { input, output } = dearest(price)
  return input + output || Object.values(price.perUnit ?? {}).reduce((sum, pico) => sum + pico, 0)
}
