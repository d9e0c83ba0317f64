// The health of targets across isolates: boards of two ids stand for two isolates, and the real object is between them.

import { runInDurableObject } from 'cloudflare:test'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Env } from '../../src/platform/env.ts'
import { healthOf } from '../../src/platform/health.ts'
import { Boards } from '../../src/platform/health-board.ts'
import { endpointNumbers, healthNumbers } from '../../src/platform/health-numbers.ts'
import type { HealthView } from '../../src/routing/contract.ts'
import type { HealthOutcome, HealthTarget } from '../../src/routing/health.ts'
import { bindings, call, until } from './bindings.ts'
import { callWith } from './faults.ts'

const env = bindings as unknown as Env
const at = (provider: string, more: Partial<HealthTarget> = {}): HealthTarget => ({
  provider,
  region: null,
  model: 'm',
  credential: null,
  ...more,
})

/** An isolate: each of its calls is a request of its own, with a context of its own. */
class Isolate {
  readonly boards: Boards
  readonly #env: Env
  #works: Promise<unknown>[] = []

  constructor(id: string, on: Env = env) {
    this.boards = new Boards(id)
    this.#env = on
  }

  request(): ReturnType<typeof healthOf> {
    return healthOf(this.#env, (work) => void this.#works.push(work), this.boards)
  }

  /** A call from its beginning to its outcome. */
  ask(target: HealthTarget, outcome: HealthOutcome, probe = false): void {
    const health = this.request()
    health.begin(target, probe, 100)
    health.report(target, outcome)
    if (outcome.kind === 'good') health.end(target, { ill: false, outputTokens: 50, ms: 1000 })
  }

  fail(target: HealthTarget, times = 5): void {
    for (let i = 0; i < times; i++) this.ask(target, { kind: 'ill' })
  }

  view(target: HealthTarget): HealthView {
    return this.request().view(target)
  }

  /** When all that its requests left to do is done. */
  async quiet(): Promise<void> {
    for (let works = this.#works; works.length > 0; works = this.#works) {
      this.#works = []
      await Promise.all(works)
    }
  }
}

const GOOD: HealthOutcome = { kind: 'good', firstContentMs: 200 }
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** An environment whose object does as it is told. */
const broken = (report: () => Promise<never>): Env => ({ ...env, HEALTH: { getByName: () => ({ report }) } }) as unknown as Env

afterEach(() => void vi.restoreAllMocks())

describe('health of a target', () => {
  it('takes effect in its own isolate at once, and reaches another within a second', async () => {
    const [a, b] = [new Isolate('a1'), new Isolate('b1')]
    const target = at('p1')
    expect(b.view(target)).toMatchObject({ state: 'closed', ageMs: null })
    await b.quiet()
    a.fail(target)
    expect(a.view(target).state).toBe('open')
    const failedAt = Date.now()
    const seen = await until(
      async () => {
        b.ask(target, { kind: 'neutral' })
        return b.view(target)
      },
      ({ state }) => state === 'open',
      20,
    )
    expect(seen).toMatchObject({ state: 'open', mayProbe: false })
    expect(seen.ageMs).toBeLessThan(1000)
    expect(Date.now() - failedAt).toBeLessThan(1100)
  })

  it('is apart by model, credential and region', async () => {
    const a = new Isolate('a2')
    a.fail(at('p2'))
    a.ask(at('p2', { model: 'x' }), { kind: 'limited', retryAfterMs: 60_000 })
    for (const other of [at('p2', { model: 'other' }), at('p2', { credential: 'second' }), at('p2', { region: 'eu' })])
      expect(a.view(other)).toMatchObject({ state: 'closed', parkedUntil: null })
    expect(a.view(at('p2', { model: 'x' })).parkedUntil).toBeGreaterThan(Date.now() + 59_000)
    await a.quiet()
    const b = new Isolate('b2')
    expect(b.view(at('p2')).state).toBe('closed')
    await b.quiet()
    expect(b.view(at('p2')).state).toBe('open')
    // Trouble is told without being asked for.
    expect(b.view(at('p2', { model: 'x' })).parkedUntil).toBeGreaterThan(Date.now() + 59_000)
    expect(b.view(at('p2', { credential: 'second' })).state).toBe('closed')
  })

  it('hands the probe to one isolate, and one good probe closes it for all', { timeout: 15_000 }, async () => {
    const isolates = ['a3', 'b3', 'c3'].map((id) => new Isolate(id))
    const [first] = isolates
    const target = at('p3')
    first?.fail(target)
    await first?.quiet()
    let probes = 0
    let prober: Isolate | undefined
    const deadline = Date.now() + 6000
    while (prober === undefined && Date.now() < deadline) {
      for (const isolate of isolates) {
        if (!isolate.view(target).mayProbe) continue
        probes++
        prober = isolate
      }
      await sleep(25)
    }
    expect(probes).toBe(1)
    const health = prober?.request()
    health?.begin(target, true, 100)
    for (let i = 0; i < 20; i++) {
      expect(isolates.map((isolate) => isolate.view(target)).filter(({ mayProbe }) => mayProbe)).toEqual([])
      await sleep(25)
    }
    health?.report(target, GOOD)
    expect(prober?.view(target)).toMatchObject({ state: 'closed', errorRate: 0 })
    const states = await until(
      () => Promise.resolve(isolates.map((isolate) => isolate.view(target).state)),
      (all) => all.every((state) => state === 'closed'),
      40,
    )
    expect(states).toEqual(['closed', 'closed', 'closed'])
  })

  it('is closed by probes only: what began before it opened may be good late', async () => {
    const a = new Isolate('a4')
    const target = at('p4')
    const early = a.request()
    early.begin(target, false, 100)
    a.fail(target)
    early.report(target, GOOD)
    expect(a.view(target).state).toBe('open')
    await a.quiet()
    expect(a.view(target).state).toBe('open')
  })

  it('counts an answer that breaks off as ill, however good it began', async () => {
    const a = new Isolate('a5')
    const target = at('p5')
    for (let i = 0; i < 5; i++) {
      expect(a.view(target).state).toBe('closed')
      const health = a.request()
      health.begin(target, false, 100)
      health.report(target, GOOD)
      health.end(target, { ill: true, outputTokens: 3, ms: 500 })
    }
    expect(a.view(target)).toMatchObject({ state: 'open', samples: 5, errorRate: 1, inFlight: 0 })
    await a.quiet()
    const b = new Isolate('b5')
    b.view(target)
    await b.quiet()
    expect(b.view(target)).toMatchObject({ state: 'open', samples: 5, errorRate: 1 })
  })

  it('tells requests, tokens, times and what runs', async () => {
    const [a, b] = [new Isolate('a6'), new Isolate('b6')]
    const target = at('p6')
    for (let i = 0; i < 20; i++) a.ask(target, { kind: 'good', firstContentMs: 100 + i * 10 })
    const running = a.request()
    running.begin(target, false, 1000)
    expect(a.view(target)).toMatchObject({ inFlight: 1, samples: 20, errorRate: 0 })
    await a.quiet()
    b.view(target)
    await b.quiet()
    const seen = b.view(target)
    expect(seen).toMatchObject({ state: 'closed', samples: 20, errorRate: 0, inFlight: 0 })
    // The minute may have turned meanwhile.
    expect([0, 21]).toContain(seen.minute.requests)
    expect([0, 4000]).toContain(seen.minute.tokens)
    expect(seen.firstContentMs?.p50).toBeGreaterThan(180)
    expect(seen.firstContentMs?.p50).toBeLessThan(205)
    expect(seen.firstContentMs?.p99).toBeGreaterThan(270)
    expect(seen.tokensPerSecond?.p50).toBeGreaterThan(47)
    expect(seen.tokensPerSecond?.p50).toBeLessThan(53)
    running.report(target, { kind: 'neutral' })
    expect(a.view(target).inFlight).toBe(0)
  })

  it('lets what the object said count for ten seconds and tells its age', async () => {
    const [a, b] = [new Isolate('a7'), new Isolate('b7')]
    const target = at('p7')
    b.view(target)
    a.fail(target, 7)
    await a.quiet()
    const board = b.boards.of(target)
    board.link.askedAt = 0
    b.view(target)
    await b.quiet()
    expect(b.view(target)).toMatchObject({ state: 'open', samples: 7 })
    if (board.heard === null) throw new Error('It heard nothing.')
    board.heard = { ...board.heard, askedAt: Date.now() - 9000 }
    const old = b.view(target)
    expect(old.ageMs).toBeGreaterThanOrEqual(9000)
    expect(old.samples).toBe(7)
    board.heard = { ...board.heard, askedAt: Date.now() - 10_100 }
    expect(b.view(target)).toMatchObject({ state: 'closed', samples: 0, ageMs: null })
  })

  it('keeps its numbers when the object is evicted in the middle', async () => {
    const a = new Isolate('a8')
    const target = at('p8')
    for (let i = 0; i < 8; i++) a.ask(target, GOOD)
    a.fail(target)
    await a.quiet()
    const object = bindings.HEALTH.getByName('p8|')
    const before = await object.snapshot()
    await runInDurableObject(object, (_, state) => state.abort('evicted')).catch(() => undefined)
    const b = new Isolate('b8')
    b.view(target)
    await b.quiet()
    expect(b.view(target)).toMatchObject({ state: 'open', samples: 13, errorRate: 5 / 13 })
    const after = await bindings.HEALTH.getByName('p8|').snapshot()
    expect(after[0]?.told.firstContentMs).toEqual(before[0]?.told.firstContentMs)
    expect(await healthNumbers(env, target)).toMatchObject({ status: -2, uptime_last_1d: 61.54 })
  })

  it('writes counts that come closely one after the other once', async () => {
    const a = new Isolate('a9')
    const object = bindings.HEALTH.getByName('p9|')
    const puts = await runInDurableObject(object, (_, state) => vi.spyOn(state.storage.kv, 'put'))
    for (let i = 0; i < 10; i++) {
      a.ask(at('p9'), GOOD)
      await object.report('a9', [{ model: 'm', credential: null, delta: a.boards.of(at('p9')).gathering.take(Date.now()), wants: false }])
    }
    expect(puts.mock.calls.length).toBeLessThanOrEqual(1)
    await a.quiet()
  })

  it('blocks nobody and loses nothing when the object throws; the isolate decides alone', { timeout: 10_000 }, async () => {
    let isAway = true
    const told: unknown[] = []
    const report = (...said: unknown[]): Promise<never> => {
      told.push(said)
      return isAway ? Promise.reject(new Error('away')) : (Promise.resolve([]) as Promise<never>)
    }
    const a = new Isolate('a10', broken(report))
    const target = at('p10')
    a.fail(target)
    expect(a.view(target).state).toBe('open')
    await a.quiet()
    expect(told.length).toBeGreaterThan(0)
    const half = await until(
      () => Promise.resolve(a.view(target)),
      ({ mayProbe }) => mayProbe,
    )
    expect(half).toMatchObject({ state: 'half-open', mayProbe: true, ageMs: null })
    isAway = false
    a.ask(target, GOOD, true)
    expect(a.view(target).state).toBe('closed')
    await a.quiet()
    expect(JSON.stringify(told.at(-1))).toContain('"probe":"good"')
    const ills = JSON.stringify(told.at(-1)).match(/"ill":\d+/g) ?? []
    expect(ills.reduce((sum, one) => sum + Number(one.slice('"ill":'.length)), 0)).toBe(5) // what was gathered while it was away is told, once
  })

  it('leaves an object that is away alone for a second, and asks few objects for a request that only looks', async () => {
    let reports = 0
    const away = new Isolate(
      'a16',
      broken(() => (reports++, Promise.reject(new Error('away')))),
    )
    for (const end = Date.now() + 700; Date.now() < end; await sleep(20)) away.ask(at('p16'), { kind: 'ill' })
    expect(reports).toBe(1)
    const looking = new Isolate(
      'b16',
      broken(() => (reports++, Promise.resolve([]) as Promise<never>)),
    )
    const request = looking.request()
    for (let i = 0; i < 20; i++) request.view(at(`looked-at-${i}`))
    await looking.quiet()
    expect(reports).toBe(1 + 4)
  })

  it('blocks nobody when the object never answers', async () => {
    const a = new Isolate(
      'a11',
      broken(() => new Promise<never>(() => undefined)),
    )
    const before = Date.now()
    a.fail(at('p11'))
    expect(a.view(at('p11')).state).toBe('open')
    expect(Date.now() - before).toBeLessThan(200)
  })

  it('reports at most ten times a second while it fails, and once while it is well', { timeout: 10_000 }, async () => {
    let reports = 0
    const a = new Isolate(
      'a12',
      broken(() => (reports++, Promise.resolve([]) as Promise<never>)),
    )
    const run = async (outcome: HealthOutcome): Promise<number> => {
      const before = reports
      const end = Date.now() + 1500
      while (Date.now() < end) {
        a.ask(at('p12'), outcome)
        await sleep(5)
      }
      return reports - before
    }
    expect(await run(GOOD)).toBeLessThanOrEqual(3)
    const ill = await run({ kind: 'ill' })
    expect(ill).toBeGreaterThan(4)
    expect(ill).toBeLessThanOrEqual(16)
    await a.quiet()
  })

  it('is bounded: the least recently used window goes', () => {
    const boards = new Boards('bounded')
    for (let i = 0; i < 2500; i++) boards.of(at(`many-${i % 7}`, { model: `m${i}` }))
    expect(boards.size).toBe(2000)
    expect([...boards.links.values()].reduce((sum, link) => sum + link.boards.size, 0)).toBe(2000)
  })

  it('makes no window of names that only cost a fault of the client', async () => {
    const a = new Isolate('a13')
    for (let i = 0; i < 5; i++) a.ask(at('p13', { model: `made-up-${i}` }), { kind: 'neutral' })
    await a.quiet()
    expect(await bindings.HEALTH.getByName('p13|').snapshot()).toEqual([])
  })
})

describe('what is told of it', () => {
  it('is in /status.json for everybody, without credentials', async () => {
    const target = at('demo', { model: 'shown', credential: 'SECOND_ACCOUNT' })
    const a = new Isolate('a14')
    for (let i = 0; i < 3; i++) a.ask(target, GOOD)
    a.ask(target, { kind: 'ill' })
    await a.quiet()
    const response = await call('GET', '/status.json', null)
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'public, max-age=5'])
    const text = await response.text()
    expect(text).not.toContain('SECOND_ACCOUNT')
    const { providers } = JSON.parse(text) as {
      readonly providers: readonly { readonly provider: string; readonly models: readonly unknown[] }[]
    }
    const demo = providers.find(({ provider }) => provider === 'demo')
    expect(demo?.models).toContainEqual({
      model: 'shown',
      state: 'up',
      uptime_5m: 75,
      first_content_ms: { p50: 197, p90: 197 },
      tokens_per_second: { p50: 49.4, p90: 49.4 },
    })
  })

  it('is hidden where the operator wants it so', async () => {
    expect((await callWith({ ...env, SLUICE_STATUS: 'off' }, 'GET', '/status.json', {})).status).toBe(404)
    expect((await callWith({ ...env, SLUICE_STATUS: 'on' }, 'GET', '/status.json', {})).status).toBe(200)
  })

  it('is what a listing of endpoints wants, null where nothing is known', async () => {
    expect(await healthNumbers(env, at('nobody'))).toEqual(endpointNumbers(undefined))
    expect(endpointNumbers(undefined)).toMatchObject({ status: 0, uptime_last_5m: null, latency_last_30m: null, throughput_last_30m: null })
    const a = new Isolate('a15')
    for (let i = 0; i < 4; i++) a.ask(at('p15'), GOOD)
    a.ask(at('p15'), { kind: 'limited', retryAfterMs: 60_000 })
    await a.quiet()
    const numbers = await healthNumbers(env, at('p15'))
    expect(numbers).toMatchObject({ status: -1, uptime_last_5m: 100, uptime_last_30m: 100, uptime_last_1d: 100 })
    expect(numbers.latency_last_30m?.p50).toBe(197)
    expect(numbers.throughput_last_30m?.p99).toBe(49.4)
  })
})
