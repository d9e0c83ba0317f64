// What the gateway tells of its calls, and what routing asks about them.

import type { HealthView, Quantiles } from './contract.ts'

/** One window: a model with a credential, at a provider in a region. */
export type HealthTarget = {
  readonly provider: string
  readonly region: string | null
  readonly model: string
  /** `null`: the provider's own. */
  readonly credential: string | null
}

/**
 * How a call went, classified: `good` when content came; `ill` for what is the provider's fault (5xx, overload, timeout, cut, garbage, refused
 * credential); `limited` for a 429. What is the client's fault, and a client that left, is `neutral`: it ends a probe and counts for nothing.
 */
export type HealthOutcome =
  /** `firstContentMs: null`: an answer that came whole, so nobody saw when it began. */
  | { readonly kind: 'good'; readonly firstContentMs: number | null }
  | { readonly kind: 'ill' }
  | { readonly kind: 'limited'; readonly retryAfterMs: number | null }
  | { readonly kind: 'neutral' }

export interface Health {
  /** Synchronous: from what this isolate knows. Asks the object in the background when that is old. */
  view(target: HealthTarget): HealthView
  /** A call begins; `probe`: it is the one by which a half-open window is tried. `tokens`: what it may take in, for the minute's count. */
  begin(target: HealthTarget, probe: boolean, tokens: number): void
  /** Once for each `begin`, as soon as it is known: at the first content, or at the failure. */
  report(target: HealthTarget, outcome: HealthOutcome): void
  /** A call that was good has ended: `ill` when it broke off. Once for each `good`. */
  end(target: HealthTarget, ending: { readonly ill: boolean; readonly outputTokens: number | null; readonly ms: number }): void
}

/** As OpenRouter's listing of endpoints spells them. Uptimes are percentages without rate-limited calls, latencies milliseconds, throughput tokens a second; `null`: no sample. */
export type EndpointNumbers = {
  readonly status: 0 | -1 | -2
  readonly uptime_last_5m: number | null
  readonly uptime_last_30m: number | null
  readonly uptime_last_1d: number | null
  readonly latency_last_30m: Quantiles | null
  readonly throughput_last_30m: Quantiles | null
}

/** Nothing is known of a target. */
export const UNKNOWN_HEALTH: HealthView = {
  state: 'closed',
  mayProbe: false,
  parkedUntil: null,
  samples: 0,
  errorRate: 0,
  firstContentMs: null,
  tokensPerSecond: null,
  inFlight: 0,
  minute: { requests: 0, tokens: 0 },
  ageMs: null,
}

/** Where nobody keeps count. */
export const NO_HEALTH: Health = { view: () => UNKNOWN_HEALTH, begin: () => undefined, report: () => undefined, end: () => undefined }
