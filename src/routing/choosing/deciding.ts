// What both strategies that choose a model share: the request as they see it, who a conversation was given to, and the order they return.

import type { Verdict } from '../../classifier/contract.ts'
import type { Option, Ranked, View } from '../contract.ts'
import { chanceOf, overallAt, reliable } from './chance.ts'
import type { Ability, Choosing, Given } from './contract.ts'
import { mixed } from './mixed.ts'
import { areExpensive, costsOf, isShareSpent } from './cost.ts'
import { EXPLORATION, explored } from './learning.ts'

/** A harder turn than the one that a conversation's model was chosen for is harder by this much. */
const HARDER = 0.05

export type Candidates<O extends Option> = {
  readonly options: readonly O[]
  /** What the request is expected to cost at each, in pico-dollars. */
  readonly costs: readonly number[]
  readonly expensive: readonly boolean[]
  readonly choosing: Choosing
  /** `null`: it cannot be judged, or the classifier abstains. */
  readonly verdict: Verdict | null
  /** The option that the conversation was given, by its place; -1: none. */
  readonly home: number
  readonly given: Given | null
}

export function candidatesOf<O extends Option>(options: readonly O[], view: View, choosing: Choosing): Candidates<O> {
  const verdict = choosing.verdict()
  const costs = costsOf(options, view)
  const { given = null } = choosing
  return {
    options,
    costs,
    expensive: areExpensive(costs),
    choosing,
    verdict: verdict === null || verdict.abstains ? null : verdict,
    home: given === null ? -1 : options.findIndex(({ model }) => model === given.model),
    given,
  }
}

/** At what is asked, each type that it may be by its probability; over all types where nothing was judged, or `overall` is wanted. */
export function abilitiesOf({ options, choosing, verdict }: Candidates<Option>, of: 'request' | 'overall' = 'request'): readonly Ability[] {
  return options.map(({ model, price }) => {
    if (of === 'overall' || verdict === null) return overallAt(choosing, model, price)
    return choosing.expected?.(model, price) ?? mixed((task) => choosing.capability.of(model, task, price), verdict.types)
  })
}

/** By what is counted on. */
export function chancesOf(abilities: readonly Ability[], score: number): readonly number[] {
  return abilities.map((ability) => chanceOf(reliable(ability), score))
}

/** Something was asked since the conversation's model was chosen that is harder, or of another kind. */
export function asksMore({ given, verdict }: Candidates<Option>): boolean {
  return given !== null && verdict !== null && (verdict.score > given.score + HARDER || verdict.taskType !== given.task)
}

/** Places of the options by a number, lower first; equal ones as they came. */
export function placesBy(count: number, number: (place: number) => number): readonly number[] {
  return Array.from({ length: count }, (_, place) => place).sort((a, b) => number(a) - number(b) || a - b)
}

/** Each once, in order of first mention. */
export function told<O extends Option>(options: readonly O[], places: readonly number[], why: string, rest: string): readonly Ranked<O>[] {
  return [...new Set(places)].flatMap((place, score) => {
    const option = options[place]
    return option === undefined ? [] : [{ option, score, why: score === 0 ? why : rest }]
  })
}

/**
 * The order as it is, or now and then another of those that may be first at its head: where the tenant's outcomes decide at this task, and a
 * conversation begins. Tells how likely its first was. `share`: as in `withinShare`, `isOpen`: which may be first.
 */
export function explorable<O extends Option>(
  order: readonly Ranked<O>[],
  { options, expensive, choosing, verdict, given }: Candidates<O>,
  view: View,
  share: number | null,
  isOpen: (option: O) => boolean = () => true,
): readonly Ranked<O>[] {
  const [best] = order
  if (best === undefined) return order
  const isDear = ({ option }: Ranked<O>): boolean => expensive[options.indexOf(option)] === true
  const { learned, note } = choosing
  const isSpent = isShareSpent(learned, share)
  const decides =
    verdict !== null &&
    verdict.needsInfo === null &&
    given === null &&
    choosing.hasBegun !== true &&
    (learned.isActiveAt?.(verdict.taskType) ?? learned.isActive)
  const open = decides ? order.filter((one) => one === best || (isOpen(one.option) && !(isSpent && isDear(one)))) : [best]
  const { index, explored: isExplored, propensities } = explored(open.length, 0, view.random, EXPLORATION)
  const first = open[index] ?? best
  note?.({ expensive: isDear(first), propensity: propensities[index] ?? 1, explored: isExplored }, first.option.model)
  if (first === best) return order
  return [first, ...order.filter((one) => one !== first)].map(({ option, why }, score) => ({
    option,
    score,
    why: score === 0 ? 'explored' : why === best.why ? 'fallback' : why,
  }))
}

/** The same order with those that are not expensive first, where the key has had its share of the others. */
export function withinShare<O extends Option>(
  order: readonly Ranked<O>[],
  { options, expensive, choosing }: Candidates<O>,
  share: number | null,
): readonly Ranked<O>[] {
  const [first] = order
  const isDear = ({ option }: Ranked<O>): boolean => expensive[options.indexOf(option)] === true
  if (first === undefined || !isDear(first) || !isShareSpent(choosing.learned, share)) return order
  const moved = [...order.filter((one) => !isDear(one)), ...order.filter(isDear)]
  return moved.map(({ option, why }, score) => ({ option, score, why: score === 0 ? 'share-spent' : why === first.why ? 'fallback' : why }))
}
