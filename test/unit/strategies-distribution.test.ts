// Every strategy against its definition in docs/strategies.md, over ten thousand seeded decisions. How far a count may be off is five standard
// deviations of the binomial (support/binomial.ts).

import { describe, expect, it } from 'vitest'
import type { Option, StrategyId, StrategySettings, View } from '../../src/routing/contract.ts'
import { strategyById } from '../../src/routing/index.ts'
import { EXPLORED_SHARE } from '../../src/routing/strategies/fastest.ts'
import { doubts } from '../support/binomial.ts'
import { chance } from '../support/chance.ts'
import { NOW, option, price, quantiles, view } from '../support/options.ts'

const TRIALS = 10_000

/** How often each option, or each pair of places, came out. `seen` may depend on the trial. */
function counts(
  id: StrategyId,
  options: readonly Option[],
  seen: (trial: number) => Partial<View> = () => ({}),
  told: { readonly settings?: StrategySettings; readonly places?: number } = {},
): ReadonlyMap<string, number> {
  const random = chance(`${id} distribution`)
  const found = new Map<string, number>()
  for (let trial = 0; trial < TRIALS; trial++) {
    const order = strategyById(id).order(options, view(random, seen(trial)), told.settings ?? {})
    const name = order
      .slice(0, told.places ?? 1)
      .map((one) => one.option.id)
      .join(' ')
    found.set(name, (found.get(name) ?? 0) + 1)
  }
  return found
}

function ids(id: StrategyId, options: readonly Option[], seen: Partial<View> = {}, settings: StrategySettings = {}): readonly string[] {
  return strategyById(id)
    .order(options, view(chance(id), seen), settings)
    .map((one) => one.option.id)
}

const ABC = [option('a', { weight: 5 }), option('b', { weight: 3 }), option('c', { weight: 2 })]
/** First and second of a, b, c when each is drawn by its weight from what is left. */
const PAIRS = {
  'a b': 0.5 * (3 / 5),
  'a c': 0.5 * (2 / 5),
  'b a': 0.3 * (5 / 7),
  'b c': 0.3 * (2 / 7),
  'c a': 0.2 * (5 / 8),
  'c b': 0.2 * (3 / 8),
}

const conversations = (trial: number): Partial<View> => ({ conversation: `key-1:${trial}` })

/** Who moves when one is taken away: only those who stood there. */
function movesOnlyItsOwn(
  id: StrategyId,
  options: readonly Option[],
  seen: (trial: number) => Partial<View>,
  settings: StrategySettings = {},
): void {
  const without = options.slice(1)
  for (let trial = 0; trial < 1000; trial++) {
    const before = ids(id, options, seen(trial), settings)
    expect(ids(id, options, seen(trial), settings)).toEqual(before)
    expect(ids(id, without, seen(trial), settings)).toEqual(before.filter((one) => one !== options[0]?.id))
    expect(ids(id, [...options].reverse(), seen(trial), settings)).toEqual(before)
  }
}

describe('priority', () => {
  it('puts the lower first, equal ones as they came', () => {
    const options = [option('x', { priority: 2 }), option('y'), option('z', { priority: 1 }), option('w')]
    expect(ids('priority', options)).toEqual(['y', 'w', 'z', 'x'])
  })
})

describe('weighted', () => {
  it('draws the first and the next by weight, without replacement', () => {
    expect(doubts(TRIALS, counts('weighted', ABC, undefined, { places: 2 }), PAIRS)).toEqual([])
  })
})

describe('cheapest', () => {
  it('counts what this request costs: a long prompt and a long answer choose differently', () => {
    const options = [option('in', { price: price(1, 10) }), option('out', { price: price(2, 4) })]
    expect(ids('cheapest', options, { promptTokens: 1e5, outputTokens: 100 })).toEqual(['in', 'out'])
    expect(ids('cheapest', options, { promptTokens: 100, outputTokens: 1e5 })).toEqual(['out', 'in'])
  })

  it('counts cached tokens at the price of reading the cache, while they are cached', () => {
    const dear = (until: number): Option => option('dear', { price: price(3, 15, 0.3), cached: { tokens: 50_000, until } })
    const cheap = option('cheap', { price: price(1, 5) })
    const seen = { promptTokens: 51_000, outputTokens: 200 }
    expect(ids('cheapest', [cheap, dear(NOW + 1)], seen)).toEqual(['dear', 'cheap'])
    expect(ids('cheapest', [cheap, dear(NOW)], seen)).toEqual(['cheap', 'dear'])
  })

  it('takes no discount where no price of reading is known, and more tokens than the prompt has for the prompt', () => {
    const cached = { tokens: 1e9, until: NOW + 1 }
    const [first] = strategyById('cheapest').order([option('a', { price: price(2, 4), cached })], view(chance('x')), {})
    expect(first?.score).toBe(1000 * 2e6 + 200 * 4e6)
    const [read] = strategyById('cheapest').order([option('a', { price: price(2, 4, 0.5), cached })], view(chance('x')), {})
    expect(read?.score).toBe(1000 * 0.5e6 + 200 * 4e6)
  })

  it('puts free ones first and unpriced ones last', () => {
    const options = [option('unknown'), option('paid', { price: price(1, 1) }), option('free', { price: price(0, 0) })]
    expect(ids('cheapest', options)).toEqual(['free', 'paid', 'unknown'])
  })
})

describe('fastest', () => {
  const slow = option('slow', { health: { firstContentMs: { p50: 900, p75: 901, p90: 902, p99: 903 }, tokensPerSecond: quantiles(200) } })
  const quick = option('quick', { health: { firstContentMs: { p50: 200, p75: 950, p90: 960, p99: 970 }, tokensPerSecond: quantiles(50) } })

  it('goes by the median to the first content unless it is told otherwise', () => {
    expect(ids('fastest', [slow, quick])).toEqual(['quick', 'slow'])
    expect(ids('fastest', [slow, quick], {}, { percentile: 90 })).toEqual(['slow', 'quick'])
    expect(ids('fastest', [slow, quick], {}, { measure: 'throughput' })).toEqual(['slow', 'quick'])
  })

  it('tries an unknown one with a twentieth of the requests, each alike, and else puts it behind', () => {
    const found = counts('fastest', [option('new'), slow, option('newer'), quick])
    expect(doubts(TRIALS, found, { quick: 1 - EXPLORED_SHARE, new: EXPLORED_SHARE / 2, newer: EXPLORED_SHARE / 2 })).toEqual([])
    expect(EXPLORED_SHARE).toBe(0.05)
  })

  it('keeps the order when nothing is known', () => {
    expect(counts('fastest', [option('b'), option('a')])).toEqual(new Map([['b', TRIALS]]))
  })
})

describe('least-busy', () => {
  it('goes by running calls for each unit of weight', () => {
    const options = [option('a', { weight: 1, health: { inFlight: 3 } }), option('b', { weight: 10, health: { inFlight: 20 } })]
    expect(ids('least-busy', options)).toEqual(['b', 'a'])
  })

  it('settles ties by chance, evenly', () => {
    const found = counts('least-busy', [option('a', { weight: 9 }), option('b'), option('c'), option('busy', { health: { inFlight: 1 } })])
    expect(doubts(TRIALS, found, { a: 1 / 3, b: 1 / 3, c: 1 / 3 })).toEqual([])
  })
})

describe('usage', () => {
  const used = (requests: number, tokens = 0): Partial<Option['health']> => ({ minute: { requests, tokens } })

  it('goes by the fullest limit, this request counted', () => {
    const a = option('a', { rpm: 100, tpm: 10_000, health: used(10, 4000) }) // 5200 of 10000 tokens
    const b = option('b', { rpm: 100, health: used(49) }) // 50 of 100 requests
    expect(ids('usage', [a, b])).toEqual(['b', 'a'])
  })

  it('puts what has no limit behind what has room, and what has no room last', () => {
    const full = option('full', { rpm: 10, health: used(10) })
    const narrow = option('narrow', { tpm: 1199 })
    const last = option('one-left', { rpm: 10, health: used(9) })
    expect(ids('usage', [full, narrow, option('open'), last])).toEqual(['one-left', 'open', 'narrow', 'full'])
  })

  it('spreads what is alike evenly', () => {
    expect(doubts(TRIALS, counts('usage', [option('a'), option('b')]), { a: 0.5, b: 0.5 })).toEqual([])
  })
})

describe('sticky', () => {
  it('spreads conversations by weight, also who is second', () => {
    expect(doubts(TRIALS, counts('sticky', ABC, conversations, { places: 2 }), PAIRS)).toEqual([])
  })

  it('keeps a conversation where it is, and moves only those of an option that is gone', () => {
    movesOnlyItsOwn('sticky', ABC, conversations)
  })

  it('goes by chance and weight without a conversation', () => {
    expect(doubts(TRIALS, counts('sticky', ABC), { a: 0.5, b: 0.3, c: 0.2 })).toEqual([])
  })
})

describe('price-weighted', () => {
  // For 1000 tokens in and 200 out: 2000, 4000 and 6000 micro-dollars; shares 1, 1/4 and 1/9.
  const options = [option('a', { price: price(1, 5) }), option('b', { price: price(3, 5) }), option('c', { price: price(5, 5) })]
  const sum = 1 + 1 / 4 + 1 / 9

  it('gives shares of one over the square of the expected price', () => {
    expect(doubts(TRIALS, counts('price-weighted', options), { a: 1 / sum, b: 1 / 4 / sum, c: 1 / 9 / sum })).toEqual([])
  })

  it('spreads conversations by the price of three tokens in for one out, however long they have become', () => {
    const shares = { a: 1 / 64, b: 1 / 196, c: 1 / 400 }
    const whole = shares.a + shares.b + shares.c
    const expected = { a: shares.a / whole, b: shares.b / whole, c: shares.c / whole }
    expect(doubts(TRIALS, counts('price-weighted', options, conversations), expected)).toEqual([])
    for (let trial = 0; trial < 500; trial++) {
      const grown = { ...conversations(trial), promptTokens: 1e6, outputTokens: 1 }
      expect(ids('price-weighted', options, grown)).toEqual(ids('price-weighted', options, conversations(trial)))
    }
    movesOnlyItsOwn('price-weighted', options, conversations)
  })

  it('puts free ones first and unpriced ones last, each among themselves by weight', () => {
    const free = { price: price(0, 0) }
    const mixed = [
      option('u1', { weight: 4 }),
      option('paid', { price: price(1e-6, 1e-6) }),
      option('u2'),
      option('f1', free),
      option('f2', { ...free, weight: 3 }),
    ]
    for (const seen of [() => ({}), conversations]) {
      expect(doubts(TRIALS, counts('price-weighted', mixed, seen), { f1: 0.25, f2: 0.75 })).toEqual([])
      const unpriced = mixed.slice(0, 3)
      const orders = counts('price-weighted', unpriced, seen, { places: 2 })
      expect(doubts(TRIALS, orders, { 'paid u1': 0.8, 'paid u2': 0.2 })).toEqual([])
    }
  })
})

describe('split', () => {
  const arms = [option('old', { weight: 9 }), option('new')]

  it.each([
    ['key', (trial: number) => ({ key: `key-${trial}` })],
    ['user', (trial: number) => ({ user: `user-${trial}` })],
    ['session', conversations],
  ] as const)('gives every %s the same arm, in shares of the weights', (by, seen) => {
    expect(doubts(TRIALS, counts('split', arms, seen, { settings: { by } }), { old: 0.9, new: 0.1 })).toEqual([])
    movesOnlyItsOwn('split', ABC, seen, { by })
  })

  it('goes by the next wider identity where one is missing, and says so', () => {
    const why = (by: 'key' | 'user' | 'session', seen: Partial<View>): string | undefined =>
      strategyById('split').order(arms, view(chance('why'), seen), { by })[0]?.why
    expect(why('user', { user: 'u' })).toBe('split-by-user')
    expect(why('user', { conversation: 'c' })).toBe('split-by-session-for-want-of-user')
    expect(why('user', {})).toBe('split-by-key-for-want-of-user')
    expect(why('session', { user: 'u' })).toBe('split-by-key-for-want-of-session')
    expect(why('key', { user: 'u', conversation: 'c' })).toBe('split-by-key')
  })

  it('moves nobody away from an arm that grows', () => {
    const grown = [option('old', { weight: 9 }), option('new', { weight: 4 })]
    let moved = 0
    for (let trial = 0; trial < 2000; trial++) {
      const seen = { key: `key-${trial}` }
      const before = ids('split', arms, seen)[0]
      const after = ids('split', grown, seen)[0]
      if (before === 'new') expect(after).toBe('new')
      else if (after === 'new') moved++
    }
    expect(moved).toBeGreaterThan(0)
  })
})
