// Budgets of providers, over all keys: a request reserves its hold at each place that it may go to, and only where it went is charged.

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

/** What a settled request costs one of its budgets: a provider's nothing unless it is the one that was used. */
export function costIn(scope: string, row: Row | null): number {
  const provider = providerOf(scope)
  return row === null || (provider !== null && provider !== row.provider) ? 0 : (row.costNanoUsd ?? 0)
}
