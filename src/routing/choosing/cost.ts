// What is expensive among the options at hand, and which of them a cost tier means. Relative to each other: prices fall from year to year.

import { COST_TIERS, type CostTier, type Option, type View } from '../contract.ts'
import { cachedTokens, expectedPico } from '../ordering.ts'
import type { Learned } from './contract.ts'

/** Prices this close to the cheapest are alike. */
const ALIKE = 2
/** Of fewer decisions a share says nothing. */
const LEAST_DECISIONS = 50

/** What this request is expected to cost at each; unpriced ones as twice the dearest, since unknown is not free. */
export function costsOf(options: readonly Option[], view: View): readonly number[] {
  const known = options.map((option) => expectedPico(option, view, cachedTokens(option, view)))
  const most = known.reduce<number>((high, pico) => Math.max(high, pico ?? 0), 0)
  return known.map((pico) => pico ?? Math.max(1, most * 2))
}

/** Above the middle between the cheapest and the dearest, on a scale of doublings. Of prices that are much alike none is. */
export function areExpensive(costs: readonly number[]): readonly boolean[] {
  const least = Math.max(1, Math.min(...costs))
  const most = Math.max(...costs)
  const middle = Math.max(least * ALIKE, Math.sqrt(least * most))
  return costs.map((pico) => pico > middle)
}

/** The key has had its share of expensive answers. `share`: 0 to 1; `null`: as many as it likes. */
export function isShareSpent({ lately, expensiveShare = null }: Learned, share: number | null): boolean {
  const most = Math.min(share ?? 1, expensiveShare ?? 1)
  return most <= 0 || (most < 1 && lately.decisions >= LEAST_DECISIONS && lately.expensive >= most * lately.decisions)
}

/** Which options are of a tier: a fifth by cost, the nearest one where a fifth holds none. */
export function inTier(costs: readonly number[], tier: CostTier): readonly boolean[] {
  const at = COST_TIERS.indexOf(tier)
  const order = costs.map((_, index) => index).sort((a, b) => (costs[a] ?? 0) - (costs[b] ?? 0) || a - b)
  const middles = order.map((_, place) => (place + 0.5) / order.length)
  const fifths = middles.map((middle) => Math.min(COST_TIERS.length - 1, Math.floor(middle * COST_TIERS.length)))
  const centre = (at + 0.5) / COST_TIERS.length
  const distance = (place: number): number => Math.abs((middles[place] ?? 0) - centre)
  const nearest = middles.reduce((best, _, place) => (distance(place) < distance(best) ? place : best), 0)
  const places = fifths.includes(at) ? fifths.map((fifth) => fifth === at) : fifths.map((_, place) => place === nearest)
  const inside = costs.map(() => false)
  order.forEach((index, place) => (inside[index] = places[place] ?? false))
  return inside
}

/** Doublings of a cost, for comparing: what costs nothing is as cheap as a thousandth of the cheapest that costs something. */
export function doublings(costs: readonly number[]): readonly number[] {
  const least = costs.reduce((low, pico) => (pico > 0 && pico < low ? pico : low), Number.MAX_SAFE_INTEGER)
  return costs.map((pico) => Math.log2(Math.max(pico, least / 1024)))
}
