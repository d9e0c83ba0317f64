// The health port of one request: this isolate's boards, and the exchange with the providers' objects, which no request waits for. Each
// exchange is one call that tells what was gathered and hears the newest snapshot; it runs in the context of the request that began it.

import { PROBE_MS, STREAK } from '../core/breaker.ts'
import type { Delta, ProbeEnd } from '../core/health-delta.ts'
import type { Health, HealthOutcome, HealthTarget } from '../routing/health.ts'
import type { HealthView } from '../routing/contract.ts'
import type { Env } from './env.ts'
import { Boards, objectName, type Board, type Link } from './health-board.ts'
import type { Report, Snapshot } from './health-object.ts'

type Later = (work: Promise<unknown>) => void

/** Between two exchanges with one object: after a failure, while it is used, and where its targets are only looked at. */
const URGENT_MS = 100
const CALM_MS = 1000
const LOOKED_AT_MS = 4000
/** An object that is away is left alone for so long. */
const AWAY_MS = 1000
/** Objects that one request asks although it only looks at their targets: each is a subrequest, of which there are few. */
const MOST_LOOKS = 4
/** What was to be sent and was not, because its request was ended, is sent by another. */
const OVERDUE_MS = 500
const MOST_REPORTED = 100

/** One call of this request. `good`: content has come. */
type Call = { readonly beganAt: number; readonly isProbe: boolean; good: { readonly streakBefore: number; readonly goods: number } | null }

/** Of this isolate; its name is made with the first request, for chance is not to be had before. */
let isolate: Boards | null = null

/** For one request. `later` keeps its context alive. */
export function healthOf(env: Env, later: Later, boards: Boards = (isolate ??= new Boards(crypto.randomUUID()))): Health {
  return new RequestHealth(env, later, boards)
}

/** Objects that this isolate knows of, and the targets' places. */
export function knownLinks(boards: Boards | null = isolate): readonly Pick<Link, 'provider' | 'region'>[] {
  return boards === null ? [] : [...boards.links.values()]
}

class RequestHealth implements Health {
  readonly #env: Env
  readonly #later: Later
  readonly #boards: Boards
  /** Calls that have not ended, oldest first. */
  readonly #calls = new Map<Board, Call[]>()
  #looks = 0

  constructor(env: Env, later: Later, boards: Boards) {
    this.#env = env
    this.#later = later
    this.#boards = boards
  }

  view(target: HealthTarget): HealthView {
    const now = Date.now()
    const board = this.#boards.of(target)
    const breaker = board.breaker(now)
    board.viewedAt = now
    const view = board.view(this.#boards.id, breaker, now)
    if (view.state === 'closed') this.#exchange(board.link, LOOKED_AT_MS, now)
    else {
      const mayProbe = board.mayProbe(this.#boards.id, breaker, now)
      board.wants = mayProbe === null
      // At once when the object has not been asked since it cooled down; after that as often as it may change.
      const isOld = board.heard !== null && board.heard.askedAt < breaker.until
      this.#exchange(board.link, mayProbe === null && isOld ? URGENT_MS : CALM_MS, now)
    }
    return view
  }

  begin(target: HealthTarget, probe: boolean, tokens: number): void {
    const now = Date.now()
    const board = this.#boards.of(target)
    const isProbe = probe && board.probe(this.#boards.id, now, PROBE_MS)
    const calls = this.#calls.get(board)
    const call: Call = { beganAt: now, isProbe, good: null }
    if (calls === undefined) this.#calls.set(board, [call])
    else calls.push(call)
    board.began(now)
    board.window.begin(tokens, now)
    board.gathering.begin(tokens, isProbe)
    this.#exchange(board.link, isProbe ? URGENT_MS : CALM_MS, now)
  }

  report(target: HealthTarget, outcome: HealthOutcome): void {
    const now = Date.now()
    const board = this.#boards.of(target)
    const call = this.#calls.get(board)?.find(({ good }) => good === null)
    if (call === undefined) return
    const { window, gathering } = board
    switch (outcome.kind) {
      case 'good': {
        const { streak } = window.breaker
        window.good(outcome.firstContentMs, now)
        gathering.good(outcome.firstContentMs, now)
        if (outcome.firstContentMs !== null) board.firstContents.add(outcome.firstContentMs, now)
        call.good = { streakBefore: streak, goods: window.goods }
        break
      }
      case 'ill':
        if (call.beganAt < window.breaker.closedAt) {
          window.late(now)
          gathering.late()
        } else {
          window.ill(now, Math.random())
          gathering.ill(now)
        }
        break
      case 'limited':
        window.limited(outcome.retryAfterMs, call.beganAt, now)
        gathering.limited(window.breaker.parkedUntil)
        break
      case 'neutral':
        break
      default:
        outcome satisfies never
    }
    if (call.isProbe) this.#probed(board, outcome.kind === 'good' || outcome.kind === 'ill' ? outcome.kind : 'back', now)
    if (outcome.kind !== 'good') this.#over(board, call)
    const isUrgent = call.isProbe || outcome.kind === 'ill' || outcome.kind === 'limited'
    this.#exchange(board.link, isUrgent ? URGENT_MS : CALM_MS, now)
  }

  end(target: HealthTarget, ending: { readonly ill: boolean; readonly outputTokens: number | null; readonly ms: number }): void {
    const now = Date.now()
    const board = this.#boards.of(target)
    const call = this.#calls.get(board)?.find(({ good }) => good !== null)
    if (call === undefined || call.good === null) return
    this.#over(board, call)
    const { window, gathering } = board
    const tokens = ending.outputTokens ?? 0
    const isLate = !call.isProbe && call.beganAt < window.breaker.closedAt
    if (ending.ill && isLate) {
      window.late(now)
      gathering.late()
    } else if (ending.ill) {
      // Where nothing good came since, this one was not good either: the row of ill ones goes on, and a probe has failed after all.
      const { streakBefore, goods } = call.good
      const streak = window.goods !== goods ? 1 : call.isProbe ? STREAK : streakBefore + 1
      window.cut(now, Math.random(), streak)
      gathering.cut(now, streak)
    }
    const speed = !ending.ill && tokens > 0 ? (tokens * 1000) / Math.max(1, ending.ms) : null // what came at once came within the clock's grain
    window.ended(tokens, speed, now)
    if (speed !== null) board.speeds.add(speed, now)
    gathering.ended(tokens, speed)
    this.#exchange(board.link, ending.ill ? URGENT_MS : CALM_MS, now)
  }

  #probed(board: Board, end: ProbeEnd, now: number): void {
    board.window.probed(end, this.#boards.id, now, Math.random())
    board.gathering.probed(end)
  }

  #over(board: Board, call: Call): void {
    board.ended(call.beganAt)
    const left = (this.#calls.get(board) ?? []).filter((one) => one !== call)
    if (left.length === 0) this.#calls.delete(board)
    else this.#calls.set(board, left)
  }

  /** Sees to it that there is an exchange when the last one is `ms` ago, at the earliest now. */
  #exchange(link: Link, ms: number, now: number): void {
    const at = Math.max(now, link.askedAt + ms, link.awayUntil)
    const isDue = link.dueAt !== 0 && now <= link.dueAt + OVERDUE_MS && link.dueAt <= at
    if (isDue || (ms === LOOKED_AT_MS && (at > now || this.#looks++ >= MOST_LOOKS))) return
    link.dueAt = at
    this.#later(this.#talk(link, at, now))
  }

  async #talk(link: Link, at: number, now: number): Promise<void> {
    let due = at
    for (let wait = at - now; wait > 0; wait = due - Date.now()) {
      await new Promise((resolve) => setTimeout(resolve, wait))
      if (link.dueAt !== due) return // another request was faster
      if (link.awayUntil > due) due = link.dueAt = link.awayUntil
    }
    link.dueAt = 0
    const askedAt = Date.now()
    const told = choose(link, askedAt)
    if (told.length === 0) return
    link.askedAt = askedAt
    try {
      const object = this.#env.HEALTH.getByName(objectName(link.provider, link.region)) as unknown as Asked
      this.#hear(
        link,
        await object.report(
          this.#boards.id,
          told.map(({ entry }) => entry),
        ),
        told,
        askedAt,
      )
    } catch {
      // It is away: what was gathered waits, and this isolate decides alone.
      for (const { board, entry } of told) if (entry.delta !== null) board.gathering.putBack(entry.delta, askedAt)
      link.awayUntil = Date.now() + AWAY_MS
    }
  }

  #hear({ provider, region }: Link, snapshot: Snapshot, told: readonly Telling[], askedAt: number): void {
    const now = Date.now()
    const unheard = new Set(told.map(({ board }) => board))
    for (const { model, credential, told: window } of snapshot) {
      const board = this.#boards.of({ provider, region, model, credential })
      board.hear(window, askedAt, now)
      unheard.delete(board)
    }
    for (const board of unheard) board.heard = null // the object knows nothing of it
  }
}

type Asked = { report(isolateId: string, report: Report): Promise<Snapshot> }
type Telling = { readonly board: Board; readonly entry: Report[number] }

/** What there is to tell, and what was looked at since it was last asked about. */
function choose(link: Link, now: number): readonly Telling[] {
  const chosen: Telling[] = []
  for (const board of link.boards) {
    const { gathering, model, credential, wants } = board
    if (gathering.isEmpty && !wants && board.viewedAt < link.askedAt) continue
    // That calls have begun makes no window there, so it waits for the first that tells how they go.
    const waits = gathering.isEmpty || (board.heard === null && !gathering.hasNews)
    const delta: Delta | null = waits ? null : gathering.take(now)
    board.wants = false
    chosen.push({ board, entry: { model, credential, delta, wants } })
    if (chosen.length >= MOST_REPORTED) break
  }
  for (const { board } of chosen) {
    link.boards.delete(board) // to the end: where there are more than are told at once, the others come next
    link.boards.add(board)
  }
  return chosen
}
