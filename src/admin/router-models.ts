// Which models Morph's endpoints may name to a key: what its policy allows of what is set up here, by vendor or one by one.

import type { ModelEntry } from '../catalogue/entry.ts'
import type { Catalogue } from '../catalogue/index.ts'
import { isMaker, MAKERS } from '../catalogue/names.ts'
import type { KeyView } from '../core/account.ts'
import { GatewayError } from '../core/errors.ts'
import { forbiddenBy, forbiddenText, type Place } from '../core/permits.ts'
import type { Deps } from '../ports.ts'
import { currentOf } from '../routing/choosing/tiers.ts'

/** A model under the name by which the client knows it. */
export type Named = { readonly entry: ModelEntry; readonly name: string; readonly vendor: string }
export type Asker = { readonly view: KeyView; readonly catalogue: Catalogue; readonly deps: Deps }

/** Morph's word for Google; the others it calls as we do. */
const ALIASES = new Map([['gemini', 'google']])
const BY_PLACE = new Map([...ALIASES].map(([alias, place]) => [place, alias]))

/** Our id of a maker by a client's word; `null`: there is no such vendor. */
export function vendorOf(word: string): string | null {
  const id = ALIASES.get(word) ?? word
  return MAKERS.includes(id) ? id : null
}

/** A place's current models by a client's word for it. @throws GatewayError `credential-missing`, `model-forbidden`, `no-target-left` */
export function modelsOfVendor(vendor: string, word: string, asker: Asker): readonly Named[] {
  const { catalogue, deps } = asker
  const provider = deps.providers.find(({ id }) => id === vendor)
  if (provider === undefined || deps.settings(provider) === null)
    throw new GatewayError('credential-missing', `${word} is not set up at this gateway, so none of its models can be chosen.`)
  const own = chatModelsOf(catalogue, vendor).filter((entry) => isMaker(vendor, entry.model))
  const allowed = own.filter((entry) => isAllowed(entry, asker))
  const [first] = own
  if (allowed.length === 0 && first !== undefined)
    throw new GatewayError('model-forbidden', `This key may use none of the models of ${word}: its policy leaves none of them.`)
  const current = currentOf(allowed, deps.now())
  if (current.length === 0)
    throw new GatewayError(
      'no-target-left',
      `Of the models of ${word} that this key may use none is a priced chat model that goes on being served.`,
    )
  return current.map((entry) => ({ entry, name: entry.model, vendor: word }))
}

/** The vendors that are set up and of which the key may use something; for a request that names none. @throws GatewayError `no-target-left` */
export function modelsOfAll(asker: Asker): readonly Named[] {
  const found = MAKERS.flatMap((vendor) => {
    try {
      return modelsOfVendor(vendor, BY_PLACE.get(vendor) ?? vendor, asker)
    } catch (error) {
      if (error instanceof GatewayError) return []
      throw error
    }
  })
  if (found.length === 0)
    throw new GatewayError('no-target-left', 'No vendor is set up here of whose models this key may use a priced chat model.')
  return found
}

/**
 * The models that a client lists, under its own names: `provider/model`, a bare name, or OpenRouter's `author/slug`. Those that are unknown,
 * not priced, not set up here or not allowed are left out. @throws GatewayError `no-target-left`
 */
export function modelsListed(names: readonly string[], asker: Asker): readonly Named[] {
  const found = names.map((name) => modelNamed(name, asker)).filter((named) => named !== null)
  if (found.length === 0)
    throw new GatewayError(
      'no-target-left',
      'None of the models of `allowed_models` is known, priced, set up here and allowed to this key.',
      {
        at: 'allowed_models',
      },
    )
  return found
}

/** @throws GatewayError `model-unknown`, `model-forbidden` */
export function defaultModel(name: string, asker: Asker): Named {
  const entries = entriesNamed(name, asker.catalogue)
  if (entries.length === 0)
    throw new GatewayError('model-unknown', 'default_model is no chat model that is known here.', { at: 'default_model' })
  const named = modelNamed(name, asker)
  if (named !== null) return named
  const setUp = entries.filter((entry) => placeOf(entry, asker.deps) !== null)
  if (setUp.length === 0)
    throw new GatewayError('credential-missing', 'The provider of default_model is not set up at this gateway.', { at: 'default_model' })
  const places = setUp.map((entry) => placeOf(entry, asker.deps)).filter((place) => place !== null)
  if (setUp.every((entry) => !isAllowed(entry, asker)))
    throw new GatewayError('model-forbidden', forbiddenText(asker.view, places), { at: 'default_model' })
  throw new GatewayError('model-unpriced', 'default_model has no known price here.', { at: 'default_model' })
}

function modelNamed(name: string, asker: Asker): Named | null {
  const entry = entriesNamed(name, asker.catalogue).find((one) => one.price !== null && isAllowed(one, asker))
  return entry === undefined ? null : { entry, name, vendor: BY_PLACE.get(entry.provider) ?? entry.provider }
}

function entriesNamed(name: string, catalogue: Catalogue): readonly ModelEntry[] {
  const slash = name.indexOf('/')
  const home = slash < 0 ? catalogue.homeOf(name) : { provider: name.slice(0, slash), model: name.slice(slash + 1) }
  const exact = home === null ? null : catalogue.lookUp(home.provider, home.model)
  const found = exact === null ? [...catalogue.servedBy(name)].sort((a, b) => rank(a) - rank(b)) : [exact]
  return found.filter(({ mode }) => mode === 'chat')
}

function rank({ provider, model }: ModelEntry): number {
  return isMaker(provider, model) ? 0 : 1
}

function isAllowed(entry: ModelEntry, { view, deps }: Asker): boolean {
  const place = placeOf(entry, deps)
  return place !== null && forbiddenBy(view, place) === null
}

/** `null`: it is not set up here. */
function placeOf({ provider, model, openrouterId }: ModelEntry, deps: Deps): Place | null {
  const found = deps.providers.find(({ id }) => id === provider)
  const settings = found === undefined ? null : deps.settings(found)
  if (settings === null) return null
  return { model: `${provider}/${model}`, provider, region: settings.region, ...(openrouterId === undefined ? {} : { slug: openrouterId }) }
}

/** The catalogue has thousands of rows, and these endpoints are free: gone through once for each catalogue. */
const chatModels = new WeakMap<Catalogue, ReadonlyMap<string, readonly ModelEntry[]>>()

function chatModelsOf(catalogue: Catalogue, provider: string): readonly ModelEntry[] {
  const known = chatModels.get(catalogue)
  if (known !== undefined) return known.get(provider) ?? []
  const byProvider = new Map<string, ModelEntry[]>()
  for (const entry of catalogue.list()) {
    if (entry.mode !== 'chat' || !MAKERS.includes(entry.provider)) continue
    const those = byProvider.get(entry.provider)
    if (those === undefined) byProvider.set(entry.provider, [entry])
    else those.push(entry)
  }
  chatModels.set(catalogue, byProvider)
  return byProvider.get(provider) ?? []
}
