// A conversation stays where its prompt is cached unless leaving pays, or staying is impossible.

import { describe, expect, it } from 'vitest'
import { STRATEGIES, type Option, type StrategyId, type View } from '../../src/routing/contract.ts'
import { SLOWER_FACTOR, withAffinity } from '../../src/routing/affinity.ts'
import { strategyById } from '../../src/routing/index.ts'
import { chance } from '../support/chance.ts'
import { NOW, option, price, quantiles, view } from '../support/options.ts'

const CACHED = { tokens: 900, until: NOW + 60_000 }
/** Draws that put the first of equal weights first. */
const SEEN: Partial<View> = { conversation: 'key-1:c' }

/** The order when the strategy had put `options` as they stand. */
function after(strategy: StrategyId, options: readonly Option[], seen: Partial<View> = SEEN): readonly string[] {
  const order = options.map((one, score) => ({ option: one, score, why: 'said' }))
  return withAffinity(order, strategy, view(chance('affinity'), seen)).map((one) => `${one.option.id} ${one.why}`)
}

const BALANCING: readonly StrategyId[] = ['weighted', 'fastest', 'least-busy', 'usage']

describe.each(BALANCING)('%s', (strategy) => {
  it('puts the cached one first and leaves the others as they are', () => {
    const options = [option('a'), option('b'), option('home', { cached: CACHED }), option('c')]
    expect(after(strategy, options)).toEqual(['home kept-cache', 'a said', 'b said', 'c said'])
  })

  it('leaves it when it is ill, parked, full or much slower, and says which', () => {
    const home = (said: Partial<Option['health']>, limits: Partial<Option> = {}): readonly Option[] => [
      option('a', { health: { firstContentMs: quantiles(100) } }),
      option('home', { ...limits, cached: CACHED, health: said }),
    ]
    expect(after(strategy, home({ state: 'open' }))).toEqual(['a moved-ill', 'home said'])
    expect(after(strategy, home({ state: 'half-open' }))).toEqual(['a moved-ill', 'home said'])
    expect(after(strategy, home({ state: 'half-open', mayProbe: true }))).toEqual(['home kept-cache', 'a said'])
    expect(after(strategy, home({ parkedUntil: NOW + 1 }))).toEqual(['a moved-parked', 'home said'])
    expect(after(strategy, home({ parkedUntil: NOW }))).toEqual(['home kept-cache', 'a said'])
    expect(after(strategy, home({ minute: { requests: 3, tokens: 0 } }, { rpm: 3 }))).toEqual(['a moved-full', 'home said'])
    expect(after(strategy, home({ minute: { requests: 2, tokens: 0 } }, { rpm: 3 }))).toEqual(['home kept-cache', 'a said'])
    expect(after(strategy, home({}, { tpm: 1199 }))).toEqual(['a moved-full', 'home said'])
    expect(after(strategy, home({ firstContentMs: quantiles(100 * SLOWER_FACTOR + 1) }))).toEqual(['a moved-slow', 'home said'])
    expect(after(strategy, home({ firstContentMs: quantiles(100 * SLOWER_FACTOR) }))).toEqual(['home kept-cache', 'a said'])
    expect(after(strategy, home({}))).toEqual(['home kept-cache', 'a said'])
  })
})

describe.each(['cheapest', 'price-weighted'] as const)('%s', (strategy) => {
  const seen = { ...SEEN, promptTokens: 10_000, outputTokens: 100 }
  const home = option('home', { price: price(3, 15, 0.3), cached: { tokens: 9000, until: NOW + 1 } })

  it('stays where reading the cache is cheaper than the whole prompt elsewhere', () => {
    // stay: 1000 × 3 + 9000 × 0.3 + 100 × 15 = 7200; move: 10000 × 1 + 100 × 5 = 10500
    expect(after(strategy, [option('a', { price: price(1, 5) }), home], seen)).toEqual(['home kept-cache', 'a said'])
  })

  it('goes where the whole prompt is cheaper than what is cached', () => {
    // move: 10000 × 0.5 + 100 × 5 = 5500
    expect(after(strategy, [option('a', { price: price(0.5, 5) }), home], seen)).toEqual(['a moved-cheaper', 'home said'])
  })

  it('stays at the same price, and is not moved by an expired cache', () => {
    expect(after(strategy, [option('a', { price: price(0.72, 0) }), home], seen)).toEqual(['home kept-cache', 'a said'])
    expect(after(strategy, [option('a', { price: price(9, 9) }), home], { ...seen, now: NOW + 1 })).toEqual(['a said', 'home said'])
  })

  it('moves to no price that is unknown, and away from one', () => {
    const unpriced = option('unpriced', { cached: CACHED })
    expect(after(strategy, [option('a'), home], seen)).toEqual(['home kept-cache', 'a said'])
    expect(after(strategy, [option('a', { price: price(9, 9) }), unpriced], seen)).toEqual(['a moved-unpriced', 'unpriced said'])
  })
})

it('does not overrule a strategy that names somebody', () => {
  for (const strategy of STRATEGIES) {
    if (BALANCING.includes(strategy) || strategy === 'cheapest' || strategy === 'price-weighted') continue
    expect(after(strategy, [option('a'), option('home', { cached: CACHED })])).toEqual(['a said', 'home said'])
  }
})

it('chooses the place with most of this prompt; what is cached beyond it counts for nothing', () => {
  const options = [
    option('a'),
    option('little', { cached: { tokens: 10, until: NOW + 1 } }),
    option('all', { cached: { tokens: 1000, until: NOW + 1 } }),
    option('more', { cached: { tokens: 9000, until: NOW + 1 } }),
  ]
  expect(after('weighted', options)[0]).toBe('all kept-cache')
})

it('explores nothing with a conversation that is cached somewhere', () => {
  const home = option('home', { cached: CACHED, health: { firstContentMs: quantiles(100) } })
  const explored = strategyById('fastest').order(
    [option('new'), home],
    view(() => 0, SEEN),
    {},
  )
  expect(explored[0]?.why).toBe('explored')
  expect(
    withAffinity(
      explored,
      'fastest',
      view(() => 0, SEEN),
    )[0]?.option.id,
  ).toBe('home')
})

it('gives back what it was given where nothing is cached, and of nothing nothing', () => {
  const order = strategyById('weighted').order([option('a'), option('b')], view(chance('x')), {})
  expect(withAffinity(order, 'weighted', view(chance('x')))).toBe(order)
  expect(withAffinity([], 'weighted', view(chance('x')))).toEqual([])
})
