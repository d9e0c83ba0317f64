// What a model can at a task that is only guessed to be what it is: as far as it may be another, the model's ability over all tasks counts.

import type { Ability } from './contract.ts'

/** `confidence`: 0 to 1, as the classifier has it of the task. The error is the task's, by its share: what is the same at every task tells models apart as well as it can. */
export function hedged(at: Ability, overall: Pick<Ability, 'value'>, confidence: number): Ability {
  return { ...at, value: confidence * at.value + (1 - confidence) * overall.value, error: confidence * at.error }
}
