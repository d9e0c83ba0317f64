// One Durable Object for each provider × region: what all isolates have seen of its models and credentials, by its own clock. Kept in memory,
// written down now and then, so that an evicted object goes on where it was.

import { DurableObject } from 'cloudflare:workers'
import { claim, stateOf } from '../core/breaker.ts'
import { isNews, type Delta } from '../core/health-delta.ts'
import { numbersOf, HealthWindow, type SavedWindow, type SpanNumbers } from '../core/health.ts'
import { isTrouble, tell, type Told } from '../core/health-told.ts'
import { uptimeOf } from '../core/health-slices.ts'
import type { Env } from './env.ts'
import { WriteSoon } from './write-soon.ts'

export type WindowName = { readonly model: string; readonly credential: string | null }
/** `wants`: the isolate would probe it, if nobody does. `delta` `null`: it only wants to know. */
export type Report = readonly (WindowName & { readonly delta: Delta | null; readonly wants: boolean })[]
export type Snapshot = readonly (WindowName & { readonly told: Told })[]

/** Of a model, over its credentials or one of them. The state is the best one: by it the model can be had. */
export type ModelNumbers = {
  readonly model: string
  readonly state: 'closed' | 'open' | 'half-open'
  readonly isParked: boolean
  readonly fiveMinutes: SpanNumbers
  readonly halfHour: SpanNumbers
  readonly dayUptime: number | null
}

type Kept = { readonly name: WindowName; readonly window: HealthWindow; readonly page: number; toldAt: number }
type SavedPage = readonly { readonly name: WindowName; readonly saved: SavedWindow; readonly toldAt: number }[]

const MOST_WINDOWS = 500
/** Windows of one stored value. */
const PAGE_WINDOWS = 25
const PAGE = 'page:'
/** Who may probe begins within so long, or the next may. */
export const GRANT_MS = 5000
/** Between two writings: when a state has changed, and when only counts have. Memory is lost after ten idle seconds. */
const WRITE_MS = 2000
const WRITE_COUNTS_MS = 5000
const DAY_MS = 86_400_000

export class HealthObject extends DurableObject<Env> {
  /** Least recently told of first. */
  #windows: Map<string, Kept> | null = null
  readonly #dirty = new Set<number>()
  readonly #writing = new WriteSoon(() => this.#write())

  /** Counts what an isolate has gathered, hands out probes, and tells of the windows that were named and of those in trouble. */
  report(isolateId: string, report: Report): Snapshot {
    const now = Date.now()
    let hasTurned = false
    for (const { model, credential, delta, wants } of report) {
      const kept = this.#find({ model, credential }, delta !== null && isNews(delta), now)
      if (kept === null) continue
      const { window } = kept
      const before = window.breaker
      if (delta !== null) {
        window.absorb(delta, isolateId, now, Math.random())
        kept.toldAt = now
        this.#dirty.add(kept.page)
      }
      if (wants) window.breaker = claim(window.breaker, isolateId, now, GRANT_MS)
      const { breaker } = window
      if (breaker.open !== before.open || breaker.until !== before.until || breaker.parkedUntil !== before.parkedUntil) hasTurned = true
      if (breaker !== before) this.#dirty.add(kept.page)
    }
    if (this.#dirty.size > 0) this.#writing.within(hasTurned ? WRITE_MS : WRITE_COUNTS_MS)
    const named = new Set(report.map(keyOf))
    return this.#tell((key, { window }) => named.has(key) || isTrouble(window, now), now)
  }

  snapshot(): Snapshot {
    return this.#tell(() => true, Date.now())
  }

  /** `credential`: of this one only; absent: over all. */
  numbers(asked: { readonly model?: string; readonly credential?: string | null } = {}): readonly ModelNumbers[] {
    const now = Date.now()
    const byModel = new Map<string, HealthWindow[]>()
    for (const { name, window } of this.#open(now).values()) {
      if (asked.model !== undefined && asked.model !== name.model) continue
      if (asked.credential !== undefined && asked.credential !== name.credential) continue
      const windows = byModel.get(name.model)
      if (windows === undefined) byModel.set(name.model, [window])
      else windows.push(window)
    }
    return [...byModel].map(([model, windows]) => modelNumbers(model, windows, now))
  }

  #tell(isAsked: (key: string, kept: Kept) => boolean, now: number): Snapshot {
    return [...this.#open(now)]
      .filter(([key, kept]) => isAsked(key, kept))
      .map(([, { name, window }]) => ({ model: name.model, credential: name.credential, told: tell(window, now) }))
  }

  /** `null`: there is none, and none is to be made. */
  #find({ model, credential }: WindowName, make: boolean, now: number): Kept | null {
    const windows = this.#open(now)
    const name = { model, credential }
    const key = keyOf(name)
    let kept = windows.get(key)
    if (kept === undefined) {
      if (!make) return null
      if (windows.size >= MOST_WINDOWS) this.#forgetOldest(windows)
      kept = { name, window: new HealthWindow(true), page: freePage(windows), toldAt: now }
    }
    if (make) {
      windows.delete(key) // to the end
      windows.set(key, kept)
    }
    return kept
  }

  #forgetOldest(windows: Map<string, Kept>): void {
    const [oldest] = windows
    if (oldest === undefined) return
    const [key, { page }] = oldest
    windows.delete(key)
    this.#dirty.add(page)
  }

  #open(now: number): Map<string, Kept> {
    if (this.#windows !== null) return this.#windows
    const found: (readonly [string, Kept])[] = []
    for (const [key, windows] of this.ctx.storage.kv.list<SavedPage>({ prefix: PAGE }))
      for (const { name, saved, toldAt } of windows) {
        if (toldAt < now - DAY_MS) continue
        const window = new HealthWindow(true)
        window.restore(saved, now)
        found.push([keyOf(name), { name, window, page: Number(key.slice(PAGE.length)), toldAt }])
      }
    this.#windows = new Map(found.sort(([, a], [, b]) => a.toldAt - b.toldAt))
    return this.#windows
  }

  #write(): void {
    const now = Date.now()
    const pages = new Map<number, SavedPage[number][]>([...this.#dirty].map((page) => [page, []]))
    for (const { name, window, page, toldAt } of this.#open(now).values()) pages.get(page)?.push({ name, saved: window.save(now), toldAt })
    this.#dirty.clear()
    for (const [page, windows] of pages) {
      if (windows.length === 0) this.ctx.storage.kv.delete(PAGE + page)
      else this.ctx.storage.kv.put(PAGE + page, windows)
    }
  }
}

function keyOf({ model, credential }: WindowName): string {
  return JSON.stringify([model, credential])
}

/** The first page that is not full. */
function freePage(windows: ReadonlyMap<string, Kept>): number {
  const sizes = new Map<number, number>()
  for (const { page } of windows.values()) sizes.set(page, (sizes.get(page) ?? 0) + 1)
  for (let page = 0; ; page++) if ((sizes.get(page) ?? 0) < PAGE_WINDOWS) return page
}

function modelNumbers(model: string, windows: readonly HealthWindow[], now: number): ModelNumbers {
  const states = windows.map(({ breaker }) => stateOf(breaker, now))
  const slices = windows.map((window) => window.slices(now))
  return {
    model,
    state: states.includes('closed') ? 'closed' : states.includes('half-open') ? 'half-open' : 'open',
    isParked: windows.every(({ breaker }) => breaker.parkedUntil > now),
    fiveMinutes: numbersOf(slices.flatMap(({ minutes }) => minutes)),
    halfHour: numbersOf(slices.flatMap(({ fives }) => fives)),
    dayUptime: uptimeOf(slices.flatMap(({ hours }) => hours)),
  }
}
