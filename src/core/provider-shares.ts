// Budgets of providers, over all keys: a request reserves its hold at each place that it may go to, and is charged where it went.

import type { CandidateAsk, Row } from './account.ts'

const PREFIX = 'provider:'

/** The provider whose budget this is; `null`: it is another kind of budget. */
export function providerOf(scope: string): string | null {
  return scope.startsWith(PREFIX) ? scope.slice(PREFIX.length) : null
}

/** The budgets of the providers that a request may go to. In each its whole hold is reserved: what is not known is booked at that. */
export function providerScopes(
  budgeted: ReadonlySet<string>,
  candidates: readonly CandidateAsk[],
  fitting: readonly { readonly index: number }[],
): readonly string[] {
  const providers = new Set(fitting.flatMap(({ index }) => candidates[index]?.provider ?? []))
  return [...providers].filter((provider) => budgeted.has(provider)).map((provider) => PREFIX + provider)
}

/** What a settled request costs one of its budgets: a provider's what its own calls cost, all of them together what the row says. */
export function costIn(scope: string, row: Row | null): number {
  if (row === null) return 0
  const provider = providerOf(scope)
  const cost = row.costNanoUsd ?? 0
  if (provider === null) return cost
  const callsOf = (isMeant: (id: string) => boolean): number =>
    row.attempts.reduce((sum, leg) => sum + (isMeant(leg.provider) ? (leg.costNanoUsd ?? 0) : 0), 0)
  if (provider !== row.provider) return callsOf((id) => id === provider)
  return Math.max(0, cost - callsOf((id) => id !== provider))
}
