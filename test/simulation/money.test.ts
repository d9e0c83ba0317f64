// Histories of whole keys and budgets, by seed: the real objects on disks and a ledger that fail, with crashes, lost answers, repeats,
// leases, expiries and resets in between. At every moment no budget may be exceeded by what was let through; in the end every request is
// booked once. `SLUICE_SIMULATIONS` runs more of them.

import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest'
import type { BudgetPolicy } from '../../src/core/shared-budget.ts'
import { chance, oneOf, whole } from '../support/chance.ts'
import { exposedByScope, exposedUnder, mustHold, type Credit } from './invariants.ts'
import { alwaysOf, askOf, limitOf, limitsOf, NOW, policyOf, SETTINGS, type Setting } from './settings.ts'
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
const STEPS = 700
const histories = inject('simulations')
let grants = 0

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
  const world = new World(below, { key: KeyObject, budget: BudgetObject }, { SLUICE_HOLD_SECONDS: String(HOLD_S), SLUICE_LOG: 'off' })
  const keys = Array.from({ length: setting.keys }, (_, i) => `k${i}`)
  const credit: Credit = { most: 0 }
  await begin(world, keys, setting, credit)
  world.losing = setting.crashes ? 40 : 0

  const always = alwaysOf(setting)
  const ask = (): void => void world.ask(oneOf(random, keys), askOf(setting, below), always)
  const acts = [
    ask,
    ask,
    () => {
      const one = running(world, random)
      if (one !== null) settleSomehow(world, one, below)
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
      if (setting.crashes && below(setting.small === undefined ? 5 : 2) === 0) world.crash()
    },
    () => {
      if (setting.crashes && below(8) === 0) world.ledger.isAway = !world.ledger.isAway
    },
    () => vi.advanceTimersByTime(below(30)),
    () => vi.advanceTimersByTime(below(12) === 0 ? 3500 : below(setting.small === undefined ? 400 : 20)),
    ...(setting.small === undefined ? [] : [ask, ask, ask, ask, ask, ask]),
    ...(setting.credit === undefined ? [] : [() => void (below(6) === 0 && grant(world, credit, 300 * (below(3) - 1)))]),
  ]
  for (let step = 0; step < STEPS; step++) {
    if (below(3) === 0) oneOf(random, acts)()
    else await world.turn()
    await world.runAlarms()
    mustHold(world, keys, setting, HOLD_S * 1000, credit)
  }
  await end(world, keys, setting, credit)
}

/** Keys and budgets are as their administrator has set them, and every key knows which providers have budgets. */
async function begin(world: World, keys: readonly string[], setting: Setting, credit: Credit): Promise<void> {
  world.losing = 0
  for (const [scope, limit] of limitsOf(setting)) world.ledger.budgets.set(scope, { scope, limit, soft: setting.soft ?? null })
  if (setting.team !== null)
    await through(world, world.call('budget', 'team:t', 'apply', budgetOf(setting, 'team:t', setting.team, 1), true))
  if (setting.credit !== undefined) await through(world, grant(world, credit, setting.credit))
  for (const key of keys) {
    world.ledger.keys.set(key, { id: key, version: 1, reported: 0, spend: '{}' })
    await through(world, world.call('key', key, 'apply', policyOf(key, setting), true))
    await through(world, world.call('key', key, 'admit', { ...askOf(setting, () => 0), requestId: 'x', secretHash: 'no such secret' }))
  }
  while (await world.turn());
}

/** What is given may be spent as soon as it is asked for; what is taken back, until that is told. */
async function grant(world: World, credit: Credit, amountNanoUsd: number): Promise<void> {
  if (amountNanoUsd === 0) return
  credit.most += Math.max(0, amountNanoUsd)
  const id = `g${++grants}`
  const granted = await world.grant({ id, account: 'a', createdAt: Date.now(), amountNanoUsd, note: null })
  if (granted?.kind === 'granted') credit.most += Math.min(0, amountNanoUsd)
}

/** At one of the places where it may be, for no more than that may cost; or it turns out that it was sent nowhere. */
function settleSomehow(world: World, one: Request, below: (n: number) => number): void {
  const place = one.places[below(one.places.length)]
  void (below(8) === 0 || place === undefined ? world.settle(one, null) : world.settle(one, below(place.need + 1), place))
}

/** Nothing fails any more, whoever runs settles, and time passes until nothing is held. */
async function end(world: World, keys: readonly string[], setting: Setting, credit: Credit): Promise<void> {
  world.losing = 0
  world.ledger.isAway = false
  for (let round = 0; round < 6; round++) {
    for (const one of world.requests)
      if (one.state === 'running' && one.hold !== null) void world.settle(one, Math.floor((one.places[0]?.need ?? 0) / 3))
    for (let i = 0; i < 3000 && (await world.turn()); i++);
    vi.advanceTimersByTime((HOLD_S * 1000) / 2)
    await world.runAlarms()
    for (let i = 0; i < 3000 && (await world.turn()); i++);
    for (let pass = 0; pass < 6; pass++) {
      vi.advanceTimersByTime(1500)
      await world.runAlarms()
      for (let i = 0; i < 3000 && (await world.turn()); i++);
    }
    mustHold(world, keys, setting, HOLD_S * 1000, credit)
  }
  let ever = 0
  for (const key of keys) {
    const view = await through(world, world.view(key))
    expect(view.heldNanoUsd, 'held in the end').toBe(0)
    expect(view.running, 'running in the end').toBe(0)
    ever += view.spentEverNanoUsd
    if (!setting.crashes && view.spentEverNanoUsd > 0)
      expect(JSON.parse(world.ledger.keys.get(key)?.spend ?? '')).toMatchObject({ everNanoUsd: view.spentEverNanoUsd })
  }
  const rows = [...world.ledger.rows.values()]
  const sum = rows.reduce((all, { cost }) => all + cost, 0)
  expect(sum, 'rows sum to what is spent').toBe(ever)

  const unattributed = rows.filter(({ ended }) => ended === 'unattributed').reduce((all, { cost }) => all + cost, 0)
  let unbooked = 0
  let overtaken = 0
  for (const one of world.requests) {
    const row = world.ledger.rows.get(one.id)
    // A renewal that overtakes the settle of a request that was never sent, and a crash between them: what is held for it again nobody gives back.
    const isOvertaken = setting.crashes && one.unsent && row?.cost === one.hold?.nanoUsd
    if (isOvertaken) overtaken += row?.cost ?? 0
    if (one.state === 'ended' && row !== undefined && !isOvertaken) expect(row.cost, `${one.id} is booked at its cost`).toBe(one.cost)
    if (one.hold !== null && row === undefined && !one.unsent) unbooked += one.cost ?? one.hold.nanoUsd
  }
  expect(unbooked, 'what has no row lies in an unattributed one').toBeLessThanOrEqual(unattributed)
  if (!setting.crashes) expect(unattributed, 'without a crash every request has its row').toBe(0)
  for (const key of keys) await purses(world, key, setting)
  for (const [scope, sum] of exposedByScope(world.requests)) await shared(world, scope, sum, setting)
  if (setting.team !== null && setting.models === undefined) {
    const { spentNanoUsd } = await through(world, world.budget('team:t'))
    // It may be more: who corrects a hold that expired before a crash does not know its shares any more.
    expect(spentNanoUsd, 'the team has spent what its keys have').toBeGreaterThanOrEqual(ever - overtaken)
  }
  for (const { scope, keyId } of world.ledger.events)
    expect(
      world.ledger.events.filter((one) => one.scope === scope && one.keyId === keyId),
      `${scope} is told of once`,
    ).toHaveLength(1)
}

async function purses(world: World, key: string, { models = [], crashes }: Setting): Promise<void> {
  const views = await through(world, world.modelLimits(key))
  const own = world.requests.filter((one) => one.key === key)
  for (const [i, model] of models.entries()) {
    const view = views[i]
    expect(view, `${model.glob} in the end`).toMatchObject({ glob: model.glob, heldNanoUsd: 0, running: 0 })
    const sum = exposedUnder(own, i + 1, model)
    if (crashes) expect(view?.spentNanoUsd, `${model.glob} knows what was billed`).toBeGreaterThanOrEqual(sum)
    else expect(view?.spentNanoUsd, `${model.glob} knows what was billed, exactly`).toBe(sum)
    if (model.limitNanoUsd !== null) expect(view?.spentNanoUsd, `${model.glob} is not passed`).toBeLessThanOrEqual(model.limitNanoUsd)
  }
}

async function shared(world: World, scope: string, sum: number, setting: Setting): Promise<void> {
  const { limitNanoUsd, leasedNanoUsd } = await through(world, world.budget(scope))
  if (!setting.crashes) expect(leasedNanoUsd, `idle keys have given back what they leased of ${scope}`).toBe(0)
  if (scope !== 'credit:a') expect(limitNanoUsd, `the limit of ${scope}`).toBe(limitOf(setting, scope))
  // What was leased to a key that crashed before it heard of it comes back when it is recalled: a change of the budget does that.
  await through(world, world.call('budget', scope, 'apply', budgetOf(setting, scope, limitNanoUsd, 1_000_000), true))
  const view = await through(world, world.budget(scope))
  expect(view.leasedNanoUsd, `leased of ${scope} in the end`).toBe(0)
  if (limitNanoUsd !== null) expect(view.spentNanoUsd, `${scope} has not spent more than it has`).toBeLessThanOrEqual(limitNanoUsd)
  const told = world.ledger.events.some((one) => one.scope === scope)
  if (limitNanoUsd !== null && setting.soft !== undefined && scope !== 'credit:a' && view.spentNanoUsd >= setting.soft)
    expect(told, `the soft limit of ${scope} is told of`).toBe(true)
  if (setting.crashes) {
    expect(view.spentNanoUsd, `${scope} knows what was billed`).toBeGreaterThanOrEqual(sum)
    return
  }
  expect(view.spentNanoUsd, `${scope} knows what was billed, exactly`).toBe(sum)
  const rows = [...world.ledger.rows.values()].filter(({ scopes }) => scopes.includes(scope))
  expect(
    rows.reduce((all, { cost }) => all + cost, 0),
    `the rows of ${scope}`,
  ).toBe(sum)
  // What expired was spent until it was corrected.
  if (sum < (setting.soft ?? 0) && ![...world.ledger.rows.values()].some(({ writes }) => writes > 1))
    expect(told, `${scope} is told of, with ${sum} spent`).toBe(false)
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

function budgetOf({ soft }: Setting, scope: string, limitNanoUsd: number | null, version: number): BudgetPolicy {
  const softNanoUsd = limitNanoUsd === null || scope === 'credit:a' ? null : (soft ?? null)
  return { scope, version, createdAt: 1, limitNanoUsd, limitReset: null, softNanoUsd }
}
