// What a settled request means for the budgets that its key shares: what each of its shares is booked at, and which of them its row names.

import type { Row } from './account.ts'
import type { Allowances, BookedShare, Share } from './allowances.ts'
import type { Drawn } from './lost.ts'
import { costIn, providerOf } from './provider-shares.ts'

/** `held`: what is replaced by the cost; `before`: what was booked already, and is corrected. `row: null`: nothing was sent. */
export function settleShares(
  allowances: Allowances,
  held: readonly Share[] = [],
  before: readonly BookedShare[] = [],
  row: Row | null,
  now: number,
): void {
  for (const share of held) allowances.settle(share, costIn(share.scope, row))
  for (const share of before) allowances.correct(share, costIn(share.scope, row) - share.nanoUsd, now)
}

/** What nobody remembers holding is spent all the same: a restart must not make it free. `drawn`: what was held, or booked, for such. */
export function settleForgotten(
  allowances: Allowances,
  scopes: readonly string[],
  drawn: Drawn | null,
  row: Row | null,
  now: number,
): void {
  for (const share of drawn?.shares ?? []) {
    if (drawn?.from.booked === true) allowances.correct({ period: '', ...share }, -share.nanoUsd, now)
    else allowances.settle(share, 0)
  }
  for (const scope of scopes) allowances.charge(scope, costIn(scope, row), now)
}

/** For its row: the budgets that a request was held against; of providers only the one that was used, where that is known. */
export function heldIn(shares: readonly Share[] | undefined, scopes: readonly string[], row: Row | null): readonly string[] {
  const all = shares?.map(({ scope }) => scope) ?? scopes
  return row === null ? all : all.filter((scope) => [null, row.provider].includes(providerOf(scope)))
}
