// What became of a tenant's requests: weighed good and bad outcomes of a model at a task, each cell's newest four hundred or so. Bounded: of
// models and of cells whoever was told of longest ago goes first. Pure; the tenant's object keeps it, isolates read it.

import { TASK_TYPES, type TaskType } from '../../classifier/contract.ts'
import type { Ability, ModelName } from './contract.ts'

export const MOST_MODELS = 64
/** Together with the longest names these are about 16 kB as text. */
export const MOST_CELLS = 360
export const LONGEST_MODEL = 96
/** A cell is scaled down to this many outcomes: older ones fade. */
export const CELL_OUTCOMES = 400

/** How much of an outcome counts as good or as bad; negative takes back what was told before. */
export type Outcome = {
  readonly task: TaskType
  readonly model: ModelName
  readonly good: number
  readonly bad: number
  /** What the table promised of the model that it chose; `null`: another model answered. */
  readonly prior: Pick<Ability, 'value' | 'error'> | null
  /** The table alone chose it: the tenant's outcomes had no part in it. */
  readonly led: boolean
}

/** `led`: the share of its outcomes for which the table alone had chosen the model. */
export type Cell = {
  readonly task: TaskType
  readonly model: ModelName
  readonly good: number
  readonly bad: number
  readonly prior: Pick<Ability, 'value' | 'error'> | null
  readonly led: boolean
}

/** Least recently told of first. */
export type Cells = ReadonlyMap<string, Cell>

export const NO_CELLS: Cells = new Map()

export function cellKey(task: TaskType, model: ModelName): string {
  return `${task} ${model}`
}

/** Feedback and checks weigh from −1 to 1: above 0 it was good. */
export function weighed(weight: number): { readonly good: number; readonly bad: number } {
  const bounded = Number.isFinite(weight) ? Math.max(-1, Math.min(1, weight)) : 0
  return { good: Math.max(0, bounded), bad: Math.max(0, -bounded) }
}

export function withOutcomes(cells: Cells, outcomes: readonly Outcome[]): Cells {
  if (outcomes.length === 0) return cells
  const next = new Map(cells)
  for (const outcome of outcomes) {
    const { task, model } = outcome
    if (model === '' || model.length > LONGEST_MODEL || !Number.isFinite(outcome.good + outcome.bad)) continue
    const key = cellKey(task, model)
    const before = next.get(key)
    next.delete(key) // to the end
    next.set(key, merged(before, outcome))
  }
  return bounded(next)
}

function merged(before: Cell | undefined, outcome: Outcome): Cell {
  const { task, model, prior, led } = outcome
  const good = Math.max(0, (before?.good ?? 0) + outcome.good)
  const bad = Math.max(0, (before?.bad ?? 0) + outcome.bad)
  const keep = Math.min(1, CELL_OUTCOMES / Math.max(CELL_OUTCOMES, good + bad))
  return {
    task,
    model,
    good: good * keep,
    bad: bad * keep,
    prior: prior ?? before?.prior ?? null,
    led: led || before?.led === true,
  }
}

function bounded(cells: Map<string, Cell>): Cells {
  const models = new Set([...cells.values()].toReversed().map(({ model }) => model))
  const kept = new Set([...models].slice(0, MOST_MODELS))
  let over = cells.size - MOST_CELLS
  for (const [key, { model }] of cells) {
    if (kept.has(model) && over <= 0) continue
    cells.delete(key)
    over--
  }
  return cells
}

/** As it is stored: models by their place in `models`, tasks by their word, counts in hundredths and shares in thousandths. */
export type SavedCells = {
  readonly models: readonly ModelName[]
  readonly cells: readonly (readonly [task: string, model: number, good: number, bad: number, prior: number, error: number, led: 0 | 1])[]
}

const NO_PRIOR = -1

export function saveCells(cells: Cells): SavedCells {
  const models = [...new Set([...cells.values()].map(({ model }) => model))]
  const at = new Map(models.map((model, index) => [model, index]))
  return {
    models,
    cells: [...cells.values()].map(({ task, model, good, bad, prior, led }) => [
      task,
      at.get(model) ?? 0,
      Math.round(good * 100),
      Math.round(bad * 100),
      prior === null ? NO_PRIOR : Math.round(prior.value * 1000),
      prior === null ? 0 : Math.round(prior.error * 1000),
      led ? 1 : 0,
    ]),
  }
}

/** Task types that there are no more are left out. */
export function readCells({ models, cells }: SavedCells): Cells {
  const read = new Map<string, Cell>()
  for (const [word, index, good, bad, value, error, led] of cells) {
    const task = TASK_TYPES.find((known) => known === word)
    const model = models[index]
    if (task === undefined || model === undefined) continue
    const prior = value === NO_PRIOR ? null : { value: value / 1000, error: error / 1000 }
    read.set(cellKey(task, model), { task, model, good: good / 100, bad: bad / 100, prior, led: led === 1 })
  }
  return read
}
