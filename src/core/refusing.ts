// The words with which a key's book refuses: what was wrong, by how much, and what to do.

import type { Money, Refusal } from './account.ts'
import type { HoldPlan } from './hold-plan.ts'
import { dollarsText } from './money.ts'
import type { RatesView, Wait } from './rates.ts'

export function refuse(code: Refusal['code'], message: string): Refusal {
  return { kind: 'refused', code, message }
}

export function refuseWait(wait: Wait, rates: RatesView | undefined): Refusal {
  const seconds = Math.ceil(wait.waitMs / 1000)
  return {
    ...refuse(
      'rate-exceeded',
      `The limit of ${wait.scope ?? 'this key'} is reached: ${wait.limit} ${wait.what}. Try again in ${seconds} s.`,
    ),
    retryAfterMs: wait.waitMs,
    ...(rates === undefined ? {} : { rates }),
  }
}

/** D1 has been away for so long that no more rows can be kept for it. */
export function ledgerBehind(rows: number): Refusal {
  return {
    ...refuse(
      'gateway-unavailable',
      `The ledger cannot be reached, and ${rows} answers of this key wait to be booked there. Nothing was sent.`,
    ),
    retryAfterMs: 10_000,
  }
}

/** `money.scope`: `key`, or the shared budget or model limit that lacks it. */
export function refuseMoney(money: Money): Refusal {
  const { spentNanoUsd, heldNanoUsd, limitNanoUsd, scope } = money
  const words = `$${dollarsText(spentNanoUsd)} spent and $${dollarsText(heldNanoUsd)} held of $${dollarsText(limitNanoUsd)}`
  const whose = scope === 'key' ? 'this key' : scope
  return { ...refuse('budget-exceeded', `The budget of ${whose} is exhausted: ${words}, which leaves too little for this request.`), money }
}

/** No target fits. */
/** `unbounded`: the member that leaves tools of the provider without a bound. */
export function refusePlans(plans: readonly HoldPlan[], model: string, money: Money, unbounded?: string): Refusal {
  if (plans.every((p) => p.kind === 'unpriced')) {
    return refuse(
      'model-unpriced',
      `The price of ${model} is unknown, so it cannot be used under a budget. Add its price to the catalogue overlay, or use a key without a limit.`,
    )
  }
  if (plans.every((p) => p.kind === 'unbounded')) {
    if (unbounded !== undefined)
      return refuse(
        'request-unboundable',
        `Nothing bounds what the provider's own tools may cost: ${unbounded} does not say how often they may run. Under a budget say it there where the language can, leave the tool out, or use a key without a limit.`,
      )
    return refuse(
      'request-unboundable',
      `The input of this request cannot be bounded (a remote file, or a tool the provider runs), and the context window of ${model} is unknown, so it cannot be used under a budget.`,
    )
  }
  return refuseMoney(money)
}
