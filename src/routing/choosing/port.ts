// What the gateway asks of what was learnt of a key's requests, and what it tells.

import { TASK_TYPES, type TaskType } from '../../classifier/contract.ts'
import type { Chosen } from '../../core/account.ts'
import type { Unfit } from '../../core/unfit.ts'
import type { RouterPolicy } from '../../core/policy.ts'
import { NOTHING_LEARNED, type Ability, type Learned, type ModelName } from './contract.ts'

/** How an answer turned out. */
export type Result = {
  readonly task: TaskType
  /** Who answered, as the capability table names it. */
  readonly model: ModelName
  /** −1 to 1: above 0 it was good. */
  readonly weight: number
  /** What the table promised of it when it was chosen; `null`: another model was chosen. */
  readonly prior: Pick<Ability, 'value' | 'error'> | null
  /** The table alone had chosen it: outcomes did not decide at this task (`Learned.isActiveAt`). */
  readonly led: boolean
  /** The weight that was told of this answer before and counts no more. */
  readonly instead?: number
}

/** A model was chosen. `score`: the verdict's, `null` where there was none. */
export type Decided = { readonly score: number | null; readonly expensive: boolean }

export interface Learning {
  /** Synchronous: from what this isolate knows. Asks the key's object in the background when that is old. */
  of(keyId: string): Learned
  /** What the key's policy says, as its admission told it; `null`: nothing. Until then a key learns nothing and has no cap. */
  heard(keyId: string, policy: RouterPolicy | null): void
  /** Once for each request whose model was chosen, where it was sent. */
  decided(keyId: string, decision: Decided): void
  /** Counts only where the key's policy has learning on. */
  outcome(keyId: string, result: Result): void
}

/** What an answer says of the model that was chosen for it; `null`: its task was not judged, so it says nothing. */
export function resultOf({ task, model, prior, led }: Chosen, weight: number, instead = 0): Result | null {
  const known = TASK_TYPES.find((type) => type === task)
  return known === undefined ? null : { task: known, model, weight, instead, prior, led }
}

/**
 * What a failure that can be verified says of the model. An answer that broke a rule it was given is as bad as a wrong one; one that stopped
 * short may be the request's doing. That a provider failed says nothing of the model and is health's.
 */
export const FAILURE_WEIGHTS = {
  schema: -1,
  'tool-call': -1,
  'tool-arguments': -1,
  'unknown-tool': -1,
  truncated: -0.3,
  empty: -0.3,
  refusal: -0.3,
} as const satisfies { readonly [unfit in Unfit]: number }

/** Where nobody learns. */
export const NO_LEARNING: Learning = {
  of: () => NOTHING_LEARNED,
  heard: () => undefined,
  decided: () => undefined,
  outcome: () => undefined,
}
