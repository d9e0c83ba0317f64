// A budget that keys share, and their allowances: whatever happens in whatever order, never over it, and nothing that fits is refused.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Allowances, type Share } from '../../src/core/allowances.ts'
import { SharedBudget, type BudgetPolicy, type LeaseAsk } from '../../src/core/shared-budget.ts'

const NOW = Date.UTC(2026, 10, 21, 12)
const SCOPE = 'team:blue'
const policy = (change: Partial<BudgetPolicy> = {}): BudgetPolicy => ({
  scope: SCOPE,
  version: 1,
  createdAt: NOW - 1000,
  limitNanoUsd: 1000,
  limitReset: null,
  ...change,
})

type Asked = { readonly key: number; readonly share: Share; readonly ask: LeaseAsk }
type Step =
  | { readonly do: 'ask'; readonly key: number; readonly nano: number }
  | {
      readonly do: 'deliver' | 'repeat' | 'lose' | 'settle' | 'recall' | 'report' | 'crash-budget'
      readonly pick: number
      readonly part: number
    }

/** Keys and their budget with messages on their way between them: what a step picks arrives, in any order. */
class World {
  readonly keys = [0, 1, 2, 3].map(() => new Allowances())
  budget: SharedBudget
  readonly limit: number
  /** What waits for an answer must arrive; what is only told may be lost, and told twice. */
  readonly asked: Asked[] = []
  readonly answered: (() => void)[] = []
  readonly told: (() => void)[] = []
  readonly running: { readonly key: number; readonly share: Share }[] = []
  spent = 0
  forgotten = 0

  constructor(limit: number) {
    this.limit = limit
    this.budget = new SharedBudget(policy({ limitNanoUsd: limit }))
  }

  key(index: number): Allowances {
    return this.keys[index % this.keys.length] as Allowances
  }

  ask(index: number, nano: number): void {
    const key = index % this.keys.length
    const share = this.key(key).reserve(SCOPE, nano, NOW)
    this.go(key, share)
  }

  go(key: number, share: Share): void {
    if (share.covered) this.running.push({ key, share })
    else this.asked.push({ key, share, ask: this.key(key).asking(share) })
  }

  /** One that asks reaches the budget, or the budget's answer the one that asked. */
  deliver(pick: number): void {
    const at = pick % Math.max(1, this.asked.length + this.answered.length)
    if (at >= this.asked.length) return this.answered.splice(at - this.asked.length, 1)[0]?.()
    const [one] = this.asked.splice(at, 1)
    if (one === undefined) return
    const first = this.budget.lease(String(one.key), one.ask, false, NOW)
    const answer = first.kind === 'leased' ? first : (this.recallAll(), this.budget.lease(String(one.key), one.ask, true, NOW))
    this.answered.push(() => {
      if (answer.kind === 'leased') this.go(one.key, this.key(one.key).fund(one.share, answer))
      else this.key(one.key).settle(one.share, 0)
    })
  }

  /** Each is asked again only where another was faster, so it comes to an end where answers arrive before the next one asks. */
  deliverAll(): void {
    for (let left = 40 * this.asked.length + 40; this.asked.length + this.answered.length > 0; left--) {
      if (left === 0) throw new Error('It goes round in circles.')
      this.deliver(this.asked.length + this.answered.length - 1)
    }
  }

  settle(pick: number, part: number): void {
    const [one] = this.running.splice(pick % Math.max(1, this.running.length), 1)
    if (one === undefined) return
    const cost = Math.floor((one.share.nanoUsd * part) / 100)
    this.key(one.key).settle(one.share, cost)
    this.spent += cost
  }

  recallAll(): void {
    for (const reach of this.recalls()) reach()()
  }

  /** Each has two ways to go: to the key, and back with what it tells. */
  recalls(): readonly (() => () => void)[] {
    return this.budget.lessees(NOW).map(({ keyId, turn, period, granted }) => () => {
      const told = this.key(Number(keyId)).recall(SCOPE, turn, period, granted)
      return () => (told === null ? this.budget.gone(keyId, turn) : void this.budget.tell(keyId, told, NOW))
    })
  }

  recallSlowly(): void {
    for (const reach of this.recalls()) this.told.push(() => this.told.push(reach()))
  }

  report(index: number): void {
    const key = this.key(index)
    const keyId = String(index % this.keys.length)
    const before = key.size
    for (const { scope, told } of key.reports())
      this.told.push(() => {
        const answer = this.budget.tell(keyId, told, NOW)
        this.told.push(() => {
          const size = key.size
          key.confirm(scope, told, answer)
          this.forgotten += size - key.size
        })
      })
    this.forgotten += before - key.size
  }

  tellOne(pick: number, how: 'deliver' | 'repeat' | 'lose'): void {
    const at = pick % Math.max(1, this.told.length)
    const one = this.told[at]
    if (how !== 'repeat') this.told.splice(at, 1)
    if (how !== 'lose') one?.()
  }

  tellAll(): void {
    while (this.told.length > 0) this.tellOne(0, 'deliver')
  }

  /** The object is started anew from what it wrote down. */
  crashBudget(): void {
    const again = new SharedBudget(this.budget.policy)
    again.restore(structuredClone(this.budget.snapshot()))
    this.budget = again
  }

  committed(): number {
    return this.spent + this.running.reduce((sum, { share }) => sum + share.nanoUsd, 0)
  }
}

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('ask' as const), key: fc.nat(3), nano: fc.integer({ min: 1, max: 300 }) }) },
  {
    weight: 14,
    arbitrary: fc.record({
      do: fc.constantFrom(
        ...(['deliver', 'deliver', 'deliver', 'deliver', 'settle', 'settle', 'report', 'report'] as const),
        ...(['recall', 'repeat', 'lose', 'crash-budget'] as const),
      ),
      pick: fc.nat(20),
      part: fc.nat(100),
    }),
  },
)

describe('a budget that keys share', () => {
  it('is never passed, whatever the order of asking, answering, settling, recalling, reporting, forgetting and restarting', () => {
    let forgotten = 0
    fc.assert(
      fc.property(fc.array(step, { maxLength: 160 }), fc.integer({ min: 100, max: 2000 }), (steps, limit) => {
        const world = new World(limit)
        for (const one of steps) {
          if (one.do === 'ask') world.ask(one.key, one.nano)
          else if (one.do === 'settle') world.settle(one.pick, one.part)
          else if (one.do === 'recall' && one.part > 50) world.recallSlowly()
          else if (one.do === 'recall') world.recallAll()
          else if (one.do === 'report') world.report(one.pick)
          else if (one.do === 'crash-budget') world.crashBudget()
          else if (one.do === 'deliver' && one.part > 40) world.deliver(one.pick)
          else world.tellOne(one.pick, one.do)
          expect(world.committed()).toBeLessThanOrEqual(limit)
        }
        world.deliverAll()
        while (world.running.length > 0) world.settle(0, 50)
        world.tellAll()
        for (const key of [0, 1, 2, 3]) world.report(key)
        world.tellAll()
        world.recallAll()
        const view = world.budget.view(NOW)
        expect([view.spentNanoUsd, view.leasedNanoUsd]).toEqual([world.spent, 0])
        expect(world.keys.map(({ size }) => size)).toEqual([0, 0, 0, 0])
        forgotten += world.forgotten
      }),
      { numRuns: 1500 },
    )
    expect(forgotten).toBeGreaterThan(1000)
  })

  it('admits exactly as many as fit, however they are spread over the keys', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { minLength: 40, maxLength: 200 }), fc.integer({ min: 1, max: 30 }), (keys, fits) => {
        const world = new World(fits * 10)
        for (const key of keys) world.ask(key, 10)
        world.deliverAll()
        expect(world.running.length).toBe(Math.min(fits, keys.length))
      }),
    )
  })

  it('counts what was spent beyond a grant once: what a crash has forgotten leaves the rest of the budget to be leased', () => {
    const budget = new SharedBudget(policy())
    const key = new Allowances()
    key.charge(SCOPE, 300, NOW)
    const share = key.reserve(SCOPE, 700, NOW)
    const answer = budget.lease('a', key.asking(share), true, NOW)
    expect(answer.kind).toBe('leased')
    if (answer.kind === 'leased') expect(key.fund(share, answer).covered).toBe(true)
    expect(budget.view(NOW)).toMatchObject({ spentNanoUsd: 300, leasedNanoUsd: 700 })
    const more = { told: { turn: 1, period: 'ever', spent: 0, returned: 0, refunded: 0 }, least: 1, hoped: 1 }
    expect(budget.lease('b', more, true, NOW).kind).toBe('short')
  })

  it('takes a repeated and a late message as nothing new', () => {
    const budget = new SharedBudget(policy())
    const ask = { told: { turn: 1, period: 'ever', spent: 0, returned: 0, refunded: 0 }, least: 100, hoped: 100 }
    const first = budget.lease('a', ask, true, NOW)
    expect(budget.lease('a', ask, true, NOW)).toEqual(first)
    budget.tell('a', { turn: 1, period: 'ever', spent: 60, returned: 40, refunded: 0 }, NOW)
    budget.tell('a', { turn: 1, period: 'ever', spent: 30, returned: 0, refunded: 0 }, NOW)
    expect(budget.view(NOW)).toMatchObject({ spentNanoUsd: 60, leasedNanoUsd: 0 })
  })

  it('takes no message of a turn that is over for one of the turn that runs', () => {
    const budget = new SharedBudget(policy())
    const key = new Allowances()
    const lease = (nano: number): Share => {
      const share = key.reserve(SCOPE, nano, NOW)
      const answer = budget.lease('a', key.asking(share), true, NOW)
      return answer.kind === 'leased' ? key.fund(share, answer) : share
    }
    const old = lease(100)
    const recalled = budget.lessees(NOW)[0]
    key.settle(old, 60)
    const [first] = key.reports()
    if (first === undefined || recalled === undefined) throw new Error('nothing to tell')
    key.confirm(SCOPE, first.told, budget.tell('a', first.told, NOW))
    expect(key.size).toBe(0)
    const young = lease(10)
    expect([young.covered, young.turn > old.turn]).toEqual([true, true])
    expect(key.recall(SCOPE, recalled.turn, recalled.period, recalled.granted)).toBeNull()
    expect(key.reserve(SCOPE, 20, NOW).covered).toBe(false)
    budget.gone('a', recalled.turn)
    budget.tell('a', { ...first.told, returned: 99 }, NOW)
    expect(budget.view(NOW)).toMatchObject({ spentNanoUsd: 60, leasedNanoUsd: 10 })
    expect(budget.lease('a', { told: first.told, least: 500, hoped: 500 }, true, NOW)).toMatchObject({ turn: young.turn, granted: 10 })
  })

  it('begins anew with its period, and what was held before it stays there', () => {
    const budget = new SharedBudget(policy({ limitReset: '30s', limitNanoUsd: 100 }))
    const key = new Allowances()
    const leased = (share: Share, at: number): { readonly share: Share; readonly period: string } => {
      const answer = budget.lease('a', key.asking(share), true, at)
      if (answer.kind !== 'leased') throw new Error('refused')
      return { share: key.fund(share, answer), period: answer.period }
    }
    const old = leased(key.reserve(SCOPE, 80, NOW), NOW)
    const later = NOW + 60_000
    const fresh = leased(key.reserve(SCOPE, 90, later), later)
    expect([old.share.covered, fresh.share.covered, fresh.period === old.period]).toEqual([true, true, false])
    key.settle(old.share, 80)
    key.settle(fresh.share, 10)
    for (const { told } of key.reports()) budget.tell('a', told, later)
    expect(budget.view(later)).toMatchObject({ spentNanoUsd: 10, leasedNanoUsd: 0 })
  })

  it('counts without a limit', () => {
    const budget = new SharedBudget(policy({ limitNanoUsd: null }))
    expect(
      budget.lease('a', { told: { turn: 1, period: '', spent: 0, returned: 0, refunded: 0 }, least: 1e12, hoped: 1e12 }, false, NOW),
    ).toMatchObject({
      kind: 'leased',
    })
  })

  it('keeps the newer of two policies', () => {
    const budget = new SharedBudget(policy({ version: 3 }))
    expect(budget.apply(policy({ version: 2, limitNanoUsd: null }))).toBe(false)
    expect(budget.policy.limitNanoUsd).toBe(1000)
  })
})

describe('a key that restarts as it was before its latest turn', () => {
  it('begins a newer one, and goes on at once', () => {
    const budget = new SharedBudget(policy())
    const lease = (key: Allowances, asked: Share): { readonly share: Share; readonly times: number } => {
      let share = asked
      let times = 0
      for (; !share.covered && times < 10; times++) {
        const answer = budget.lease('k', key.asking(share), true, NOW)
        if (answer.kind === 'leased') share = key.fund(share, answer)
      }
      return { share, times }
    }
    const before = new Allowances()
    const first = lease(before, before.reserve(SCOPE, 100, NOW)).share
    before.settle(first, 60)
    const onDisk = before.snapshot()
    for (const { scope, told } of before.reports()) before.confirm(scope, told, budget.tell('k', told, NOW))
    lease(before, before.reserve(SCOPE, 100, NOW + 1)) // of a new turn, and forgotten by the crash that follows

    const again = new Allowances()
    again.restore(structuredClone(onDisk))
    const { share, times } = lease(again, again.reserve(SCOPE, 200, NOW + 2))
    expect([share.covered, times]).toEqual([true, 2])
    again.settle(share, 200)
    for (const { scope, told } of again.reports()) again.confirm(scope, told, budget.tell('k', told, NOW + 2))
    expect(budget.view(NOW + 2)).toMatchObject({ spentNanoUsd: 260, leasedNanoUsd: 0 })
  })
})

describe('what a budget writes down', () => {
  it('is what is new, key by key, and adds up to all there is', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 0, max: 300 }), fc.boolean(), fc.boolean()), { maxLength: 40 }),
        (steps) => {
          const budget = new SharedBudget(policy({ limitReset: '1h', limitNanoUsd: 5000 }))
          const disk = new Map<string, unknown>()
          let now = NOW
          let turn = 0
          for (const [key, nano, turnsOver, isKept] of steps) {
            if (turnsOver) now += 3_600_000
            if (nano % 7 === 0) budget.gone(key, turn)
            else
              budget.lease(
                key,
                { told: { turn: ++turn, period: '', spent: nano, returned: 0, refunded: 0 }, least: nano + 5, hoped: nano + 9 },
                false,
                now,
              )
            if (!isKept) continue
            const { changed, gone } = budget.takeChanges()
            for (const id of gone) disk.delete(id)
            for (const [id, lease] of changed) disk.set(id, lease)
            expect(Object.fromEntries(disk)).toEqual(Object.fromEntries(budget.snapshot().leases))
            expect(budget.takeChanges()).toMatchObject({ changed: [], gone: [] })
          }
        },
      ),
    )
  })
})
