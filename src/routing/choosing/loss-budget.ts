// A loss budget becomes a rule for one request: how much may be lost on it, so that over the tenant's own traffic no more is lost than the
// budget. Thresholds that are fixed do not carry over from one tenant's prompts to another's; quantiles of his own do. Pure arithmetic.

import { chanceAt, oddsAgainst } from './chance.ts'
import type { ScoreHistogram } from './contract.ts'
import { LEAST_SCORES } from './score-histogram.ts'

/** A model as the budget sees it. `value`: what is counted on at the task; `pico`: what the request is expected to cost there. */
export type Priced = { readonly value: number; readonly pico: number }

/** Shares of what the strongest alone would do well. */
export const LOSS = { balanced: 0.02, aggressive: 0.05 } as const
/** So fine scores are looked at: the traffic, and a request. */
export const STEPS = 32
const HALVINGS = 14

/** What stands for all scores of a step, for the budget as for a request: else the easiest of a step would come out of no budget. */
const AGAINST: readonly number[] = Array.from({ length: STEPS }, (_, step) => oddsAgainst((step + 0.5) / STEPS))

/**
 * Deciles of the classifier's scores over what stands for everyday traffic when it is trained: recorded examination questions, written prompts
 * and what people asked assistants, a third each (scripts/train-router/fit.ts, 2026-11-22).
 */
const EVERYDAY_DECILES = [0.18, 0.28, 0.3, 0.33, 0.36, 0.41, 0.46, 0.53, 0.6, 0.68, 0.95] as const

/** What lies where nobody's did: else it would come out of no budget. */
const ELSEWHERE = 0.02

const EVERYDAY: readonly number[] = everyday()

function everyday(): readonly number[] {
  const below = (score: number): number => {
    const at = EVERYDAY_DECILES.findIndex((decile) => decile > score)
    if (at <= 0) return at < 0 ? 1 : 0
    const [low = 0, high = 1] = EVERYDAY_DECILES.slice(at - 1, at + 1)
    return (at - 1 + (score - low) / (high - low)) / (EVERYDAY_DECILES.length - 1)
  }
  return AGAINST.map((_, step) => (1 - ELSEWHERE) * (below((step + 1) / STEPS) - below(step / STEPS)) + ELSEWHERE / STEPS)
}

function stepOf(score: number): number {
  return Math.max(0, Math.min(STEPS - 1, Math.floor(score * STEPS)))
}

/** The tenant's scores in `STEPS` parts of equal width, as shares; everybody's where too few are known. */
export function trafficOf(scores: ScoreHistogram | null): readonly number[] {
  if (scores === null || scores.total < LEAST_SCORES || scores.bins.length === 0) return EVERYDAY
  const parts = EVERYDAY.map(() => 0)
  scores.bins.forEach((count, bin) => {
    const part = stepOf((bin + 0.5) / scores.bins.length)
    if (count > 0) parts[part] = (parts[part] ?? 0) + count
  })
  const sum = parts.reduce((all, one) => all + one, 0)
  return sum > 0 ? parts.map((one) => one / sum) : EVERYDAY
}

/**
 * What each model loses against the best of them, by step. Of a step it is the largest difference of their chances on the way up to it: what
 * neither can do would else look like nothing lost.
 */
export type Losses = {
  /** Chances of the best, by step. */
  readonly best: readonly number[]
  /** From the cheapest on, of equal price the better one first; up to the best, for those behind it are dearer and no better. */
  readonly rows: readonly { readonly place: number; readonly losses: readonly number[] }[]
}

export function lossesOf(models: readonly Priced[]): Losses {
  const most = models.reduce((high, { value }) => Math.max(high, value), 0)
  const best = AGAINST.map((against) => chanceAt(most, against))
  const sorted = models
    .map(({ value, pico }, place) => ({ value, pico, place }))
    .sort((a, b) => a.pico - b.pico || b.value - a.value || a.place - b.place)
  const needed = sorted.slice(0, sorted.findIndex(({ value }) => value >= most) + 1)
  return {
    best,
    rows: needed.map(({ value, place }) => {
      let widest = 0
      const losses = AGAINST.map((against, step) => (widest = Math.max(widest, (best[step] ?? 0) - chanceAt(value, against))))
      return { place, losses }
    }),
  }
}

/**
 * The most that may be lost on any one request, 0 to 1, so that the cheapest model within it everywhere loses `budget` (0 to 1) at most of what
 * the best would do well over all the `traffic` (`trafficOf`). A larger budget never gives less.
 */
export function allowedLoss({ best, rows }: Losses, traffic: readonly number[], budget: number): number {
  const steps = traffic.flatMap((share, step) => (share > 0 ? [step] : []))
  const most = budget * steps.reduce((sum, step) => sum + (traffic[step] ?? 0) * (best[step] ?? 0), 0)
  let low = 0
  let high = 1
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2
    let lost = 0
    for (const step of steps) {
      for (const { losses } of rows) {
        const loss = losses[step] ?? 0
        if (loss > middle) continue
        lost += (traffic[step] ?? 0) * loss
        break
      }
    }
    if (lost <= most) low = middle
    else high = middle
  }
  return low
}

/** The place of the cheapest that loses no more than is allowed on a request of this score; of none at all -1. A harder request never gets a cheaper one. */
export function cheapestWithin({ rows }: Losses, score: number, allowed: number): number {
  const step = stepOf(score)
  return rows.find(({ losses }) => (losses[step] ?? 0) <= allowed)?.place ?? -1
}
