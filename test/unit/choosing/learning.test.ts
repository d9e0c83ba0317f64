import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TaskType } from '../../../src/classifier/contract.ts'
import { NOTHING_LEARNED, type Ability, type Capability, type Learned, type Seen } from '../../../src/routing/choosing/contract.ts'
import {
  activeTasks,
  explored,
  EXPLORATION,
  learnedAbility,
  learnedCapability,
  offsetOf,
  spreadOf,
  PRIOR_WEIGHT,
} from '../../../src/routing/choosing/learning.ts'
import { NO_CELLS, withOutcomes, type Cells, type Outcome } from '../../../src/routing/choosing/outcomes.ts'
import { doubts } from '../../support/binomial.ts'
import { chance } from '../../support/chance.ts'

const ability = (value: number): Ability => ({ value, error: 0.03, n: 400, basis: 'measured' })
const base: Capability = { of: (model) => ability(model === 'good' ? 0.8 : 0.6) }
const learned = (more: Partial<Learned>): Learned => ({ ...NOTHING_LEARNED, isActive: true, ...more })
const told = (good: number, bad: number, more: Partial<Outcome> = {}, cells: Cells = NO_CELLS): Cells =>
  withOutcomes(cells, [{ task: 'math', model: 'm', good, bad, prior: { value: 0.8, error: 0.03 }, led: true, ...more }])
const none: ReadonlySet<TaskType> = new Set()

describe('when a tenant’s outcomes decide', () => {
  it('never before something fell short of its promise', () => {
    expect(activeTasks(NO_CELLS, none).size).toBe(0)
    expect(activeTasks(told(85, 15), none).size).toBe(0)
    expect(activeTasks(told(78, 22), none).size).toBe(0)
  })

  it('where what the table chose did worse than promised by more than the error', () => {
    expect([...activeTasks(told(50, 50), none)]).toEqual(['math'])
  })

  it('not of a few outcomes', () => {
    expect(activeTasks(told(0, 19), none).size).toBe(0)
    expect(activeTasks(told(0, 20), none).size).toBe(1)
  })

  it('not of what others chose, or of what nothing was promised', () => {
    expect(activeTasks(told(0, 100, { led: false }), none).size).toBe(0)
    expect(activeTasks(told(0, 100, { prior: null }), none).size).toBe(0)
  })

  it('at each task by itself', () => {
    expect([...activeTasks(told(90, 10, { task: 'law' }, told(20, 80)), none)]).toEqual(['math'])
  })

  it('until it is near its promise again, and between the two as before', () => {
    const between = told(75, 25)
    expect(activeTasks(between, none).size).toBe(0)
    expect(activeTasks(between, new Set<TaskType>(['math'])).size).toBe(1)
    expect(activeTasks(told(80, 20), new Set<TaskType>(['math'])).size).toBe(0)
  })

  it('takes a promise that is itself unsure less strictly', () => {
    expect(activeTasks(told(70, 30), none).size).toBe(1)
    expect(activeTasks(told(70, 30, { prior: { value: 0.8, error: 0.2 } }), none).size).toBe(0)
  })
})

describe('what a model can do, as it was learnt', () => {
  it('is the table where outcomes do not decide', () => {
    const seen: Seen = { good: 0, bad: 100 }
    expect(learnedCapability(base, learned({ isActive: false, outcomes: () => seen }))).toBe(base)
    const elsewhere = learnedCapability(base, learned({ outcomes: () => seen, isActiveAt: (task) => task === 'law' }))
    expect([elsewhere.of('good', 'math', null).value, elsewhere.of('good', 'law', null).basis]).toEqual([0.8, 'learned'])
    expect(learnedCapability(base, learned({})).of('good', 'math', null)).toEqual(ability(0.8))
  })

  it('moves from the promise to what was seen', () => {
    expect(learnedAbility(ability(0.8), { good: 0, bad: 0 }, {})).toEqual(ability(0.8))
    expect(learnedAbility(ability(0.8), { good: 0, bad: PRIOR_WEIGHT }, {})).toMatchObject({
      value: 0.4,
      n: PRIOR_WEIGHT,
      basis: 'learned',
    })
    expect(learnedAbility(ability(0.8), { good: 90, bad: 110 }, {}).value).toBeCloseTo(0.474, 3)
  })

  it('gives the table’s own choice the benefit of the doubt', () => {
    const [led, other] = [true, false].map((is) => learnedAbility(ability(0.8), { good: 5, bad: 15, led: is }, {}))
    expect(led?.value).toBeCloseTo((other?.value ?? 0) + 2 * (other?.error ?? 0))
  })

  it('always lies between 0 and 1, with an error', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 400, noNaN: true }),
        fc.double({ min: 0, max: 400, noNaN: true }),
        fc.double({ min: 0.5, max: 1.25, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.boolean(),
        (prior, good, bad, offset, spread, led) => {
          const { value, error } = learnedAbility(ability(prior), { good, bad, led }, { offset, spread })
          expect(value).toBeGreaterThanOrEqual(0)
          expect(value).toBeLessThanOrEqual(1)
          expect(error).toBeGreaterThan(0)
        },
      ),
    )
  })

  it('keeps the order of what was tried equally often', () => {
    fc.assert(
      fc.property(fc.nat(50), fc.nat(50), fc.double({ min: 0.5, max: 1.25, noNaN: true }), (a, b, offset) => {
        const value = (good: number): number => learnedAbility(ability(0.7), { good, bad: 50 - good }, { offset }).value
        if (a < b) expect(value(a)).toBeLessThanOrEqual(value(b))
      }),
    )
  })
})

describe('how a tenant’s successes compare with the promises', () => {
  it('is one where nothing is known', () => {
    expect(offsetOf(NO_CELLS)).toBe(1)
    expect(offsetOf(told(10, 90, { prior: null }))).toBe(1)
  })

  it('puts half of what a lone model falls short down to the tenant, and more the more of them do', () => {
    const one = told(40_000, 60_000)
    const many = Array.from({ length: 8 }, (_, i) => `m${i}`).reduce((cells, model) => told(40_000, 60_000, { model }, cells), NO_CELLS)
    expect(offsetOf(one)).toBeCloseTo(0.75, 1)
    expect(offsetOf(many)).toBeLessThan(0.6)
    expect(offsetOf(many)).toBeGreaterThanOrEqual(0.5)
  })
})

describe('how far the table is off about who is better', () => {
  const six = (good: (i: number) => number): Cells =>
    Array.from({ length: 6 }, (_, i) => i).reduce((cells, i) => told(good(i), 400 - good(i), { model: `m${i}` }, cells), NO_CELLS)

  it('is nothing where nothing is known, or all fall short alike', () => {
    expect(spreadOf(NO_CELLS)).toBe(0)
    expect(spreadOf(six(() => 240))).toBeLessThan(0.05)
  })

  it('is much where some keep their promise and others do not', () => {
    expect(spreadOf(six((i) => (i % 2 === 0 ? 320 : 80)))).toBeGreaterThan(0.2)
  })

  it('makes a model that was not tried look better, and less sure', () => {
    const off = learnedCapability(base, learned({ spread: 0.2 })).of('good', 'math', null)
    expect(off).toMatchObject({ value: 1, basis: 'measured', n: 400 })
    expect(off.error).toBeGreaterThan(0.2)
  })
})

describe('exploring', () => {
  it('goes elsewhere as seldom as it says, to each as often', () => {
    const random = chance('exploring')
    const counts = new Map<string, number>()
    const trials = 200_000
    for (let i = 0; i < trials; i++) {
      const { index, propensities } = explored(4, 2, random)
      counts.set(String(index), (counts.get(String(index)) ?? 0) + 1)
      if (i === 0) expect(propensities).toEqual([0.005, 0.005, 0.985, 0.005])
    }
    expect(doubts(trials, counts, { 0: EXPLORATION / 4, 1: EXPLORATION / 4, 2: 1 - (3 * EXPLORATION) / 4, 3: EXPLORATION / 4 })).toEqual([])
  })

  it('tells propensities that sum to one, and an index that there is', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.nat(39),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (count, at, drawn) => {
          const best = at % count
          const { index, propensities, explored: is } = explored(count, best, () => drawn)
          expect(propensities.reduce((sum, one) => sum + one, 0)).toBeCloseTo(1)
          expect(propensities[index]).toBeGreaterThan(0)
          expect(is).toBe(count > 1 && drawn < EXPLORATION)
          if (!is) expect(index).toBe(best)
        },
      ),
    )
  })

  it('draws nothing where there is nothing to choose', () => {
    const never = (): number => {
      throw new Error('no chance is needed')
    }
    expect(explored(1, 0, never)).toEqual({ index: 0, explored: false, propensities: [1] })
    expect(explored(3, 1, never, 0)).toEqual({ index: 1, explored: false, propensities: [0, 1, 0] })
  })
})
