// The model that is likeliest to do this request well, as far as the capability table can tell: the default is left only for an advantage that
// is larger than its own error. A price may count against it.

import type { Ability } from '../choosing/contract.ts'
import { chanceError, reliable } from '../choosing/chance.ts'
import { doublings, inTier } from '../choosing/cost.ts'
import {
  abilitiesOf,
  asksMore,
  candidatesOf,
  chancesOf,
  explorable,
  placesBy,
  told,
  withinShare,
  type Candidates,
} from '../choosing/deciding.ts'
import type { Option, Ranked, Strategy, StrategySettings } from '../contract.ts'
import { ranked } from '../ordering.ts'

/** Standard errors of the difference by which another model must be better. */
export const MARGIN_ERRORS = 1
const COST_ALONE = 10
const MIDDLE_SCORE = 0.5

/**
 * How much likelier, 0 to 1, a model must do well for each doubling of its price. `tradeoff`: 0: not at all, price does not count; 5: by 0.02;
 * 8: by 0.08; 10: nothing makes up for a price. `Infinity` then.
 */
export function perDoubling(tradeoff: number): number {
  return tradeoff >= COST_ALONE ? Number.POSITIVE_INFINITY : (0.02 * tradeoff) / (COST_ALONE - tradeoff)
}

export const auto: Strategy = {
  id: 'auto',
  order(options, view, settings) {
    const { choosing } = view
    if (choosing === null || options.length === 0) return ranked(options, (option) => option.priority, 'default')
    const seen = candidatesOf(options, view, choosing)
    const share = settings.expensiveShare ?? null
    const { pin, tier } = settings
    const inside = tier === undefined ? null : inTier(seen.costs, tier)
    // What the client pins, or the tier it names, is no matter of learning.
    const isOpen = (option: (typeof options)[number]): boolean => pin === undefined && inside?.[options.indexOf(option)] !== false
    return explorable(withinShare(pinned(tiered(seen, settings), settings), seen, share), seen, view, share, isOpen)
  },
}

/** Those of the tier by what they can do, then the others. */
function tiered<O extends Option>(seen: Candidates<O>, settings: StrategySettings): readonly Ranked<O>[] {
  const { tier } = settings
  if (tier === undefined) return chosen(seen, settings, settings.tradeoff ?? 0)
  const inside = inTier(seen.costs, tier)
  const only = (is: boolean): readonly Ranked<O>[] => {
    const places = seen.options.flatMap((_, place) => (inside[place] === is ? [place] : []))
    if (places.length === 0) return []
    return chosen(
      {
        ...seen,
        options: places.flatMap((place) => seen.options[place] ?? []),
        costs: places.map((place) => seen.costs[place] ?? 0),
        home: places.indexOf(seen.home),
      },
      settings,
      0,
    )
  }
  const first = only(true)
  return [...first, ...only(false).map((one) => ({ ...one, why: 'fallback' }))].map((one, score) => ({ ...one, score }))
}

function chosen<O extends Option>(seen: Candidates<O>, settings: StrategySettings, tradeoff: number): readonly Ranked<O>[] {
  const { options, costs, verdict, home } = seen
  const rate = perDoubling(tradeoff)
  const price = doublings(costs)
  const worth = (chances: readonly number[]): readonly number[] =>
    chances.map((chance, place) => (rate === Number.POSITIVE_INFINITY ? -(price[place] ?? 0) : chance - rate * (price[place] ?? 0)))
  const score = verdict?.score ?? MIDDLE_SCORE
  const overall = worth(chancesOf(abilitiesOf(seen, 'overall'), score))
  const byOverall = placesBy(options.length, (place) => -(overall[place] ?? 0))
  const configured =
    settings.default === undefined ? -1 : options.findIndex(({ model, id }) => model === settings.default || id === settings.default)
  const usual = configured >= 0 ? configured : (byOverall[0] ?? 0)
  if (verdict === null)
    return home < 0
      ? told(options, [usual, ...byOverall], 'default', 'fallback')
      : told(options, [home, ...byOverall], 'kept-model', 'fallback')
  if (verdict.needsInfo !== null && home < 0) {
    const [cheapest = 0] = placesBy(options.length, (place) => costs[place] ?? 0)
    return told(options, [cheapest, ...byOverall], 'needs-info', 'fallback')
  }
  const abilities = abilitiesOf(seen)
  const chances = chancesOf(abilities, score)
  const values = worth(chances)
  const order = placesBy(options.length, (place) => -(values[place] ?? 0))
  const [best = 0] = order
  const stays = home < 0 ? usual : home
  const margin = rate === Number.POSITIVE_INFINITY ? 0 : MARGIN_ERRORS * errorOf(abilities[best], abilities[stays], score)
  const leaves = best !== stays && (values[best] ?? 0) - (values[stays] ?? 0) > margin
  if (home < 0) return leaves ? told(options, order, 'better', 'fallback') : told(options, [stays, ...order], 'default', 'fallback')
  if (leaves && (chances[best] ?? 0) > (chances[home] ?? 0) && asksMore(seen)) return told(options, order, 'better', 'fallback')
  // Costs have the conversation's cache in them: less here is less with everything read anew.
  if (leaves && (chances[best] ?? 0) <= (chances[home] ?? 0) && (costs[best] ?? 0) < (costs[home] ?? 0))
    return told(options, order, 'moved-cheaper', 'fallback')
  return told(options, [home, ...order], 'kept-model', 'fallback')
}

/** One standard error of the difference of their chances. */
function errorOf(one: Ability | undefined, other: Ability | undefined, score: number): number {
  const errors = [one, other].map((ability) =>
    ability === undefined ? 0 : chanceError({ value: reliable(ability), error: ability.error }, score),
  )
  return Math.hypot(...errors)
}

/** What the client pins goes first. */
function pinned<O extends Option>(order: readonly Ranked<O>[], { pin }: StrategySettings): readonly Ranked<O>[] {
  const at = pin === undefined ? -1 : order.findIndex(({ option }) => option.model === pin || option.id === pin)
  const one = order[at]
  if (one === undefined) return order
  return [one, ...order.filter((other) => other !== one)].map(({ option, why }, score) => ({
    option,
    score,
    why: score === 0 ? 'kept-model' : why === 'fallback' ? why : 'fallback',
  }))
}
