// What passes between a request and its key's books: what is asked, what is held, what is booked. Types only.

import type { Usage } from './canonical.ts'
import type { ErrorCode } from './errors.ts'
import type { OnDisconnect, RouterPolicy } from './policy.ts'
import type { ModelLimitView } from './model-limits.ts'
import type { PurseHold } from './model-purses.ts'
import type { Permits } from './permits.ts'
import type { RateLimits, RatesView } from './rates.ts'
import type { Naming, Said } from './request-scopes.ts'
import type { Warning } from './soft-limit.ts'
import type { Comparison } from './shadow.ts'
import type { Slice, SliceTalk } from './slices.ts'
import type { Unfit } from './unfit.ts'

/** Both counters, in whole nano-dollars: what is spent and what is only held are never one number. */
export type Money = { readonly spentNanoUsd: number; readonly heldNanoUsd: number; readonly limitNanoUsd: number; readonly scope: string }

/** One target as admission sees it. Rates are the dearest a token can be, in pico-dollars; `null`: unpriced. */
export type CandidateAsk = {
  /** `provider/model`, matched against the key's allowed models. */
  readonly model: string
  /** `author/slug`, where the model has one: matched against them too. */
  readonly slug?: string
  readonly provider: string
  /** Where it is called; `null`: not known. */
  readonly region: string | null
  readonly worst: { readonly inputPico: number; readonly outputPico: number; readonly feesNanoUsd: number } | null
  /** Upper bound of the request's input tokens at this target; `null`: nothing bounds it. */
  readonly inputTokens: number | null
  /** The most this model can put out; `null`: unknown. */
  readonly maxOutputTokens: number | null
  /** What its answer costs can be counted while it runs, so an elastic hold may be extended; absent: it is held whole. */
  readonly isCountable?: boolean
  /** What is asked of this target where it is not what the client asked: a route may change the request. */
  readonly asked?: Pick<Ask, 'outputTokens' | 'leastOutputTokens' | 'choices'>
}

/** Everything admission needs, so that the Worker makes one call. `requestId` is ours, never the client's. */
export type Ask = Said & {
  readonly requestId: string
  readonly secretHash: string
  /** As the edge tells it; `null`: nobody tells. */
  readonly clientIp: string | null
  /** The one that is to be called first at their head: the hold is for that, and grows for another. */
  readonly candidates: readonly CandidateAsk[]
  /** The client's own output ceiling for all choices together; `null`: it set none. */
  readonly outputTokens: number | null
  /** A clamp may not go below this: the request's reasoning budget. */
  readonly leastOutputTokens: number
  readonly choices: number
  readonly idempotency: { readonly key: string; readonly fingerprint: string } | null
  /** The member that leaves tools of the provider without a bound. */
  readonly unbounded?: string
  /** Of leased keys: what the isolate has to say of its slices. */
  readonly slices?: SliceTalk
  /** A shadow of that request: it goes only where much more than its worst case is left (shadow.ts). */
  readonly shadowOf?: string
  /** Whoever asks wants to know why targets were left out. */
  readonly explains?: true
}

/** Money set aside. It carries its period, so that a settle after a rollover debits the period it was held in. */
export type Hold = {
  readonly requestId: string
  readonly period: string
  readonly nanoUsd: number
  /** By the clock of the key's object. */
  readonly takenAt: number
  readonly expiresAt: number
  /** The key has a budget: what is unknown is booked at its worst. */
  readonly budgeted: boolean
  /** It covers a part of the answer and is extended while that runs, up to the request's worst case in whole nano-dollars. Absent: it covers all. */
  readonly elastic?: { readonly mostNanoUsd: number }
  /** What it takes of the key's model limits, where it has some. */
  readonly purses?: readonly PurseHold[]
  /** The shared budgets it was reserved in, where the request itself has named some: so that its settle can name them again. */
  readonly scopes?: readonly string[]
  /** It was taken out of a slice, by an isolate; with the tokens that were reserved. */
  readonly slice?: { readonly id: string; readonly tokens: number }
  /** It is of a shadow of that request. */
  readonly shadowOf?: string
}

/** What a running answer has cost so far, rather more than less, and what its hold should become: at least, and at best. Whole nano-dollars. */
export type Extension = {
  readonly ranNanoUsd: number
  readonly leastNanoUsd: number
  readonly bestNanoUsd: number
  /** For another target, beside what those before it may be billed: more than the request's own worst case. */
  readonly beside?: true
}

/** `strict`: a hold covers the worst case, and the ceiling is lowered to what can be paid. `elastic`: it grows with the answer, which ends when the money does. */
export type HoldMode = 'strict' | 'elastic'

/** A whole answer kept for a repeat under the same Idempotency-Key. */
export type KeptAnswer = { readonly status: number; readonly headers: { readonly [name: string]: string }; readonly text: string }

export type Refusal = {
  readonly kind: 'refused'
  readonly code: ErrorCode
  readonly message: string
  readonly retryAfterMs?: number
  readonly money?: Money
  readonly rates?: RatesView
  readonly warnings?: readonly Warning[]
}

/** A rule of the key, its price, or its limits. */
export type LeftOut = 'key:models' | 'key:providers' | 'key:regions' | 'unpriced' | 'too-dear' | 'unbounded' | 'rate-limited'

export type Admission =
  | {
      readonly kind: 'granted'
      readonly hold: Hold
      /** Indexes of the candidates this key may use and pay for. */
      readonly allowed: readonly number[]
      /** What each of the targets asked about may cost at worst, by index; absent where there is only one. */
      readonly needs?: readonly number[]
      /** The output ceiling to enforce upstream at the first of the allowed, a choice; `null`: the client's own stands. */
      readonly maxOutputTokens: number | null
      /** The same for each of the targets asked about, by index; absent: as for the first. */
      readonly ceilings?: readonly (number | null)[]
      /** The ceiling is lower than what the client asked for, or stands in for one that was missing. */
      readonly clamped: boolean
      /** When the client leaves, what cannot be stopped for free is read to its end. */
      readonly drains?: true
      /** How models may be chosen for it; absent: the key says nothing. */
      readonly router?: RouterPolicy
      /** The same Idempotency-Key ended before, but its answer is no longer kept. */
      readonly repeated: boolean
      /** What the key adds on top of every price: the hold has it, and what is booked must. */
      readonly markupBasisPoints?: number
      /** What is spent and held of the key's own budget, 0 to 1; absent: it has none. */
      readonly budgetUsed?: number
      /** What is left of the key's limits, where it has some. */
      readonly rates?: RatesView
      /** Why targets that were asked about are not among them, by index; only where that was asked. */
      readonly leftOut?: readonly (readonly [number, LeftOut])[]
      /** Soft limits that are reached. */
      readonly warnings?: readonly Warning[]
      /** The key is leased: what the isolate may admit by itself; `null`: nothing for now. */
      readonly leased?: { readonly slice: Slice | null }
    }
  | { readonly kind: 'replay'; readonly requestId: string; readonly answer: KeptAnswer }
  | Refusal

/** `budget-stop`: an elastic hold could not be extended. `unattributed`: no request, but what a crash of the key's object may have forgotten. */
export type Ending = 'complete' | 'client-gone' | 'upstream-cut' | 'budget-stop' | 'failed' | 'expired' | 'unattributed'
export type UsageFrom = 'provider' | 'counted' | 'hold' | 'none'

/** One call of one target. */
export type Leg = {
  readonly provider: string
  readonly model: string
  /** `unfit`: it answered, and another answer was given instead. */
  readonly outcome: 'committed' | 'unfit' | ErrorCode
  /** What is verifiably no good about its answer; also of one that was given because there was no better. */
  readonly unfit?: Unfit
  /** What a call that came to no answer, or made a part of one, may be billed, and is booked for it; absent: nothing, or the rest; `null`: unknown. */
  readonly costNanoUsd?: number | null
  readonly status: number | null
  readonly ms: number
}

/** What became of a request on its way to its target, in the client's words; what is in no list was kept. */
export type Fidelity = {
  readonly way: 'forwarded' | 'translated'
  /** Said under another name or by another mechanism: `max_tokens → inferenceConfig.maxTokens`. */
  readonly mapped: readonly string[]
  readonly approximated: readonly string[]
  readonly dropped: readonly string[]
}

/** A model was chosen for a request: what the choice was made of. Numbers and names, nothing of a prompt. */
export type Chosen = {
  /** One of the classifier's task types; `null`: nothing could be judged. */
  readonly task: string | null
  /** 0 to 1; `null`: there was none. */
  readonly score: number | null
  /** As the capability table names it; in a row whoever answered. */
  readonly model: string
  /** What the table promised of it at the task; `null`: nothing, or another model answered. */
  readonly prior: { readonly value: number; readonly error: number } | null
  /** The table alone chose it: the tenant's outcomes did not decide. */
  readonly led: boolean
  /** How likely this choice was, above 0 to 1: for checks of what another rule would have done. */
  readonly propensity: number
  readonly explored: boolean
  /** It counts against the share of expensive choices. */
  readonly expensive: boolean
}

/** The whole ledger row: an object that lost its memory can book it from this alone. Times are milliseconds since the epoch, or durations. */
export type Row = {
  readonly id: string
  readonly keyId: string
  readonly period: string
  readonly createdAt: number
  readonly dialect: string
  readonly requestedModel: string
  readonly provider: string | null
  readonly model: string | null
  readonly streamed: boolean
  readonly usage: Usage | null
  readonly usageFrom: UsageFrom
  /** `null`: unknown, which is not zero. */
  readonly costNanoUsd: number | null
  readonly priceVersion: string | null
  readonly attempts: readonly Leg[]
  readonly finish: string | null
  readonly ended: Ending
  readonly errorCode: ErrorCode | null
  readonly firstEventMs: number | null
  readonly totalMs: number
  readonly traceId: string | null
  readonly parentSpan: string | null
  readonly session: string | null
  readonly endUser: string | null
  readonly tags: readonly string[]
  readonly upstreamId: string | null
  readonly dropped: readonly string[]
  /** `null`: nothing was sent, or nobody answered. */
  readonly fidelity: Fidelity | null
  /** The budgets that the key shared, as `team:blue`: filled in by its book. Absent: it was not there yet. */
  readonly scopes?: readonly string[]
  /** It is a shadow of that request, and no generation of the client's. */
  readonly shadowOf?: string
  /** Of a shadow that came to its end. */
  readonly comparison?: Comparison
  /** Why it went where it went: the JSON text of its decision (gateway/telling/decision.ts). Absent: nobody asked. */
  readonly decision?: string
  /** Its model was chosen. Absent: it named one. */
  readonly router?: Chosen
  /** What was said of its answer since; only of rows that are read from the ledger. */
  readonly feedback?: string
}

/** `row: null` gives the hold back: nothing was sent. It carries the hold, for an object that has forgotten it. */
export type Settlement = { readonly hold: Hold; readonly row: Row | null; readonly answer: KeptAnswer | null }

/** What a key may know of itself. */
export type KeyView = Permits & {
  readonly keyId: string
  readonly label: string
  readonly name: string
  readonly hash: string
  readonly disabled: boolean
  readonly expiresAt: number | null
  readonly limitNanoUsd: number | null
  readonly limitReset: string | null
  readonly softNanoUsd: number | null
  readonly resetsAt: number | null
  readonly limits: RateLimits
  readonly modelLimits: readonly ModelLimitView[]
  readonly scopes: readonly string[]
  readonly mode: HoldMode
  readonly onDisconnect: OnDisconnect
  readonly naming: Naming
  readonly leased: boolean
  readonly router?: RouterPolicy
  readonly running: number
  readonly spentNanoUsd: number
  readonly spentEverNanoUsd: number
  readonly spentDayNanoUsd: number
  readonly spentWeekNanoUsd: number
  readonly spentMonthNanoUsd: number
  readonly heldNanoUsd: number
  readonly holdSeconds: number
  /** Settled rows on their way to the ledger. */
  readonly rowsWaiting?: number
}
