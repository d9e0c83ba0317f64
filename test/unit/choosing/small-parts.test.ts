// What routers are made of besides: their rows in lists, their settings in a document of routes, and what is remembered of conversations.

import { describe, expect, it } from 'vitest'
import { routersAmong } from '../../../src/admin/router-rows.ts'
import { createCatalogue } from '../../../src/catalogue/index.ts'
import { subjectOf, TASK_TYPES, type Classifier } from '../../../src/classifier/contract.ts'
import { onFirstUse } from '../../../src/classifier/first-use.ts'
import { harder, ModelMemory } from '../../../src/gateway/planning/model-memory.ts'
import { judgedTold, verdictRead } from '../../../src/gateway/telling/choosing-told.ts'
import { wishesTold } from '../../../src/gateway/telling/wishes-told.ts'
import { overallOf } from '../../../src/routing/choosing/chance.ts'
import { mixed } from '../../../src/routing/choosing/mixed.ts'
import { ROUTER_NAMES } from '../../../src/routing/choosing/router-names.ts'
import { compileRoutes } from '../../../src/routing/compile.ts'
import { checkRouteDocument } from '../../../src/routing/document.ts'
import { NO_WISHES } from '../../../src/routing/wishes.ts'
import { capability, readingClassifier, verdict } from '../../support/choosing.ts'

const CATALOGUE = createCatalogue(null)
const at = (...providers: readonly string[]) => [...CATALOGUE.list()].filter(({ provider }) => providers.includes(provider))

describe('rows of routers', () => {
  const abilities = { capability: capability({}), models: ['openai/gpt-5', 'openai/gpt-4o-mini'] }
  it('are listed with somebody to choose from, and take what any of their models takes', () => {
    const rows = routersAmong(at('openai'), abilities)
    expect(rows.map(({ name }) => name)).toEqual([...ROUTER_NAMES.keys()].filter((name) => name !== 'openrouter/free'))
    expect(rows[0]?.entry).toMatchObject({ provider: 'sluice', model: 'auto', mode: 'chat', price: null, contextTokens: 400_000 })
    expect(rows[0]?.entry.abilities.has('tools')).toBe(true)
    expect(routersAmong(at('openrouter'), abilities).map(({ name }) => name)).toContain('openrouter/free')
  })

  it('are nobody where nothing is known of models, or none of them is there', () => {
    expect([routersAmong(at('openai'), null), routersAmong(at('groq'), abilities), routersAmong([], abilities)]).toEqual([[], [], []])
    expect(routersAmong(at('demo', 'ollama'), abilities)).toEqual([])
  })
})

describe('a document of routes', () => {
  const check = (strategy: unknown): readonly string[] => {
    const checked = checkRouteDocument({ routes: [{ name: 'r', strategy, targets: ['openai/gpt-5', 'openai/gpt-4o-mini'] }] }, () => null)
    return checked.kind === 'good' ? [] : checked.errors.map(({ path, message }) => `${path} ${message}`)
  }

  it('takes the settings of difficulty and auto, and names what belongs elsewhere', () => {
    for (const strategy of [
      'difficulty',
      'auto',
      { name: 'difficulty', mode: 'aggressive', otherwise: 'strongest', expensive_share: 0.5 },
      { name: 'difficulty', loss: 0.02 },
      { name: 'auto', default: 'openai/gpt-5', cost_quality_tradeoff: 3, cost_tier: 'low', expensive_share: 1 },
    ])
      expect(check(strategy)).toEqual([])
    expect(check({ name: 'auto', mode: 'balanced' })).toEqual(['routes[0].strategy.mode is a setting of `difficulty`'])
    expect(check({ name: 'difficulty', cost_tier: 'low' })).toEqual(['routes[0].strategy.cost_tier is a setting of `auto`'])
    expect(check({ name: 'cheapest', expensive_share: 0.5 })).toEqual([
      'routes[0].strategy.expensive_share is a setting of `difficulty` and `auto`',
    ])
    expect(check({ name: 'difficulty', mode: 'balanced', loss: 0.1 })).toEqual([
      'routes[0].strategy.loss stands instead of `mode`: give one of them',
    ])
    for (const [setting, value] of [['loss', 1.5], ['loss', -1], ['expensive_share', 2]] as const) expect(check({ name: 'difficulty', [setting]: value })).toHaveLength(1) // prettier-ignore
    for (const [setting, value] of [['cost_quality_tradeoff', 11], ['cost_tier', 'huge'], ['default', 'a*']] as const) expect(check({ name: 'auto', [setting]: value })).toHaveLength(1) // prettier-ignore
  })

  it('is compiled into what strategies are asked with', () => {
    const settings = (strategy: object): unknown => {
      const [route] = compileRoutes(1, { routes: [{ name: 'r', strategy: strategy as { name: 'auto' }, targets: ['a/b'] }] }).routes
      return route?.tree.kind === 'group' ? route.tree.settings : null
    }
    expect(settings({ name: 'difficulty', mode: 'aggressive', otherwise: 'strongest', expensive_share: 0.5 })).toEqual({ mode: 'aggressive', otherwise: 'strongest', expensiveShare: 0.5 }) // prettier-ignore
    expect(settings({ name: 'auto', default: 'a/b', cost_quality_tradeoff: 0, cost_tier: 'max' })).toEqual({ default: 'a/b', tradeoff: 0, tier: 'max' }) // prettier-ignore
    expect(settings({ name: 'difficulty', loss: 0 })).toEqual({ loss: 0 })
  })
})

describe('what is remembered of conversations', () => {
  it('is who was given them and for what, until an hour of silence', () => {
    const memory = new ModelMemory()
    memory.learn('c', 'small', verdict(0.2, { taskType: 'law' }), 0)
    memory.learn('c', 'small', verdict(0.4), 1000)
    expect(memory.at('c', 2000)).toMatchObject({ given: { model: 'small', score: 0.2, task: 'law' }, hardest: { score: 0.4 } })
    memory.learn('c', 'large', verdict(0.3), 3000)
    expect(memory.at('c', 4000)).toMatchObject({ given: { model: 'large', score: 0.3 }, hardest: { score: 0.4 } })
    expect([memory.at('c', 3000 + 3_600_000), memory.at(null, 1), memory.at('d', 1)]).toEqual([null, null, null])
    memory.learn('e', 'small', null, 0)
    memory.learn('e', 'small', verdict(0.7), 1)
    expect(memory.at('e', 2)?.given).toEqual({ model: 'small', score: 0.7, task: 'open-ended' })
  })

  it('is bounded: who was used longest ago goes first', () => {
    const memory = new ModelMemory(2)
    for (const name of ['a', 'b', 'a', 'c']) memory.learn(name, 'm', null, 0)
    expect(['a', 'b', 'c'].map((name) => memory.at(name, 1)?.given.model)).toEqual(['m', undefined, 'm'])
    memory.learn(null, 'm', null, 0)
    expect(memory.at(null, 1)).toBeNull()
  })

  it('is the harder verdict of two, one that abstains only for want of another', () => {
    const strange = verdict(0.9, { abstains: true })
    expect([harder(null, null), harder(null, strange), harder(strange, verdict(0.1))]).toEqual([null, strange, verdict(0.1)])
    expect([harder(verdict(0.5), strange), harder(verdict(0.5), verdict(0.6)), harder(verdict(0.5, { needsInfo: 'no-object' }), verdict(0.4))]).toEqual([verdict(0.5), verdict(0.6), verdict(0.5)]) // prettier-ignore
  })
})

it('a wish for a router is told in the words of its plugin', () => {
  const router = { allowed: ['a/*'], excluded: ['a/b'], tier: 'low' as const, tradeoff: 3, pins: true }
  expect(wishesTold({ ...NO_WISHES, router })).toEqual({
    router: { allowed_models: ['a/*'], excluded_models: ['a/b'], cost_tier: 'low', cost_quality_tradeoff: 3, pin_model: true },
  })
  expect(wishesTold({ ...NO_WISHES, router: { allowed: null, excluded: [], tier: null, tradeoff: null, pins: false } })).toEqual({
    router: {},
  })
})

it('an ability over all tasks is their mean, and its error too', () => {
  const all = overallOf(capability({ m: { law: 1, else: 0.5 } }), 'm', null)
  expect(all.value).toBeCloseTo(0.5 + 0.5 / TASK_TYPES.length, 9)
  expect(all).toMatchObject({ error: expect.closeTo(0.02, 9), basis: 'measured', n: 400 * TASK_TYPES.length })
  expect(overallOf(capability({}), 'm', null).basis).toBe('price')
})

describe('what a request was judged as', () => {
  it('is read again with all that it may have been, so that it counts as it did', () => {
    const shares = TASK_TYPES.map((type) => (type === 'law' ? 0.5 : type === 'math' ? 0.3 : type === 'trivia' ? 0.2 : 0))
    const judged = verdict(0.4, { taskType: 'law', confidence: 0.5, types: shares })
    const told = judgedTold(judged, 'fake')
    expect(told && verdictRead(told).types).toEqual(shares)
    const table = capability({ m: { law: 0.9, math: 0.4, else: 0.6 } })
    const value = (types: readonly number[]): number => mixed((task) => table.of('m', task, null), types).value
    expect(told && value(verdictRead(told).types)).toBeCloseTo(value(judged.types), 6)
    const { types: _, ...old } = judgedTold(judged, 'fake') ?? { types: [] }
    expect('score' in old && value(verdictRead(old).types)).toBeCloseTo(0.9, 6) // told before there were any
  })
})

describe('a classifier that is made on its first use', () => {
  it('is made once, and by nobody who only copies what it is in', () => {
    let made = 0
    const make = (): Classifier => {
      made++
      return readingClassifier()
    }
    const deps = { classifier: onFirstUse('fake', make) }
    const copy = { ...deps }
    expect([copy.classifier.version, made]).toEqual(['fake', 0])
    expect([0.3, 0.7].map((score) => copy.classifier.classify(subjectOf(`score=${score}`)).score)).toEqual([0.3, 0.7])
    expect(made).toBe(1)
  })
})
