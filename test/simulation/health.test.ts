// Outages played with the real boards and the real object on a pinned clock: how much a sick provider is offered, how soon it is used again,
// by one isolate and by many, while messages are slow, while the object is away.

import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest'
import type { Env } from '../../src/platform/env.ts'
import { Boards } from '../../src/platform/health-board.ts'
import { healthOf } from '../../src/platform/health.ts'
import { HealthObject, type Report } from '../../src/platform/health-object.ts'
import type { HealthTarget } from '../../src/routing/health.ts'
import { chance } from '../support/chance.ts'

vi.mock('cloudflare:workers', () => ({
  DurableObject: class {
    readonly ctx: unknown
    readonly env: unknown
    constructor(ctx: unknown, env: unknown) {
      this.ctx = ctx
      this.env = env
    }
  },
}))

const runs = inject('simulations')
const SICK: HealthTarget = { provider: 'sick', region: null, model: 'm', credential: null }

type Called = { readonly at: number; readonly isProbe: boolean; goodAt: number | null }
type Play = {
  readonly seed: string
  readonly isolates: number
  readonly perSecond: number
  readonly illMs: number
  readonly wellMs: number
  /** How long a sick call takes to fail. */
  readonly failMs?: number
  readonly isObjectAway?: boolean
  /** How often the object is taken from memory. */
  readonly evictEveryMs?: number
}
type Played = { readonly calls: readonly Called[]; readonly began: number; readonly healed: number; readonly reports: number }

/** The part of an object's storage that this one uses; deaf to a life that is over. */
function storage(values: Map<string, string>, isAlive: () => boolean): unknown {
  return {
    kv: {
      put: (key: string, value: unknown) => isAlive() && values.set(key, JSON.stringify(value)),
      delete: (key: string) => isAlive() && values.delete(key),
      list: () => [...values].map(([key, text]) => [key, JSON.parse(text) as unknown]),
    },
  }
}

/** Two seconds of well-being, an outage, and then well again; each request asks the sick target first where it may, as the gateway does. */
async function play({
  seed,
  isolates,
  perSecond,
  illMs,
  wellMs,
  failMs = 10,
  isObjectAway = false,
  evictEveryMs = Number.POSITIVE_INFINITY,
}: Play): Promise<Played> {
  const random = chance(seed)
  vi.spyOn(Math, 'random').mockImplementation(random)
  const values = new Map<string, string>()
  let lives = 0
  const life = (): HealthObject => {
    const mine = ++lives
    return new HealthObject({ storage: storage(values, () => mine === lives) } as unknown as DurableObjectState, {} as Env)
  }
  let object = life()
  let evictAt = Date.now() + evictEveryMs
  let reports = 0
  const wire = (): Promise<void> => sleep(2 + random() * 40)
  const report = async (id: string, told: Report): Promise<unknown> => {
    reports++
    const sent = structuredClone(told)
    await wire()
    if (isObjectAway) throw new Error('away')
    if (Date.now() >= evictAt) {
      object = life()
      evictAt = Date.now() + evictEveryMs
    }
    const answer = structuredClone(object.report(id, sent))
    await wire()
    return answer
  }
  const env = { HEALTH: { getByName: () => ({ report }) } } as unknown as Env
  const boards = Array.from({ length: isolates }, (_, index) => new Boards(`isolate-${index}`))
  const began = Date.now() + 2000
  const healed = began + illMs
  const calls: Called[] = []
  const one = async (board: Boards): Promise<void> => {
    const health = healthOf(env, (work) => void work, board)
    const { state, mayProbe } = health.view(SICK)
    if (state !== 'closed' && !mayProbe) return // the other target answers
    const called: Called = { at: Date.now(), isProbe: state !== 'closed', goodAt: null }
    calls.push(called)
    health.begin(SICK, called.isProbe, 10)
    const isIll = called.at >= began && called.at < healed
    await sleep(isIll ? failMs : 30 + random() * 20)
    health.report(SICK, isIll ? { kind: 'ill' } : { kind: 'good', firstContentMs: 40 })
    if (isIll) return
    called.goodAt = Date.now()
    await sleep(20)
    health.end(SICK, { ill: false, outputTokens: 20, ms: 20 })
  }
  const gapMs = 1000 / perSecond
  for (let at = Date.now(); at < healed + wellMs; at += gapMs) {
    const board = boards[Math.floor(random() * isolates)]
    if (board !== undefined) void one(board)
    await vi.advanceTimersByTimeAsync(gapMs)
  }
  await vi.advanceTimersByTimeAsync(1000)
  return { calls, began, healed, reports }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

const between = (calls: readonly Called[], from: number, to: number): readonly Called[] => calls.filter(({ at }) => at >= from && at < to)
/** The first good answer after it got well, and the calls before it came. */
function recovery({ calls, healed }: Played): { readonly backAt: number; readonly before: number } {
  const backAt = Math.min(...calls.flatMap(({ at, goodAt }) => (at >= healed && goodAt !== null ? [goodAt] : [])))
  return { backAt, before: between(calls, healed, backAt).length }
}

beforeEach(() => void vi.useFakeTimers({ now: 1_800_000_000_000 }))
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const seeds = Array.from({ length: runs }, (_, index) => `health-${index}`)

describe.each(seeds)('an outage of nine seconds at twenty requests a second (%s)', (seed) => {
  it.each([1, 2, 10])('in %i isolates: few calls, then probes, then full use', async (isolates) => {
    const played = await play({ seed, isolates, perSecond: 20, illMs: 9000, wellMs: 40_000 })
    const { calls, began, healed } = played
    expect(between(calls, 0, began).length).toBe(40)
    expect(between(calls, began, began + 4000).length).toBeLessThanOrEqual(isolates === 1 ? 10 : 30)
    expect(between(calls, began + 4000, healed).length).toBeLessThanOrEqual(8)
    const { backAt, before } = recovery(played)
    expect(backAt - healed).toBeLessThan(20_000)
    expect(before).toBeLessThanOrEqual(2)
    expect(between(calls, backAt + 2000, backAt + 4000).length).toBeGreaterThanOrEqual(39)
  })

  it('where calls take long to fail', async () => {
    const played = await play({ seed, isolates: 3, perSecond: 20, illMs: 9000, wellMs: 40_000, failMs: 2500 })
    const { backAt } = recovery(played)
    expect(backAt - played.healed).toBeLessThan(20_000)
    expect(between(played.calls, backAt + 4000, backAt + 6000).length).toBeGreaterThanOrEqual(39)
  })

  it('while the object is away: each isolate by itself', async () => {
    const played = await play({ seed, isolates: 3, perSecond: 20, illMs: 9000, wellMs: 40_000, isObjectAway: true })
    expect(between(played.calls, played.began, played.began + 4000).length).toBeLessThanOrEqual(30)
    expect(between(played.calls, played.began + 4000, played.healed).length).toBeLessThanOrEqual(8)
    expect(between(played.calls, played.healed + 25_000, played.healed + 27_000).length).toBeGreaterThanOrEqual(39)
  })

  it('while the object is taken from memory again and again', async () => {
    const played = await play({ seed, isolates: 3, perSecond: 20, illMs: 9000, wellMs: 40_000, evictEveryMs: 2500 })
    expect(between(played.calls, played.began + 4000, played.healed).length).toBeLessThanOrEqual(8)
    const { backAt } = recovery(played)
    expect(backAt - played.healed).toBeLessThan(25_000)
    // What a crash forgot (at most two seconds, the closing maybe) is found out by another probe.
    expect(between(played.calls, backAt + 10_000, backAt + 12_000).length).toBeGreaterThanOrEqual(39)
  })

  it.each([
    [1, 0.14],
    [10, 0.5],
    [10, 3],
  ])('comes back also where little is asked (%i isolates, %f a second)', async (isolates, perSecond) => {
    const played = await play({ seed, isolates, perSecond, illMs: 120_000, wellMs: 240_000 })
    const last = between(played.calls, played.healed + 120_000, played.healed + 240_000).length
    expect(last).toBeGreaterThanOrEqual(Math.floor(perSecond * 120 * 0.98) - 1)
  })
})
