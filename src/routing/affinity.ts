// Weighs what is cached where. A conversation that moves pays for its whole prompt again, so a strategy that only balances load is
// overruled where that is dearer than what the move saves.

import type { HealthView, Option, Ranked, StrategyId, View } from './contract.ts'
import { cachedTokens, expectedPico, usedShare } from './ordering.ts'

/** Strategies that say "whoever is best just now". The others say who it must be: the operator's order, a hash, an arm of an experiment. */
const BALANCING: ReadonlySet<StrategyId> = new Set(['weighted', 'cheapest', 'fastest', 'least-busy', 'usage', 'price-weighted'])
/** Of these the ones that are after money. */
const THRIFTY: ReadonlySet<StrategyId> = new Set(['cheapest', 'price-weighted'])

/** A cached place may take this many times as long to its first content, by the medians, before a conversation leaves it. */
export const SLOWER_FACTOR = 2

/** Why a conversation stays or goes; put in place of the first one's `why`. */
export type AffinityWord = 'kept-cache' | 'moved-cheaper' | 'moved-unpriced' | 'moved-ill' | 'moved-parked' | 'moved-full' | 'moved-slow'

/**
 * The order with the option first that holds the conversation's cache, if it is worth staying; else as it was, with the reason for leaving on
 * the first. Unchanged where nothing is cached, where the strategy put the cached one first itself, and for strategies that name somebody.
 */
export function withAffinity<O extends Option>(order: readonly Ranked<O>[], strategy: StrategyId, view: View): readonly Ranked<O>[] {
  const first = order[0]
  if (first === undefined || !BALANCING.has(strategy)) return order
  const home = homeOf(order, view)
  if (home === null || home === first) return order
  const why = verdict(home.option, first.option, THRIFTY.has(strategy), view)
  if (why !== 'kept-cache') return [{ ...first, why }, ...order.slice(1)]
  return [{ option: home.option, score: Math.min(home.score, first.score), why }, ...order.filter((one) => one !== home)]
}

/** Where most of this prompt is cached; of equal ones the one that stands first. */
function homeOf<O extends Option>(order: readonly Ranked<O>[], view: View): Ranked<O> | null {
  let home: Ranked<O> | null = null
  let most = 0
  for (const one of order) {
    const tokens = cachedTokens(one.option, view)
    if (tokens > most) {
      home = one
      most = tokens
    }
  }
  return home
}

function verdict(home: Option, first: Option, thrifty: boolean, view: View): AffinityWord {
  const trouble = troubleOf(home, view)
  if (trouble !== null) return trouble
  if (!thrifty) return isMuchSlower(home.health, first.health) ? 'moved-slow' : 'kept-cache'
  const stay = expectedPico(home, view, cachedTokens(home, view))
  const move = expectedPico(first, view, cachedTokens(first, view))
  // A saving that nobody can name is none: towards an unpriced place nobody moves, away from one whoever minds the price does.
  if (move === null) return 'kept-cache'
  if (stay === null) return 'moved-unpriced'
  return move < stay ? 'moved-cheaper' : 'kept-cache'
}

function troubleOf({ health, rpm, tpm }: Option, view: View): AffinityWord | null {
  if (health.state === 'open' || (health.state === 'half-open' && !health.mayProbe)) return 'moved-ill'
  if (health.parkedUntil !== null && health.parkedUntil > view.now) return 'moved-parked'
  return (usedShare({ health, rpm, tpm }, view) ?? 0) > 1 ? 'moved-full' : null
}

function isMuchSlower(home: HealthView, first: HealthView): boolean {
  if (home.firstContentMs === null || first.firstContentMs === null) return false
  return home.firstContentMs.p50 > first.firstContentMs.p50 * SLOWER_FACTOR
}
