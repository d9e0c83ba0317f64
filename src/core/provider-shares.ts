// Budgets of providers, over all keys: a request reserves its hold at each place that it may go to, and only where it went is charged.

import type { CandidateAsk, Row } from './account.ts'

const PREFIX = 'provider:'

/** The provider whose budget this is; `null`: it is another kind of budget. */
export function providerOf(scope: string): string | null {
  return scope.startsWith(PREFIX) ? scope.slice(PREFIX.length) : null
}

/** What to reserve of each provider's budget: its dearest target's hold. */
export function providerHolds(
  budgeted: ReadonlySet<string>,
  candidates: readonly CandidateAsk[],
  fitting: readonly { readonly index: number; readonly nanoUsd: number }[],
): readonly { readonly scope: string; readonly nanoUsd: number }[] {
  const holds = new Map<string, number>()
  for (const { index, nanoUsd } of fitting) {
    const provider = candidates[index]?.provider
    if (provider !== undefined && budgeted.has(provider)) holds.set(provider, Math.max(holds.get(provider) ?? 0, nanoUsd))
  }
  return [...holds].map(([provider, nanoUsd]) => ({ scope: PREFIX + provider, nanoUsd }))
}

/** What a settled request costs one of its budgets: a provider's nothing unless it is the one that was used. */
export function costIn(scope: string, row: Row | null): number {
  const provider = providerOf(scope)
  return row === null || (provider !== null && provider !== row.provider) ? 0 : (row.costNanoUsd ?? 0)
}

/** The provider's budget that a row is charged to; none where it has no budget. */
export function providerCharged(budgeted: ReadonlySet<string>, row: Row | null): readonly string[] {
  return row !== null && row.provider !== null && budgeted.has(row.provider) ? [PREFIX + row.provider] : []
}
