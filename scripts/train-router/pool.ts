// `npm run pool`: what the capability table and its margin gate gain over the best single model of a pool, by cross-validation on recorded outcomes.
//
// In each of five folds the table (type x model) is made of the training rows alone; the best single model is chosen on them too, and the classifier of
// types learns of them and of the other sources. A test row's type is predicted. It goes to the model of the highest value for it, hedged by the
// classifier's confidence (routing/choosing/hedge.ts), where that is ahead of the best single model's by more than GATE_ERRORS standard errors of the
// difference, else to the best single model.

import type { Ability } from '../../src/routing/choosing/contract.ts'
import { hedged } from '../../src/routing/choosing/hedge.ts'
import { learnTypes, generator, shuffled, type TypeOf } from './stand-in.ts'
import { loadRows, type Row } from './rows.ts'

/** As MARGIN_ERRORS of strategies/auto.ts: one, chosen beforehand because it is the plainest. */
export const GATE_ERRORS = 1
/** Answers of the model's own mean that stand in each cell; chosen beforehand as well. */
const PRIOR_ANSWERS = 10
const FOLDS = 5
const RESAMPLES = 2000

/** Learns of rows, and only of them, to tell the type of others. */
export type TypeLearner = (training: readonly Row[]) => TypeOf

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

function tableOf(training: readonly Row[], models: readonly string[]): Table {
  const means = models.map((model) => mean(training.map((row) => scoreOf(row, model))))
  const cells = new Map<string, Cell>()
  for (const row of training) {
    const type = row.taskType ?? 'none'
    const known = cells.get(type) ?? { n: 0, sums: models.map(() => 0) }
    cells.set(type, { n: known.n + 1, sums: known.sums.map((sum, at) => sum + scoreOf(row, models[at])) })
  }
  return { models, means, best: means.indexOf(Math.max(...means)), cells }
}

/** The place of the model for a row that is of this type with so much confidence. */
function choose({ means, best, cells }: Table, type: string, confidence: number, gate: number): number {
  const cell = cells.get(type)
  if (cell === undefined) return best
  const n = cell.n + PRIOR_ANSWERS
  const abilities = means.map((overall, at): Ability => {
    const value = ((cell.sums[at] ?? 0) + PRIOR_ANSWERS * overall) / n
    return hedged({ value, error: Math.sqrt((value * (1 - value)) / n), n: cell.n, basis: 'measured' }, { value: overall }, confidence)
  })
  const values = abilities.map(({ value }) => value)
  const top = values.indexOf(Math.max(...values))
  const error = Math.hypot(abilities[top]?.error ?? 0, abilities[best]?.error ?? 0)
  return (values[top] ?? 0) - (values[best] ?? 0) > gate * error ? top : best
}

/** One result a gate. `rows`: all there are; those of other sources than the pool's teach types only. */
export function poolGains(
  rows: readonly Row[],
  source: string,
  learn: TypeLearner,
  gates: readonly number[],
  seed = 7,
): readonly PoolGain[] {
  const pool = shuffled(
    rows.filter((row) => row.source === source),
    seed,
  )
  const elsewhere = rows.filter((row) => row.source !== source)
  const models = [...(pool[0]?.scores.keys() ?? [])]
  const single: number[] = []
  const chosen = gates.map((): { score: number; isMoved: boolean }[] => [])
  const oracle: number[] = []
  for (let fold = 0; fold < FOLDS; fold += 1) {
    const training = pool.filter((_, at) => at % FOLDS !== fold)
    const table = tableOf(training, models)
    const typeOf = learn([...elsewhere, ...training])
    for (const [at, row] of pool.entries()) {
      if (at % FOLDS !== fold) continue
      single.push(scoreOf(row, models[table.best]))
      oracle.push(Math.max(...row.scores.values()))
      const { type, confidence } = typeOf(row)
      for (const [index, gate] of gates.entries()) {
        const model = choose(table, type, confidence, gate)
        chosen[index]?.push({ score: scoreOf(row, models[model]), isMoved: model !== table.best })
      }
    }
  }
  return chosen.map((answers) => {
    const gains = answers.map(({ score }, at) => score - (single[at] ?? 0))
    const [low, high] = interval(gains)
    const moved = mean(answers.map(({ isMoved }) => Number(isMoved)))
    return {
      source,
      models: models.length,
      n: single.length,
      single: mean(single),
      oracle: mean(oracle),
      gain: mean(gains),
      low,
      high,
      moved,
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

function main(): void {
  const rows = loadRows()
  const learners: readonly (readonly [string, TypeLearner])[] = [
    ['predicted', (training) => learnTypes(training, ({ taskType }) => taskType)],
    [
      'true label',
      () =>
        ({ taskType }) => ({ type: taskType ?? 'none', confidence: 1 }),
    ],
  ]
  const percent = (share: number): string => (100 * share).toFixed(2)
  console.log('| pool | models | n | types | gate | best single | oracle | gain [95 %] | moved |\n|---|---|---|---|---|---|---|---|---|')
  for (const source of POOLS) {
    for (const [name, learn] of learners) {
      for (const [at, gain] of poolGains(rows, source, learn, [GATE_ERRORS, 0]).entries()) {
        const { models, n, single, oracle, low, high, moved } = gain
        console.log(
          `| ${source} | ${models} | ${n} | ${name} | ${at === 0 ? 'on' : 'off'} | ${percent(single)} | ${percent(oracle)} | +${percent(gain.gain)} [${percent(low)}, ${percent(high)}] | ${percent(moved)} % |`,
        )
      }
    }
  }
}

if (import.meta.main) main()
