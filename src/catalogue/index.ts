// Owns the catalogue's look-ups: what a model is, what it costs, where a bare name lives, who serves OpenRouter's name for it. The data is generated (docs/catalogue.md); an operator's overlay lies on top.

import type { ModelEntry } from './entry.ts'
import { isMaker, MAKERS, standIn } from './names.ts'
import type { Overlay, OverlayModel } from './overlay.ts'
import { isListed, listed, listedModels, listedProviders, openrouterIdOf, PRICE_VERSION } from './table.ts'

export { PRICE_VERSION }

export type Home = { readonly provider: string; readonly model: string }

export type Catalogue = {
  /** The model by the provider's name for it, or by the one listed name that may stand for it (`names.ts`); `model` is then still the name asked for. Constant time. */
  readonly lookUp: (provider: string, model: string) => ModelEntry | null
  /** Where a name without a provider goes: its maker, else the only provider that lists it, else nowhere. */
  readonly homeOf: (bareName: string) => Home | null
  /** Those that serve the model which OpenRouter calls `author/slug`, OpenRouter itself included; one entry a provider. */
  readonly servedBy: (openrouterId: string) => readonly ModelEntry[]
  /** All models, by provider. */
  readonly list: () => Iterable<ModelEntry>
  /** Of the whole: the data's version, and the overlay's if there is one. */
  readonly priceVersion: string
}

/** The catalogue with an overlay on top. Costs nothing until it is asked; keep it for as long as the overlay is the same. */
export function createCatalogue(overlay: Overlay | null): Catalogue {
  const priceVersion = overlay ? `${PRICE_VERSION}+${overlay.version}` : PRICE_VERSION
  const laid = overlay ? layOver(overlay, priceVersion) : new Map<string, Map<string, ModelEntry | null>>()
  let servers: ReadonlyMap<string, readonly Home[]> | undefined

  const exact = (provider: string, model: string): ModelEntry | null => {
    const over = laid.get(provider)?.get(model)
    return over === undefined ? listed(provider, model) : over
  }
  const lookUp = (provider: string, model: string): ModelEntry | null => {
    const found = exact(provider, model)
    if (found || laid.get(provider)?.has(model)) return found
    const other = standIn(provider, model)
    const entry = other === null ? null : exact(provider, other)
    return entry && { ...entry, model }
  }
  function* list(): Iterable<ModelEntry> {
    for (const [provider, model] of names(laid)) {
      const entry = exact(provider, model)
      if (entry) yield entry
    }
  }
  const has = (provider: string, model: string): boolean => {
    const over = laid.get(provider)?.get(model)
    return over === undefined ? isListed(provider, model) : over !== null
  }
  const makerOf = (model: string): string | null => only(MAKERS, (provider) => isMaker(provider, model) && has(provider, model))
  const homeOf = (bareName: string): Home | null => {
    const other = standIn(bareName.startsWith('ft:') ? 'openai' : '', bareName)
    const provider = makerOf(bareName) ?? (other === null ? null : makerOf(other)) ?? only(providers(laid), (one) => has(one, bareName))
    return provider === null ? null : { provider, model: bareName }
  }
  const servedBy = (openrouterId: string): readonly ModelEntry[] => {
    servers ??= indexServers(
      names(laid),
      (provider, model) => laid.get(provider)?.get(model)?.openrouterId ?? openrouterIdOf(provider, model),
    )
    const best = new Map<string, ModelEntry>()
    for (const { provider, model } of servers.get(openrouterId) ?? []) {
      const entry = exact(provider, model)
      const known = best.get(provider)
      if (entry && (!known || better(entry, known))) best.set(provider, entry)
    }
    return [...best.values()]
  }
  return { lookUp, homeOf, servedBy, list, priceVersion }
}

const base = createCatalogue(null)

/** As `Catalogue.lookUp`, without an overlay. */
export function lookUp(provider: string, model: string): ModelEntry | null {
  return base.lookUp(provider, model)
}

/** As `Catalogue.homeOf`, without an overlay. */
export function homeOf(bareName: string): Home | null {
  return base.homeOf(bareName)
}

/** As `Catalogue.list`, without an overlay. */
export function listModels(): Iterable<ModelEntry> {
  return base.list()
}

function layOver(overlay: Overlay, priceVersion: string): Map<string, Map<string, ModelEntry | null>> {
  const laid = new Map<string, Map<string, ModelEntry | null>>()
  for (const [key, given] of overlay.models) {
    const slash = key.indexOf('/')
    const provider = key.slice(0, slash)
    const model = key.slice(slash + 1)
    const models = laid.get(provider) ?? new Map<string, ModelEntry | null>()
    laid.set(provider, models)
    models.set(model, given && merged(provider, model, given, priceVersion))
  }
  return laid
}

function merged(provider: string, model: string, given: OverlayModel, priceVersion: string): ModelEntry {
  const under: ModelEntry = listed(provider, model) ?? {
    provider,
    model,
    mode: 'chat',
    contextTokens: null,
    maxOutputTokens: null,
    price: null,
    priceVersion,
    abilities: new Set(),
  }
  return { ...under, ...given, priceVersion }
}

function* names(laid: ReadonlyMap<string, ReadonlyMap<string, ModelEntry | null>>): Iterable<readonly [provider: string, model: string]> {
  for (const provider of listedProviders())
    for (const model of listedModels(provider)) if (laid.get(provider)?.get(model) !== null) yield [provider, model]
  for (const [provider, models] of laid) for (const [model, entry] of models) if (entry && !listed(provider, model)) yield [provider, model]
}

function providers(laid: ReadonlyMap<string, unknown>): Iterable<string> {
  return new Set([...listedProviders(), ...laid.keys()])
}

/** The one provider that fits; nobody if two do. */
function only(among: Iterable<string>, fits: (provider: string) => boolean): string | null {
  let found: string | null = null
  for (const provider of among) {
    if (!fits(provider)) continue
    if (found !== null) return null
    found = provider
  }
  return found
}

function indexServers(
  all: Iterable<readonly [provider: string, model: string]>,
  idOf: (provider: string, model: string) => string | undefined,
) {
  const servers = new Map<string, Home[]>()
  for (const [provider, model] of all) {
    const id = idOf(provider, model)
    if (id === undefined) continue
    const known = servers.get(id)
    if (known) known.push({ provider, model })
    else servers.set(id, [{ provider, model }])
  }
  return servers
}

/** Of a place's several names for one model: the priced one, then the shortest, which is the one without a date. */
function better(entry: ModelEntry, known: ModelEntry): boolean {
  if ((entry.price === null) !== (known.price === null)) return known.price === null
  return entry.model.length < known.model.length
}
