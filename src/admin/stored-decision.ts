// The decision that stands in a request's record, for who may see how much of it.

import type { Row } from '../core/account.ts'
import type { Decision } from '../gateway/telling/decision.ts'
import { forOwner } from '../gateway/telling/decision-told.ts'

/** `undefined`: its client did not ask why. */
export function storedDecision({ decision }: Row, admin: boolean): Decision | undefined {
  if (decision === undefined) return undefined
  const stored = JSON.parse(decision) as Decision // as we wrote it
  return admin ? stored : forOwner(stored)
}
