// What a request asked of routing, as it was understood: OpenRouter's words for its preferences, ours for the rest. Only what was said.

import { picoText } from '../../core/money.ts'
import type { CostTier, Quantiles, Trouble } from '../../routing/contract.ts'
import type { RouterWish } from '../../routing/wishes/auto-router.ts'
import type { ProviderWish, Wishes } from '../../routing/wishes.ts'

type Json = { readonly [name: string]: unknown }

export type WishesTold = {
  readonly fallbacks?: readonly { readonly model: string; readonly on: readonly Trouble[] }[]
  readonly provider?: Json
  readonly retries?: number
  readonly deadline_ms?: number
  readonly first_content_ms?: number
  /** It brought a tree of its own. */
  readonly config?: true
  readonly disables_fallbacks?: true
  /** In the words of OpenRouter's plugin. */
  readonly router?: {
    readonly allowed_models?: readonly string[]
    readonly excluded_models?: readonly string[]
    readonly cost_tier?: CostTier
    readonly cost_quality_tradeoff?: number
    readonly pin_model?: true
  }
}

const MOST_LISTED = 32
const LONGEST_NAME = 256

export function wishesTold(wishes: Wishes): WishesTold {
  const { fallbacks, provider, retries, deadlineMs, firstContentMs, tree, disablesFallbacks, router } = wishes
  return {
    ...(fallbacks.length === 0 ? {} : { fallbacks: fallbacks.map(({ model, on }) => ({ model: model.slice(0, LONGEST_NAME), on })) }),
    ...(provider === null ? {} : { provider: providerTold(provider) }),
    ...(retries === null ? {} : { retries }),
    ...(deadlineMs === null ? {} : { deadline_ms: deadlineMs }),
    ...(firstContentMs === null ? {} : { first_content_ms: firstContentMs }),
    ...(tree === null ? {} : { config: true }),
    ...(disablesFallbacks === true ? { disables_fallbacks: true } : {}),
    ...(router === undefined ? {} : { router: routerTold(router) }),
  }
}

function routerTold({ allowed, excluded, tier, tradeoff, pins }: RouterWish): NonNullable<WishesTold['router']> {
  return {
    ...(allowed === null ? {} : { allowed_models: listed(allowed) }),
    ...(excluded.length === 0 ? {} : { excluded_models: listed(excluded) }),
    ...(tier === null ? {} : { cost_tier: tier }),
    ...(tradeoff === null ? {} : { cost_quality_tradeoff: tradeoff }),
    ...(pins ? { pin_model: true } : {}),
  }
}

/** In OpenRouter's own form, which can be sent again. */
function providerTold(wish: ProviderWish): Json {
  const prices = Object.entries(wish.maxPrice).map(([name, pico]) => [
    name,
    Number(picoText(name === 'prompt' || name === 'completion' ? pico * 1_000_000 : pico)),
  ])
  return {
    ...(wish.order === null ? {} : { order: listed(wish.order) }),
    ...(wish.only === null ? {} : { only: listed(wish.only) }),
    ...(wish.ignore.length === 0 ? {} : { ignore: listed(wish.ignore) }),
    ...(wish.allowFallbacks ? {} : { allow_fallbacks: false }),
    ...(wish.requireParameters ? { require_parameters: true } : {}),
    ...(wish.denyCollection ? { data_collection: 'deny' } : {}),
    ...(wish.zdr ? { zdr: true } : {}),
    ...(wish.distillable ? { enforce_distillable_text: true } : {}),
    ...(wish.quantizations === null ? {} : { quantizations: listed(wish.quantizations) }),
    ...(wish.sort === null ? {} : { sort: wish.partition === 'none' ? { by: wish.sort, partition: 'none' } : wish.sort }),
    ...(prices.length === 0 ? {} : { max_price: Object.fromEntries(prices) }),
    ...(wish.maxLatencyMs === null ? {} : { preferred_max_latency: scaled(wish.maxLatencyMs, 1000) }),
    ...(wish.minThroughput === null ? {} : { preferred_min_throughput: wish.minThroughput }),
  }
}

function listed(names: readonly string[]): readonly string[] {
  const short = names.slice(0, MOST_LISTED).map((name) => name.slice(0, LONGEST_NAME))
  return names.length > MOST_LISTED ? [...short, `… ${names.length - MOST_LISTED} more`] : short
}

function scaled(limits: Partial<Quantiles>, by: number): Json {
  return Object.fromEntries(Object.entries(limits).map(([name, value]) => [name, value / by]))
}
