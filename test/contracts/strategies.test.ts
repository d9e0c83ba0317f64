// What every strategy of the registry must hold, whatever it prefers. A new one is met here without a line of its own.

import { describe, expect, it } from 'vitest'
import { STRATEGIES, type Option, type StrategySettings, type View } from '../../src/routing/contract.ts'
import { ALL_STRATEGIES, strategyById } from '../../src/routing/index.ts'
import { chance, oneOf, whole } from '../support/chance.ts'
import { choosing, scoresAround, verdict } from '../support/choosing.ts'
import { NOW, option, price, quantiles, view } from '../support/options.ts'

const SETTINGS: readonly StrategySettings[] = [
  {},
  { measure: 'throughput', percentile: 99, by: 'user' },
  { measure: 'first-content', percentile: 75, by: 'session' },
]

/** Sets of options in which something is missing, equal, zero or huge; and random ones. */
function sets(): readonly (readonly Option[])[] {
  const random = chance('strategy sets')
  const some = [0, 1, 3, 1e6]
  const drawn = Array.from({ length: 60 }, (_, set) =>
    Array.from({ length: whole(random, 12) }, (_unused, n) =>
      option(`p${set}/m${n}`, {
        weight: oneOf(random, [0.001, 1, 5, 1e6]),
        priority: whole(random, 3),
        price: oneOf(random, [null, price(0, 0), price(1, 5, 0.1), price(0, 2), price(1e-6, 1e-6), price(1e6, 1e6, 0)]),
        rpm: oneOf(random, [null, ...some]),
        tpm: oneOf(random, [null, ...some]),
        cached: oneOf(random, [null, { tokens: 900, until: NOW + 1 }, { tokens: 9e9, until: NOW + 1 }, { tokens: 5, until: NOW }]),
        health: {
          inFlight: oneOf(random, some),
          minute: { requests: oneOf(random, some), tokens: oneOf(random, some) },
          firstContentMs: oneOf(random, [null, quantiles(0), quantiles(300)]),
          tokensPerSecond: oneOf(random, [null, quantiles(0), quantiles(80)]),
        },
      }),
    ),
  )
  return [[], [option('a/m')], Array.from({ length: 8 }, (_, n) => option(`same/${n}`)), ...drawn]
}

/** Models of the sets below: some as good as the best, some hopeless. */
const TABLE = Object.fromEntries(
  Array.from({ length: 60 }, (_, set) => Array.from({ length: 12 }, (_unused, n) => [`p${set}/m${n}`, (n % 5) / 4] as const)).flat(),
)

const VIEWS: readonly Partial<View>[] = [
  {},
  { conversation: 'c', user: 'u', key: 'k' },
  { promptTokens: 0, outputTokens: 0 },
  { promptTokens: 1e9, outputTokens: 1e9, conversation: '' },
]

/** Of those that choose a model; the others look at none of it. */
const CHOOSING_SETTINGS: readonly StrategySettings[] = [
  {},
  { mode: 'aggressive', otherwise: 'strongest', expensiveShare: 0.2, tradeoff: 4 },
  { loss: 0.3, default: 'p1/m2', tier: 'xhigh' },
  { tradeoff: 10, pin: 'p0/m1' },
]

const CHOOSING_VIEWS: readonly Partial<View>[] = [
  {},
  { choosing: choosing({}, null) },
  { choosing: choosing(TABLE, verdict(0.4, { taskType: 'math' }), { learned: { scores: scoresAround(0.5) } }) },
  { choosing: choosing(TABLE, verdict(0, { needsInfo: 'no-object' })) },
  { choosing: choosing(TABLE, verdict(1), { learned: { lately: { decisions: 100, expensive: 90 } } }) },
  { choosing: choosing(TABLE, verdict(0.9), { given: { model: 'p3/m1', score: 0.2, task: 'law' } }) },
  { choosing: choosing(TABLE, verdict(0.2), { given: { model: 'p5/m2', score: 0.9, task: 'open-ended' } }) },
]

it('has every strategy that the contract names, under its name', () => {
  expect(ALL_STRATEGIES.map((one) => one.id).sort()).toEqual([...STRATEGIES].sort())
  for (const id of STRATEGIES) expect(strategyById(id).id).toBe(id)
})

describe.each(ALL_STRATEGIES.map((one) => [one.id, one] as const))('%s', (id, strategy) => {
  /** `seed`: of chance; several, since rare draws matter. */
  function everyOrder(check: (options: readonly Option[], seen: Partial<View>, settings: StrategySettings, seed: string) => void): void {
    const chooses = id === 'difficulty' || id === 'auto'
    for (const options of sets()) {
      for (const seen of chooses ? CHOOSING_VIEWS : VIEWS)
        for (const settings of chooses ? CHOOSING_SETTINGS : SETTINGS)
          for (const seed of chooses ? ['a'] : ['a', 'b', 'c']) check(options, seen, settings, `${id} ${seed}`)
    }
  }

  it('returns every option once and invents none', () => {
    everyOrder((options, seen, settings, seed) => {
      const order = strategy.order(options, view(chance(seed), seen), settings)
      expect(order).toHaveLength(options.length)
      expect(new Set(order.map((one) => one.option))).toEqual(new Set(options))
    })
  })

  it('is told by its inputs alone, and changes none of them', () => {
    everyOrder((options, seen, settings, seed) => {
      const before = structuredClone(options)
      const first = strategy.order(options, view(chance(seed), seen), settings)
      const second = strategy.order(options, view(chance(seed), seen), settings)
      expect(second).toEqual(first)
      expect(options).toEqual(before)
    })
  })

  it('gives scores that are finite and rise, and reasons that are fixed words', () => {
    const reasons = new Set<string>()
    everyOrder((options, seen, settings, seed) => {
      const order = strategy.order(options, view(chance(seed), seen), settings)
      for (const [i, one] of order.entries()) {
        expect(Number.isFinite(one.score)).toBe(true)
        expect(one.score).toBeGreaterThanOrEqual(order[i - 1]?.score ?? -Infinity)
        reasons.add(one.why)
      }
    })
    expect(reasons.size).toBeGreaterThan(0)
    expect(reasons.size).toBeLessThan(8)
    for (const reason of reasons) expect(reason).toMatch(/^[a-z-]+$/)
  })

  it('takes chance at its ends', () => {
    for (const options of sets()) {
      for (const drawn of [0, 1 - 2 ** -53]) {
        const order = strategy.order(
          options,
          view(() => drawn),
          {},
        )
        expect(order).toHaveLength(options.length)
        for (const one of order) expect(Number.isFinite(one.score)).toBe(true)
      }
    }
  })
})
