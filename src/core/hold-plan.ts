// What one target would need of a key's money: the hold that covers its worst case, and the output ceiling that keeps it there.

import type { Ask, CandidateAsk, HoldMode } from './account.ts'
import { SPARE } from './shadow.ts'

/** Fewer output tokens than this are no answer: a request is refused rather than clamped below it. */
const LEAST_CLAMP = 16
/** Without a budget a hold is only shown; bounded so that sums of absurd ceilings stay exact. */
const MOST_UNBUDGETED = 1_000_000_000_000
/** Absurd ceilings must not spoil sums. */
const MOST_TOKENS = 1_000_000_000
/** Output tokens that an elastic hold begins with. */
const FIRST_SLICE = 1024

type Asked = Pick<Ask, 'outputTokens' | 'leastOutputTokens' | 'choices'>

export type HoldPlan =
  /** `mostNanoUsd`: the worst case, where the hold covers only a part of it. */
  | {
      readonly kind: 'fits'
      readonly nanoUsd: number
      readonly ceiling: number | null
      readonly clamped: boolean
      readonly mostNanoUsd?: number
    }
  | { readonly kind: 'dear' | 'unpriced' | 'unbounded' }

/** What one target would need: its hold, and the output ceiling to enforce so that the hold covers it. */
export function planHold(
  candidate: CandidateAsk,
  request: Asked,
  budgeted: boolean,
  left: number,
  defaultCeiling: number,
  mode: HoldMode = 'strict',
): HoldPlan {
  const { worst, inputTokens } = candidate
  const ask = candidate.asked ?? request
  if (worst === null) return budgeted ? { kind: 'unpriced' } : { kind: 'fits', nanoUsd: 0, ceiling: null, clamped: false }
  if (inputTokens === null && (worst.inputPico > 0 || worst.outputPico > 0)) {
    return budgeted ? { kind: 'unbounded' } : { kind: 'fits', nanoUsd: 0, ceiling: null, clamped: false }
  }
  const assumed = Math.max(Math.min(candidate.maxOutputTokens ?? defaultCeiling, defaultCeiling), ask.leastOutputTokens)
  const asked = ask.outputTokens ?? assumed
  const possible = Math.min(asked, Math.max(candidate.maxOutputTokens ?? asked, ask.leastOutputTokens))
  const input = Math.ceil(((inputTokens ?? 0) * worst.inputPico) / 1000) + worst.feesNanoUsd
  const output = (tokens: number): number => Math.ceil((tokens * ask.choices * worst.outputPico) / 1000)
  if (mode === 'elastic' && budgeted && candidate.isCountable === true && worst.outputPico > 0) {
    const least = Math.max(LEAST_CLAMP, ask.leastOutputTokens)
    const payable = Math.floor(((left - input) * 1000) / (worst.outputPico * ask.choices))
    const slice = Math.min(possible, Math.max(FIRST_SLICE, ask.leastOutputTokens), payable)
    const nanoUsd = Math.min(input + output(slice), left)
    if (!(nanoUsd >= 0) || slice < Math.min(possible, least)) return { kind: 'dear' }
    const enforce = ask.outputTokens === null || possible < ask.outputTokens
    return { kind: 'fits', nanoUsd, ceiling: enforce ? possible : null, clamped: enforce, mostNanoUsd: input + output(possible) }
  }
  let ceiling = possible
  if (budgeted && input + output(ceiling) > left && worst.outputPico > 0) {
    ceiling = Math.floor(((left - input) * 1000) / (worst.outputPico * ask.choices))
    if (ceiling < Math.max(LEAST_CLAMP, ask.leastOutputTokens)) return { kind: 'dear' }
    if (input + output(ceiling) > left) ceiling--
  }
  const nanoUsd = input + output(ceiling)
  // What is no number fits nowhere: every comparison with it is false, and sums would never be numbers again.
  if (Number.isNaN(nanoUsd) || (budgeted && nanoUsd > Math.max(left, 0))) return { kind: 'dear' }
  const enforce = budgeted && worst.outputPico > 0 && (ask.outputTokens === null || ceiling < ask.outputTokens)
  return {
    kind: 'fits',
    nanoUsd: budgeted ? nanoUsd : Math.min(nanoUsd, MOST_UNBUDGETED),
    ceiling: enforce ? ceiling : null,
    clamped: enforce,
  }
}

type Fits = HoldPlan & { readonly kind: 'fits' }

/** Of a shadow: its whole worst case, where so many times of it are left. Nothing is clamped for it, and nothing refused to others. */
export function planSpare(candidate: CandidateAsk, ask: Asked, budgeted: boolean, left: number, defaultCeiling: number): HoldPlan {
  const plan = planHold(candidate, ask, budgeted, Number.MAX_SAFE_INTEGER, defaultCeiling)
  return plan.kind === 'fits' && budgeted && plan.nanoUsd * SPARE > left ? { kind: 'dear' } : plan
}

/**
 * What is held for the targets that fit, the one that is to be called first at their head. A hold that can grow covers the first: it grows when
 * another is called that needs more. One that cannot (`grows: false`), or that grows with its answer, covers the dearest.
 */
export function holdFor(fitting: readonly Fits[], grows: boolean): { readonly nanoUsd: number; readonly mostNanoUsd: number } {
  let nanoUsd = 0
  let mostNanoUsd = 0
  const isElastic = fitting.some((p) => p.mostNanoUsd !== undefined)
  for (const p of grows && !isElastic ? fitting.slice(0, 1) : fitting) {
    nanoUsd = Math.max(nanoUsd, p.nanoUsd)
    mostNanoUsd = Math.max(mostNanoUsd, p.mostNanoUsd ?? p.nanoUsd)
  }
  return { nanoUsd, mostNanoUsd }
}

/** Of the one that is to be called first. */
export function ceilingFirst(fitting: readonly Fits[]): { readonly maxOutputTokens: number | null; readonly clamped: boolean } {
  return { maxOutputTokens: fitting[0]?.ceiling ?? null, clamped: fitting[0]?.clamped ?? false }
}

/** The output ceiling of each target asked about, by index; `null`: the client's own stands. Absent for one target, or where all keep the client's. */
export function ceilingsOf(
  targets: number,
  fitting: readonly (Fits & { readonly index: number })[],
): { readonly ceilings?: readonly (number | null)[] } {
  if (fitting.length === 1 || fitting.every(({ ceiling }) => ceiling === null)) return {}
  const ceilings = Array.from({ length: targets }, (): number | null => null)
  for (const { index, ceiling } of fitting) ceilings[index] = ceiling
  return { ceilings }
}

/** What each of the targets asked about may cost at worst, by index; nothing where it does not fit. */
export function needsOf(targets: number, fitting: readonly (Fits & { readonly index: number })[]): readonly number[] {
  const needs = Array.from({ length: targets }, () => 0)
  for (const { index, nanoUsd, mostNanoUsd = nanoUsd } of fitting) needs[index] = mostNanoUsd
  return needs
}

/** Tokens to reserve: the most that a target could take and give. What nothing bounds is trued up when it is known. */
export function tokensOf({ inputTokens: input, maxOutputTokens, asked }: CandidateAsk, request: Asked, defaultCeiling: number): number {
  const ask = asked ?? request
  const output = Math.min(ask.outputTokens ?? defaultCeiling, maxOutputTokens ?? Number.MAX_SAFE_INTEGER) * ask.choices
  return Math.min((input ?? 0) + output, MOST_TOKENS)
}
