// What strategies share: putting in order by a score, shares by weight, what a request is expected to cost, room in a minute.

import { seedsOf, unitHash } from '../core/hash.ts'
import type { Option, Ranked, View } from './contract.ts'

/** The score of what stands last; also what stands for infinity, because explain prints scores as JSON. */
export const LAST = Number.MAX_SAFE_INTEGER

/** Lower scores first, equal ones as they came. `score` and `why` are asked once for each option. */
export function ranked<O extends Option>(
  options: readonly O[],
  score: (option: O, index: number) => number,
  why: string | ((option: O) => string),
): readonly Ranked<O>[] {
  return options
    .map((option, index) => ({ option, score: bounded(score(option, index)), why: typeof why === 'string' ? why : why(option) }))
    .sort((a, b) => a.score - b.score)
}

/** Equal scores by chance instead of as they came. */
export function shuffled<O>(options: readonly O[], random: () => number): readonly O[] {
  const list = [...options]
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const a = list[i]
    const b = list[j]
    if (a === undefined || b === undefined) continue
    list[i] = b
    list[j] = a
  }
  return list
}

function bounded(score: number): number {
  return score < LAST ? score : LAST
}

/**
 * The score by which the lowest of several is drawn with a chance of weight ÷ sum of weights, and the next likewise among the rest: an
 * exponential variable of that rate (Efraimidis and Spirakis, 2006). From a random number: drawing without replacement; from a hash: weighted
 * rendezvous. `u` is between 0 and 1.
 */
export function drawn(u: number, weight: number): number {
  return weight > 0 ? -Math.log(u) / weight : LAST
}

/** A score for each option by its share: the same for the same name and option; by chance where there is no name. */
export function shares(name: string | null, random: () => number): (option: Option, weight: number) => number {
  if (name === null) return (_, weight) => drawn(1 - random(), weight)
  const seeds = seedsOf(name)
  return (option, weight) => drawn(unitHash(option.id, seeds), weight)
}

/** Tokens that are in the option's prompt cache now, at most those of the prompt. */
export function cachedTokens(option: Option, view: View): number {
  return option.cached === null || option.cached.until <= view.now ? 0 : Math.min(option.cached.tokens, view.promptTokens)
}

/** Pico-dollars that this request is expected to cost there; `null`: unpriced. `cached`: prompt tokens that are in its cache. */
export function expectedPico(
  { price }: Pick<Option, 'price'>,
  view: Pick<View, 'promptTokens' | 'outputTokens'>,
  cached: number,
): number | null {
  if (price === null) return null
  const read = price.cacheReadPico ?? price.inputPico
  return (view.promptTokens - cached) * price.inputPico + cached * read + view.outputTokens * price.outputPico
}

/** The largest part of a limit of this minute that is used with this request: above 1, there is no room. `null`: no limit is known. */
export function usedShare(option: Pick<Option, 'rpm' | 'tpm' | 'health'>, view: View): number | null {
  const { rpm, tpm, health } = option
  const requests = rpm === null ? null : partOf(health.minute.requests + 1, rpm)
  const tokens = tpm === null ? null : partOf(health.minute.tokens + view.promptTokens + view.outputTokens, tpm)
  return requests === null ? tokens : tokens === null ? requests : Math.max(requests, tokens)
}

function partOf(amount: number, limit: number): number {
  return limit > 0 ? amount / limit : LAST
}
