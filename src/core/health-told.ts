// What a provider's object tells of one window, in ages instead of instants, and how an isolate hears it by its own clock.

import { stateOf, type Breaker } from './breaker.ts'
import { numbersOf, type HealthWindow } from './health.ts'
import type { Percentiles } from './histogram.ts'

export type Told = {
  readonly breaker: {
    readonly open: boolean
    /** `null`: never. */
    readonly openedAgoMs: number | null
    readonly closedAgoMs: number | null
    readonly closings: number
    readonly coolLeftMs: number
    readonly coolMs: number
    readonly probe: { readonly by: string; readonly leftMs: number } | null
    readonly parkedMs: number
  }
  /** Of thirty seconds. */
  readonly samples: number
  readonly ill: number
  /** Of five minutes. */
  readonly firstContentMs: Percentiles | null
  readonly tokensPerSecond: Percentiles | null
  /** Of the current minute, which ends in `leftMs`. */
  readonly minute: { readonly requests: number; readonly tokens: number; readonly leftMs: number }
}

/** By the clock of who heard it. */
export type Heard = Omit<Told, 'breaker' | 'minute'> & {
  readonly breaker: Breaker
  readonly minute: { readonly requests: number; readonly tokens: number; readonly endsAt: number }
  readonly askedAt: number
}

export function tell(window: HealthWindow, now: number): Told {
  const { breaker } = window
  const { firstContentMs, tokensPerSecond } = numbersOf(window.slices(now).minutes)
  const left = (at: number): number => Math.max(0, at - now)
  const ago = (at: number): number | null => (at === 0 ? null : Math.max(0, now - at))
  const { probe } = breaker
  return {
    breaker: {
      open: breaker.open,
      openedAgoMs: ago(breaker.openedAt),
      closedAgoMs: ago(breaker.closedAt),
      closings: breaker.closings,
      coolLeftMs: left(breaker.until),
      coolMs: breaker.coolMs,
      probe: probe === null || probe.until <= now ? null : { by: probe.by, leftMs: probe.until - now },
      parkedMs: left(breaker.parkedUntil),
    },
    ...window.recent(now),
    firstContentMs,
    tokensPerSecond,
    minute: { ...window.minute(now), leftMs: 60_000 - (now % 60_000) },
  }
}

/** What is over at the object is over here too: ends are counted from when it was heard, what is past from when it was asked. */
export function hear(told: Told, askedAt: number, now: number): Heard {
  const { breaker, minute } = told
  const past = (agoMs: number | null): number => (agoMs === null ? 0 : askedAt - agoMs)
  return {
    ...told,
    breaker: {
      open: breaker.open,
      streak: 0,
      openedAt: past(breaker.openedAgoMs),
      closedAt: past(breaker.closedAgoMs),
      closings: breaker.closings,
      until: breaker.open ? now + breaker.coolLeftMs : 0,
      coolMs: breaker.coolMs,
      probe: breaker.probe === null ? null : { by: breaker.probe.by, until: now + breaker.probe.leftMs },
      parkedUntil: breaker.parkedMs === 0 ? 0 : now + breaker.parkedMs,
      parkMs: 0,
    },
    minute: { requests: minute.requests, tokens: minute.tokens, endsAt: now + minute.leftMs },
    askedAt,
  }
}

/** Is there something that every isolate should know, whoever it calls? */
export function isTrouble({ breaker }: HealthWindow, now: number): boolean {
  return stateOf(breaker, now) !== 'closed' || breaker.parkedUntil > now
}
