// A loss budget becomes a rule for one request: how much may be lost on it, so that over the tenant's own traffic no more is lost than the
// budget. Thresholds that are fixed do not carry over from one tenant's prompts to another's; quantiles of his own do. Pure arithmetic.

import { chanceOf, lossOf } from './chance.ts'
import type { ScoreHistogram } from './contract.ts'

/** A model as the budget sees it. `value`: what is counted on at the task; `pico`: what the request is expected to cost there. */
export type Priced = { readonly value: number; readonly pico: number }

/** Shares of what the strongest alone would do well. */
export const LOSS = { balanced: 0.02, aggressive: 0.05 } as const
/** Fewer scores say nothing of a tenant's traffic: then it is taken to be spread evenly. */
export const LEAST_SCORES = 200
/** So fine the traffic is looked at. */
export const STEPS = 32
const HALVINGS = 16

/** The tenant's scores in `STEPS` parts of equal width, as shares; evenly spread where too few are known. */
export function trafficOf(scores: ScoreHistogram | null): readonly number[] {
  const evenly = Array.from({ length: STEPS }, () => 1 / STEPS)
  if (scores === null || scores.total < LEAST_SCORES || scores.bins.length === 0) return evenly
  const parts = collapsed(scores.bins)
  const sum = parts.reduce((all, one) => all + one, 0)
  return sum > 0 ? parts.map((one) => one / sum) : evenly
}

/** Counts of any number of bins in `STEPS`; a bin across a border goes to where its middle is. */
export function collapsed(bins: readonly number[]): readonly number[] {
  const parts = Array.from({ length: STEPS }, () => 0)
  bins.forEach((count, bin) => {
    const part = Math.min(STEPS - 1, Math.floor(((bin + 0.5) / bins.length) * STEPS))
    if (count > 0) parts[part] = (parts[part] ?? 0) + count
  })
  return parts
}

/** What stands for all scores of a step, for the budget as for a request: else the easiest of a step would come out of no budget. */
function stepped(score: number): number {
  return (Math.min(STEPS - 1, Math.floor(Math.max(0, score) * STEPS)) + 0.5) / STEPS
}

/** From the cheapest on; of equal price the better one first. Those that are dearer than the strongest and no better are never needed. */
function usable(models: readonly Priced[], best: number): readonly Priced[] {
  const sorted = [...models].sort((a, b) => a.pico - b.pico || b.value - a.value)
  return sorted.slice(0, sorted.findIndex(({ value }) => value >= best) + 1)
}

/**
 * The most that may be lost on any one request, 0 to 1, so that the cheapest model within it everywhere loses `budget` (0 to 1) at most of what
 * the strongest would do well over all the `traffic` (`trafficOf`). A larger budget never gives less.
 */
export function allowedLoss(models: readonly Priced[], traffic: readonly number[], budget: number): number {
  const best = models.reduce((most, { value }) => Math.max(most, value), 0)
  const list = usable(models, best)
  const scores = traffic.map((_, step) => (step + 0.5) / traffic.length)
  const losses = list.map(({ value }) => scores.map((score) => lossOf(value, best, score)))
  const most = budget * scores.reduce((sum, score, step) => sum + (traffic[step] ?? 0) * chanceOf(best, score), 0)
  const lost = (allowed: number): number =>
    scores.reduce((sum, _, step) => {
      const share = traffic[step] ?? 0
      if (share === 0) return sum
      const first = losses.find((one) => (one[step] ?? 0) <= allowed)
      return sum + share * (first?.[step] ?? 0)
    }, 0)
  let low = 0
  let high = 1
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2
    if (lost(middle) <= most) low = middle
    else high = middle
  }
  return low
}

/** The cheapest that loses no more than is allowed on a request of this score; of none at all -1. A harder request never gets a cheaper one. */
export function cheapestWithin(models: readonly Priced[], score: number, allowed: number): number {
  const best = models.reduce((most, { value }) => Math.max(most, value), 0)
  const looked = stepped(score)
  let chosen = -1
  models.forEach((model, index) => {
    if (lossOf(model.value, best, looked) > allowed) return
    const before = models[chosen]
    if (before === undefined || model.pico < before.pico || (model.pico === before.pico && model.value > before.value)) chosen = index
  })
  return chosen
}
