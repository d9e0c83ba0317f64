// What a client that left leaves behind, and the row of it once its answer was read to the end.

import type { Row } from './account.ts'
import { booked, withLastCost, type Bill, type Seen } from './bill.ts'

/** `row`: as it would be booked if nothing more were learned. */
export type Estate = { readonly row: Row; readonly bill: Bill }

/** What was learned. `whole`: the answer came to its own end; `refused`: it was an error of the provider, which nobody bills. */
export type Testimony = { readonly seen: Seen; readonly upstreamId: string | null; readonly whole: boolean; readonly refused: boolean }

/** Whether more can be learned that changes what is booked: not of what the provider told already, or what costs nothing. */
export function isOpen({ ended, usageFrom, costNanoUsd }: Row): boolean {
  return ended === 'client-gone' && (usageFrom === 'hold' || (usageFrom === 'counted' && costNanoUsd !== 0))
}

/** `testimony: null`: nobody answered. The client is gone in any case: the row goes on saying so. */
export function settledRow({ row, bill }: Estate, testimony: Testimony | null, now: number): Row {
  const refused = testimony?.refused === true
  const seen = refused ? null : (testimony?.seen ?? null)
  const { usage, from, costNanoUsd } = booked(bill, {
    seen,
    ending: testimony?.whole === true ? 'complete' : row.ended,
    unbilled: refused,
  })
  return {
    ...row,
    usage,
    usageFrom: from,
    costNanoUsd,
    attempts: withLastCost(row.attempts, bill, costNanoUsd),
    finish: seen?.finish ?? row.finish,
    upstreamId: testimony?.upstreamId ?? row.upstreamId,
    totalMs: Math.max(row.totalMs, now - row.createdAt),
  }
}
