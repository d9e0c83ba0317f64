// What the gateway needs of the world. Each port has one implementation in platform/ and one in test/fakes/.

import type { Catalogue } from './catalogue/index.ts'
import type { Classifier } from './classifier/contract.ts'
import type { Admission, Ask, Extension, Hold, KeyView, Refusal, Row, Settlement } from './core/account.ts'
import type { PriceBook } from './catalogue/price-book.ts'
import type { DialectId } from './core/canonical.ts'
import type { Estate } from './core/estate.ts'
import type { Framing } from './core/framing.ts'
import type { Provider, Settings } from './providers/contract.ts'
import type { Capability, ModelName } from './routing/choosing/contract.ts'
import type { RouteTable } from './routing/contract.ts'
import type { CacheMemory } from './gateway/planning/cache-memory.ts'
import type { Learning } from './routing/choosing/port.ts'
import type { ModelMemory } from './gateway/planning/model-memory.ts'
import type { Health } from './routing/health.ts'
import type { RetryBudget } from './routing/retry-budget.ts'

/** The key's own object: policy, limits, holds and outbox under one owner. */
export interface Account {
  admit(ask: Ask): Promise<Admission>
  /** Keeps a hold alive; called well before `expiresAt`. `ranNanoUsd`: what an answer under an elastic hold has cost so far. */
  renew(hold: Hold, ranNanoUsd?: number): Promise<void>
  /** More for an answer that runs under an elastic hold: the hold as it stands then; `null`: there is no more. */
  extend(hold: Hold, extension: Extension): Promise<Hold | null>
  /** Idempotent by request id; a late settle after expiry corrects the booked row. */
  settle(settlement: Settlement): Promise<void>
  view(secretHash: string, clientIp: string | null): Promise<KeyView | Refusal>
  /** Carries what is settled to D1 now. */
  flush(): Promise<void>
  /** A row that has not reached D1 yet. */
  pending(requestId: string): Promise<Row | null>
}

/**
 * Checks the tag of a key of ours without touching storage, and looks imported ones up.
 * @throws GatewayError `gateway-misconfigured` when the signing secret is missing, `gateway-unavailable` when an imported key cannot be looked up
 */
export interface Keys {
  /** `null`: no key that is known here. */
  check(text: string): Promise<{ readonly id: string; readonly secretHash: string } | null>
}

export interface Ledger {
  find(id: string): Promise<Row | null>
}

export type Limits = {
  readonly bodyBytes: number
  /** Forms stream through, so they may be larger. */
  readonly formBytes: number
  readonly wholeAnswerBytes: number
  readonly headersMs: number
  readonly firstContentMs: number
  readonly idleMs: number
  /** For the rest of a whole answer once its headers are here; absent: the longer of headers and idle. */
  readonly bodyMs?: number
}

/** How an answer is read: what its provider and its request were, without settings. */
export type Language = {
  readonly dialect: DialectId
  readonly framing: Framing | 'json-array' | undefined
  readonly stream: boolean
  /** Answers asked for in one. */
  readonly choices: number
  /** As the provider has it. */
  readonly emptyIsFree: boolean
}

/** A call that outlives whoever made it: when the client leaves, its answer is read to the end by somebody else, who books it. */
export interface LastingCall {
  /** As `fetch`. Ending it ends the call, unless what it left is taken over soon. */
  fetch(url: string, init: RequestInit): Promise<Response>
  /** `false`: it was not taken over, or nobody knows; whoever asks settles. */
  takeOver(estate: Estate): Promise<boolean>
}

/** What models can do, and which of them are worth choosing between, the best known first. */
export type Abilities = { readonly capability: Capability; readonly models: readonly ModelName[] }

export interface Deps {
  readonly keys: Keys
  readonly account: (keyId: string) => Account
  readonly ledger: Ledger
  /** With the operator's overlay; synchronous once an isolate has it. */
  readonly catalogue: () => Promise<Catalogue>
  /** The operator's own prices; `null`: none. @throws GatewayError `gateway-unavailable` when nobody knows whether there are some */
  readonly prices: () => Promise<PriceBook | null>
  readonly providers: readonly Provider[]
  /** `null`: this place has no credentials here, or not the account so named. */
  readonly settings: (provider: Provider, credential?: string | null) => Settings | null
  /** The route table as of at most two seconds ago; the last good one where nobody can be asked. */
  readonly routes: () => Promise<RouteTable>
  readonly health: Health
  readonly learning: Learning
  readonly retryBudget: RetryBudget
  /** `null`: there is none here, and whoever would ask it takes its default. */
  readonly classifier: Classifier | null
  readonly cacheMemory: CacheMemory
  /** Which model a conversation was given. */
  readonly modelMemory: ModelMemory
  /** `null`: nothing is known of models, and routers' names are nobody's. */
  readonly abilities: Abilities | null
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  /** One call of its own each. */
  readonly lasting: (language: Language) => LastingCall
  /** An identity stream, native where the platform has one. */
  readonly pipe: () => { readonly readable: ReadableStream<Uint8Array>; readonly writable: WritableStream<Uint8Array> }
  /** A request body of known length from pieces, without a copy where the platform can. */
  readonly upload: (pieces: readonly Uint8Array[]) => ReadableStream<Uint8Array> | Uint8Array
  /** A request body that is still coming; `length` in bytes where it is known. */
  readonly uploadAsItComes: (pieces: AsyncIterable<Uint8Array>, length: number | null) => ReadableStream<Uint8Array>
  readonly now: () => number
  readonly random: () => number
  /** Keeps the request's context alive. Registered once, with the promise of the settle, before the first byte goes out. */
  readonly later: (work: Promise<unknown>) => void
  /** One redacted line for a request; not made where nobody keeps it. */
  readonly log: (line: () => { readonly [name: string]: unknown }) => void
  readonly limits: Limits
}
