// The weather of a storm and what is made of it; the storm itself is `npm run storm`.

import { describe, expect, it } from 'vitest'
import type { Outcome } from '../storm/client.ts'
import { figures, lines } from '../storm/figures.ts'
import type { Arrival } from '../storm/upstream.ts'
import { illnessAt, timetable } from '../storm/weather.ts'

describe('the weather', () => {
  it('is the same for a seed, another for another, and leaves the last ten seconds well', () => {
    for (const seed of ['a', 'b', 'c']) {
      const spells = timetable(seed, 120_000)
      expect(timetable(seed, 120_000)).toEqual(spells)
      expect(spells.length).toBeGreaterThan(5)
      expect(spells.at(-1)?.to).toBeLessThanOrEqual(110_000)
      for (const [index, { from, to, illness }] of spells.entries()) {
        expect(from).toBeGreaterThanOrEqual((spells[index - 1]?.to ?? 0) + 3000)
        expect([illnessAt(spells, from - 1), illnessAt(spells, from), illnessAt(spells, to - 1), illnessAt(spells, to)]).toEqual([
          null,
          illness,
          illness,
          null,
        ])
      }
    }
    expect(timetable('a', 120_000)).not.toEqual(timetable('b', 120_000))
  })
})

describe('the figures', () => {
  it('count answers, calls to the sick place, and its recovery', () => {
    const sent = (at: number, failure: string | null, firstMs: number | null = 10): Outcome => ({ at, firstMs, totalMs: 20, failure })
    const came = (at: number, wellAt: number | null, isStraight = false, place = 'p'): Arrival => ({
      place,
      at,
      isStraight,
      illness: null,
      wellAt,
    })
    const shown = figures(
      'p',
      [{ from: 1000, to: 5000, illness: 'status503' }],
      [sent(0, null), sent(1500, null, 30), sent(2500, null), sent(4000, 'status 503', null), sent(6000, null)],
      [sent(0, null), sent(1500, 'status 503', null)],
      [
        came(0, 10),
        came(1500, null),
        came(4000, null),
        came(1500, null, true),
        came(1500, null, false, 'q'),
        came(5100, null),
        came(6000, 6020),
        came(6010, 6030),
      ],
    )
    expect(shown.sluice).toEqual({ requests: 5, success: 0.8, p50Ms: 10, p99Ms: 30, failures: { 'status 503': 1 } })
    expect(shown.straight).toMatchObject({ requests: 2, success: 0.5 })
    expect(shown.spells).toEqual([{ illness: 'status503', illMs: 4000, requests: 3, calls: 2, late: 1, backMs: 1020, probes: 3 }])
    expect(shown.offered).toBeCloseTo(2 / 3)
    expect(lines(shown).join('\n')).toContain('80.00 % answered')
  })
})
