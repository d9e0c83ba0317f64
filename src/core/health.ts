// One window of health, a model with a credential: the last thirty seconds in seconds, the last five minutes in minutes, and its breaker.
// Kept by each isolate of its own calls and by the provider's object of everybody's, which also keeps half an hour and a day.

import { calm, claim, close, giveBack, NEW_BREAKER, park, parkFor, PROBE_MS, probeFailed, STREAK, trip, type Breaker } from './breaker.ts'
import type { Delta, ProbeEnd } from './health-delta.ts'
import { bucketOf, count, percentiles, type Percentiles } from './histogram.ts'
import { Slices, uptimeOf, type SavedSlice, type Slice } from './health-slices.ts'

const OUTAGE_S = 30
/** The share that opens a breaker, of how many at least, within how long. */
const ILL_SHARE = 0.5
const ILL_SAMPLES = 10
const ILL_S = 10

/** Numbers of one span; uptime is 0 to 1, without limited ones, `null` where there was nothing. */
export type SpanNumbers = {
  readonly uptime: number | null
  readonly firstContentMs: Percentiles | null
  readonly tokensPerSecond: Percentiles | null
}

/** What a restart must bring back, by the same clock. */
export type SavedWindow = {
  readonly breaker: Breaker
  readonly seconds: readonly (readonly [second: number, at: number, good: number, ill: number])[]
  readonly minutes: readonly SavedSlice[]
  readonly fives: readonly SavedSlice[]
  readonly hours: readonly SavedSlice[]
}

/** Of the last five minutes, half hour and day; the latter two empty where they are not kept. Hours have no histograms. */
export type WindowSlices = { readonly minutes: readonly Slice[]; readonly fives: readonly Slice[]; readonly hours: readonly Slice[] }

type Second = { at: number; good: number; ill: number }

export class HealthWindow {
  breaker: Breaker = NEW_BREAKER
  readonly #seconds = new Map<number, Second>()
  readonly #minutes = new Slices(60_000, 5)
  readonly #long: { readonly fives: Slices; readonly hours: Slices } | null
  /** Good calls there have been; tells whether there was one since. */
  #goods = 0

  /** `long`: half an hour and a day are kept too. */
  constructor(long = false) {
    this.#long = long ? { fives: new Slices(300_000, 6), hours: new Slices(3_600_000, 24) } : null
  }

  get goods(): number {
    return this.#goods
  }

  begin(tokens: number, now: number): void {
    this.#add(now, (slice) => {
      slice.requests++
      slice.tokens += tokens
    })
  }

  good(firstContentMs: number | null, now: number): void {
    this.#goods++
    this.breaker = calm(this.breaker)
    this.#sample(now, 1, 0)
    const bucket = firstContentMs === null ? null : bucketOf(firstContentMs)
    this.#add(now, (slice, isLong) => {
      slice.good++
      if (bucket !== null && !isLong) count(slice.first, bucket, 1)
    })
  }

  /** `streak`: how many in a row it counts as. */
  ill(now: number, chance: number, streak = 1): void {
    this.#sample(now, 0, 1)
    this.#add(now, (slice) => slice.ill++)
    this.#judge(streak, now, chance)
  }

  /** A good one broke off. */
  cut(now: number, chance: number, streak: number): void {
    this.#sample(now, -1, 1)
    this.#add(now, (slice) => {
      slice.good--
      slice.ill++
    })
    this.#judge(streak, now, chance)
  }

  /** A call from before the last closing failed: that counts, but says nothing about now. */
  late(now: number): void {
    this.#add(now, (slice) => slice.ill++)
  }

  limited(retryAfterMs: number | null, beganAt: number, now: number): void {
    this.breaker = park(this.breaker, retryAfterMs, beganAt, now)
    this.#add(now, (slice) => slice.limited++)
  }

  /** `tokensPerSecond`: `null` where it cannot be told. */
  ended(outputTokens: number, tokensPerSecond: number | null, now: number): void {
    const bucket = tokensPerSecond === null ? null : bucketOf(tokensPerSecond)
    this.#add(now, (slice, isLong) => {
      slice.tokens += outputTokens
      if (bucket !== null && !isLong) count(slice.speed, bucket, 1)
    })
  }

  probed(end: ProbeEnd, by: string, now: number, chance: number): void {
    if (end === 'good') this.closeAt(now)
    else if (end === 'ill') this.breaker = probeFailed(this.breaker, now, chance)
    this.breaker = giveBack(this.breaker, by)
  }

  /** A probe was good then: what was ill before is forgotten. */
  closeAt(at: number): void {
    this.breaker = { ...close(this.breaker, at), streak: 0, closedAt: Math.max(this.breaker.closedAt, at) }
    for (const [second, sample] of this.#seconds) if (sample.at <= at) this.#seconds.delete(second)
  }

  /** What another has gathered. */
  absorb(delta: Delta, by: string, now: number, chance: number): void {
    this.#counts(delta, now)
    // What failed before a probe was good is in the sums, and that is all.
    const { closedAt } = this.breaker
    const samples = delta.samples.filter(({ agoMs }) => now - agoMs > closedAt)
    for (const { agoMs, good, ill } of samples) this.#sample(now - agoMs, good, ill)
    if (delta.streak.broken) this.breaker = calm(this.breaker)
    if (delta.parkMs !== null) this.breaker = parkFor(this.breaker, delta.parkMs, now)
    this.#judge(samples.some(({ ill }) => ill > 0) ? delta.streak.ills : 0, now, chance)
    if (delta.probing) this.breaker = claim(this.breaker, by, now, PROBE_MS)
    if (delta.probe !== null) this.probed(delta.probe, by, now, chance)
  }

  slices(now: number): WindowSlices {
    return {
      minutes: this.#minutes.all(now),
      fives: this.#long?.fives.all(now) ?? [],
      hours: this.#long?.hours.all(now) ?? [],
    }
  }

  /** Of the last thirty seconds, since the breaker last closed. */
  recent(now: number): { readonly samples: number; readonly ill: number } {
    return this.#last(OUTAGE_S, now)
  }

  minute(now: number): { readonly requests: number; readonly tokens: number } {
    const slice = this.#minutes.current(now)
    return { requests: slice?.requests ?? 0, tokens: slice?.tokens ?? 0 }
  }

  save(now: number): SavedWindow {
    return {
      breaker: this.breaker,
      seconds: [...this.#seconds].map(([second, { at, good, ill }]) => [second, at, good, ill]),
      minutes: this.#minutes.save(now),
      fives: this.#long?.fives.save(now) ?? [],
      hours: this.#long?.hours.save(now) ?? [],
    }
  }

  restore(saved: SavedWindow, now: number): void {
    this.breaker = saved.breaker
    for (const [, at, good, ill] of saved.seconds) this.#sample(at, good, ill)
    this.#minutes.restore(saved.minutes, now)
    this.#long?.fives.restore(saved.fives, now)
    this.#long?.hours.restore(saved.hours, now)
  }

  #counts(delta: Delta, now: number): void {
    for (const { agoMs, good, ill } of delta.samples)
      this.#add(
        now - agoMs,
        (slice) => {
          slice.good += good
          slice.ill += ill
        },
        now,
      )
    this.#add(now, (slice, isLong) => {
      slice.ill += delta.late
      slice.limited += delta.limited
      slice.requests += delta.requests
      slice.tokens += delta.tokens
      if (isLong) return
      for (const [bucket, times] of delta.first) count(slice.first, bucket, times)
      for (const [bucket, times] of delta.speed) count(slice.speed, bucket, times)
    })
  }

  /** Adds to the slices of an instant; those of hours (`isLong`) have no histograms. */
  #add(at: number, change: (slice: Slice, isLong: boolean) => void, now = at): void {
    const minute = this.#minutes.at(at, now)
    if (minute !== null) change(minute, false)
    if (this.#long === null) return
    const five = this.#long.fives.at(at, now)
    if (five !== null) change(five, false)
    const hour = this.#long.hours.at(at, now)
    if (hour !== null) change(hour, true)
  }

  #sample(at: number, good: number, ill: number): void {
    const second = Math.floor(at / 1000)
    const found = this.#seconds.get(second)
    if (found !== undefined) {
      found.at = Math.max(found.at, at)
      found.good += good
      found.ill += ill
      return
    }
    this.#seconds.set(second, { at, good, ill })
    if (this.#seconds.size <= OUTAGE_S + 1) return
    const newest = Math.max(...this.#seconds.keys())
    for (const old of this.#seconds.keys()) if (old <= newest - OUTAGE_S) this.#seconds.delete(old)
  }

  #last(seconds: number, now: number): { readonly samples: number; readonly ill: number } {
    const oldest = Math.floor(now / 1000) - seconds
    let [good, ill] = [0, 0]
    for (const [second, sample] of this.#seconds) {
      if (second <= oldest) continue
      good += sample.good
      ill += sample.ill
    }
    return { samples: Math.max(0, good) + ill, ill }
  }

  /** Opens the breaker when enough is ill. */
  #judge(streak: number, now: number, chance: number): void {
    if (streak > 0) this.breaker = { ...this.breaker, streak: this.breaker.streak + streak }
    if (this.breaker.open) return
    const { samples, ill } = this.#last(ILL_S, now)
    if (this.breaker.streak >= STREAK || (ill > 0 && samples >= ILL_SAMPLES && ill >= samples * ILL_SHARE))
      this.breaker = trip(this.breaker, now, chance)
  }
}

/** Of one window or several. */
export function numbersOf(slices: readonly Slice[]): SpanNumbers {
  return {
    uptime: uptimeOf(slices),
    firstContentMs: percentiles(slices.map(({ first }) => first)),
    tokensPerSecond: percentiles(slices.map(({ speed }) => speed)),
  }
}
