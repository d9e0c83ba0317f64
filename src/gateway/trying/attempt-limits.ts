// How long one attempt may take: the gateway's limits, or the route's, or what was learned, inside what is left of the client's own deadline.

import type { HealthView, Timeouts } from '../../routing/contract.ts'
import type { Limits } from '../../ports.ts'

/** With others to go to, one attempt gets this share of what is left. */
const SHARE = 0.6
/** A probe of a target that was ill does not keep its client waiting for as long as a healthy one may. */
const PROBE_MS = 15_000
const LEARNED_AT_LEAST_MS = 5000
const LEARNED_FROM = 20

export type Pace = {
  readonly timeouts: Timeouts
  readonly health: HealthView
  /** It is tried whether it is well again. */
  readonly probe: boolean
  readonly learns: boolean
  /** The answer is a stream: of a whole one nobody knows how long it may honestly take. */
  readonly streams: boolean
  /** Somebody else could still be asked. */
  readonly others: boolean
  /** Milliseconds since the epoch; `null`: none. For the whole answer, and for its first content. */
  readonly deadlineAt: number | null
  readonly firstContentAt: number | null
}

/** `hurried`: the client's deadline ends the attempt before the gateway would. */
export type AttemptLimits = { readonly limits: Limits; readonly hurried: boolean }

/** Limits as they are when they are read: what is spent on headers is not there for the content. */
export function attemptLimits(base: Limits, pace: Pace, now: () => number): AttemptLimits {
  const { timeouts, deadlineAt, firstContentAt } = pace
  const deadlines = [deadlineAt, firstContentAt].filter((at) => at !== null)
  const knownMs = pace.streams ? knownLimit(pace) : Number.POSITIVE_INFINITY // many say their headers with the first content only
  const own: Limits = {
    ...base,
    headersMs: Math.min(timeouts.headersMs ?? base.headersMs, knownMs),
    firstContentMs: Math.min(timeouts.firstContentMs ?? base.firstContentMs, knownMs),
    idleMs: timeouts.idleMs ?? base.idleMs,
  }
  if (deadlines.length === 0 && knownMs === Number.POSITIVE_INFINITY) return { limits: own, hurried: false }
  const began = now()
  const left = Math.max(0, Math.min(...deadlines) - began)
  const shareMs = pace.others ? left * SHARE : left
  const most = (ms: number, inAllMs: number): number => Math.max(1, Math.min(ms, began + inAllMs - now()))
  return {
    limits: {
      ...own,
      get headersMs() {
        return most(own.headersMs, Math.min(shareMs, knownMs))
      },
      get firstContentMs() {
        return most(own.firstContentMs, Math.min(shareMs, knownMs))
      },
      get bodyMs() {
        return most(base.bodyMs ?? Math.max(own.headersMs, own.idleMs), shareMs)
      },
    },
    hurried: shareMs < Math.min(own.headersMs, own.firstContentMs),
  }
}

/** From sending to the first content, as its health has it. */
function knownLimit({ health, probe, learns, others }: Pace): number {
  const known = health.firstContentMs
  const probing = probe && others ? Math.max(PROBE_MS, 2 * (known?.p99 ?? 0)) : Number.POSITIVE_INFINITY
  if (!learns || known === null || health.samples < LEARNED_FROM) return probing
  return Math.min(probing, Math.max(LEARNED_AT_LEAST_MS, 3 * known.p99))
}
