// The cheapest model that is good enough for this very request. How good that is follows from a loss budget and the tenant's own traffic
// (choosing/loss-budget.ts). Behind it whoever is likelier to do it well, the cheapest of them first.

import type { Option, Ranked, Strategy, StrategySettings } from '../contract.ts'
import { chanceOf, reliable } from '../choosing/chance.ts'
import type { Choosing } from '../choosing/contract.ts'
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
import { allowedLoss, cheapestWithin, LOSS, lossesOf, trafficOf } from '../choosing/loss-budget.ts'
import { ranked } from '../ordering.ts'

/** The most of a key's decisions that go to expensive models, where nothing else is said. */
const SHARE = { balanced: 0.9, aggressive: 0.6 } as const
/** Downwards a conversation moves only where so much of the budget would do: what shifts a little moves nobody. */
const DOWNWARDS = 0.5

export const difficulty: Strategy = {
  id: 'difficulty',
  order(options, view, settings) {
    const { choosing } = view
    if (choosing === null || options.length === 0) return ranked(options, (option) => option.priority, 'default')
    const seen = candidatesOf(options, view, choosing)
    const share = settings.expensiveShare ?? (settings.loss === undefined ? SHARE[settings.mode ?? 'balanced'] : null)
    return explorable(withinShare(chosen(seen, choosing, settings), seen, share), seen, view, share)
  },
}

function chosen<O extends Option>(seen: Candidates<O>, { learned }: Choosing, settings: StrategySettings): readonly Ranked<O>[] {
  const { options, costs, verdict, home } = seen
  if (verdict === null) return byDefault(seen, settings)
  const { score } = verdict
  const abilities = abilitiesOf(seen)
  const chances = chancesOf(abilities, score)
  const behind = (first: number): readonly number[] => {
    const own = chances[first] ?? 0
    const upwards = placesBy(options.length, (place) => chances[place] ?? 0).filter((place) => (chances[place] ?? 0) > own)
    return [first, ...upwards, ...placesBy(options.length, (place) => -(chances[place] ?? 0))]
  }
  if (verdict.needsInfo !== null && home < 0) {
    const [first = 0] = placesBy(options.length, (place) => costs[place] ?? 0)
    return told(options, behind(first), 'needs-info', 'fallback')
  }
  const losses = lossesOf(abilities.map((ability, place) => ({ value: reliable(ability), pico: costs[place] ?? 0 })))
  const traffic = trafficOf(learned.scores)
  const within = (part: number): number =>
    Math.max(0, cheapestWithin(losses, score, allowedLoss(losses, traffic, part * (settings.loss ?? LOSS[settings.mode ?? 'balanced']))))
  const best = within(1)
  if (home < 0 || best === home) return told(options, behind(best), home < 0 ? 'good-enough' : 'kept-model', 'fallback')
  const isUpwards = (chances[best] ?? 0) > (chances[home] ?? 0)
  if (isUpwards)
    return asksMore(seen) ? told(options, behind(best), 'good-enough', 'fallback') : told(options, behind(home), 'kept-model', 'fallback')
  // Costs have the conversation's cache in them: less here is less with everything read anew.
  const down = within(DOWNWARDS)
  if ((costs[down] ?? 0) < (costs[home] ?? 0)) return told(options, behind(down), 'moved-cheaper', 'fallback')
  return told(options, behind(home), 'kept-model', 'fallback')
}

/** Nothing is known of the request: the operator's first, or the strongest over all tasks; a conversation stays. */
function byDefault<O extends Option>(seen: Candidates<O>, { otherwise = 'first' }: StrategySettings): readonly Ranked<O>[] {
  const { options, home } = seen
  const overall = otherwise === 'first' ? [] : abilitiesOf(seen, 'overall')
  const number = (place: number): number =>
    otherwise === 'first' ? (options[place]?.priority ?? 0) : -chanceOf(reliable(overall[place] ?? NOTHING), 0.5)
  const places = placesBy(options.length, number)
  return home < 0 ? told(options, places, 'default', 'fallback') : told(options, [home, ...places], 'kept-model', 'fallback')
}

const NOTHING = { value: 0, error: 0, n: 0, basis: 'price' } as const
