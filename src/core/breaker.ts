// The circuit breaker of one target, as data: closed, open while it cools down, then half-open with one probe at a time. Being parked by a
// 429 is beside it. Time and chance come in as values; times are milliseconds of whoever's clock keeps it.

export type Breaker = {
  readonly open: boolean
  /** Ill calls in a row. */
  readonly streak: number
  /** When it opened, or a probe last failed; 0: never. */
  readonly openedAt: number
  /** When a probe last was good; 0: never. */
  readonly closedAt: number
  /** How often that happened. */
  readonly closings: number
  /** Half-open from then on. */
  readonly until: number
  /** Before jitter. */
  readonly coolMs: number
  /** Who may probe, until when; what is not told of by then is given to the next. */
  readonly probe: { readonly by: string; readonly until: number } | null
  /** 0: never. */
  readonly parkedUntil: number
  /** What the last 429 without Retry-After parked for; 0: none since a good call. */
  readonly parkMs: number
}

export const NEW_BREAKER: Breaker = {
  open: false,
  streak: 0,
  openedAt: 0,
  closedAt: 0,
  closings: 0,
  until: 0,
  coolMs: 0,
  probe: null,
  parkedUntil: 0,
  parkMs: 0,
}

export const PROBE_MS = 30_000
/** That many in a row open it. */
export const STREAK = 5
const FIRST_COOL_MS = 2000
const MOST_COOL_MS = 15_000
const JITTER = 0.2
const FIRST_PARK_MS = 1000
const MOST_PARK_MS = 10_000
const MOST_RETRY_AFTER_MS = 3_600_000

export function stateOf({ open, until }: Breaker, now: number): 'closed' | 'open' | 'half-open' {
  if (!open) return 'closed'
  return now < until ? 'open' : 'half-open'
}

/** Half-open, not parked, and nobody probes. */
export function mayProbe(breaker: Breaker, now: number): boolean {
  return stateOf(breaker, now) === 'half-open' && breaker.parkedUntil <= now && claimant(breaker, now) === null
}

/** `null`: nobody. */
export function claimant({ probe }: Breaker, now: number): string | null {
  return probe !== null && probe.until > now ? probe.by : null
}

/** Gives the probe to somebody for so long, unless somebody else has it. */
export function claim(breaker: Breaker, by: string, now: number, ms: number): Breaker {
  const holder = claimant(breaker, now)
  if (stateOf(breaker, now) !== 'half-open' || (holder !== null && holder !== by)) return breaker
  return { ...breaker, probe: { by, until: Math.max(now + ms, breaker.probe?.by === by ? breaker.probe.until : 0) } }
}

/** The probe said nothing: the next may. */
export function giveBack(breaker: Breaker, by: string): Breaker {
  return breaker.probe?.by === by ? { ...breaker, probe: null } : breaker
}

/** `chance`: 0 (inclusive) to 1 (exclusive). One that is open already stays as it is. */
export function trip(breaker: Breaker, now: number, chance: number): Breaker {
  return breaker.open ? breaker : cooling(breaker, FIRST_COOL_MS, now, chance)
}

/** A probe failed: it cools down twice as long. One that nobody was to make says nothing new. */
export function probeFailed(breaker: Breaker, now: number, chance: number): Breaker {
  if (stateOf(breaker, now) !== 'half-open') return breaker
  return cooling(breaker, Math.min(MOST_COOL_MS, breaker.coolMs * 2), now, chance)
}

function cooling(breaker: Breaker, coolMs: number, now: number, chance: number): Breaker {
  const until = now + Math.round(coolMs * (1 - JITTER + 2 * JITTER * chance))
  return { ...breaker, open: true, openedAt: now, until, coolMs, probe: null }
}

/** A probe was good at `at`. */
export function close(breaker: Breaker, at: number): Breaker {
  if (!breaker.open) return breaker
  return { ...breaker, open: false, streak: 0, closedAt: at, closings: breaker.closings + 1, until: 0, coolMs: 0, probe: null }
}

/** A good call that was no probe. */
export function calm(breaker: Breaker): Breaker {
  return breaker.streak === 0 && breaker.parkMs === 0 ? breaker : { ...breaker, streak: 0, parkMs: 0 }
}

/**
 * A 429 to a call that began at `beganAt`. Those that were on their way already when it was parked do not make it longer, but for what
 * they say themselves.
 */
export function park(breaker: Breaker, retryAfterMs: number | null, beganAt: number, now: number): Breaker {
  const said = retryAfterMs !== null && retryAfterMs >= 0 ? Math.min(retryAfterMs, MOST_RETRY_AFTER_MS) : null
  if (said !== null) return parkFor(breaker, said, now)
  if (beganAt < breaker.parkedUntil) return breaker
  const parkMs = breaker.parkMs === 0 ? FIRST_PARK_MS : Math.min(MOST_PARK_MS, breaker.parkMs * 2)
  return { ...parkFor(breaker, parkMs, now), parkMs }
}

export function parkFor(breaker: Breaker, ms: number, now: number): Breaker {
  return { ...breaker, parkedUntil: Math.max(breaker.parkedUntil, now + Math.min(ms, MOST_RETRY_AFTER_MS)) }
}

/** Two that watch the same target, by one clock: the worse wins, but an opening from before the other saw it well is over. */
export function worse(a: Breaker, b: Breaker): Breaker {
  const openA = a.open && a.openedAt > b.closedAt
  const openB = b.open && b.openedAt > a.closedAt
  const claims = [openA ? a.probe : null, openB ? b.probe : null].filter((probe) => probe !== null)
  const [probe] = claims.sort((x, y) => y.until - x.until || (x.by < y.by ? -1 : 1))
  return {
    open: openA || openB,
    streak: Math.max(a.streak, b.streak),
    openedAt: Math.max(a.openedAt, b.openedAt),
    closedAt: Math.max(a.closedAt, b.closedAt),
    closings: Math.max(a.closings, b.closings),
    until: Math.max(openA ? a.until : 0, openB ? b.until : 0),
    coolMs: Math.max(openA ? a.coolMs : 0, openB ? b.coolMs : 0),
    probe: probe ?? null,
    parkedUntil: Math.max(a.parkedUntil, b.parkedUntil),
    parkMs: Math.max(a.parkMs, b.parkMs),
  }
}
