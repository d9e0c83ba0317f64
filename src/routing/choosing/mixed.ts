// What a model can at a task that is only guessed to be what it is: each type that it may be counts by its probability.

import { TASK_TYPES, type TaskType } from '../../classifier/contract.ts'
import type { Ability } from './contract.ts'

/** Less likely types are left out: they would cost more to look up than they say. */
const LEAST_SHARE = 0.03

/** `types`: probabilities in the order of TASK_TYPES, as a verdict has them. `n` and `basis` are those of the likeliest type. */
export function mixed(of: (task: TaskType) => Ability, types: readonly number[]): Ability {
  let [total, value, variance, most] = [0, 0, 0, -1]
  let likeliest: Ability | null = null
  types.forEach((share, at) => {
    const task = TASK_TYPES[at]
    if (task === undefined || share < LEAST_SHARE) return
    const ability = of(task)
    total += share
    value += share * ability.value
    variance += (share * ability.error) ** 2
    if (share <= most) return
    most = share
    likeliest = ability
  })
  const { n, basis }: Ability = likeliest ?? of('open-ended')
  if (total === 0) return of('open-ended')
  return { value: value / total, error: Math.sqrt(variance) / total, n, basis }
}
