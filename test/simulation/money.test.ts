// Histories of whole keys and budgets, by seed: the real objects on disks and a ledger that fail, with crashes, lost answers, repeats,
// leases, expiries and resets in between. At every moment no budget may be exceeded by what was let through; in the end every request is
// booked once. `SLUICE_SIMULATIONS` runs more of them.

import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest'
import type { Ask } from '../../src/core/account.ts'
import { EVERYTHING } from '../../src/core/permits.ts'
import type { Policy } from '../../src/core/policy.ts'
import type { BudgetPolicy } from '../../src/core/shared-budget.ts'
import { NO_LIMITS } from '../../src/core/rates.ts'
import { chance, oneOf, whole } from '../support/chance.ts'
import { World, type Request } from './world.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Histories of each setting. */
    simulations: number
  }
}

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
const { KeyObject } = await import('../../src/platform/key-object.ts')
const { BudgetObject } = await import('../../src/platform/budget-object.ts')

const HOLD_S = 20
const HOLDS = [100, 200, 700] as const
const NOW = Date.UTC(2026, 10, 21, 12)
const STEPS = 700
const histories = inject('simulations')

type Setting = {
  readonly keys: number
  readonly limit: number | null
  readonly reset: string | null
  readonly team: number | null
  readonly parallel: number | null
  readonly perMinute: number | null
  readonly crashes: boolean
}

const SETTINGS: { readonly [name: string]: Setting } = {
  'one key, nothing fails': { keys: 1, limit: 3000, reset: null, team: null, parallel: null, perMinute: null, crashes: false },
  'one key, everything fails': { keys: 1, limit: 3000, reset: null, team: null, parallel: null, perMinute: null, crashes: true },
  'a budget that resets': { keys: 1, limit: 1500, reset: '30s', team: null, parallel: null, perMinute: null, crashes: true },
  'limits of requests': { keys: 1, limit: null, reset: null, team: null, parallel: 4, perMinute: 12, crashes: true },
  'a team of keys': { keys: 4, limit: null, reset: null, team: 3000, parallel: null, perMinute: null, crashes: true },
  'a team whose keys have limits of their own': {
    keys: 3,
    limit: 1500,
    reset: null,
    team: 3000,
    parallel: null,
    perMinute: null,
    crashes: true,
  },
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'], now: NOW })
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe.each(Object.entries(SETTINGS))('%s', (name, setting) => {
  it.each(Array.from({ length: histories }, (_, i) => i))('history %i', async (seed) => {
    await history(`${name} ${seed}`, setting)
  })
})

async function history(seed: string, setting: Setting): Promise<void> {
  const random = chance(seed)
  const below = (n: number): number => whole(random, n)
  vi.spyOn(Math, 'random').mockImplementation(chance(`jitter ${seed}`)) // alarms are moved by it
  const world = new World(below, { key: KeyObject, budget: BudgetObject }, { SLUICE_HOLD_SECONDS: String(HOLD_S) })
  const keys = Array.from({ length: setting.keys }, (_, i) => `k${i}`)
  world.losing = 0
  if (setting.team !== null) await through(world, world.call('budget', 'team:t', 'apply', teamOf(setting.team), true))
  for (const key of keys) {
    world.ledger.keys.set(key, { id: key, version: 1, reported: 0, spend: '{}' })
    await through(world, world.call('key', key, 'apply', policyOf(key, setting), true))
  }
  world.losing = setting.crashes ? 40 : 0

  const acts = [
    () => void world.ask(oneOf(random, keys), askOf(below)),
    () => void world.ask(oneOf(random, keys), askOf(below)),
    () => {
      const one = running(world, random)
      if (one?.hold != null) void world.settle(one, below(8) === 0 ? null : below(one.hold.nanoUsd + 1))
    },
    () => {
      const one = running(world, random)
      if (one !== null && setting.crashes && below(6) === 0) one.state = 'gone' // its Worker died; the provider bills what it likes, up to the hold
    },
    () => {
      const one = running(world, random)
      if (one !== null) void world.renew(one)
    },
    () => {
      if (setting.crashes && below(5) === 0) world.crash()
    },
    () => {
      if (setting.crashes && below(8) === 0) world.ledger.isAway = !world.ledger.isAway
    },
    () => vi.advanceTimersByTime(below(30)),
    () => vi.advanceTimersByTime(below(12) === 0 ? 3500 : below(400)),
  ]
  for (let step = 0; step < STEPS; step++) {
    if (below(3) === 0) oneOf(random, acts)()
    else await world.turn()
    await world.runAlarms()
    mustHold(world, keys, setting)
  }
  await end(world, keys, setting)
}

/** Nothing fails any more, whoever runs settles, and time passes until nothing is held. */
async function end(world: World, keys: readonly string[], setting: Setting): Promise<void> {
  world.losing = 0
  world.ledger.isAway = false
  for (let round = 0; round < 6; round++) {
    for (const one of world.requests)
      if (one.state === 'running' && one.hold !== null) void world.settle(one, Math.floor(one.hold.nanoUsd / 3))
    for (let i = 0; i < 3000 && (await world.turn()); i++);
    vi.advanceTimersByTime((HOLD_S * 1000) / 2)
    await world.runAlarms()
    for (let i = 0; i < 3000 && (await world.turn()); i++);
    for (let pass = 0; pass < 6; pass++) {
      vi.advanceTimersByTime(1500)
      await world.runAlarms()
      for (let i = 0; i < 3000 && (await world.turn()); i++);
    }
    mustHold(world, keys, setting)
  }
  let ever = 0
  for (const key of keys) {
    const view = await through(world, world.view(key))
    expect(view.heldNanoUsd, 'held in the end').toBe(0)
    expect(view.running, 'running in the end').toBe(0)
    ever += view.spentEverNanoUsd
    if (!setting.crashes) expect(JSON.parse(world.ledger.keys.get(key)?.spend ?? '')).toMatchObject({ everNanoUsd: view.spentEverNanoUsd })
  }
  const rows = [...world.ledger.rows.values()]
  const sum = rows.reduce((all, { cost }) => all + cost, 0)
  expect(sum, 'rows sum to what is spent').toBe(ever)

  const unattributed = rows.filter(({ ended }) => ended === 'unattributed').reduce((all, { cost }) => all + cost, 0)
  let unbooked = 0
  for (const one of world.requests) {
    const row = world.ledger.rows.get(one.id)
    if (one.state === 'ended' && row !== undefined) expect(row.cost, `${one.id} is booked at its cost`).toBe(one.cost)
    if (one.hold !== null && row === undefined && !one.unsent) unbooked += one.cost ?? one.hold.nanoUsd
  }
  expect(unbooked, 'what has no row lies in an unattributed one').toBeLessThanOrEqual(unattributed)
  if (!setting.crashes) expect(unattributed, 'without a crash every request has its row').toBe(0)
  if (setting.team !== null) {
    // What was leased to a key that crashed before it heard of it comes back when it is recalled: a change of the budget does that.
    await through(world, world.call('budget', 'team:t', 'apply', { ...teamOf(setting.team), version: 2 }, true))
    const team = await through(world, world.budget('team:t'))
    expect(team.leasedNanoUsd, 'leased in the end').toBe(0)
    expect(team.spentNanoUsd, 'the team has not spent more than it has').toBeLessThanOrEqual(setting.team)
    expect(team.spentNanoUsd, 'the team has spent what its keys have').toBe(ever)
    expect(team.spentNanoUsd, 'the team knows what was billed').toBeGreaterThanOrEqual(exposed(world.requests))
  }
}

/** What was let through: what it cost where that is known, else all that is held for it. */
function exposed(requests: readonly Request[]): number {
  return requests.reduce((sum, { hold, cost }) => sum + (hold === null ? 0 : (cost ?? hold.nanoUsd)), 0)
}

function mustHold(world: World, keys: readonly string[], { limit, team, parallel, perMinute }: Setting): void {
  if (team !== null) expect(exposed(world.requests), 'the team budget').toBeLessThanOrEqual(team)
  for (const key of keys) {
    const own = world.requests.filter((one) => one.key === key && one.hold !== null)
    if (limit !== null) {
      const periods = new Map<string, number>()
      for (const one of own) periods.set(one.hold?.period ?? '', (periods.get(one.hold?.period ?? '') ?? 0) + exposed([one]))
      for (const [period, sum] of periods) expect(sum, `the budget in ${period}`).toBeLessThanOrEqual(limit)
    }
    const now = Date.now()
    const live = own.filter(({ state, renewedAt }) => state === 'running' && now - renewedAt < HOLD_S * 1000)
    if (parallel !== null) expect(live.length, 'at once').toBeLessThanOrEqual(parallel)
    if (perMinute !== null) {
      const taken = own.filter(({ unsent }) => !unsent).map(({ hold }) => hold?.takenAt ?? 0)
      for (const from of taken)
        expect(taken.filter((at) => at >= from && at < from + 60_000).length, 'in a minute').toBeLessThanOrEqual(perMinute)
    }
  }
}

function running(world: World, random: () => number): Request | null {
  const all = world.requests.filter(({ state }) => state === 'running')
  return all.length === 0 ? null : oneOf(random, all)
}

/** Turns the world until something is there. */
async function through<T>(world: World, answer: Promise<T>): Promise<T> {
  let over = false
  void answer.then(
    () => (over = true),
    () => (over = true),
  )
  for (let i = 0; i < 10_000 && !over; i++) await world.turn()
  return answer
}

function askOf(below: (n: number) => number): Omit<Ask, 'requestId'> {
  return {
    secretHash: 'h1',
    clientIp: null,
    candidates: [
      {
        model: 'p/m',
        provider: 'p',
        region: null,
        worst: { inputPico: 1000, outputPico: 0, feesNanoUsd: 0 },
        inputTokens: HOLDS[below(HOLDS.length)] ?? 100,
        maxOutputTokens: null,
      },
    ],
    outputTokens: 1,
    leastOutputTokens: 1,
    choices: 1,
    idempotency: null,
  }
}

function teamOf(limitNanoUsd: number): BudgetPolicy {
  return { scope: 'team:t', version: 1, createdAt: NOW, limitNanoUsd, limitReset: null }
}

function policyOf(keyId: string, { limit, reset, team, parallel, perMinute }: Setting): Policy {
  return {
    keyId,
    version: 1,
    label: keyId,
    name: keyId,
    createdAt: NOW,
    secrets: [{ hash: 'h1', until: null }],
    disabled: false,
    deleted: false,
    expiresAt: null,
    limitNanoUsd: limit,
    limitReset: reset,
    ...EVERYTHING,
    limits: { ...NO_LIMITS, parallelRequests: parallel, requestsPerMinute: perMinute },
    scopes: team === null ? [] : ['team:t'],
  }
}
