// What a key has spent, by period: absolute numbers, so a report that is repeated changes nothing.

import type { PurseSpent } from './model-purses.ts'
import { isoDay, isoMonth, isoWeek } from './window.ts'

/** Whole nano-dollars of the present period and of the UTC day, week and month, each with the name of its span: a stale span counts as zero. */
export type Spend = {
  readonly period: string
  readonly periodNanoUsd: number
  readonly everNanoUsd: number
  readonly day: string
  readonly dayNanoUsd: number
  readonly week: string
  readonly weekNanoUsd: number
  readonly month: string
  readonly monthNanoUsd: number
}

export const NOTHING_SPENT: Spend = {
  period: '',
  periodNanoUsd: 0,
  everNanoUsd: 0,
  day: '',
  dayNanoUsd: 0,
  week: '',
  weekNanoUsd: 0,
  month: '',
  monthNanoUsd: 0,
}

/** As D1 keeps it: the JSON of a `Spend`, or `{}` of a key that was never used. */
export function readSpend(text: string): Spend {
  const { models: _, ...spend } = JSON.parse(text) as Partial<Spend> & { readonly models?: unknown }
  return { ...NOTHING_SPENT, ...spend }
}

/** Beside it: what is spent under each of the key's model limits. */
export function readSpentByModel(text: string): readonly PurseSpent[] {
  return (JSON.parse(text) as { readonly models?: readonly PurseSpent[] }).models ?? [] // as spendText wrote it
}

export function spendText(spend: Spend, models: readonly PurseSpent[]): string {
  return JSON.stringify(models.length === 0 ? spend : { ...spend, models })
}

/** `nanoUsd` more in a period: in the present one's sum when it is that, in the sums of the day, week and month always. */
export function addSpend(spend: Spend, nanoUsd: number, period: string, present: string, now: number): Spend {
  const [day, week, month] = [isoDay(now), isoWeek(now), isoMonth(now)]
  return {
    period: present,
    periodNanoUsd: (spend.period === present ? spend.periodNanoUsd : 0) + (period === present ? nanoUsd : 0), // a hold settles in the period it was taken in
    everNanoUsd: spend.everNanoUsd + nanoUsd,
    day,
    dayNanoUsd: (spend.day === day ? spend.dayNanoUsd : 0) + nanoUsd,
    week,
    weekNanoUsd: (spend.week === week ? spend.weekNanoUsd : 0) + nanoUsd,
    month,
    monthNanoUsd: (spend.month === month ? spend.monthNanoUsd : 0) + nanoUsd,
  }
}

/** The sums as they stand now: a span that is over counts as zero. */
export function spentNow(
  spend: Spend,
  period: string,
  now: number,
): Pick<Spend, 'periodNanoUsd' | 'dayNanoUsd' | 'weekNanoUsd' | 'monthNanoUsd'> {
  return {
    periodNanoUsd: spend.period === period ? spend.periodNanoUsd : 0,
    dayNanoUsd: spend.day === isoDay(now) ? spend.dayNanoUsd : 0,
    weekNanoUsd: spend.week === isoWeek(now) ? spend.weekNanoUsd : 0,
    monthNanoUsd: spend.month === isoMonth(now) ? spend.monthNanoUsd : 0,
  }
}

/** The share of a limit that is used, 0 to 1, when so much of it is left. Nothing is left of no money. */
export function usedOf(limitNanoUsd: number, leftNanoUsd: number): number {
  return limitNanoUsd <= 0 ? 1 : Math.min(1, Math.max(0, 1 - leftNanoUsd / limitNanoUsd))
}
