// When a place is ill, and how: a seeded timetable. The same seed gives the same weather.

import { chance, oneOf } from '../support/chance.ts'

/** `break` comes after the first words, when nobody else can answer any more; everything else before them. */
export const ILLNESSES = ['status500', 'status503', 'limited', 'stall', 'slow', 'cut', 'garbage', 'reset', 'break'] as const
export type Illness = (typeof ILLNESSES)[number]

/** Milliseconds since the beginning; `to` is not in it. */
export type Spell = { readonly from: number; readonly to: number; readonly illness: Illness }

const WELL_MS = [3000, 9000] as const
const ILL_MS = [2000, 7000] as const

/** It begins well, and the last ten seconds are well, so that it can be seen to recover. */
export function timetable(seed: string, totalMs: number): readonly Spell[] {
  const random = chance(seed)
  const within = ([least, most]: readonly [number, number]): number => Math.round(least + random() * (most - least))
  const spells: Spell[] = []
  for (let at = within(WELL_MS); ;) {
    const spell = { from: at, to: at + within(ILL_MS), illness: oneOf(random, ILLNESSES) }
    if (spell.to > totalMs - 10_000) return spells
    spells.push(spell)
    at = spell.to + within(WELL_MS)
  }
}

/** `null`: it is well. */
export function illnessAt(spells: readonly Spell[], at: number): Illness | null {
  return spells.find(({ from, to }) => at >= from && at < to)?.illness ?? null
}
