// How much a key may ask: requests and tokens a minute and a day, and requests at once. Windows slide (rate-window.ts).

import type { Row } from './account.ts'
import { inputTokens, outputTokens } from './price.ts'
import { RateWindow, type Counted } from './rate-window.ts'

/** `null`: no limit. */
export type RateLimits = {
  readonly requestsPerMinute: number | null
  readonly requestsPerDay: number | null
  readonly tokensPerMinute: number | null
  readonly tokensPerDay: number | null
  readonly parallelRequests: number | null
}

export const NO_LIMITS: RateLimits = {
  requestsPerMinute: null,
  requestsPerDay: null,
  tokensPerMinute: null,
  tokensPerDay: null,
  parallelRequests: null,
}

export function hasLimits(limits: RateLimits): boolean {
  return Object.values(limits).some((limit) => limit !== null)
}

/** May less after than before? */
export function narrowsRates(before: RateLimits, after: RateLimits): boolean {
  const names = Object.keys(NO_LIMITS) as readonly (keyof RateLimits)[] // its own names
  return names.some((name) => (after[name] ?? Number.POSITIVE_INFINITY) < (before[name] ?? Number.POSITIVE_INFINITY))
}

/** What is told of a limit: the tighter one of minute and day. */
export type RateView = { readonly limit: number; readonly remaining: number; readonly resetMs: number }
export type RatesView = { readonly requests?: RateView; readonly tokens?: RateView }

export type RatesSnapshot = {
  readonly requests: readonly [minute: Counted, day: Counted]
  readonly tokens: readonly [minute: Counted, day: Counted]
}

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
/** Nobody can say when a running request ends: soon enough to try again, and seldom enough to be bearable. */
const PARALLEL_WAIT_MS = 1000

type Windows = readonly [minute: RateWindow, day: RateWindow]
const windows = (): Windows => [new RateWindow(MINUTE_MS, 1000), new RateWindow(DAY_MS, 900_000)]

/** Why a request must wait. */
export type Wait = {
  readonly what: string
  readonly limit: number
  readonly waitMs: number
  /** Whose limit it is, where it is not the key's. */
  readonly scope?: string
}

export class Rates {
  readonly #requests = windows()
  readonly #tokens = windows()

  /** What stands against one more request of so many tokens; `null`: nothing. The longest wait counts. `requests`: that there be room for so many. */
  wait(limits: RateLimits, tokens: number, running: number, now: number, requests = 1): Wait | null {
    const waits: Wait[] = []
    const check = (what: string, window: RateWindow, limit: number | null, count: number): void => {
      if (limit === null) return
      // What is larger than the limit itself may go when nothing else is counted: else it never could.
      const waitMs = window.waitMs(Math.min(count, limit), limit, now)
      if (waitMs > 0) waits.push({ what, limit, waitMs })
    }
    check('requests a minute', this.#requests[0], limits.requestsPerMinute, requests)
    check('requests a day', this.#requests[1], limits.requestsPerDay, requests)
    check('tokens a minute', this.#tokens[0], limits.tokensPerMinute, tokens)
    check('tokens a day', this.#tokens[1], limits.tokensPerDay, tokens)
    if (limits.parallelRequests !== null && running + requests > limits.parallelRequests)
      waits.push({ what: 'requests at once', limit: limits.parallelRequests, waitMs: PARALLEL_WAIT_MS })
    return waits.reduce<Wait | null>((longest, wait) => (longest === null || wait.waitMs > longest.waitMs ? wait : longest), null)
  }

  /** Counts a request that was admitted at `at`; negative counts take back, or true up, what was counted there. What has no limit is not counted. */
  count(limits: RateLimits, requests: number, tokens: number, at: number): void {
    const add = (window: RateWindow, limit: number | null, count: number): void => {
      if (limit !== null && count !== 0) window.add(count, at)
    }
    add(this.#requests[0], limits.requestsPerMinute, requests)
    add(this.#requests[1], limits.requestsPerDay, requests)
    add(this.#tokens[0], limits.tokensPerMinute, tokens)
    add(this.#tokens[1], limits.tokensPerDay, tokens)
  }

  /** What was reserved at `at` becomes what was used; what was never sent (`row: null`) is not counted at all. */
  trueUp(limits: RateLimits, reserved: number, at: number, row: Pick<Row, 'usage' | 'usageFrom'> | null): void {
    if (row === null) this.count(limits, -1, -reserved, at)
    else if (row.usage !== null) this.count(limits, 0, inputTokens(row.usage) + outputTokens(row.usage) - reserved, at)
    else if (row.usageFrom === 'none') this.count(limits, 0, -reserved, at)
  }

  view(limits: RateLimits, now: number): RatesView | undefined {
    const requests = tighter(this.#requests, [limits.requestsPerMinute, limits.requestsPerDay], now)
    const tokens = tighter(this.#tokens, [limits.tokensPerMinute, limits.tokensPerDay], now)
    if (requests === null && tokens === null) return undefined
    return { ...(requests === null ? {} : { requests }), ...(tokens === null ? {} : { tokens }) }
  }

  snapshot(now: number): RatesSnapshot {
    for (const window of [...this.#requests, ...this.#tokens]) window.used(now)
    return {
      requests: [this.#requests[0].snapshot(), this.#requests[1].snapshot()],
      tokens: [this.#tokens[0].snapshot(), this.#tokens[1].snapshot()],
    }
  }

  restore(snapshot: RatesSnapshot): void {
    for (const i of [0, 1] as const) {
      this.#requests[i].restore(snapshot.requests[i])
      this.#tokens[i].restore(snapshot.tokens[i])
    }
  }
}

/** Of each kind the one with less left. */
export function tighterView(a: RatesView | undefined, b: RatesView | undefined): RatesView | undefined {
  if (a === undefined || b === undefined) return a ?? b
  const less = (one: RateView | undefined, other: RateView | undefined): RateView | undefined =>
    one === undefined || (other !== undefined && other.remaining < one.remaining) ? other : one
  const [requests, tokens] = [less(a.requests, b.requests), less(a.tokens, b.tokens)]
  return { ...(requests === undefined ? {} : { requests }), ...(tokens === undefined ? {} : { tokens }) }
}

function tighter(of: Windows, limits: readonly [number | null, number | null], now: number): RateView | null {
  let found: RateView | null = null
  for (const i of [0, 1] as const) {
    const limit = limits[i]
    if (limit === null) continue
    const view = { limit, remaining: Math.max(0, limit - of[i].used(now)), resetMs: of[i].emptyMs(now) }
    if (found === null || view.remaining < found.remaining) found = view
  }
  return found
}
