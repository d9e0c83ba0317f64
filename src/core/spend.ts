// What a key has spent, by period: absolute numbers, so a report that is repeated changes nothing.

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
  return { ...NOTHING_SPENT, ...(JSON.parse(text) as Partial<Spend>) }
}
