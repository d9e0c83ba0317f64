// What one isolate knows of its targets: its own windows, which take effect at once, and what each provider's object last told. Data only, no
// promise is kept. Bounded; the least recently used windows go.

import { claim, claimant, mayProbe, parkFor, stateOf, worse, type Breaker } from '../core/breaker.ts'
import { Gathering } from '../core/health-delta.ts'
import { hear, type Heard, type Told } from '../core/health-told.ts'
import { Latest } from '../core/latest.ts'
import { HealthWindow, numbersOf } from '../core/health.ts'
import type { HealthView } from '../routing/contract.ts'
import type { HealthTarget } from '../routing/health.ts'

const MOST_WINDOWS = 2000
/** What the object told counts no longer than this. */
const FRESH_MS = 10_000
/** As long it decides who probes; after that the isolate does, alone. */
const DECIDES_MS = 5000
const NUMBERS_MS = 1000
/** A call that was never told of is forgotten then. */
const LOST_CALL_MINUTES = 30

export type Link = {
  readonly provider: string
  readonly region: string | null
  readonly boards: Set<Board>
  /** When it was last asked, and when it is to be asked; 0: never, not yet. */
  askedAt: number
  dueAt: number
  /** It could not be asked and is left alone until then. */
  awayUntil: number
}

type Numbers = Pick<HealthView, 'firstContentMs' | 'tokensPerSecond'>

/** One window as this isolate has it. */
export class Board {
  readonly model: string
  readonly credential: string | null
  readonly link: Link
  readonly window = new HealthWindow()
  readonly gathering = new Gathering()
  readonly firstContents = new Latest()
  readonly speeds = new Latest()
  heard: Heard | null = null
  /** This isolate would probe it. */
  wants = false
  viewedAt = 0
  #closings: number | null = null
  /** The probe that was granted is under way: it is granted once. */
  #granted = true
  #numbers: { readonly at: number; readonly value: Numbers } | null = null
  /** Calls that run, by the minute in which they began. */
  readonly #running = new Map<number, number>()

  constructor({ model, credential }: Pick<HealthTarget, 'model' | 'credential'>, link: Link) {
    this.model = model
    this.credential = credential
    this.link = link
  }

  /** What the object said, as long as it counts. */
  fresh(now: number): Heard | null {
    return this.heard !== null && now - this.heard.askedAt <= FRESH_MS ? this.heard : null
  }

  breaker(now: number): Breaker {
    const heard = this.fresh(now)
    return heard === null ? this.window.breaker : worse(this.window.breaker, heard.breaker)
  }

  /** `null`: the object says who probes, and has not said that it is us. */
  mayProbe(me: string, breaker: Breaker, now: number): boolean | null {
    if (stateOf(breaker, now) !== 'half-open' || breaker.parkedUntil > now) return false
    const own = this.window.breaker
    if (own.open && claimant(own, now) !== null) return false
    const heard = this.fresh(now)
    const isOpenThere = heard !== null && heard.breaker.open && heard.breaker.openedAt > own.closedAt
    if (!isOpenThere) return mayProbe(breaker, now)
    const holder = claimant(heard.breaker, now)
    if (holder !== null) return holder === me && this.#granted
    return now - heard.askedAt > DECIDES_MS ? true : null
  }

  /** Takes the probe for one call. `false`: it is none. */
  probe(me: string, now: number, ms: number): boolean {
    const merged = this.breaker(now)
    if (this.mayProbe(me, merged, now) !== true) return false
    const claimed = claim(merged, me, now, ms)
    if (claimant(claimed, now) !== me) return false
    this.window.breaker = claimed // from here on this isolate knows it as its own, should the object be away
    this.#granted = false
    return true
  }

  hear(told: Told, askedAt: number, now: number): void {
    if (this.heard !== null && askedAt < this.heard.askedAt) return
    const heard = hear(told, askedAt, now)
    this.heard = heard
    this.#granted = true
    const { closings, closedAt } = heard.breaker
    const own = this.window.breaker
    if (closings !== this.#closings && closedAt > Math.max(own.closedAt, own.openedAt)) this.window.closeAt(closedAt)
    this.#closings = closings
    if (told.breaker.parkedMs > 0) this.window.breaker = parkFor(this.window.breaker, told.breaker.parkedMs, now)
  }

  began(now: number): void {
    const minute = Math.floor(now / 60_000)
    this.#running.set(minute, (this.#running.get(minute) ?? 0) + 1)
    for (const old of this.#running.keys()) if (old < minute - LOST_CALL_MINUTES) this.#running.delete(old)
  }

  ended(beganAt: number): void {
    const minute = Math.floor(beganAt / 60_000)
    const running = this.#running.get(minute) ?? 0
    if (running > 1) this.#running.set(minute, running - 1)
    else this.#running.delete(minute)
  }

  view(me: string, breaker: Breaker, now: number): HealthView {
    const fresh = this.fresh(now)
    const heard = fresh !== null && fresh.askedAt >= this.window.breaker.closedAt ? fresh : null
    const { untold } = this.gathering
    const own = this.window.recent(now)
    const samples = heard === null ? own.samples : Math.max(0, heard.samples + untold.good + untold.ill)
    const ill = heard === null ? own.ill : heard.ill + untold.ill
    const numbers = this.#ownNumbers(now)
    let running = 0
    for (const calls of this.#running.values()) running += calls
    return {
      state: stateOf(breaker, now),
      mayProbe: this.mayProbe(me, breaker, now) === true,
      parkedUntil: breaker.parkedUntil > now ? breaker.parkedUntil : null,
      samples,
      errorRate: samples === 0 ? 0 : Math.min(1, ill / samples),
      firstContentMs: fresh?.firstContentMs ?? numbers.firstContentMs,
      tokensPerSecond: fresh?.tokensPerSecond ?? numbers.tokensPerSecond,
      latest: { firstContentMs: this.firstContents.median(now), tokensPerSecond: this.speeds.median(now) },
      inFlight: running,
      minute: this.#minute(fresh, untold, now),
      ageMs: fresh === null ? null : Math.max(0, now - fresh.askedAt),
    }
  }

  #minute(heard: Heard | null, untold: HealthView['minute'], now: number): HealthView['minute'] {
    const own = this.window.minute(now)
    if (heard === null || now >= heard.minute.endsAt) return own
    return {
      requests: Math.max(own.requests, heard.minute.requests + untold.requests),
      tokens: Math.max(own.tokens, heard.minute.tokens + untold.tokens),
    }
  }

  /** They are sums over histograms, so not made anew for each request. */
  #ownNumbers(now: number): Numbers {
    if (this.#numbers === null || now - this.#numbers.at > NUMBERS_MS)
      this.#numbers = { at: now, value: numbersOf(this.window.slices(now).minutes) }
    return this.#numbers.value
  }
}

/** All windows of an isolate, by target. */
export class Boards {
  /** Names this isolate to the objects. */
  readonly id: string
  readonly links = new Map<string, Link>()
  readonly #boards = new Map<string, Board>()
  /** The last of them. */
  #newest: { readonly key: string; readonly board: Board } | null = null

  constructor(id: string) {
    this.id = id
  }

  get size(): number {
    return this.#boards.size
  }

  of(target: HealthTarget): Board {
    const { provider, region, model, credential } = target
    const key = `${provider}\n${region ?? ''}\n${credential ?? ''}\n${model}`
    if (this.#newest?.key === key) return this.#newest.board // one request asks several times
    let board = this.#boards.get(key)
    if (board === undefined) {
      if (this.#boards.size >= MOST_WINDOWS) this.#forgetOldest()
      board = new Board(target, this.#link(provider, region))
      board.link.boards.add(board)
    } else this.#boards.delete(key)
    this.#boards.set(key, board)
    this.#newest = { key, board }
    return board
  }

  #link(provider: string, region: string | null): Link {
    const name = objectName(provider, region)
    let link = this.links.get(name)
    if (link === undefined) this.links.set(name, (link = { provider, region, boards: new Set(), askedAt: 0, dueAt: 0, awayUntil: 0 }))
    return link
  }

  #forgetOldest(): void {
    const [oldest] = this.#boards
    if (oldest === undefined) return
    const [key, board] = oldest
    this.#boards.delete(key)
    board.link.boards.delete(board)
    if (board.link.boards.size === 0) this.links.delete(objectName(board.link.provider, board.link.region))
  }
}

export function objectName(provider: string, region: string | null): string {
  return `${provider}|${region ?? ''}`
}
