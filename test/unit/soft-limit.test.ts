// Soft limits: reached, told to the keys that share the budget, and over with the period.

import { describe, expect, it } from 'vitest'
import { Allowances, type Share } from '../../src/core/allowances.ts'
import { SharedBudget } from '../../src/core/shared-budget.ts'
import { overSoft, warningText } from '../../src/core/soft-limit.ts'

const NOW = Date.UTC(2026, 10, 21, 12)
const SCOPE = 'team:blue'

describe('a soft limit', () => {
  it('is reached when as much is spent', () => {
    expect(overSoft(9, 10)).toBeUndefined()
    expect(overSoft(10, 10)).toEqual({ spentNanoUsd: 10, softNanoUsd: 10 })
    expect([overSoft(10, null), overSoft(10, undefined)]).toEqual([undefined, undefined])
    expect(overSoft(0, 0)).toEqual({ spentNanoUsd: 0, softNanoUsd: 0 })
  })

  it('is told in dollars', () => {
    const over = { spentNanoUsd: 1_500_000_000, softNanoUsd: 1_000_000_000 }
    expect(warningText([{ scope: 'key', ...over }])).toBe('key spent=1.5 soft_limit=1')
    expect(
      warningText([
        { scope: 'key', ...over },
        { scope: SCOPE, ...over },
      ]),
    ).toBe('key spent=1.5 soft_limit=1, team:blue spent=1.5 soft_limit=1')
  })

  it('of a shared budget is known to a key from what it leases and tells, until the period is over', () => {
    const budget = new SharedBudget({
      scope: SCOPE,
      version: 1,
      createdAt: NOW - 1000,
      limitNanoUsd: 1000,
      limitReset: '30s',
      softNanoUsd: 50,
    })
    const [one, other] = [new Allowances(), new Allowances()]
    const lease = (key: Allowances, keyId: string, now: number): Share => {
      const share = key.reserve(SCOPE, 60, now)
      if (share.covered) return share
      const answer = budget.lease(keyId, key.asking(share), true, now)
      return answer.kind === 'leased' ? key.fund(share, answer) : share
    }
    const tell = (key: Allowances, keyId: string): void => {
      for (const { scope, told } of key.reports()) key.confirm(scope, told, budget.tell(keyId, told, NOW))
    }
    const mine = lease(one, 'one', NOW)
    expect(one.warnings([SCOPE])).toEqual([])
    one.settle(mine, 60)
    tell(one, 'one')
    const over = [{ scope: SCOPE, spentNanoUsd: 60, softNanoUsd: 50 }]
    expect(one.warnings([SCOPE])).toEqual(over)
    lease(other, 'other', NOW)
    expect(other.warnings([SCOPE, 'team:red'])).toEqual(over)
    expect(budget.over(NOW)).toMatchObject({ over: { spentNanoUsd: 60 } })
    const later = NOW + 60_000
    lease(one, 'one', later)
    expect(one.warnings([SCOPE])).toEqual([])
    expect(budget.over(later).over).toBeUndefined()
  })
})
