// What a failed call means: for its target's health, for who may be asked next, and for whether the same may be asked again.

import type { GatewayError } from '../../core/errors.ts'
import type { Trouble } from '../../routing/contract.ts'
import type { HealthOutcome } from '../../routing/health.ts'

const BACKOFF_MS = 250
const MOST_BACKOFF_MS = 2000
/** A provider that asks for more is not waited for: the client is told, and can do better. */
const MOST_WAIT_MS = 2000

export const NEUTRAL: HealthOutcome = { kind: 'neutral' }

/** `hurried`: the client's own deadline ended it, and sooner than this target could be expected to answer. */
export function outcomeOf(error: GatewayError, hurried: boolean): HealthOutcome {
  switch (error.code) {
    case 'upstream-limited':
      return { kind: 'limited', retryAfterMs: error.detail.retryAfterMs ?? null }
    case 'upstream-timeout':
      return hurried ? NEUTRAL : { kind: 'ill' }
    case 'upstream-overloaded':
    case 'upstream-failed':
    case 'upstream-garbled':
    case 'upstream-cut':
    case 'credential-refused':
      return { kind: 'ill' }
    default:
      return NEUTRAL
  }
}

/** Whom it lets ask; `null`: nobody, the client is answered at once. */
export function troubleOf({ rule, code, detail }: GatewayError, sent: boolean): Trouble | null {
  if (!sent && rule.fault === 'client' && code !== 'client-gone') return 'outage' // what cannot be said to this place may be said to another
  if (code === 'upstream-refused' && detail.upstream?.status === 404) return 'outage' // the place does not have the model
  if (rule.next === 'stop') return null
  return rule.next === 'context' || rule.next === 'content' ? rule.next : 'outage'
}

/** The same call might come out otherwise. One that took all its time, or whose credential is refused, would not. */
export function isWorthRepeating({ code }: GatewayError): boolean {
  return (
    code === 'upstream-limited' ||
    code === 'upstream-overloaded' ||
    code === 'upstream-failed' ||
    code === 'upstream-cut' ||
    code === 'upstream-garbled'
  )
}

/** Milliseconds, with full jitter; `null`: the provider asks for more time than a client should be kept waiting. */
export function backoff({ detail }: GatewayError, round: number, random: number): number | null {
  const asked = detail.retryAfterMs ?? 0
  if (asked > MOST_WAIT_MS) return null
  return asked + random * Math.min(MOST_BACKOFF_MS, BACKOFF_MS * 2 ** round)
}
