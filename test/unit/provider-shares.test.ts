// What budgets of providers are charged for a request that called several: each its own calls, together what the row says.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Leg, Row } from '../../src/core/account.ts'
import { expiredRow } from '../../src/core/expired-row.ts'
import { costIn } from '../../src/core/provider-shares.ts'

const leg = (provider: string, costNanoUsd?: number | null): Leg => ({
  provider,
  model: 'm',
  outcome: costNanoUsd === undefined ? 'committed' : 'unfit',
  status: 200,
  ms: 1,
  ...(costNanoUsd === undefined ? {} : { costNanoUsd }),
})
const row = (provider: string | null, costNanoUsd: number | null, attempts: readonly Leg[]): Row => ({
  ...expiredRow('k', { requestId: 'r', period: '', nanoUsd: 0, takenAt: 0, expiresAt: 0, budgeted: true }, 0),
  provider,
  costNanoUsd,
  attempts,
})

it.each<[string, Row | null, readonly number[]]>([
  ['one call', row('openai', 7, [leg('openai')]), [7, 0, 7]],
  ['the other answer of another place', row('google', 30, [leg('openai', 7), leg('google', 23)]), [7, 23, 30]],
  ['the other answer of the same place', row('openai', 30, [leg('openai', 7), leg('openai', 23)]), [30, 0, 30]],
  ['a failed call that may be billed', row('google', 30, [leg('openai', 7), leg('google')]), [7, 23, 30]],
  ['a call of which nobody knows', row('google', null, [leg('openai', 7), leg('google', null)]), [7, 0, 0]],
  ['a row that nobody answered', row(null, 5, []), [0, 0, 5]],
  ['nothing', null, [0, 0, 0]],
])('%s', (_, one, want) => {
  expect(['provider:openai', 'provider:google', 'team:blue'].map((scope) => costIn(scope, one))).toEqual(want)
})

it('is the row’s cost, however it is split', () => {
  const places = fc.constantFrom('a', 'b', 'c')
  const legs = fc.array(fc.tuple(places, fc.nat(1e12)), { maxLength: 6 })
  fc.assert(
    fc.property(legs, places, fc.nat(1e12), (others, provider, own) => {
      const cost = others.reduce((sum, [, one]) => sum + one, own)
      const told = row(provider, cost, [...others.map(([place, one]) => leg(place, one)), leg(provider)])
      expect(['a', 'b', 'c'].reduce((sum, place) => sum + costIn(`provider:${place}`, told), 0)).toBe(cost)
    }),
  )
})
