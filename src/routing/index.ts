// The strategies, one line each. test/contracts/strategies.test.ts holds whatever stands here.

import type { Strategy, StrategyId } from './contract.ts'
import { auto } from './strategies/auto.ts'
import { cheapest } from './strategies/cheapest.ts'
import { difficulty } from './strategies/difficulty.ts'
import { fastest } from './strategies/fastest.ts'
import { leastBusy } from './strategies/least-busy.ts'
import { priceWeighted } from './strategies/price-weighted.ts'
import { priority } from './strategies/priority.ts'
import { split } from './strategies/split.ts'
import { sticky } from './strategies/sticky.ts'
import { usage } from './strategies/usage.ts'
import { weighted } from './strategies/weighted.ts'

const BY_ID: { readonly [id in StrategyId]: Strategy } = {
  priority,
  weighted,
  cheapest,
  fastest,
  'least-busy': leastBusy,
  usage,
  sticky,
  'price-weighted': priceWeighted,
  split,
  difficulty,
  auto,
}

export const ALL_STRATEGIES: readonly Strategy[] = Object.values(BY_ID)

export function strategyById(id: StrategyId): Strategy {
  return BY_ID[id]
}
