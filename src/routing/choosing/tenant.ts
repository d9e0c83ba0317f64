// What is kept of one tenant (a key): the scores of its requests, how many of its decisions went to an expensive model, and outcomes. What an
// isolate tells and hears of it, and how it is stored. Never a prompt or anything made of one beside a score and a task's name.

import { TASK_TYPES, type TaskType } from '../../classifier/contract.ts'
import type { Learned, ScoreHistogram } from './contract.ts'
import { activeTasks } from './learning.ts'
import { NO_CELLS, readCells, saveCells, withOutcomes, type Cells, type Outcome, type SavedCells } from './outcomes.ts'
import { NO_SCORES, withScores } from './score-histogram.ts'

/** The last so many decisions count, older ones fade. */
export const LATELY = 200

export type Lately = Learned['lately']

export type Tenant = {
  readonly scores: ScoreHistogram
  readonly lately: Lately
  readonly cells: Cells
  /** Tasks at which the outcomes decide. */
  readonly active: ReadonlySet<TaskType>
}

export const NEW_TENANT: Tenant = { scores: NO_SCORES, lately: { decisions: 0, expensive: 0 }, cells: NO_CELLS, active: new Set() }

/** What an isolate has gathered: scores by bin, decisions, outcomes. */
export type Gathered = {
  readonly scores: readonly (readonly [bin: number, count: number])[]
  readonly decisions: number
  readonly expensive: number
  readonly outcomes: readonly Outcome[]
}

export function absorbed(tenant: Tenant, { scores, decisions, expensive, outcomes }: Gathered): Tenant {
  const cells = withOutcomes(tenant.cells, outcomes)
  return {
    scores: scores.length === 0 ? tenant.scores : withScores(tenant.scores, scores),
    lately: withDecisions(tenant.lately, decisions, expensive),
    cells,
    active: cells === tenant.cells ? tenant.active : activeTasks(cells, tenant.active),
  }
}

/** More decisions: the older ones are scaled down so that there are never more than the last `LATELY`. */
export function withDecisions(lately: Lately, decisions: number, expensive: number): Lately {
  if (!(decisions > 0)) return lately
  const newer = Math.min(LATELY, decisions)
  const older = lately.decisions > 0 ? Math.min(1, (LATELY - newer) / lately.decisions) : 0
  return {
    decisions: lately.decisions * older + newer,
    expensive: lately.expensive * older + (Math.max(0, Math.min(decisions, expensive)) * newer) / decisions,
  }
}

/** One value of the object's storage; under 20 kB. Counts of the histogram and of `lately` to a hundredth. */
export type SavedTenant = {
  readonly bins: readonly number[]
  readonly lately: readonly [decisions: number, expensive: number]
  readonly cells: SavedCells
  readonly active: readonly string[]
}

export function saveTenant({ scores, lately, cells, active }: Tenant): SavedTenant {
  return {
    bins: scores.bins.map(hundredth),
    lately: [hundredth(lately.decisions), hundredth(lately.expensive)],
    cells: saveCells(cells),
    active: [...active],
  }
}

export function readTenant({ bins, lately: [decisions, expensive], cells, active }: SavedTenant): Tenant {
  return {
    scores: withScores(
      NO_SCORES,
      bins.map((count, bin) => [bin, count] as const),
    ),
    lately: { decisions, expensive },
    cells: readCells(cells),
    active: new Set(tasksOf(active)),
  }
}

/** Those that there are still. */
export function tasksOf(words: readonly string[]): readonly TaskType[] {
  return TASK_TYPES.filter((task) => words.includes(task))
}

function hundredth(count: number): number {
  return Math.round(count * 100) / 100
}
