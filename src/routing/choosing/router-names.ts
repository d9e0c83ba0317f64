// Names that stand for no model but for the choice of one: how it is made, and from which models.

import type { StrategyId, StrategySettings } from '../contract.ts'

/** `pool`: the models worth choosing between, or whatever costs nothing. */
export type RouterName = {
  readonly name: string
  readonly title: string
  readonly strategy: StrategyId
  readonly settings: StrategySettings
  readonly pool: 'chosen' | 'free'
}

/** Nearly quality alone: of those that are alike the cheaper. */
const QUALITY = 2
/** Where OpenRouter's own router leans: towards the cheaper. */
const OPENROUTERS = 7

const ALL: readonly RouterName[] = [
  { name: 'sluice/auto', title: 'Sluice: Auto', strategy: 'auto', settings: { tradeoff: QUALITY }, pool: 'chosen' },
  {
    name: 'sluice/balanced',
    title: 'Sluice: Balanced',
    strategy: 'difficulty',
    settings: { mode: 'balanced', otherwise: 'strongest' },
    pool: 'chosen',
  },
  {
    name: 'sluice/aggressive',
    title: 'Sluice: Aggressive',
    strategy: 'difficulty',
    settings: { mode: 'aggressive', otherwise: 'strongest' },
    pool: 'chosen',
  },
  { name: 'openrouter/auto', title: 'Auto Router', strategy: 'auto', settings: { tradeoff: OPENROUTERS }, pool: 'chosen' },
  { name: 'openrouter/auto-beta', title: 'Auto Router (beta)', strategy: 'auto', settings: { tradeoff: OPENROUTERS }, pool: 'chosen' },
  { name: 'openrouter/free', title: 'Free Models Router', strategy: 'auto', settings: {}, pool: 'free' },
]

export const ROUTER_NAMES: ReadonlyMap<string, RouterName> = new Map(ALL.map((one) => [one.name, one]))
