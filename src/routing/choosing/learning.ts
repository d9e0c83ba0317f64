// Prior and outcomes together: what a model can do at a task for this tenant, when the tenant's outcomes are to decide at all, and the few
// requests that go elsewhere so that there is something to compare.

import type { TaskType } from '../../classifier/contract.ts'
import type { Ability, Capability, Learned, Seen } from './contract.ts'
import type { Cell, Cells } from './outcomes.ts'

/** Outcomes that the table's word is worth. */
export const PRIOR_WEIGHT = 15
/** The share of requests that may go elsewhere, where the tenant's outcomes decide. */
export const EXPLORATION = 0.02
/** Fewer outcomes of what the table chose say nothing yet. */
const LEAST_LED = 20
/** So many errors below its promise the table is no longer believed; so many, and it is again. Between them it stays as it was. */
const OFF_TABLE = 1.5
const ON_TABLE = 0.5
/** The table's own choice is left only for what is so many errors better: else a few unlucky outcomes would drive it out for long. */
const DOUBT = 2
const OFFSETS = { least: 0.5, most: 1.25 } as const

/**
 * Tasks at which the tenant's outcomes decide: where what the table alone chose has done worse than it promised, by more than the error of
 * both. `before`: at which they did until now.
 */
export function activeTasks(cells: Cells, before: ReadonlySet<TaskType>): ReadonlySet<TaskType> {
  const byTask = new Map<TaskType, Cell[]>()
  for (const cell of cells.values()) {
    if (!cell.led || cell.prior === null) continue
    byTask.set(cell.task, [...(byTask.get(cell.task) ?? []), cell])
  }
  const active = new Set<TaskType>()
  for (const [task, led] of byTask) {
    const fell = shortfall(led)
    if (fell !== null && fell > (before.has(task) ? ON_TABLE : OFF_TABLE)) active.add(task)
  }
  return active
}

/** By how many of its errors the observed success is below the promised one; `null`: too few outcomes. */
function shortfall(led: readonly Cell[]): number | null {
  let n = 0
  let missing = 0
  let variance = 0
  for (const { good, bad, prior } of led) {
    const count = good + bad
    if (prior === null || count <= 0) continue
    n += count
    missing += prior.value * count - good
    // Of the count by the promise, or a row of good ones would have no error at all; and the promise's own.
    variance += count * Math.max(0.01, prior.value * (1 - prior.value)) + (count * prior.error) ** 2
  }
  return n < LEAST_LED ? null : missing / Math.sqrt(variance)
}

/**
 * How the tenant's successes compare with what the table promised, as a mean over what was tried: flipped or grudging feedback, and harder
 * prompts, make whoever was tried look worse than whoever was not. One word of the table's own is among them, so of a lone model that falls
 * short half is put down to the tenant. 1: as promised, or nothing is known.
 */
export function offsetOf(cells: Cells): number {
  let ratios = 1
  let weights = 1
  for (const { good, bad, prior } of cells.values()) {
    const n = good + bad
    if (prior === null || prior.value <= 0 || n <= 0) continue
    const weight = n / (n + PRIOR_WEIGHT)
    ratios += (weight * good) / (n * prior.value)
    weights += weight
  }
  return Math.max(OFFSETS.least, Math.min(OFFSETS.most, ratios / weights))
}

/**
 * By how much models differ from what the table promises beyond the tenant's offset: one standard deviation, 0 where the table is right about
 * who is better. The further it is off, the likelier a model that it thinks little of is a good one.
 */
export function spreadOf(cells: Cells, offset: number = offsetOf(cells)): number {
  let squares = 0
  let weights = 1
  for (const { good, bad, prior } of cells.values()) {
    const n = good + bad
    if (prior === null || n <= 0) continue
    const weight = n / (n + PRIOR_WEIGHT)
    squares += weight * ((good / n - prior.value * offset) ** 2 - 0.25 / n)
    weights += weight
  }
  return Math.sqrt(Math.max(0, squares / weights))
}

/** As the table, with what was learnt where that decides. */
export function learnedCapability(base: Capability, learned: Learned): Capability {
  if (!learned.isActive) return base
  return {
    of(model, task, price) {
      const prior = base.of(model, task, price)
      if (learned.isActiveAt !== undefined && !learned.isActiveAt(task)) return prior
      return learnedAbility(prior, learned.outcomes(task, model) ?? UNSEEN, learned)
    },
  }
}

const UNSEEN: Seen = { good: 0, bad: 0 }

/**
 * Of what the table alone would choose (`led`) the upper end: it has the benefit of the doubt. What was hardly tried has some too, where the
 * table was wrong about others.
 */
export function learnedAbility(
  prior: Ability,
  { good, bad, led }: Seen,
  { offset = 1, spread = 0 }: Pick<Learned, 'offset' | 'spread'>,
): Ability {
  const n = good + bad
  if (n <= 0 && spread <= 0) return prior
  const weight = PRIOR_WEIGHT + n
  const value = bounded((prior.value * PRIOR_WEIGHT + good / offset + spread * PRIOR_WEIGHT) / weight)
  if (n <= 0) return { ...prior, value, error: Math.hypot(prior.error, spread) }
  const error = Math.sqrt(Math.max(0.0001, value * (1 - value)) / (weight + 1))
  return { value: led === true ? bounded(value + DOUBT * error) : value, error, n: Math.round(n), basis: 'learned' }
}

function bounded(value: number): number {
  return Math.max(0, Math.min(1, value))
}

/** `propensities`: how likely each of them was to be chosen. */
export type Explored = { readonly index: number; readonly explored: boolean; readonly propensities: readonly number[] }

/**
 * The best of `count` options, or now and then any of them, each as likely. Takes one random number. Whoever asks passes only what is allowed
 * and can be paid for, and asks only at the first turn of a conversation and where the tenant's outcomes decide.
 */
export function explored(count: number, best: number, random: () => number, share: number = EXPLORATION): Explored {
  if (count < 2 || share <= 0) return { index: best, explored: false, propensities: certain(count, best) }
  const drawn = random()
  const propensities = Array.from({ length: count }, (_, index) => share / count + (index === best ? 1 - share : 0))
  if (drawn >= share) return { index: best, explored: false, propensities }
  return { index: Math.min(count - 1, Math.floor((drawn / share) * count)), explored: true, propensities }
}

function certain(count: number, best: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => (index === best ? 1 : 0))
}
