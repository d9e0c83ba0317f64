// What has happened to one target since it was last told of: counts that add up, in ages instead of instants, so that whoever hears of
// it counts by its own clock.

import { bucketOf, count, type Counts, type Histogram } from './histogram.ts'

/** Of one second. An answer that breaks off after its beginning is an ill one, and takes its good one back (`good` −1). */
export type Sample = { readonly agoMs: number; readonly good: number; readonly ill: number }

export type ProbeEnd = 'good' | 'ill' | 'back'

export type Delta = {
  readonly samples: readonly Sample[]
  /** Failures of calls from before the last closing: they say nothing about now. */
  readonly late: number
  /** Ill ones in a row at the end, and whether a good one was before them. */
  readonly streak: { readonly broken: boolean; readonly ills: number }
  readonly limited: number
  /** It is to be left alone for so long from now; `null`: nothing new. */
  readonly parkMs: number | null
  readonly requests: number
  readonly tokens: number
  readonly first: Counts
  readonly speed: Counts
  /** A probe has begun. */
  readonly probing: boolean
  /** How a probe ended; `null`: none did. */
  readonly probe: ProbeEnd | null
}

/** Gathers until it is told. Bounded: a sample a second at most is kept, of the last half minute. */
export class Gathering {
  #samples = new Map<number, { at: number; good: number; ill: number }>()
  #late = 0
  #broken = false
  #ills = 0
  #limited = 0
  #parkedUntil: number | null = null
  #requests = 0
  #tokens = 0
  #first: Histogram = new Map()
  #speed: Histogram = new Map()
  #probing = false
  #probe: ProbeEnd | null = null
  #isEmpty = true
  #hasNews = false

  get isEmpty(): boolean {
    return this.#isEmpty
  }

  /** Something that tells of health, not only that calls began. */
  get hasNews(): boolean {
    return this.#hasNews
  }

  /** What is not told yet, by the current view of it. */
  get untold(): { readonly good: number; readonly ill: number; readonly requests: number; readonly tokens: number } {
    let [good, ill] = [0, 0]
    for (const sample of this.#samples.values()) {
      good += sample.good
      ill += sample.ill
    }
    return { good, ill, requests: this.#requests, tokens: this.#tokens }
  }

  begin(tokens: number, probing: boolean): void {
    this.#isEmpty = false
    this.#requests++
    this.#tokens += tokens
    this.#probing ||= probing
  }

  good(firstContentMs: number | null, now: number): void {
    this.#sample(1, 0, now)
    this.#broken = true
    this.#ills = 0
    const bucket = firstContentMs === null ? null : bucketOf(firstContentMs)
    if (bucket !== null) count(this.#first, bucket, 1)
  }

  /** `streak`: how many in a row it counts as. */
  ill(now: number, streak = 1): void {
    this.#sample(0, 1, now)
    this.#ills += streak
  }

  cut(now: number, streak: number): void {
    this.#sample(-1, 1, now)
    this.#ills += streak
  }

  late(): void {
    this.#isEmpty = false
    this.#hasNews = true
    this.#late++
  }

  limited(parkedUntil: number): void {
    this.#isEmpty = false
    this.#hasNews = true
    this.#limited++
    this.#parkedUntil = Math.max(this.#parkedUntil ?? 0, parkedUntil)
  }

  ended(outputTokens: number, tokensPerSecond: number | null): void {
    this.#isEmpty = false
    this.#hasNews = true
    this.#tokens += outputTokens
    const bucket = tokensPerSecond === null ? null : bucketOf(tokensPerSecond)
    if (bucket !== null) count(this.#speed, bucket, 1)
  }

  probed(end: ProbeEnd): void {
    this.#isEmpty = false
    this.#hasNews = true
    if (this.#probe !== 'good') this.#probe = end
  }

  /** All of it, which is then no longer here. */
  take(now: number): Delta {
    const delta: Delta = {
      samples: [...this.#samples.values()].map(({ at, good, ill }) => ({ agoMs: Math.max(0, now - at), good, ill })),
      late: this.#late,
      streak: { broken: this.#broken, ills: this.#ills },
      limited: this.#limited,
      parkMs: this.#parkedUntil === null ? null : Math.max(0, this.#parkedUntil - now),
      requests: this.#requests,
      tokens: this.#tokens,
      first: [...this.#first],
      speed: [...this.#speed],
      probing: this.#probing,
      probe: this.#probe,
    }
    this.#samples = new Map()
    this.#late = this.#ills = this.#limited = this.#requests = this.#tokens = 0
    this.#broken = this.#probing = false
    this.#parkedUntil = null
    this.#first = new Map()
    this.#speed = new Map()
    this.#probe = null
    this.#isEmpty = true
    this.#hasNews = false
    return delta
  }

  /** It could not be told: it comes before what has happened since. `at`: when it was taken. */
  putBack(delta: Delta, at: number): void {
    for (const { agoMs, good, ill } of delta.samples) this.#sample(good, ill, at - agoMs)
    this.#late += delta.late
    if (!this.#broken) this.#ills += delta.streak.ills
    this.#broken ||= delta.streak.broken
    this.#limited += delta.limited
    if (delta.parkMs !== null) this.#parkedUntil = Math.max(this.#parkedUntil ?? 0, at + delta.parkMs)
    this.#requests += delta.requests
    this.#tokens += delta.tokens
    for (const [bucket, times] of delta.first) count(this.#first, bucket, times)
    for (const [bucket, times] of delta.speed) count(this.#speed, bucket, times)
    this.#probing ||= delta.probing
    this.#probe = this.#probe === 'good' ? 'good' : (this.#probe ?? delta.probe)
    this.#isEmpty = false
    this.#hasNews ||= isNews(delta)
  }

  #sample(good: number, ill: number, at: number): void {
    this.#isEmpty = false
    this.#hasNews = true
    const second = Math.floor(at / 1000)
    const sample = this.#samples.get(second)
    if (sample === undefined) {
      this.#samples.set(second, { at, good, ill })
      for (const old of this.#samples.keys()) if (old < second - 30) this.#samples.delete(old)
    } else {
      sample.at = Math.max(sample.at, at)
      sample.good += good
      sample.ill += ill
    }
  }
}

/** Only what tells of health makes a window: names of models come from clients. */
export function isNews({ samples, late, limited, first, speed, probe }: Delta): boolean {
  return samples.length > 0 || late > 0 || limited > 0 || first.length > 0 || speed.length > 0 || probe === 'good'
}
