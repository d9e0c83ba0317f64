// A router's name as a tree: its models under the strategy that chooses between them, each with its places.

import type { Catalogue } from '../../catalogue/index.ts'
import type { PriceBook } from '../../catalogue/price-book.ts'
import { Body } from '../../core/body.ts'
import { GatewayError } from '../../core/errors.ts'
import type { ModelName } from '../../routing/choosing/contract.ts'
import { ROUTER_NAMES } from '../../routing/choosing/router-names.ts'
import type { StrategySettings } from '../../routing/contract.ts'
import type { RouterWish } from '../../routing/wishes/auto-router.ts'
import type { Sort } from '../../routing/wishes.ts'
import { readSuffixes } from '../../routing/wishes/suffix.ts'
import type { Job } from '../job.ts'
import type { Place } from './model-names.ts'
import { poolOf, type Pooled } from './pool.ts'
import { chosenBetween, type Leaf, type Node } from './tree.ts'

type World = {
  readonly catalogue: Catalogue
  readonly prices: PriceBook | null
  readonly configured: () => readonly string[]
  readonly serving: (model: ModelName) => readonly Place[]
  readonly places: (leaves: readonly Leaf[], sort: Sort | null) => Node | null
}

/**
 * `undefined`: it is no router's name, or nothing is known of models here. `null`: nobody is left, and something else may stand beside it.
 * `isChat`: what is asked is a chat, or a count of its tokens. @throws GatewayError `no-target-left`, `request-unsupported`
 */
export function routerNode(said: string, isChat: boolean, leaf: (place: Place) => Leaf, job: Job, world: World): Node | null | undefined {
  const { abilities, now } = job.deps
  if (abilities === null) return undefined
  const { name, sort } = ROUTER_NAMES.has(said) ? { name: said, sort: null } : suffixed(said)
  const router = ROUTER_NAMES.get(name)
  if (router === undefined) return undefined
  if (!isChat) {
    if (said === job.intent.model) throw noChat(name)
    return null
  }
  const wish = job.wishes.router ?? null
  const pool = poolOf(router, wish, { ...world, configured: world.configured(), models: abilities.models, now: now() })
  const isFree = router.pool === 'free'
  const children = pool.flatMap(({ places }) => {
    const node = world.places(
      places.map((place) => (isFree ? { ...leaf(place), isFree: true } : leaf(place))),
      sort,
    )
    return node === null ? [] : [chosenBetween(node)]
  })
  if (children.length === 0) {
    const { fallbacks, disablesFallbacks } = job.wishes
    if (said === job.intent.model && (fallbacks.length === 0 || disablesFallbacks === true)) throw nobody(name, wish)
    return null
  }
  const settings = { ...router.settings, ...(router.strategy === 'auto' ? wishedFor(wish, job, pool) : {}) }
  return { kind: 'group', strategy: router.strategy, settings, children, use: { weight: 1, priority: 0 } }
}

/** `openrouter/auto:nitro`: the places of each model by their speed. */
function suffixed(said: string): { readonly name: string; readonly sort: Sort | null } {
  const colon = said.indexOf(':')
  return colon < 0 || !ROUTER_NAMES.has(said.slice(0, colon)) ? { name: said, sort: null } : readSuffixes(said)
}

/** A tier stands before the older number. */
function wishedFor(wish: RouterWish | null, { body }: Job, pool: readonly Pooled[]): StrategySettings {
  if (wish === null) return {}
  const { tier, tradeoff, pins } = wish
  const pin = pins && body instanceof Body ? newestModel(body, pool) : null
  return {
    ...(tradeoff === null ? {} : { tradeoff }),
    ...(tier === null ? {} : { tier }),
    ...(pin === null ? {} : { pin }),
  }
}

/** The model that the newest answer in the conversation says it is from; what is none of the pool's may be any words, and goes into no record. */
function newestModel(body: Body, pool: readonly Pooled[]): ModelName | null {
  const messages: unknown = JSON.parse(body.member(['messages']) ?? body.member(['input']) ?? 'null')
  if (!Array.isArray(messages)) return null
  const newest: unknown = messages.findLast(
    (one: unknown) => typeof one === 'object' && one !== null && 'role' in one && one.role === 'assistant' && 'model' in one,
  )
  const model = typeof newest === 'object' && newest !== null && 'model' in newest ? newest.model : null
  const isKnown = pool.some((one) => one.model === model || one.places.some((place) => `${place.provider}/${place.model}` === model))
  return typeof model === 'string' && isKnown ? model : null
}

function noChat(name: string): GatewayError {
  return new GatewayError('request-unsupported', `${name} chooses between models for chats: for this, name the model itself.`, {
    at: 'model',
  })
}

function nobody(name: string, wish: RouterWish | null): GatewayError {
  const narrowed = wish !== null && (wish.allowed !== null || wish.excluded.length > 0)
  return new GatewayError(
    'no-target-left',
    narrowed ? `No model of ${name} is left by allowed_models and excluded_models.` : `No model that ${name} chooses from is set up here.`,
    { at: narrowed ? 'plugins' : 'model' },
  )
}
