// What routing is made of: options to choose from, what is known of them, and what a strategy must provide: an order and its reasons.
// Trying, waiting and giving up are the gateway's work (gateway/trying/attempts.ts).

import type { Choosing, ModelName } from './choosing/contract.ts'
import type { Unfit } from '../core/unfit.ts'

/** Of a sample of the last five minutes, nearest rank. */
export type Quantiles = { readonly p50: number; readonly p75: number; readonly p90: number; readonly p99: number }

/**
 * What is known of one target's health: provider × region, and inside it model × credential. Numbers of the last 30 seconds unless said.
 * `state`: `closed` (use it), `open` (leave it alone), `half-open` (one probe may go).
 */
export type HealthView = {
  readonly state: 'closed' | 'open' | 'half-open'
  /** Half-open, and nobody probes yet: the next request may. */
  readonly mayProbe: boolean
  /** It asked to be left alone (Retry-After) until then, milliseconds since the epoch; `null`: it did not, or that is over. */
  readonly parkedUntil: number | null
  readonly samples: number
  /** 0 to 1 of `samples`; client faults are not among them. */
  readonly errorRate: number
  /** Milliseconds from sending to the first content, five minutes; `null`: no sample. */
  readonly firstContentMs: Quantiles | null
  /** Output tokens a second of answers that ended, five minutes; `null`: no sample. */
  readonly tokensPerSecond: Quantiles | null
  /** Medians of this isolate's last few calls, where there were enough lately: what changes shows here first. */
  readonly latest?: { readonly firstContentMs: number | null; readonly tokensPerSecond: number | null }
  /** Calls of this isolate that are running. */
  readonly inFlight: number
  /** Calls and tokens (in and out) begun in the current minute, as far as the isolates have told each other. */
  readonly minute: { readonly requests: number; readonly tokens: number }
  /** How old the newest number of others is, in milliseconds; `null`: only this isolate's own. */
  readonly ageMs: number | null
}

/** Dollars of one token in pico-dollars, at the standard price. */
export type OptionPrice = { readonly inputPico: number; readonly outputPico: number; readonly cacheReadPico: number | null }

/** One thing to choose: a target, or a group of them, which stands as its own first choice does. */
export type Option = {
  /** `provider/model`, with `@credential` where there are several accounts; stable, so that hashes of it are. */
  readonly id: string
  /** Above 0. */
  readonly weight: number
  /** Lower first. */
  readonly priority: number
  /** `null`: unpriced. */
  readonly price: OptionPrice | null
  /** Requests and tokens a minute that the account may; `null`: nobody said. */
  readonly rpm: number | null
  readonly tpm: number | null
  readonly health: HealthView
  /** Tokens of this conversation that are in its prompt cache, and until when (milliseconds since the epoch). */
  readonly cached: { readonly tokens: number; readonly until: number } | null
  /** What the capability table calls its model. */
  readonly model: ModelName
}

/** All that a strategy may look at beside the options. Time and chance come in as values, so a test can pin them. */
export type View = {
  readonly now: number
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number
  /** What is the same for all requests of a conversation; `null`: nothing is. Never a prompt: a hash, or the client's own session id. */
  readonly conversation: string | null
  /** Stable names for splits: the key's id, and whom the client says it acts for. */
  readonly key: string
  readonly user: string | null
  /** Estimated. */
  readonly promptTokens: number
  /** Estimated, or the ceiling where it is low. */
  readonly outputTokens: number
  /** For strategies that choose a model; `null`: no group of the request has one, or there is nothing to choose by. */
  readonly choosing: Choosing | null
}

export const COST_TIERS = ['low', 'medium', 'high', 'xhigh', 'max'] as const
/** Fifths of the models by price, the cheapest first. */
export type CostTier = (typeof COST_TIERS)[number]

/** Settings of a strategy as the route table has them, checked when it was written. */
export type StrategySettings = {
  /** `fastest`: what counts as fast. */
  readonly measure?: 'first-content' | 'throughput'
  readonly percentile?: 50 | 75 | 90 | 99
  /** `split`: whose requests stay together. */
  readonly by?: 'key' | 'user' | 'session'
  /** `difficulty`: a loss budget by its name. */
  readonly mode?: 'balanced' | 'aggressive'
  /** `difficulty`: how much of what the strongest would do well may be lost, 0 to 1; stands before `mode`. */
  readonly loss?: number
  /** `difficulty`: who answers what cannot be judged; `first` if not said: the operator's first. */
  readonly otherwise?: 'first' | 'strongest'
  /** `difficulty`, `auto`: the most of a key's decisions that may go to an expensive model, 0 to 1. */
  readonly expensiveShare?: number
  /** `auto`: what is left only for something better; absent: the best over all tasks. */
  readonly default?: ModelName
  /** `auto`: 0 (quality alone) to 10 (cost alone). */
  readonly tradeoff?: number
  /** `auto`: models of this price first; stands before `tradeoff`. */
  readonly tier?: CostTier
  /** `auto`: goes first whatever else is known. */
  readonly pin?: ModelName
}

/** `score` is the strategy's own number, lower first; `why` is a fixed word, so that explain costs nothing when nobody asks. */
export type Ranked<O extends Option = Option> = { readonly option: O; readonly score: number; readonly why: string }

/** Returns every option it was given, once: a strategy orders, filters remove. It need not look at `health.state`: whoever is ill goes last anyway. */
export interface Strategy {
  readonly id: StrategyId
  order<O extends Option>(options: readonly O[], view: View, settings: StrategySettings): readonly Ranked<O>[]
}

export const STRATEGIES = [
  'priority',
  'weighted',
  'cheapest',
  'fastest',
  'least-busy',
  'usage',
  'sticky',
  'price-weighted',
  'split',
  'difficulty',
  'auto',
] as const
export type StrategyId = (typeof STRATEGIES)[number]

/** Why a call failed, as far as it matters to who may be asked next. A fault of the client's own (400, 422) asks nobody. `unfit`: its answer came and is no good. */
export type Trouble = 'outage' | 'context' | 'content' | 'unfit'

/** Once a request, an answer that is verifiably no good is asked for again a tier up. */
export type Cascade = {
  readonly on: ReadonlySet<Unfit>
  /** Who is asked then; `null`: the next in the order that is dearer and another model. */
  readonly target: string | null
  /** Streams are held back until they are whole; else only what shows before their first content is judged. */
  readonly holdsStreams: boolean
}

/** Times of one attempt in milliseconds; what is missing is the gateway's default. */
export type Timeouts = { readonly headersMs?: number; readonly firstContentMs?: number; readonly idleMs?: number }

/** Raw JSON texts by member path (`a.b`), put into a request where the client has not (`defaults`) or whatever it has (`overrides`). */
export type Changes = {
  readonly defaults?: { readonly [member: string]: string }
  readonly overrides?: { readonly [member: string]: string }
  readonly drop?: readonly string[]
}

/** How the target of a route is used. */
export type Use = Changes & {
  readonly weight: number
  readonly priority: number
  /** Name of the account: secrets are read from `<NAME>_<CREDENTIAL>`; `null`: the provider's own. */
  readonly credential: string | null
  /** Globs over regions; `null`: any. */
  readonly regions: readonly string[] | null
  /** A condition in CEL; `null`: always. */
  readonly when: string | null
  readonly rpm: number | null
  readonly tpm: number | null
  readonly timeouts: Timeouts
  /** After which trouble of those before it this one may be asked; absent: `outage`. */
  readonly on?: readonly Trouble[]
  /** Upstream statuses after which it may be asked, instead of `on` (Portkey's `on_status_codes`). */
  readonly onStatus?: readonly number[]
}

/** A target, by a name as the route table has it; or a group of them. */
export type Branch =
  | { readonly kind: 'target'; readonly name: string; readonly use: Use }
  | {
      readonly kind: 'group'
      readonly strategy: StrategyId
      readonly settings: StrategySettings
      readonly branches: readonly Branch[]
      readonly use: Use
      /** Only its first choice is asked, nobody after it. */
      readonly single?: true
    }

export const PLAIN_USE: Use = { weight: 1, priority: 0, credential: null, regions: null, when: null, rpm: null, tpm: null, timeouts: {} }

/** How the requests that name it are answered. */
export type Route = {
  readonly name: string
  /** Model names, with `*` for any characters. */
  readonly match: readonly string[]
  /** CEL; where it does not hold the next route that matches is looked at. `null`: always. */
  readonly when: string | null
  readonly tree: Branch
  /** Names tried after the tree: after an outage, a context that is too long, a refusal for its content. */
  readonly fallbacks: readonly string[]
  readonly contextFallbacks: readonly string[]
  readonly contentFallbacks: readonly string[]
  /** Further calls of a target that failed; `null`: the gateway's default. */
  readonly retries: number | null
  /** From arrival to the end of the answer, where the client says none; `null`: none. */
  readonly deadlineMs: number | null
  /** First-content limits are learned per model, from what it took lately. */
  readonly learnsTimeouts: boolean
  /** A second target is asked too when the first is silent for longer than its own percentile, at least `leastMs`. */
  readonly hedge: { readonly percentile: 50 | 75 | 90 | 99; readonly leastMs: number } | null
  /** A plain text that breaks off may be carried on by another target. */
  readonly continues: boolean
  /** Absent: answers are given as they come. */
  readonly cascade?: Cascade
  /** A share (0 to 1) of its requests is also sent there; nobody sees the answer. */
  readonly shadow: { readonly share: number; readonly name: string; readonly use: Use } | null
}

/** What the operator says of a place, over what Sluice knows of it. */
export type PlaceRule = {
  /** It keeps nothing. */
  readonly zdr?: boolean
  /** It may use prompts for its own ends. */
  readonly collects?: boolean
  readonly rpm?: number
  readonly tpm?: number
}

/** A checked route document, ready to be asked. */
export type RouteTable = {
  /** 0: none was ever written. */
  readonly version: number
  /** A name, and the names it stands for: the first, then its fallbacks. */
  readonly aliases: ReadonlyMap<string, readonly string[]>
  /** The first that matches and whose condition holds is the one. */
  readonly routes: readonly Route[]
  readonly places: ReadonlyMap<string, PlaceRule>
}

export const NO_ROUTES: RouteTable = { version: 0, aliases: new Map(), routes: [], places: new Map() }
