// The two strategies that choose a model: who is asked first, who after, when the default stays, and what a conversation keeps.

import { describe, expect, it } from 'vitest'
import type { TaskType, Verdict } from '../../../src/classifier/contract.ts'
import type { Choosing, Given, Learned } from '../../../src/routing/choosing/contract.ts'
import type { Option, StrategySettings } from '../../../src/routing/contract.ts'
import { auto, perDoubling } from '../../../src/routing/strategies/auto.ts'
import { difficulty } from '../../../src/routing/strategies/difficulty.ts'
import { choosing, scoresAround, verdict } from '../../support/choosing.ts'
import { NOW, option, price, view } from '../../support/options.ts'

const TABLE = {
  small: { else: 0.62, 'tool-use': 0.3 },
  middle: { else: 0.74, law: 0.9 },
  large: { else: 0.88, law: 0.86 },
}
const SMALL = option('small', { price: price(0.1, 0.4, 0.01) })
const MIDDLE = option('middle', { price: price(0.5, 2, 0.05) })
const LARGE = option('large', { price: price(5, 20, 0.5) })
const ALL = [LARGE, SMALL, MIDDLE]

type More = {
  readonly settings?: StrategySettings
  readonly options?: readonly Option[]
  readonly learned?: Partial<Learned>
  readonly given?: Given
  readonly promptTokens?: number
  readonly error?: number
}

function run(strategy: typeof auto, judged: Verdict | null, more: More = {}): readonly string[] {
  const { settings = {}, options = ALL, given = null, learned = {}, promptTokens = 1000 } = more
  const known: Choosing = choosing(TABLE, judged, { given, learned })
  const seen = view(() => 0.5, { choosing: known, promptTokens })
  const order = strategy.order(options, seen, settings)
  return [order[0]?.why ?? '', ...order.map((one) => one.option.id)]
}
const hard = (judged: Verdict | null, more: More = {}): readonly string[] => run(difficulty, judged, more)
const best = (judged: Verdict | null, more: More = {}): readonly string[] => run(auto, judged, more)

describe('difficulty', () => {
  it('asks the cheapest that is good enough, then upwards, then whoever is left', () => {
    expect(hard(verdict(0.02))).toEqual(['good-enough', 'small', 'middle', 'large'])
    expect(hard(verdict(0.95))).toEqual(['good-enough', 'large', 'middle', 'small'])
    const middle = [0.1, 0.2, 0.3, 0.4, 0.5].map((score) => hard(verdict(score), { settings: { loss: 0.1 } }))
    expect(middle).toContainEqual(['good-enough', 'middle', 'large', 'small'])
  })

  it('goes by the task: a cheap model that is bad at it is not good enough', () => {
    expect(hard(verdict(0.02, { taskType: 'tool-use' }))[1]).not.toBe('small')
    expect(hard(verdict(0.99, { taskType: 'law' }))).toEqual(['good-enough', 'middle', 'large', 'small'])
  })

  it('gives more to cheap models in aggressive mode than in balanced, and by a budget of its own', () => {
    const share = (settings: StrategySettings): number =>
      Array.from({ length: 100 }, (_, i) => hard(verdict(i / 100), { settings })[1]).filter((id) => id !== 'large').length
    const shares = [{ loss: 0 }, { loss: 0.01 }, { mode: 'balanced' }, { mode: 'aggressive' }, { loss: 0.2 }].map((one) =>
      share(one as StrategySettings),
    )
    expect(shares).toEqual([...shares].sort((a, b) => a - b))
    expect(shares[0]).toBe(0)
    expect(shares[2]).toBeGreaterThan(5)
    expect(shares[3]).toBeGreaterThan((shares[2] ?? 0) + 5)
    expect(share({})).toBe(share({ mode: 'balanced' }))
  })

  it('measures a score against the tenant’s own', () => {
    const judged = verdict(0.35)
    const settings = { loss: 0.05 }
    expect(hard(judged, { settings, learned: { scores: scoresAround(0.85) } })[1]).not.toBe('large')
    expect(hard(judged, { settings, learned: { scores: scoresAround(0.15) } })[1]).toBe('large')
  })

  it('sends what needs to be asked back to the cheapest, whatever its score', () => {
    expect(hard(verdict(0.99, { needsInfo: 'no-object' }))).toEqual(['needs-info', 'small', 'middle', 'large'])
  })

  it('takes the operator’s first, or in pools the strongest, where nothing is known', () => {
    const options = [LARGE, { ...MIDDLE, priority: 0 }, { ...SMALL, priority: 0 }].map((one) =>
      one === LARGE ? { ...one, priority: 5 } : one,
    )
    for (const judged of [null, verdict(0.01, { abstains: true })]) {
      expect(hard(judged, { options })).toEqual(['default', 'middle', 'small', 'large'])
      expect(hard(judged, { options, settings: { otherwise: 'strongest' } })).toEqual(['default', 'large', 'middle', 'small'])
    }
    expect(
      difficulty
        .order(
          options,
          view(() => 0.5),
          {},
        )
        .map(({ option: { id } }) => id),
    ).toEqual(['middle', 'small', 'large'])
  })

  it('never takes an unpriced model for a cheap one', () => {
    const options = [{ ...SMALL, price: null }, MIDDLE, LARGE]
    for (const score of [0, 0.3, 0.6, 1]) expect(hard(verdict(score), { options })[1]).not.toBe('small')
  })

  it('gives a key that has had its share of expensive answers the others first', () => {
    const learned = { lately: { decisions: 100, expensive: 95 } }
    expect(hard(verdict(0.99), { learned })).toEqual(['share-spent', 'middle', 'small', 'large'])
    expect(hard(verdict(0.99), { learned: { lately: { decisions: 100, expensive: 70 } } })[1]).toBe('large')
    expect(hard(verdict(0.99), { learned: { lately: { decisions: 100, expensive: 70 } }, settings: { mode: 'aggressive' } })[1]).toBe(
      'middle',
    )
    expect(hard(verdict(0.99), { learned, settings: { expensiveShare: 1 } })[1]).toBe('large')
    expect(hard(verdict(0.99), { learned: { ...learned, expensiveShare: 0.5 }, settings: { expensiveShare: 1 } })[1]).toBe('middle')
  })
})

describe('auto', () => {
  it('leaves the default only for an advantage beyond its own error', () => {
    // At law the middle one is better by 0.04, with 0.02 · √2 of error; over all tasks the large one is the best.
    expect(best(verdict(0.5, { taskType: 'law' }))).toEqual(['better', 'middle', 'large', 'small'])
    expect(best(verdict(0.5, { taskType: 'math' }))).toEqual(['default', 'large', 'middle', 'small'])
    const vague = choosing({ ...TABLE }, verdict(0.5, { taskType: 'law' }), {})
    const capability: Choosing['capability'] = { of: (...asked) => ({ ...vague.capability.of(...asked), error: 0.05 }) }
    const order = auto.order(
      ALL,
      view(() => 0.5, { choosing: { ...vague, capability } }),
      {},
    )
    expect(order[0]).toMatchObject({ why: 'default', option: { id: 'large' } })
  })

  it('goes by the task only as far as it is sure of it', () => {
    const at = (confidence: number): string | undefined => best(verdict(0.5, { taskType: 'law', confidence }))[1]
    expect([at(1), at(0.3), at(0)]).toEqual(['middle', 'large', 'large'])
  })

  it('takes the operator’s default instead of the best overall', () => {
    const settings = { default: 'middle' }
    expect(best(verdict(0.5, { taskType: 'law' }), { settings })).toEqual(['default', 'middle', 'large', 'small'])
    expect(best(verdict(0.5), { settings })).toEqual(['better', 'large', 'middle', 'small'])
    expect(best(null, { settings })).toEqual(['default', 'middle', 'large', 'small'])
    expect(best(verdict(0.5), { settings: { default: 'gone' } })[1]).toBe('large')
  })

  it('counts the price from not at all to nothing else', () => {
    const first = (tradeoff: number, score = 0.5): string | undefined => best(verdict(score), { settings: { tradeoff } })[1]
    expect([first(0), first(10)]).toEqual(['large', 'small'])
    const ranks = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((tradeoff) => ['large', 'middle', 'small'].indexOf(first(tradeoff) ?? ''))
    expect(ranks).toEqual([...ranks].sort((a, b) => a - b))
    expect(new Set(ranks).size).toBeGreaterThan(1)
    expect(first(5, 0.02)).toBe('small') // what everybody can do
    expect([perDoubling(0), perDoubling(5), perDoubling(10)]).toEqual([0, 0.02, Number.POSITIVE_INFINITY])
  })

  it('asks a tier of prices first, and it stands before the number', () => {
    const settings = { tier: 'low', tradeoff: 0 } as const
    expect(best(verdict(0.9), { settings })[1]).toBe('small')
    expect(best(verdict(0.9), { settings: { tier: 'max', tradeoff: 10 } })[1]).toBe('large')
  })

  it('sends what needs to be asked back to the cheapest, and takes the default where it abstains', () => {
    expect(best(verdict(0.9, { needsInfo: 'template-slot' }))[1]).toBe('small')
    expect(best(verdict(0.9, { taskType: 'law', abstains: true }))).toEqual(['default', 'large', 'middle', 'small'])
  })

  it('keeps what the client pins', () => {
    expect(best(verdict(0.9), { settings: { pin: 'small' } })).toEqual(['kept-model', 'small', 'large', 'middle'])
    expect(best(verdict(0.9), { settings: { pin: 'elsewhere' } })[1]).toBe('large')
  })

  it('keeps within a share only where one is said', () => {
    const learned = { lately: { decisions: 100, expensive: 100 } }
    expect(best(verdict(0.9), { learned })[1]).toBe('large')
    expect(best(verdict(0.9), { learned, settings: { expensiveShare: 0.5 } }).slice(0, 2)).toEqual(['share-spent', 'middle'])
  })
})

describe('a conversation', () => {
  const at = (model: string, score: number, task: TaskType = 'open-ended'): Given => ({ model, score, task })

  it('stays where it is while nothing harder is asked, though the tenant’s traffic shifts', () => {
    for (let turn = 0; turn < 20; turn++) {
      const learned = { scores: scoresAround(0.3 + 0.02 * Math.sin(turn)) }
      const score = 0.3
      const decided = hard(verdict(score), { learned: { scores: scoresAround(0.3) } })[1] ?? ''
      expect(hard(verdict(score), { learned, given: at(decided, score), promptTokens: 1000 + 200 * turn })).toEqual(['kept-model', decided, ...hard(verdict(score), { learned, given: at(decided, score) }).slice(2)]) // prettier-ignore
    }
    // Even where the same request in a new conversation would now be sent elsewhere.
    const easier = { scores: scoresAround(0.15) }
    expect(hard(verdict(0.35), { learned: easier, settings: { loss: 0.05 } })[1]).toBe('large')
    expect(hard(verdict(0.35), { learned: easier, settings: { loss: 0.05 }, given: at('small', 0.35) }).slice(0, 2)).toEqual([
      'kept-model',
      'small',
    ])
  })

  it('moves up when a harder turn comes', () => {
    expect(hard(verdict(0.95), { given: at('small', 0.1) }).slice(0, 2)).toEqual(['good-enough', 'large'])
    expect(best(verdict(0.9), { given: at('small', 0.1) }).slice(0, 2)).toEqual(['better', 'large'])
    expect(best(verdict(0.1), { given: at('small', 0.1) }).slice(0, 2)).toEqual(['kept-model', 'small'])
  })

  it('moves down only where that is cheaper than reading the cached prompt, and would be right with half the budget', () => {
    const dear = { ...LARGE, cached: { tokens: 50_000, until: NOW + 60_000 } }
    const near = option('middle', { price: price(4, 2, 0.4) })
    const settings = { loss: 0.3 }
    const promptTokens = 50_000
    // 50,000 tokens at 4 dollars the million are dearer than 50,000 read from the cache at half a dollar.
    expect(hard(verdict(0.05), { options: [dear, near], given: at('large', 0.05), settings, promptTokens })).toEqual(['kept-model', 'large', 'middle']) // prettier-ignore
    expect(hard(verdict(0.05), { options: [dear, SMALL], given: at('large', 0.05), settings, promptTokens }).slice(0, 2)).toEqual(['moved-cheaper', 'small']) // prettier-ignore
    expect(best(verdict(0.05), { options: [dear, near], given: at('large', 0.05), settings: { tradeoff: 9 }, promptTokens })[1]).toBe(
      'large',
    )
    expect(best(verdict(0.05), { options: [dear, SMALL], given: at('large', 0.05), settings: { tradeoff: 9 }, promptTokens }).slice(0, 2)).toEqual(['moved-cheaper', 'small']) // prettier-ignore
  })

  it('stays where it is when nothing can be judged, and is met anew where its model is gone', () => {
    expect(hard(null, { given: at('small', 0.1) }).slice(0, 2)).toEqual(['kept-model', 'small'])
    expect(best(verdict(0.2, { abstains: true }), { given: at('small', 0.1) }).slice(0, 2)).toEqual(['kept-model', 'small'])
    expect(hard(verdict(0.95), { given: at('elsewhere', 0.1) }).slice(0, 2)).toEqual(['good-enough', 'large'])
  })
})
