// What a request could be answered by: a tree of targets, narrowed by what is set up, what can do it and what the client allows. Admission
// narrows it further; rank.ts orders what is left.

import type { Mode } from '../../catalogue/entry.ts'
import type { Catalogue } from '../../catalogue/index.ts'
import { quantizationOf } from '../../catalogue/quantization.ts'
import { priced, type PriceBook } from '../../catalogue/price-book.ts'
import { GatewayError } from '../../core/errors.ts'
import { matchesGlob } from '../../core/glob.ts'
import { missingSettings } from '../../providers/configured.ts'
import type { Provider, Settings } from '../../providers/contract.ts'
import type { Route, RouteTable } from '../../routing/contract.ts'
import type { Sort } from '../../routing/wishes.ts'
import { readSuffixes } from '../../routing/wishes/suffix.ts'
import { able } from './able.ts'
import { among, sortedTogether } from './among.ts'
import type { Candidate } from './candidate.ts'
import { variantOf } from './changes.ts'
import type { RequestChoosing } from './choosing.ts'
import { conditionsOf, type Conditions } from './conditions.ts'
import type { Draws } from './draws.ts'
import { fitting } from './fits.ts'
import type { Out } from '../telling/inquiry.ts'
import type { Job, Key } from '../job.ts'
import { placesNamed, placesServing, type Place } from './model-names.ts'
import { routerNode } from './router.ts'
import { retirementOf } from './retirement.ts'
import { grown, inOrder, resolve, type Naming, type Resolved } from './resolve.ts'
import { leavesOf, pruned, type Leaf, type Node } from './tree.ts'
import { wanted, type Removed } from './wanted.ts'

export type Target = { readonly leaf: Leaf; readonly candidate: Candidate }

export type Plan = {
  readonly tree: Node
  /** What admission is asked about: in the order of the tree, or as it was foreseen. */
  readonly targets: readonly Target[]
  /** The route by whose rules it goes; `null`: none. */
  readonly route: Route | null
  readonly conditions: Conditions
  /** What the operator says of places. */
  readonly places: RouteTable['places']
  /** The chance that its order was foreseen with. */
  readonly draws?: Draws
  /** What is the same for all requests of its conversation, once it is known; `null`: nothing is. */
  readonly conversation?: string | null
  /** What its strategies that choose a model may know, once that was made. */
  readonly choosing?: RequestChoosing | null
  /** What a filter took out, and by which word. */
  readonly removed: readonly Removed[]
}

const LONGEST_NAME = 256

/**
 * The targets that could serve what the client names, as its dialect and the route table mean it.
 * @throws GatewayError `model-unknown`, `credential-missing`, `request-unsupported`, `no-target-left`
 */
export async function planned(job: Job, key: Key, modes: ReadonlySet<Mode>, serves: (provider: Provider) => boolean): Promise<Plan> {
  const { deps, inquiry } = job
  const { model: name } = job.intent
  for (const one of [name, ...job.wishes.fallbacks.map(({ model }) => model)])
    if (one.length > LONGEST_NAME) throw new GatewayError('model-unknown', `The model's name is longer than ${LONGEST_NAME} characters.`)
  const [table, catalogue, prices] = [await deps.routes(), await deps.catalogue(), await deps.prices()]
  const conditions = conditionsOf(job, key)
  const naming = namingOf(job, table, catalogue, prices, modes, conditions)
  const { node: apart, route } = chosen(job, naming)
  if (apart === null) throw unknown(name, job)
  const node = sortedTogether(apart, job.wishes)
  const all = leavesOf(node)
  if (inquiry !== undefined)
    inquiry.found = { tableVersion: table.version, route: route?.name ?? null, isAlias: table.aliases.has(name), leaves: all }
  const found = all.flatMap((leaf) => candidatesOf(job, leaf, catalogue, prices))
  inquiry?.stay(found, (leaf) => notFound(job, leaf))
  if (found.length === 0) throw nobodySetUp(name, all, deps.providers)
  const serving = found.filter(({ candidate }) => serves(candidate.provider))
  inquiry?.stay(serving, () => UNABLE)
  if (serving.length === 0) throw unable(name, job.client.id, found)
  const fit = new Set(
    able(
      serving.map(({ candidate }) => candidate),
      job.intent,
      job.client,
    ),
  )
  const removed: Removed[] = []
  const capable = serving.filter(({ candidate }) => fit.has(candidate))
  inquiry?.stay(capable, () => UNABLE)
  const left = wanted(capable, job, table, removed)
  inquiry?.stay(left, (leaf) => ({ word: `preference:${removed.find((one) => one.leaf === leaf)?.by ?? ''}` }))
  const met = left.filter(({ leaf }) => leaf.whens.every((when) => !conditions.isEarly(when) || conditions.holds(when)))
  inquiry?.stay(met, (leaf) => unmet(leaf, conditions))
  const targets = fitting(met, job, removed)
  inquiry?.stay(targets, () => ({ word: 'context-length' }))
  const stay = new Set(targets.map(({ leaf }) => leaf))
  const tree = pruned(node, (leaf) => stay.has(leaf))
  if (tree === null) throw nothingLeft(name, removed)
  return { tree, targets, route, conditions, places: table.places, removed }
}

/** Of an isolate they are always the same. */
const known = new WeakMap<readonly Provider[], ReadonlyMap<string, Provider>>()

function byId(providers: readonly Provider[]): ReadonlyMap<string, Provider> {
  const found = known.get(providers) ?? new Map(providers.map((provider) => [provider.id, provider]))
  known.set(providers, found)
  return found
}

const UNABLE: Out = { word: 'unable' }

function notFound({ deps }: Job, { place, use }: Leaf): Out {
  const provider = byId(deps.providers).get(place.provider)
  const isSetUp = provider !== undefined && deps.settings(provider, use.credential) !== null
  return { word: isSetUp ? 'region' : 'not-configured' }
}

/** The first condition of the request alone that does not hold. */
function unmet({ whens }: Leaf, { isEarly, verdict }: Conditions): Out {
  const condition = whens.find((when) => isEarly(when) && verdict(when) !== 'holds')
  return condition === undefined ? { word: 'condition' } : { word: `condition:${verdict(condition)}`, condition }
}

function namingOf(
  job: Job,
  table: RouteTable,
  catalogue: Catalogue,
  prices: PriceBook | null,
  modes: ReadonlySet<Mode>,
  conditions: Conditions,
): Naming {
  const providers = byId(job.deps.providers)
  const isProvider = (id: string): boolean => providers.has(id)
  const isConfigured = (id: string): boolean => {
    const provider = providers.get(id)
    return provider !== undefined && job.deps.settings(provider) !== null
  }
  const wish = job.wishes.provider
  const tagsOf = ({ provider: id, model }: Place): readonly string[] => {
    const provider = providers.get(id)
    const region = provider === undefined ? null : (job.deps.settings(provider)?.region ?? null)
    return [quantizationOf(model), ...(region === null ? [] : [region])]
  }
  const places = (leaves: readonly Leaf[], sort: Sort | null): Node | null =>
    leaves.length === 0 ? null : among(leaves, wish, wish?.sort ?? sort, tagsOf)
  const everywhere = (name: string): readonly Place[] => placesServing(name, modes, isProvider, isConfigured, catalogue)
  // Pictures and sounds also come from chat models, but nobody has judged what those can of them.
  const isChat = modes.size === 1 && modes.has('chat')
  const world = { catalogue, prices, configured: () => [...providers.keys()].filter(isConfigured), serving: everywhere, places }
  return {
    table,
    holds: conditions.holds,
    isEarly: conditions.isEarly,
    alone: job.wishes.disablesFallbacks === true,
    places: (name, leaf, own) => {
      const router = routerNode(name, isChat, leaf, job, world)
      if (router !== undefined) return router
      if (own && job.client.modelNames !== 'openrouter') return places(placesNamed(name, isProvider, catalogue).map(leaf), null)
      if (!own) return places(everywhere(name).map(leaf), null)
      const said = readSuffixes(name)
      const known = everywhere(said.name).map(leaf)
      if (known.length > 0 || !said.free) return places(known, said.sort)
      return places(
        everywhere(said.plain).map((place) => ({ ...leaf(place), isFree: true })),
        said.sort,
      )
    },
  }
}

/** The primary's tree and what stands in for it. What nobody knows is left out while something else is there. */
function chosen(job: Job, naming: Naming): { readonly node: Node | null; readonly route: Route | null } {
  const { wishes, intent } = job
  const primary: Resolved | null = wishes.tree === null ? resolve(intent.model, naming) : own(grown(wishes.tree, naming))
  const fallbacks = (wishes.disablesFallbacks === true ? [] : wishes.fallbacks).flatMap(({ model, on }) => {
    const found = resolve(model, naming, on)
    return found === null ? [] : [found.node]
  })
  const nodes = [...(primary === null ? [] : [primary.node]), ...fallbacks]
  return { node: nodes.length === 0 ? null : inOrder(nodes), route: primary?.route ?? null }
}

function own(node: Node | null): Resolved | null {
  return node === null ? null : { node, route: null }
}

/** None where the place has no credentials; one a leaf. */
function candidatesOf(job: Job, leaf: Leaf, catalogue: Catalogue, prices: PriceBook | null): readonly Target[] {
  const { provider: id, model } = leaf.place
  const provider = byId(job.deps.providers).get(id)
  const { credential, regions, timeouts } = leaf.use
  const settings = provider === undefined ? null : job.deps.settings(provider, credential)
  if (provider === undefined || settings === null || !isIn(regions, settings)) return []
  const variant = variantOf(job, leaf.use, model)
  const entry = catalogue.lookUp(id, model)
  const retires = retirementOf(entry, catalogue, job.startedAt)
  return [
    {
      leaf,
      candidate: {
        provider,
        settings,
        model,
        entry: priced(prices, id, model, entry),
        ...(retires === null ? {} : { retires }),
        ...(credential === null ? {} : { credential }),
        ...(Object.keys(timeouts).length === 0 ? {} : { timeouts }),
        ...(variant === null ? {} : { variant }),
      },
    },
  ]
}

function isIn(regions: readonly string[] | null, { region }: Settings): boolean {
  return regions === null || (region !== null && regions.some((glob) => matchesGlob(glob, region)))
}

function unknown(name: string, { client }: Job): GatewayError {
  return new GatewayError(
    'model-unknown',
    `The model ${JSON.stringify(name)} is not known. Name it as ${client.modelNames === 'openrouter' ? 'author/slug' : 'provider/model'}, such as openai/gpt-4o-mini; GET /v1/models lists those of the catalogue.`,
  )
}

function unable(name: string, dialect: string, found: readonly Target[]): GatewayError {
  const places = [...new Set(found.map(({ candidate }) => candidate.provider.id))].join(', ')
  return new GatewayError('request-unsupported', `${JSON.stringify(name)} is at ${places}, where ${dialect} is not to be had.`, {
    at: 'model',
  })
}

function nobodySetUp(name: string, leaves: readonly Leaf[], known: readonly Provider[]): GatewayError {
  const ids = new Set(leaves.map(({ place }) => place.provider))
  const providers = known.filter(({ id }) => ids.has(id))
  const [first] = providers
  if (first === undefined) return new GatewayError('model-unknown', `Nobody whom this gateway can call serves ${JSON.stringify(name)}.`)
  const wanted = (provider: Provider): string => missingSettings(provider, () => false).join(' and ')
  return new GatewayError(
    'credential-missing',
    providers.length === 1
      ? `The provider ${first.id} is not configured: ${wanted(first)} must be set.`
      : `No provider that serves ${JSON.stringify(name)} is configured: one of ${providers.map(wanted).join(', ')} must be set.`,
  )
}

function nothingLeft(name: string, removed: readonly Removed[]): GatewayError {
  const why = [...new Set(removed.map(({ target, by }) => `${target} by ${by}`))].slice(0, 12).join(', ')
  return new GatewayError(
    'no-target-left',
    `No place for ${JSON.stringify(name)} is left: ${why === '' ? 'no condition of its route holds' : why}.`,
  )
}
