// Why an admission left targets out, for whoever asks.

import type { Ask, LeftOut } from './account.ts'
import type { HoldPlan } from './hold-plan.ts'
import { forbiddenBy } from './permits.ts'
import type { Policy } from './policy.ts'

type Planned = HoldPlan & { readonly index: number; readonly look: { readonly wait: unknown } }

/** By index among the targets that were asked about. */
export function leftOutOf(policy: Policy, ask: Ask, plans: readonly Planned[]): readonly (readonly [number, LeftOut])[] {
  const byIndex = new Map(plans.map((plan) => [plan.index, plan]))
  return ask.candidates.flatMap((candidate, index): readonly (readonly [number, LeftOut])[] => {
    const rule = forbiddenBy(policy, candidate)
    if (rule !== null) return [[index, `key:${rule}`]]
    const plan = byIndex.get(index)
    if (plan === undefined) return []
    if (plan.kind !== 'fits') return [[index, plan.kind === 'dear' ? 'too-dear' : plan.kind]]
    return plan.look.wait === null ? [] : [[index, 'rate-limited']]
  })
}
