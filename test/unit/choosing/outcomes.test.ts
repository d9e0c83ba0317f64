import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TASK_TYPES } from '../../../src/classifier/contract.ts'
import {
  CELL_OUTCOMES,
  cellKey,
  LONGEST_MODEL,
  MOST_CELLS,
  MOST_MODELS,
  NO_CELLS,
  readCells,
  saveCells,
  weighed,
  withOutcomes,
  type Outcome,
} from '../../../src/routing/choosing/outcomes.ts'

const outcome = (more: Partial<Outcome> = {}): Outcome => ({
  task: 'math',
  model: 'a/b',
  good: 1,
  bad: 0,
  prior: { value: 0.7, error: 0.05 },
  led: true,
  ...more,
})
const any = fc.record({
  task: fc.constantFrom(...TASK_TYPES),
  model: fc.oneof(
    fc.integer({ min: 0, max: 200 }).map((i) => `author/${i}`.padEnd(LONGEST_MODEL, 'x')),
    fc.string({ maxLength: 120 }),
  ),
  good: fc.double({ min: -1, max: 1, noNaN: true }),
  bad: fc.double({ min: -1, max: 1, noNaN: true }),
  prior: fc.option(fc.record({ value: fc.double({ min: 0, max: 1, noNaN: true }), error: fc.double({ min: 0, max: 1, noNaN: true }) })),
  led: fc.boolean(),
})

describe('outcomes', () => {
  it('weigh from minus one to one', () => {
    expect([1, -1, 0.5, -0.3, 7, Number.NaN].map(weighed)).toEqual([
      { good: 1, bad: 0 },
      { good: 0, bad: 1 },
      { good: 0.5, bad: 0 },
      { good: 0, bad: 0.3 },
      { good: 1, bad: 0 },
      { good: 0, bad: 0 },
    ])
  })

  it('are summed up by task and model', () => {
    const cells = withOutcomes(NO_CELLS, [outcome(), outcome({ good: 0, bad: 1 }), outcome({ task: 'law' }), outcome({ model: 'c/d' })])
    expect(cells.get(cellKey('math', 'a/b'))).toMatchObject({ good: 1, bad: 1 })
    expect(cells.size).toBe(3)
  })

  it('can be taken back, and never below nothing', () => {
    const told = withOutcomes(NO_CELLS, [outcome()])
    expect(withOutcomes(told, [outcome({ good: -1, bad: 1 })]).get('math a/b')).toMatchObject({ good: 0, bad: 1 })
    expect(withOutcomes(NO_CELLS, [outcome({ good: -1 })]).get('math a/b')).toMatchObject({ good: 0, bad: 0 })
  })

  it('fade: after as many bad ones as a cell holds most of the good ones are forgotten', () => {
    let cells = NO_CELLS
    for (let i = 0; i < 2000; i++) cells = withOutcomes(cells, [outcome()])
    expect(cells.get('math a/b')?.good).toBeCloseTo(CELL_OUTCOMES)
    for (let i = 0; i < 3 * CELL_OUTCOMES; i++) cells = withOutcomes(cells, [outcome({ good: 0, bad: 1 })])
    expect(cells.get('math a/b')?.good).toBeLessThan(CELL_OUTCOMES * 0.06)
  })

  it('stay bounded, whatever is told; stored they are under 20 kB', () => {
    fc.assert(
      fc.property(fc.array(any, { maxLength: 1500, minLength: 400 }), (told) => {
        const cells = withOutcomes(NO_CELLS, told)
        expect(cells.size).toBeLessThanOrEqual(MOST_CELLS)
        expect(new Set([...cells.values()].map(({ model }) => model)).size).toBeLessThanOrEqual(MOST_MODELS)
        expect(new TextEncoder().encode(JSON.stringify(saveCells(cells))).byteLength).toBeLessThan(20_000)
        const last = told.findLast(({ model }) => model !== '' && model.length <= LONGEST_MODEL)
        if (last !== undefined) expect(cells.has(cellKey(last.task, last.model))).toBe(true)
      }),
      { numRuns: 30 },
    )
  })

  it('let go of whoever was told of longest ago', () => {
    const names = Array.from({ length: MOST_MODELS + 1 }, (_, i) => `m/${i}`)
    const first = withOutcomes(NO_CELLS, names.slice(0, -1).map((model) => outcome({ model }))) // prettier-ignore
    const then = withOutcomes(first, [outcome({ model: 'm/0' }), outcome({ model: names.at(-1) ?? '' })])
    expect([then.has('math m/0'), then.has('math m/1'), then.size]).toEqual([true, false, MOST_MODELS])
  })

  it('come back from storage as they were, to a hundredth', () => {
    fc.assert(
      fc.property(fc.array(any, { maxLength: 100 }), (told) => {
        const cells = withOutcomes(NO_CELLS, told)
        const read = readCells(saveCells(cells))
        expect([...read.keys()]).toEqual([...cells.keys()])
        for (const [key, cell] of cells) {
          const { good, bad, prior, led, task, model } = read.get(key) ?? { good: -1, bad: -1, prior: null, led: null, task: '', model: '' }
          expect(Math.abs(good - cell.good) + Math.abs(bad - cell.bad)).toBeLessThanOrEqual(0.0101)
          expect([led, task, model]).toEqual([cell.led, cell.task, cell.model])
          expect(Math.abs((prior?.value ?? -1) - (cell.prior?.value ?? -1))).toBeLessThanOrEqual(0.00051)
        }
      }),
    )
  })

  it('of a task type that there is no more are left out', () => {
    expect(readCells({ models: ['a/b'], cells: [['gone', 0, 100, 0, 700, 50, 1], ['law', 3, 1, 1, -1, 0, 0]] }).size).toBe(0) // prettier-ignore
  })
})
