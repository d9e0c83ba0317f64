// A tenant whose requests are all of one task, played with recorded outcomes: what it gets by the table alone, and what by the table and its
// own feedback. The code that decides is the Worker's (src/routing/choosing), only requests, feedback and chance are made here.

import type { TaskType } from '../../src/classifier/contract.ts'
import type { Ability, Capability, Learned } from '../../src/routing/choosing/contract.ts'
import { activeTasks, explored, learnedCapability, offsetOf, spreadOf } from '../../src/routing/choosing/learning.ts'
import { cellKey, NO_CELLS, weighed, withOutcomes } from '../../src/routing/choosing/outcomes.ts'
import { loadRows, type Row } from './rows.ts'

/** Scores (0 to 1) of a source's models, by task; each row is one prompt. */
export type Recorded = {
  readonly source: string
  readonly models: readonly string[]
  readonly tasks: ReadonlyMap<string, readonly (readonly number[])[]>
}

/** Fewer models would make the choice too easy, fewer rows the means too uncertain. */
const LEAST_MODELS = 8
const LEAST_ROWS = 250
/** One benchmark's halves: the same models at two tasks. */
const TOGETHER: ReadonlyMap<string, string> = new Map([
  ['zeroeval-math-l5', 'zeroeval'],
  ['zeroeval-crux', 'zeroeval'],
])

/** The sources that have outcomes of enough models at more than one task. */
export function readRecorded(): readonly Recorded[] {
  const bySource = new Map<string, Row[]>()
  for (const row of loadRows()) {
    const source = TOGETHER.get(row.source) ?? row.source
    const rows = bySource.get(source)
    if (rows === undefined) bySource.set(source, [row])
    else rows.push(row)
  }
  return [...bySource].flatMap(([source, rows]) => {
    const models = [...(rows[0]?.scores.keys() ?? [])].filter((model) => rows.every(({ scores }) => scores.has(model)))
    const tasks = [...Map.groupBy(rows, ({ task }) => task)]
      .filter(([, found]) => found.length >= LEAST_ROWS)
      .map(([task, found]) => [task, found.map(({ scores }) => models.map((model) => scores.get(model) ?? 0))] as const)
    return models.length < LEAST_MODELS || tasks.length < 2 ? [] : [{ source, models, tasks: new Map(tasks) }]
  })
}

export type Prior = 'good' | 'wrong'
export type Feedback = { readonly share: number; readonly flipped: number }
export type Played = {
  /** Mean score of a request: by the table alone, learning, and of the task's best model. */
  readonly table: number
  readonly learning: number
  readonly best: number
  /** Shares of requests: at which outcomes decided, and that went elsewhere to explore. */
  readonly active: number
  readonly explored: number
}

/** Any: the tenant has one task only, whatever it is called. */
const TASK: TaskType = 'open-ended'

/** Fixed by `random`. The table: what the models do at the source's other tasks (`good`), or that of other models (`wrong`). */
export function play(
  { models, tasks }: Recorded,
  task: string,
  prior: Prior,
  { share, flipped }: Feedback,
  requests: number,
  random: () => number,
): Played {
  const rows = tasks.get(task) ?? []
  const others = [...tasks].filter(([name]) => name !== task).map(([, found]) => means(found))
  const promised = models.map((_, model) => mean(others.map((one) => one[model] ?? 0)))
  const table = prior === 'good' ? promised : shuffled(promised, random)
  const base: Capability = { of: (model) => measured(table[models.indexOf(model)] ?? 0) }
  const byTable = argmax(table)
  let cells = NO_CELLS
  let active: ReadonlySet<TaskType> = new Set()
  const sums = { table: 0, learning: 0, active: 0, explored: 0 }
  for (let i = 0; i < requests; i++) {
    const scores = rows[Math.floor(random() * rows.length)] ?? []
    const isActive = active.has(TASK)
    const compared = isActive ? { offset: offsetOf(cells), spread: spreadOf(cells) } : {}
    const learned: Learned = {
      scores: null,
      lately: { decisions: 0, expensive: 0 },
      outcomes: (at, model) => cells.get(cellKey(at, model)) ?? null,
      isActive,
      ...compared,
    }
    const capability = learnedCapability(base, learned)
    const best = argmax(models.map((model) => capability.of(model, TASK, null).value))
    const choice = isActive ? explored(models.length, best, random) : { index: best, explored: false }
    const score = scores[choice.index] ?? 0
    sums.table += scores[byTable] ?? 0
    sums.learning += score
    sums.active += isActive ? 1 : 0
    sums.explored += choice.explored ? 1 : 0
    if (random() >= share) continue
    const isGood = random() < score !== random() < flipped
    const model = models[choice.index] ?? ''
    const { value, error } = base.of(model, TASK, null)
    cells = withOutcomes(cells, [{ task: TASK, model, ...weighed(isGood ? 1 : -1), prior: { value, error }, led: !isActive }])
    active = activeTasks(cells, active)
  }
  const best = Math.max(...means(rows))
  return {
    table: sums.table / requests,
    learning: sums.learning / requests,
    best,
    active: sums.active / requests,
    explored: sums.explored / requests,
  }
}

function measured(value: number): Ability {
  return { value, error: 0.02, n: 600, basis: 'measured' }
}

function means(rows: readonly (readonly number[])[]): readonly number[] {
  return (rows[0] ?? []).map((_, model) => mean(rows.map((row) => row[model] ?? 0)))
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length
}

function argmax(values: readonly number[]): number {
  return values.reduce((best, value, index) => (value > (values[best] ?? 0) ? index : best), 0)
}

/** Never as it was. */
function shuffled(values: readonly number[], random: () => number): readonly number[] {
  const order = values.map((value) => ({ value, at: random() })).sort((a, b) => a.at - b.at)
  const next = order.map(({ value }) => value)
  return next.every((value, index) => value === values[index]) ? next.toReversed() : next
}
