// The facts that a route's conditions are judged by. What needs only the request is judged before admission; budget and health after it.

import type { Job } from './job.ts'

export type Conditions = {
  /** Of the request alone. One that needs more holds for now. */
  readonly holds: (condition: string) => boolean
  readonly mayHold: (condition: string) => boolean
}

export function requestConditions(_job: Job): Conditions {
  return { holds: () => true, mayHold: () => true }
}
