// What requests of the past would have cost at other prices: sums by model, of rows that stay as they are. Pure.

import type { Row } from './account.ts'
import { costNanoUsd, type Price } from './price.ts'

/**
 * Why a row has no other price. `hold`: it was booked at its hold, so nobody knows what was used. `usage`: no counts are known.
 * `price`: these prices do not have the model. `service`: nor the service tier that served it. `pictures`: its price depends on the kind of picture, which no row keeps.
 * `models`: several were paid for it, and its counts are theirs together.
 */
export const UNPRICED = ['hold', 'usage', 'models', 'price', 'service', 'pictures'] as const
export type Unpriced = (typeof UNPRICED)[number]

/** The price version of rows that nobody bills, whatever they count. */
export const FREE = 'free'

/** What this row would have cost, in whole nano-dollars, or why nobody can say. `price: null`: unknown. */
export function recosted(row: Row, price: Price | null): number | Unpriced {
  if (row.usageFrom === 'none' || row.priceVersion === FREE) return 0
  if (row.usageFrom === 'hold') return 'hold'
  if (row.usage === null) return 'usage'
  if (isOfSeveral(row)) return 'models'
  if (price === null) return 'price'
  if (price.pictures !== undefined && (row.usage.units?.images ?? 0) > 0) return 'pictures'
  return costNanoUsd(row.usage, price) ?? 'service'
}

function isOfSeveral({ provider, model, attempts }: Row): boolean {
  return attempts.some((leg) => (leg.costNanoUsd ?? 0) !== 0 && (leg.provider !== provider || leg.model !== model))
}

/** Sums over rows. Money is whole nano-dollars. */
export type Recost = {
  requests: number
  /** Those whose cost is known both ways. */
  compared: number
  bookedNanoUsd: number
  otherNanoUsd: number
  /** Those that were booked at an unknown cost, and have one now. */
  newlyPriced: number
  newlyPricedNanoUsd: number
  /** Those that have no cost at the other prices, and what of them was booked. */
  unpriced: { [why in Unpriced]: number }
  unpricedBookedNanoUsd: number
}

export function noRecost(): Recost {
  return {
    requests: 0,
    compared: 0,
    bookedNanoUsd: 0,
    otherNanoUsd: 0,
    newlyPriced: 0,
    newlyPricedNanoUsd: 0,
    unpriced: { hold: 0, usage: 0, models: 0, price: 0, service: 0, pictures: 0 },
    unpricedBookedNanoUsd: 0,
  }
}

/** Counts one row in. */
export function addRecost(sums: Recost, row: Row, price: Price | null): void {
  const other = recosted(row, price)
  const booked = row.costNanoUsd
  sums.requests++
  if (typeof other === 'string') {
    sums.unpriced[other]++
    sums.unpricedBookedNanoUsd += booked ?? 0
  } else if (booked === null) {
    sums.newlyPriced++
    sums.newlyPricedNanoUsd += other
  } else {
    sums.compared++
    sums.bookedNanoUsd += booked
    sums.otherNanoUsd += other
  }
}
