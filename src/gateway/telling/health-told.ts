// A target's health as decisions tell it: only what is not as of a target of which nothing is known; and back.

import type { HealthView, Quantiles } from '../../routing/contract.ts'
import { UNKNOWN_HEALTH } from '../../routing/health.ts'

/** p50, p75, p90, p99. */
type Four = readonly [number, number, number, number]

export type HealthTold = {
  readonly state: HealthView['state']
  readonly may_probe?: true
  /** Milliseconds since the epoch. */
  readonly parked_until?: number
  readonly error_rate?: number
  readonly first_content_ms?: Four
  readonly tokens_per_second?: Four
  readonly latest?: { readonly first_content_ms: number | null; readonly tokens_per_second: number | null }
  readonly samples?: number
  readonly in_flight?: number
  /** Requests and tokens of the current minute. */
  readonly minute?: readonly [number, number]
  readonly age_ms?: number
}

export function healthTold(health: HealthView): HealthTold {
  const { state, mayProbe, parkedUntil, errorRate, firstContentMs, tokensPerSecond, latest, samples, inFlight, minute, ageMs } = health
  return {
    state,
    ...(mayProbe ? { may_probe: true } : {}),
    ...(parkedUntil === null ? {} : { parked_until: parkedUntil }),
    ...(errorRate === 0 ? {} : { error_rate: errorRate }),
    ...(firstContentMs === null ? {} : { first_content_ms: four(firstContentMs) }),
    ...(tokensPerSecond === null ? {} : { tokens_per_second: four(tokensPerSecond) }),
    ...(latest === undefined ? {} : { latest: { first_content_ms: latest.firstContentMs, tokens_per_second: latest.tokensPerSecond } }),
    ...(samples === 0 ? {} : { samples }),
    ...(inFlight === 0 ? {} : { in_flight: inFlight }),
    ...(minute.requests === 0 && minute.tokens === 0 ? {} : { minute: [minute.requests, minute.tokens] }),
    ...(ageMs === null ? {} : { age_ms: ageMs }),
  }
}

export function healthRead(told: HealthTold): HealthView {
  const { first_content_ms: first, tokens_per_second: speed, latest, minute } = told
  return {
    ...UNKNOWN_HEALTH,
    state: told.state,
    mayProbe: told.may_probe === true,
    parkedUntil: told.parked_until ?? null,
    errorRate: told.error_rate ?? 0,
    firstContentMs: first === undefined ? null : quantiles(first),
    tokensPerSecond: speed === undefined ? null : quantiles(speed),
    ...(latest === undefined ? {} : { latest: { firstContentMs: latest.first_content_ms, tokensPerSecond: latest.tokens_per_second } }),
    samples: told.samples ?? 0,
    inFlight: told.in_flight ?? 0,
    minute: { requests: minute?.[0] ?? 0, tokens: minute?.[1] ?? 0 },
    ageMs: told.age_ms ?? null,
  }
}

function four({ p50, p75, p90, p99 }: Quantiles): Four {
  return [p50, p75, p90, p99]
}

function quantiles([p50, p75, p90, p99]: Four): Quantiles {
  return { p50, p75, p90, p99 }
}
