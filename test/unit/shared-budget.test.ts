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

type Pending = { readonly key: number; readonly share: Share; readonly ask: LeaseAsk }
type Step =
  | { readonly do: 'ask'; readonly key: number; readonly nano: number }
  | { readonly do: 'answer' | 'settle' | 'recall' | 'report' | 'crash-budget'; readonly pick: number; readonly part: number }

/** Keys and their budget with messages that wait on their way: what a step picks is delivered. */
class World {
  readonly keys = [0, 1, 2, 3].map(() => new Allowances())
  budget: SharedBudget
  readonly limit: number
  /** Asked and not answered; answered and not arrived; running. */
  readonly asked: Pending[] = []
  readonly running: { readonly key: number; readonly share: Share }[] = []
  spent = 0

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
    if (share.covered) this.running.push({ key, share })
    else this.asked.push({ key, share, ask: this.key(key).asking(share) })
  }

  answer(pick: number): void {
    const [one] = this.asked.splice(pick % Math.max(1, this.asked.length), 1)
    if (one === undefined) return
    const first = this.budget.lease(String(one.key), one.ask, false, NOW)
    const answer = first.kind === 'leased' ? first : (this.recallAll(), this.budget.lease(String(one.key), one.ask, true, NOW))
    if (answer.kind === 'leased') {
      const share = this.key(one.key).fund(one.share, answer)
      if (share.covered) this.running.push({ key: one.key, share })
      else this.asked.push({ key: one.key, share, ask: this.key(one.key).asking(share) })
    } else {
      this.key(one.key).settle(one.share, 0)
    }
  }

  /** Each is asked again only where another was faster, so it comes to an end. */
  answerAll(): void {
    for (let left = 20 * this.asked.length + 20; this.asked.length > 0; left--) {
      if (left === 0) throw new Error('It goes round in circles.')
      this.answer(0)
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
    for (const { keyId, period, granted } of this.budget.lessees(NOW))
      this.budget.tell(keyId, this.key(Number(keyId)).recall(SCOPE, period, granted), NOW)
  }

  report(pick: number, arrives: boolean): void {
    for (const { told } of this.key(pick).reports()) if (arrives) this.budget.tell(String(pick % this.keys.length), told, NOW)
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
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'answer' as const,
        'answer' as const,
        'settle' as const,
        'settle' as const,
        'recall' as const,
        'report' as const,
        'crash-budget' as const,
      ),
      pick: fc.nat(20),
      part: fc.nat(100),
    }),
  },
)

describe('a budget that keys share', () => {
  it('is never passed, whatever the order of asking, answering, settling, recalling, reporting and restarting', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), fc.integer({ min: 100, max: 2000 }), (steps, limit) => {
        const world = new World(limit)
        for (const one of steps) {
          if (one.do === 'ask') world.ask(one.key, one.nano)
          else if (one.do === 'answer') world.answer(one.pick)
          else if (one.do === 'settle') world.settle(one.pick, one.part)
          else if (one.do === 'recall') world.recallAll()
          else if (one.do === 'report') world.report(one.pick, one.part > 20)
          else world.crashBudget()
          expect(world.committed()).toBeLessThanOrEqual(limit)
        }
        world.answerAll()
        while (world.running.length > 0) world.settle(0, 50)
        for (const key of [0, 1, 2, 3]) world.report(key, true)
        const view = world.budget.view(NOW)
        expect([view.spentNanoUsd, view.leasedNanoUsd]).toEqual([world.spent, 0])
      }),
      { numRuns: 600 },
    )
  })

  it('admits exactly as many as fit, however they are spread over the keys', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { minLength: 40, maxLength: 200 }), fc.integer({ min: 1, max: 30 }), (keys, fits) => {
        const world = new World(fits * 10)
        for (const key of keys) world.ask(key, 10)
        world.answerAll()
        expect(world.running.length).toBe(Math.min(fits, keys.length))
      }),
    )
  })

  it('takes a repeated and a late message as nothing new', () => {
    const budget = new SharedBudget(policy())
    const ask = { told: { period: 'ever', spent: 0, returned: 0 }, least: 100, hoped: 100 }
    const first = budget.lease('a', ask, true, NOW)
    expect(budget.lease('a', ask, true, NOW)).toEqual(first)
    budget.tell('a', { period: 'ever', spent: 60, returned: 40 }, NOW)
    budget.tell('a', { period: 'ever', spent: 30, returned: 0 }, NOW)
    expect(budget.view(NOW)).toMatchObject({ spentNanoUsd: 60, leasedNanoUsd: 0 })
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
    expect(budget.lease('a', { told: { period: '', spent: 0, returned: 0 }, least: 1e12, hoped: 1e12 }, false, NOW)).toMatchObject({
      kind: 'leased',
    })
  })

  it('keeps the newer of two policies', () => {
    const budget = new SharedBudget(policy({ version: 3 }))
    expect(budget.apply(policy({ version: 2, limitNanoUsd: null }))).toBe(false)
    expect(budget.policy.limitNanoUsd).toBe(1000)
  })
})
