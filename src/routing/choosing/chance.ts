// How likely a model does a request well: what the table says of the model at such tasks, moved by how hard this one looks.

import { TASK_TYPES } from '../../classifier/contract.ts'
import type { OptionPrice } from '../contract.ts'
import type { Ability, Capability, Choosing, ModelName } from './contract.ts'

/** Logits between the easiest and the hardest request; one of the middle is as the table has it. */
export const SLOPE = 4
const MIDDLE = 0.5
/** Nobody is taken to be perfect or hopeless. */
const LEAST = 0.01

/**
 * 0 to 1: a logistic of the value's logit and the score. `value`: the share of such tasks that it does well; `score`: of the request, 0 (easy)
 * to 1 (hard). Falls with the score, rises with the value.
 */
export function chanceOf(value: number, score: number): number {
  return chanceAt(value, oddsAgainst(score))
}

/** How many times likelier a request of this score goes wrong than one of the middle. */
export function oddsAgainst(score: number): number {
  return Math.exp(SLOPE * (score - MIDDLE))
}

/** As `chanceOf`, for many values at one score. */
export function chanceAt(value: number, against: number): number {
  const bounded = Math.min(1 - LEAST, Math.max(LEAST, value))
  return bounded / (bounded + (1 - bounded) * against)
}

/** How much of an error in `value` is in the chance: one standard error in, one out. */
export function chanceError({ value, error }: Pick<Ability, 'value' | 'error'>, score: number): number {
  const bounded = Math.min(1 - LEAST, Math.max(LEAST, value))
  const chance = chanceOf(value, score)
  return (error * chance * (1 - chance)) / (bounded * (1 - bounded))
}

/** What is counted on: of a model that nobody has measured one error less than is guessed. */
export function reliable({ value, error, basis }: Ability): number {
  return basis === 'family' || basis === 'price' ? Math.max(0, value - error) : value
}

/** Over all tasks alike. Errors are not taken to cancel out: they have the same causes. */
export function overallOf(capability: Capability, model: ModelName, price: OptionPrice | null): Ability {
  const all = TASK_TYPES.map((task) => capability.of(model, task, price))
  const mean = (of: (ability: Ability) => number): number => all.reduce((sum, one) => sum + of(one), 0) / all.length
  const measured = all.find(({ basis }) => basis === 'measured' || basis === 'learned')
  return {
    value: mean(({ value }) => value),
    error: mean(({ error }) => error),
    n: all.reduce((sum, { n }) => sum + n, 0),
    basis: measured?.basis ?? all[0]?.basis ?? 'price',
  }
}

/** At all tasks together. */
export function overallAt(choosing: Choosing, model: ModelName, price: OptionPrice | null): Ability {
  return choosing.overall?.(model, price) ?? overallOf(choosing.capability, model, price)
}
