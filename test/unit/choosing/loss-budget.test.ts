// How a loss budget becomes a rule for one request: more budget never means fewer cheap answers, a harder request never a cheaper model, and
// over a tenant's own traffic no more is lost than was allowed.

import { describe, expect, it } from 'vitest'
import { chanceError, chanceOf } from '../../../src/routing/choosing/chance.ts'
import { allowedLoss, cheapestWithin, lossesOf, STEPS, trafficOf, type Priced } from '../../../src/routing/choosing/loss-budget.ts'
import { areExpensive, inTier, isShareSpent } from '../../../src/routing/choosing/cost.ts'
import { NOTHING_LEARNED } from '../../../src/routing/choosing/contract.ts'
import { COST_TIERS } from '../../../src/routing/contract.ts'
import { chance, whole } from '../../support/chance.ts'
import { scoresAround } from '../../support/choosing.ts'

const BUDGETS = [0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3, 1]
const SCORES = Array.from({ length: 41 }, (_, i) => i / 40)

type World = { readonly models: readonly Priced[]; readonly traffic: readonly number[] }

function worlds(count: number): readonly World[] {
  const random = chance('loss budgets')
  return Array.from({ length: count }, () => ({
    models: Array.from({ length: 1 + whole(random, 9) }, () => ({ value: random(), pico: Math.round(1000 * 2 ** (random() * 12)) })),
    traffic: trafficOf(random() < 0.3 ? null : scoresAround(random())),
  }))
}

const chosen = ({ models, traffic }: World, score: number, budget: number): Priced => {
  const one = models[cheapestWithin(lossesOf(models), score, allowedLoss(lossesOf(models), traffic, budget))]
  if (one === undefined) throw new Error('nobody')
  return one
}

describe('a loss budget', () => {
  it('gives a harder request never a cheaper model, and a larger budget never a dearer one', () => {
    for (const world of worlds(120)) {
      for (const budget of BUDGETS) {
        const picos = SCORES.map((score) => chosen(world, score, budget).pico)
        expect(picos).toEqual([...picos].sort((a, b) => a - b))
      }
      for (const score of [0, 0.2, 0.5, 0.9]) {
        const picos = BUDGETS.map((budget) => chosen(world, score, budget).pico)
        expect(picos).toEqual([...picos].sort((a, b) => b - a))
      }
    }
  })

  it('is kept over the traffic that it was made for, and nearly used up where models differ little', () => {
    let used = 0
    for (const world of worlds(150)) {
      const best = Math.max(...world.models.map(({ value }) => value))
      for (const budget of BUDGETS) {
        let [lost, all] = [0, 0]
        world.traffic.forEach((share, step) => {
          const score = (step + 0.5) / STEPS
          all += share * chanceOf(best, score)
          lost += share * (chanceOf(best, score) - chanceOf(chosen(world, score, budget).value, score))
        })
        expect(lost).toBeLessThanOrEqual(budget * all + 1e-9)
        if (lost > 0.5 * budget * all && budget > 0) used++
      }
    }
    expect(used).toBeGreaterThan(50)
  })

  it('of nothing asks the strongest, or the cheapest of those that are as good', () => {
    const models = [
      { value: 0.6, pico: 1 },
      { value: 0.9, pico: 50 },
      { value: 0.9, pico: 20 },
      { value: 0.7, pico: 99 },
    ]
    for (const score of SCORES) expect(cheapestWithin(lossesOf(models), score, allowedLoss(lossesOf(models), trafficOf(null), 0))).toBe(2)
  })

  it('means another score to a tenant whose requests are all hard than to one whose are easy', () => {
    const models = [
      { value: 0.65, pico: 1 },
      { value: 0.9, pico: 50 },
    ]
    const share = (middle: number): number => {
      const traffic = trafficOf(scoresAround(middle))
      const allowed = allowedLoss(lossesOf(models), traffic, 0.05)
      return traffic.reduce(
        (sum, part, step) => sum + (cheapestWithin(lossesOf(models), (step + 0.5) / STEPS, allowed) === 0 ? part : 0),
        0,
      )
    }
    expect(share(0.2)).toBeGreaterThan(0.3)
    expect(share(0.8)).toBeLessThan(share(0.2))
    expect(share(0.8)).toBeGreaterThan(0)
  })

  it('has fixed cuts until two hundred requests are known', () => {
    expect(trafficOf(scoresAround(0.9, 199))).toEqual(trafficOf(null))
    expect(trafficOf(scoresAround(0.9, 200))).not.toEqual(trafficOf(null))
    expect(trafficOf(scoresAround(0.9)).reduce((a, b) => a + b)).toBeCloseTo(1, 9)
    expect(trafficOf({ bins: [], total: 900 })).toEqual(trafficOf(null))
  })
})

describe('a chance', () => {
  it('falls with the score and rises with the value; what is lost never shrinks on the way up', () => {
    const random = chance('chances')
    for (let i = 0; i < 300; i++) {
      const [a, b] = [random(), random()].sort((x, y) => x - y)
      if (a === undefined || b === undefined) continue
      for (const score of SCORES) {
        expect(chanceOf(b, score)).toBeGreaterThanOrEqual(chanceOf(a, score))
        expect(chanceOf(a, score)).toBeLessThanOrEqual(chanceOf(a, Math.max(0, score - 0.1)))
      }
      const [row] = lossesOf([{ value: a, pico: 1 }, { value: b, pico: 2 }]).rows // prettier-ignore
      const losses = row?.losses ?? []
      expect(losses).toEqual([...losses].sort((x, y) => x - y))
      losses.forEach((loss, step) => {
        const score = (step + 0.5) / STEPS
        expect(loss).toBeGreaterThanOrEqual(chanceOf(b, score) - chanceOf(a, score) - 1e-12)
      })
    }
    expect(chanceOf(0.7, 0.5)).toBeCloseTo(0.7, 9)
  })

  it('is as uncertain as the value that it is made of', () => {
    const step = 1e-4
    for (const value of [0.1, 0.5, 0.8])
      for (const score of [0, 0.4, 1])
        expect(chanceError({ value, error: step }, score)).toBeCloseTo(
          chanceOf(value + step / 2, score) - chanceOf(value - step / 2, score),
          8,
        )
  })
})

describe('what is expensive', () => {
  it('is dearer than the middle of the options, and none of those that are much alike', () => {
    expect(areExpensive([1, 4, 30, 100])).toEqual([false, false, true, true])
    expect(areExpensive([10, 15, 19])).toEqual([false, false, false])
    expect(areExpensive([5])).toEqual([false])
    expect(areExpensive([0, 0, 900])).toEqual([false, false, true])
  })

  it('may be a share of a key’s decisions, once there are fifty', () => {
    const spent = (decisions: number, expensive: number, share: number | null, expensiveShare: number | null = null): boolean =>
      isShareSpent({ ...NOTHING_LEARNED, lately: { decisions, expensive }, expensiveShare }, share)
    expect([spent(100, 50, 0.5), spent(100, 49, 0.5), spent(49, 49, 0.5), spent(100, 100, null)]).toEqual([true, false, false, false])
    expect([spent(100, 30, 0.5, 0.3), spent(100, 30, null, 0.3), spent(60, 0, 0)]).toEqual([true, true, true])
  })

  it('is in one of five tiers; a tier that holds none is the nearest model', () => {
    const costs = [50, 10, 40, 20, 30, 60, 100, 90, 80, 70]
    expect(COST_TIERS.map((tier) => inTier(costs, tier).flatMap((is, i) => (is ? [costs[i]] : [])))).toEqual([
      [10, 20],
      [40, 30],
      [50, 60],
      [80, 70],
      [100, 90],
    ])
    expect(COST_TIERS.map((tier) => inTier([7, 1], tier).indexOf(true))).toEqual([1, 1, 1, 0, 0])
    expect(inTier([7], 'low')).toEqual([true])
  })
})
