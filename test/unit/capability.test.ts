// The capability table: what was measured is there with its error, what was not says so, and names are read for the kin they tell of.

import { describe, expect, it } from 'vitest'
import { isWorthChoosing, poolModels } from '../../scripts/train-router/pool-models.ts'
import { createCatalogue } from '../../src/catalogue/index.ts'
import { TASK_TYPES, type TaskType } from '../../src/classifier/contract.ts'
import { CAPABILITY, measuredModels, POOL_MODELS, sourcesOf } from '../../src/routing/choosing/capability.ts'
import { mixed } from '../../src/routing/choosing/mixed.ts'
import type { Ability } from '../../src/routing/choosing/contract.ts'
import { kinOf } from '../../src/routing/choosing/model-kin.ts'

const of = (model: string) => CAPABILITY.of(model, 'business', null)

describe('the table', () => {
  it('has a value, an error, answers and a source in every cell', () => {
    for (const model of measuredModels()) {
      expect(sourcesOf(model).length, model).toBeGreaterThan(0)
      let n = 0
      for (const type of TASK_TYPES) {
        const ability = CAPABILITY.of(model, type, null)
        expect(ability.basis).toBe('measured')
        expect(ability.value).toBeGreaterThan(0)
        expect(ability.value).toBeLessThan(1)
        expect(ability.error, `${model} ${type}`).toBeGreaterThan(0)
        n += ability.n
      }
      expect(n, model).toBeGreaterThan(0)
    }
  })
  it('orders models of different data sets as they are known to be', () => {
    expect(of('openai/gpt-5').value).toBeGreaterThan(of('openai/gpt-4o').value)
    expect(of('openai/gpt-4o').value).toBeGreaterThan(of('openai/gpt-4o-mini').value)
    expect(of('google/gemini-2.5-flash').value).toBeGreaterThan(of('google/gemini-1.5-flash').value)
    expect(of('meta-llama/llama-3.1-70b-instruct').value).toBeGreaterThan(of('meta-llama/llama-3.1-8b-instruct').value)
  })
  it('errs more where nothing was judged', () => {
    const [judged, unjudged] = [CAPABILITY.of('openai/gpt-4o', 'math', null), CAPABILITY.of('openai/gpt-4o', 'law', null)]
    expect([judged.n > 0, unjudged.n]).toEqual([true, 0])
    expect(unjudged.error).toBeGreaterThan(judged.error)
  })
  it('takes a variant for its model', () => {
    expect(of('openai/gpt-5:free')).toEqual(of('openai/gpt-5'))
  })
})

describe('a model that nobody measured', () => {
  const successors = [
    ['anthropic/claude-sonnet-5', 'anthropic/claude-sonnet-4'],
    ['anthropic/claude-opus-5', 'anthropic/claude-sonnet-4'],
    ['openai/gpt-5.6-sol', 'openai/gpt-5'],
    ['google/gemini-3.1-pro-preview', 'google/gemini-2.5-pro'],
    ['google/gemini-3.6-flash', 'google/gemini-2.5-flash'],
    ['deepseek/deepseek-v4-pro', 'deepseek/deepseek-v3.1-terminus'],
    ['z-ai/glm-5.2', 'z-ai/glm-4.6'],
    ['moonshotai/kimi-k3', 'moonshotai/kimi-k2-0905'],
    ['anthropic/claude-sonnet-9', 'anthropic/claude-sonnet-4'],
  ] as const
  it.each(successors)('%s is no worse than %s, errs more and says that it was not measured', (model, before) => {
    for (const type of ['business', 'math'] as const) {
      const [found, known] = [CAPABILITY.of(model, type, null), CAPABILITY.of(before, type, null)]
      expect(found).toMatchObject({ n: 0, basis: 'family' })
      if (type === 'business') expect(found.value).toBeGreaterThanOrEqual(known.value - 0.01)
      expect(found.error / (found.value * (1 - found.value))).toBeGreaterThan(known.error / (known.value * (1 - known.value)))
    }
  })
  it.each([
    ['openai/gpt-5-mini', 'openai/gpt-5'],
    ['openai/gpt-5-nano', 'openai/gpt-5-mini'],
    ['google/gemini-2.5-flash-lite', 'google/gemini-2.5-flash'],
    ['google/gemini-3.5-flash-lite', 'google/gemini-3.5-flash'],
    ['anthropic/claude-haiku-4.5', 'anthropic/claude-sonnet-4.5'],
    ['openai/gpt-5.6-luna', 'openai/gpt-5.6-sol'],
    ['google/gemma-3-4b-it', 'google/gemma-3-27b-it'],
  ])('%s is below %s', (small, big) => {
    expect(of(small).value).toBeLessThanOrEqual(of(big).value)
  })
  it('is judged by its price where it has no kin, widely', () => {
    const at = (usd: number) =>
      CAPABILITY.of('nobody/unheard-of', 'math', { inputPico: usd * 1e6, outputPico: usd * 1e6, cacheReadPico: null })
    expect(at(10)).toMatchObject({ n: 0, basis: 'price' })
    expect(at(10).value).toBeGreaterThan(at(0.1).value)
    expect(at(1).error).toBeGreaterThan(0.1)
    expect(CAPABILITY.of('nobody/unheard-of', 'math', null).basis).toBe('price')
    expect(sourcesOf('nobody/unheard-of')).toEqual([])
  })
  it('may be named after a member of every object', () => {
    for (const name of ['__proto__', 'constructor/toString', '', '/']) expect(of(name).basis).toBe('price')
  })
})

describe('names', () => {
  it.each([
    ['anthropic/claude-opus-4-5', { brand: 'claude', version: 4.5, tier: 1, role: '' }],
    ['anthropic/claude-3.5-sonnet-20240620', { brand: 'claude', version: 3.5, tier: 0 }],
    ['openai/gpt-4o-mini-2024-07-18', { brand: 'gpt', version: 4.05, tier: -1 }],
    ['openai/gpt-5.6-luna', { brand: 'gpt', version: 5.6, tier: -2 }],
    ['openai/o3-mini', { brand: 'gpt', version: 4.3, tier: -1, role: 'thinking' }],
    ['google/gemini-3.5-flash-lite', { brand: 'gemini', version: 3.5, tier: -2 }],
    ['qwen/qwen3-235b-a22b-thinking-2507', { brand: 'qwen', version: 3, size: 235, tier: null, role: 'thinking' }],
    ['deepseek/deepseek-chat-v3-0324', { brand: 'deepseek', version: 3, tier: 0, role: '' }],
    ['deepseek/deepseek-r1-0528', { brand: 'deepseek', role: 'r' }],
    ['mistralai/mixtral-8x22b-instruct', { brand: 'mixtral', size: 176 }],
    ['z-ai/glm-4.6v', { brand: 'glm', version: 4.6, role: 'vl' }],
    ['meta-llama/llama-3.1-70b-instruct', { brand: 'llama', version: 3.1, size: 70 }],
  ])('%s', (name, kin) => {
    expect(kinOf(name)).toMatchObject(kin)
  })
})

describe('the built-in pool', () => {
  it('is in the catalogue, priced, reachable, with tools and no end in sight', () => {
    const catalogue = createCatalogue(null)
    for (const model of POOL_MODELS) expect(isWorthChoosing(model, catalogue), model).toBe(true)
    expect(POOL_MODELS.length).toBeGreaterThan(12)
    expect(POOL_MODELS.length).toBeLessThanOrEqual(24)
    expect(new Set(POOL_MODELS).size).toBe(POOL_MODELS.length)
  })
  it('is what the rule makes of the catalogue; else run npm run capability', () => {
    expect(POOL_MODELS).toEqual(poolModels())
  })
})

describe('a guessed task', () => {
  const values = new Map<TaskType, number>([
    ['math', 0.8],
    ['law', 0.4],
  ])
  const at = (task: TaskType): Ability => ({ value: values.get(task) ?? 0, error: 0.1, n: task === 'math' ? 5 : 9, basis: 'measured' })
  const types = (shares: ReadonlyMap<TaskType, number>): readonly number[] => TASK_TYPES.map((type) => shares.get(type) ?? 0)

  it('counts each type that it may be by its probability', () => {
    const { value, error, n } = mixed(
      at,
      types(
        new Map([
          ['math', 0.75],
          ['law', 0.25],
        ]),
      ),
    )
    expect(value).toBeCloseTo(0.7)
    expect(error).toBeCloseTo(0.1 * Math.hypot(0.75, 0.25))
    expect(n).toBe(5)
  })

  it('is that of the type where it is sure, and leaves out what is hardly likely', () => {
    expect(mixed(at, types(new Map([['law', 1]])))).toEqual(at('law'))
    const shares = new Map<TaskType, number>([
      ['law', 0.98],
      ['math', 0.02],
    ])
    expect(mixed(at, types(shares)).value).toBeCloseTo(0.4)
  })
})
