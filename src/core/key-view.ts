// What a key may be told of itself: its rules, and the books as they stand.

import type { KeyView } from './account.ts'
import type { ModelLimitView } from './model-limits.ts'
import { NO_ROUTER, type Policy } from './policy.ts'
import { NO_NAMING } from './request-scopes.ts'
import { spentNow, type Spend } from './spend.ts'
import { periodAt } from './window.ts'

/** Money is whole nano-dollars; `running`: requests at once. */
export type BooksNow = {
  readonly now: number
  readonly spend: Spend
  readonly heldNanoUsd: number
  readonly running: number
  readonly modelLimits: readonly ModelLimitView[]
  readonly holdMs: number
}

export function keyView(policy: Policy, { now, spend, heldNanoUsd, running, modelLimits, holdMs }: BooksNow): KeyView {
  const period = periodAt(policy.limitReset, policy.createdAt, now)
  const spent = spentNow(spend, period.id, now)
  return {
    keyId: policy.keyId,
    label: policy.label,
    name: policy.name,
    hash: policy.secrets[0]?.hash ?? '',
    disabled: policy.disabled,
    expiresAt: policy.expiresAt,
    limitNanoUsd: policy.limitNanoUsd,
    limitReset: policy.limitReset,
    softNanoUsd: policy.softNanoUsd ?? null,
    resetsAt: period.resetsAt,
    models: policy.models,
    providers: policy.providers,
    regions: policy.regions,
    ips: policy.ips,
    limits: policy.limits,
    modelLimits,
    scopes: policy.scopes,
    mode: policy.mode ?? 'strict',
    onDisconnect: policy.onDisconnect ?? 'abort',
    naming: policy.naming ?? NO_NAMING,
    leased: policy.leased ?? false,
    router: policy.router ?? NO_ROUTER,
    running,
    spentNanoUsd: spent.periodNanoUsd,
    spentEverNanoUsd: spend.everNanoUsd,
    spentDayNanoUsd: spent.dayNanoUsd,
    spentWeekNanoUsd: spent.weekNanoUsd,
    spentMonthNanoUsd: spent.monthNanoUsd,
    heldNanoUsd,
    holdSeconds: Math.round(holdMs / 1000),
  }
}
