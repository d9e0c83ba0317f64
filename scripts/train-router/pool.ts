// `npm run pool`: what the capability table and its margin gate gain over the best single model of a pool, by cross-validation on recorded outcomes.
//
// In each of five folds the classifier is fitted without the test rows, and the table (type x model) is made of the training rows by the type that
// it calls them; the best single model is chosen on them too. A test row goes to the model of the highest value, mixed by the probabilities of its
// types (routing/choosing/mixed.ts), where that is ahead of the best single model's by more than GATE_ERRORS standard errors of the difference, else
// to the best single model. Folds are drawn several times and each row's gains averaged: one draw alone is luck.

import type { Ability } from '../../src/routing/choosing/contract.ts'
import { subjectOf, TASK_TYPES } from '../../src/classifier/contract.ts'
import { mixed } from '../../src/routing/choosing/mixed.ts'
import { trainedOn } from './crossed.ts'
import { generator, shuffle } from './linear.ts'
import { loadLabelled, loadRows, type Row } from './rows.ts'
import { loadWritten } from './written.ts'

/** As MARGIN_ERRORS of strategies/auto.ts: one, chosen beforehand because it is the plainest. */
export const GATE_ERRORS = 1
/** Answers of the model's own mean that stand in each cell; chosen beforehand as well. */
const PRIOR_ANSWERS = 10
const FOLDS = 5
const RESAMPLES = 2000

/** Probabilities of a row's types, in the order of TASK_TYPES. */
export type TypesOf = (row: Row) => readonly number[]
/** Learns of rows, and only of them, to tell the types of others. */
export type TypeLearner = (training: readonly Row[]) => TypesOf

export type PoolGain = {
  readonly source: string
  readonly models: number
  readonly n: number
  /** Mean scores, 0 to 1. */
  readonly single: number
  readonly oracle: number
  /** Over the best single model, with the bounds of the 95 % interval of the paired bootstrap. */
  readonly gain: number
  readonly low: number
  readonly high: number
  /** The share of rows that left the best single model. */
  readonly moved: number
}

type Cell = { readonly n: number; readonly sums: readonly number[] }
type Table = {
  readonly models: readonly string[]
  readonly means: readonly number[]
  readonly best: number
  readonly cells: ReadonlyMap<string, Cell>
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
const scoreOf = (row: Row, model: string | undefined): number => row.scores.get(model ?? '') ?? 0

function tableOf(training: readonly Row[], models: readonly string[], typesOf: TypesOf): Table {
  const means = models.map((model) => mean(training.map((row) => scoreOf(row, model))))
  const cells = new Map<string, Cell>()
  for (const row of training) {
    const type = likeliest(typesOf(row))
    const known = cells.get(type) ?? { n: 0, sums: models.map(() => 0) }
    cells.set(type, { n: known.n + 1, sums: known.sums.map((sum, at) => sum + scoreOf(row, models[at])) })
  }
  return { models, means, best: means.indexOf(Math.max(...means)), cells }
}

const likeliest = (types: readonly number[]): string => TASK_TYPES[types.indexOf(Math.max(...types))] ?? 'none'

/** The place of the model for a row of these types. */
function choose({ means, best, cells }: Table, types: readonly number[], gate: number): number {
  const abilities = means.map((overall, at): Ability =>
    mixed((task) => {
      const cell = cells.get(task)
      const n = (cell?.n ?? 0) + PRIOR_ANSWERS
      const value = ((cell?.sums[at] ?? 0) + PRIOR_ANSWERS * overall) / n
      return { value, error: Math.sqrt((value * (1 - value)) / n), n: cell?.n ?? 0, basis: 'measured' }
    }, types),
  )
  const values = abilities.map(({ value }) => value)
  const top = values.indexOf(Math.max(...values))
  const error = Math.hypot(abilities[top]?.error ?? 0, abilities[best]?.error ?? 0)
  return (values[top] ?? 0) - (values[best] ?? 0) > gate * error ? top : best
}

type Answer = { single: number; oracle: number; readonly scores: number[]; readonly moves: number[] }

/** One result a gate. `rows`: all there are; those of other sources than the pool's teach types only. */
export function poolGains(
  rows: readonly Row[],
  source: string,
  learn: TypeLearner,
  gates: readonly number[],
  draws: readonly number[],
): readonly PoolGain[] {
  const pool = rows.filter((row) => row.source === source)
  const elsewhere = rows.filter((row) => row.source !== source)
  const models = [...(pool[0]?.scores.keys() ?? [])]
  const answers = pool.map((row): Answer => ({
    single: 0,
    oracle: Math.max(...row.scores.values()),
    scores: gates.map(() => 0),
    moves: gates.map(() => 0),
  }))
  for (const seed of draws) {
    const order = pool.map((_, at) => at)
    shuffle(order, generator(seed))
    for (let fold = 0; fold < FOLDS; fold += 1) {
      const training = order.flatMap((at, i) => (i % FOLDS === fold ? [] : (pool[at] ?? [])))
      const typesOf = learn([...elsewhere, ...training])
      const table = tableOf(training, models, typesOf)
      for (const [i, at] of order.entries()) {
        const [row, answer] = [pool[at], answers[at]]
        if (i % FOLDS !== fold || row === undefined || answer === undefined) continue
        answer.single += scoreOf(row, models[table.best]) / draws.length
        const types = typesOf(row)
        for (const [index, gate] of gates.entries()) {
          const model = choose(table, types, gate)
          answer.scores[index] = (answer.scores[index] ?? 0) + scoreOf(row, models[model]) / draws.length
          answer.moves[index] = (answer.moves[index] ?? 0) + Number(model !== table.best) / draws.length
        }
      }
    }
  }
  return gates.map((_, index) => {
    const gains = answers.map(({ scores, single }) => (scores[index] ?? 0) - single)
    const [low, high] = interval(gains)
    return {
      source,
      models: models.length,
      n: pool.length,
      single: mean(answers.map(({ single }) => single)),
      oracle: mean(answers.map(({ oracle }) => oracle)),
      gain: mean(gains),
      low,
      high,
      moved: mean(answers.map(({ moves }) => moves[index] ?? 0)),
    }
  })
}

/** Of the mean, by resampling rows. */
function interval(values: readonly number[]): readonly [low: number, high: number] {
  const next = generator(11)
  const means = Array.from({ length: RESAMPLES }, () => {
    let sum = 0
    for (let drawn = 0; drawn < values.length; drawn += 1) sum += values[Math.floor(next() * values.length)] ?? 0
    return sum / values.length
  }).sort((a, b) => a - b)
  return [means[Math.floor(0.025 * RESAMPLES)] ?? 0, means[Math.floor(0.975 * RESAMPLES)] ?? 0]
}

export const POOLS = ['ulab-llmrouter', 'mmlu-pro'] as const

/** The classifier as it ships, fitted without the rows that are tested. */
export const classified: TypeLearner = (training) => {
  const classifier = trainedOn({ rows: training, written: loadWritten(), labelled: loadLabelled() })
  return (row) => classifier.classify(subjectOf(row.prompt)).types
}

const labels: TypeLearner = () => (row) => TASK_TYPES.map((type) => (type === row.taskType ? 1 : 0))

/** Draws of the folds. */
const DRAWS = [1, 2, 3, 4, 5]

function main(): void {
  if (process.argv.includes('--help')) {
    console.log(`npm run pool

Tells what choosing by task type gains over the best single model of two recorded pools, by cross-validation (docs/capability.md). Takes minutes.`)
    return
  }
  const rows = loadRows()
  const percent = (share: number): string => (100 * share).toFixed(2)
  console.log('| pool | models | n | types | gate | best single | oracle | gain [95 %] | moved |\n|---|---|---|---|---|---|---|---|---|')
  for (const source of POOLS) {
    for (const [name, learn] of [['predicted', classified] as const, ['true label', labels] as const]) {
      for (const [at, gain] of poolGains(rows, source, learn, [GATE_ERRORS, 0], DRAWS).entries()) {
        const { models, n, single, oracle, low, high, moved } = gain
        console.log(
          `| ${source} | ${models} | ${n} | ${name} | ${at === 0 ? 'on' : 'off'} | ${percent(single)} | ${percent(oracle)} | +${percent(gain.gain)} [${percent(low)}, ${percent(high)}] | ${percent(moved)} % |`,
        )
      }
    }
  }
}

if (import.meta.main) main()
