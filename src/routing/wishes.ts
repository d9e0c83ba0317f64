// What a request itself asks of routing, in one form, whoever's words it used: OpenRouter's, LiteLLM's or Portkey's.

import type { Path } from '../core/json-splice.ts'
import type { Branch, Quantiles, Trouble } from './contract.ts'
import type { RouterWish } from './wishes/auto-router.ts'

/** A model that may stand in, and after which trouble of the ones before it. */
export type Fallback = { readonly model: string; readonly on: readonly Trouble[] }

export const SORTS = ['price', 'throughput', 'latency', 'exacto'] as const
export type Sort = (typeof SORTS)[number]

/** OpenRouter's `provider`. Lists hold slugs as the client wrote them, lower-cased: a provider's id, or `id/tag` (a quantization or a region). */
export type ProviderWish = {
  readonly order: readonly string[] | null
  readonly only: readonly string[] | null
  readonly ignore: readonly string[]
  readonly allowFallbacks: boolean
  readonly requireParameters: boolean
  readonly denyCollection: boolean
  readonly zdr: boolean
  readonly distillable: boolean
  readonly quantizations: readonly string[] | null
  readonly sort: Sort | null
  /** `none`: all models' places in one order; `model`: each model's by itself. */
  readonly partition: 'model' | 'none'
  /** Pico-dollars: a token of prompt or completion, an image, a request. A missing one is no limit. */
  readonly maxPrice: {
    readonly prompt?: number
    readonly completion?: number
    readonly image?: number
    readonly audio?: number
    readonly request?: number
  }
  /** Milliseconds to the first content; misses go to the back, they are not dropped. */
  readonly maxLatencyMs: Partial<Quantiles> | null
  /** Tokens a second. */
  readonly minThroughput: Partial<Quantiles> | null
}

export type Wishes = {
  /** The first of `models` where no `model` is named beside it; `null`: the body's own `model` is the first. */
  readonly model: string | null
  /** After the model that the request names, in order, without repeats. */
  readonly fallbacks: readonly Fallback[]
  /** `null`: nothing was said. */
  readonly provider: ProviderWish | null
  /** Further calls of a target that failed, at most; `null`: the gateway's default. */
  readonly retries: number | null
  /** From the request's arrival to the end of its answer; `null`: none. */
  readonly deadlineMs: number | null
  /** From the request's arrival to its first content; `null`: none. */
  readonly firstContentMs: number | null
  /** A whole tree that stands for the model's name: Portkey's config. */
  readonly tree: Branch | null
  /** Members of the body that are for us and must not go on. */
  readonly removed: readonly Path[]
  /** Nobody stands in for the model that is named: a route's own fallbacks do not count either. */
  readonly disablesFallbacks?: true
  /** What a router's name chooses from and how, as the client wants it; absent: nothing was said. */
  readonly router?: RouterWish
}

export const NO_WISHES: Wishes = {
  model: null,
  fallbacks: [],
  provider: null,
  retries: null,
  deadlineMs: null,
  firstContentMs: null,
  tree: null,
  removed: [],
}
