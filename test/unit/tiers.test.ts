// Which models of a vendor stand for cheap, middle and strong: rules on made-up rows, and what the shipped catalogue comes to.

import { describe, expect, test } from 'vitest'
import type { ModelEntry } from '../../src/catalogue/entry.ts'
import { listModels } from '../../src/catalogue/index.ts'
import { isMaker, MAKERS } from '../../src/catalogue/names.ts'
import { tierFor } from '../../src/routing/choosing/tier-for.ts'
import { costOf, currentOf, TIERS, tiersAmong } from '../../src/routing/choosing/tiers.ts'

const NOW = Date.parse('2026-08-10')

const DATED = { releasedOn: '2026-06-01' }
const OFFERED = { openrouterId: 'maker/model' }

function row(model: string, input: number, more: Partial<ModelEntry> = {}): ModelEntry {
  return bare(model, input, { ...DATED, ...OFFERED, ...more })
}

function bare(model: string, input: number, more: Partial<ModelEntry>): ModelEntry {
  return {
    provider: 'maker',
    model,
    mode: 'chat',
    contextTokens: 100_000,
    maxOutputTokens: 8000,
    price: { input, output: 4 * input, source: 'test' },
    priceVersion: 'test',
    abilities: new Set(['tools'] as const),
    ...more,
  }
}

const current = (...rows: readonly ModelEntry[]) => currentOf(rows, NOW).map(({ model }) => model)
const tiers = (...rows: readonly ModelEntry[]) => {
  const found = tiersAmong(rows)
  return found && TIERS.map((tier) => found[tier].model)
}

describe('what is current', () => {
  test('of a family the newest, by version before by day', () => {
    expect(current(row('m-4-9', 3), row('m-5', 3, { releasedOn: '2026-05-01' }), row('m-5-mini', 1), row('m-4-mini', 1))).toEqual([
      'm-5',
      'm-5-mini',
    ])
    expect(current(row('m-5-20260601', 3), row('m-5', 3), row('m-5-latest', 3))).toEqual(['m-5'])
    expect(current(row('m-large-2407', 9), row('m-large-2512', 2, { releasedOn: '2024-01-01' }))).toEqual(['m-large-2512'])
  })

  test('not what ends soon, is advised against, has no price, is free, or answers otherwise', () => {
    const dropped = [
      row('a', 1, { deprecatedOn: '2026-09-01' }),
      row('b', 1, { deprecatedOn: '2025-01-01' }),
      row('c', 1, { deprecatedSince: '2026-08-01' }),
      row('d', 1, { price: null }),
      row('e', 0),
      row('f', 1, { mode: 'embedding' }),
      row('g', 1, { abilities: new Set(['tools', 'audio-output'] as const) }),
      row('ft:h', 1),
    ]
    expect(current(...dropped)).toEqual([])
    expect(current(...dropped, row('stays', 1, { deprecatedOn: '2027-08-01' }))).toEqual(['stays'])
  })

  test('not what is a year older than the newest; of an unknown day the version tells', () => {
    const newest = row('m-5', 3)
    expect(current(newest, row('m-mini', 1, { releasedOn: '2025-05-01' }))).toEqual(['m-5'])
    expect(current(newest, bare('m-5-mini', 1, OFFERED), bare('m-4-nano', 1, OFFERED))).toEqual(['m-5', 'm-5-mini'])
  })

  test('what is for one purpose, or offered nowhere else, only where there is nothing else', () => {
    expect(current(row('m-5', 3), row('m-5-search', 1), bare('m-5-alias', 1, DATED))).toEqual(['m-5'])
    expect(current(row('m-5-search', 1))).toEqual(['m-5-search'])
    expect(current(bare('m-5-alias', 1, DATED))).toEqual(['m-5-alias'])
  })
})

describe('tiers', () => {
  test('are by price, the middle one between in the logarithm', () => {
    expect(tiers(row('s', 100), row('c', 1), row('m', 12), row('n', 70))).toEqual(['c', 'm', 's'])
    expect(tiers(row('c', 1), row('s', 10))).toEqual(['c', 's', 's'])
    expect(tiers(row('only', 2))).toEqual(['only', 'only', 'only'])
    expect(tiers()).toBeNull()
    expect(tiers(row('free', 0), row('s', 10))).toEqual(['free', 's', 's'])
  })

  test('of the shipped catalogue go on being served, are priced and rise', () => {
    for (const vendor of ['anthropic', 'openai', 'google', 'mistral', 'deepseek', 'xai', 'alibaba', 'zai', 'moonshot', 'cohere']) {
      expect(MAKERS).toContain(vendor)
      const own = [...listModels()].filter((entry) => entry.provider === vendor && isMaker(vendor, entry.model))
      const found = tiersAmong(currentOf(own, NOW))
      expect(found, vendor).not.toBeNull()
      if (found === null) continue
      const [cheap, middle, strong] = TIERS.map((tier) => costOf(found[tier]))
      expect([
        vendor,
        Number(cheap) > 0,
        Number(cheap) <= Number(middle),
        Number(middle) <= Number(strong),
        Number.isFinite(strong),
      ]).toEqual([vendor, true, true, true, true])
      for (const tier of TIERS) expect(found[tier].deprecatedOn ?? '9999').toMatch(/^(?:9999|20(?:2[7-9]|[3-9]\d)|2026-1[12])/)
    }
  })

  test('of the three great vendors are three, far apart', () => {
    for (const vendor of ['anthropic', 'openai', 'google']) {
      const found = tiersAmong(
        currentOf(
          [...listModels()].filter((entry) => entry.provider === vendor),
          NOW,
        ),
      )
      const names = new Set(TIERS.map((tier) => found?.[tier].model))
      expect(names.size).toBe(3)
      expect(found && costOf(found.strong) / costOf(found.cheap)).toBeGreaterThan(4)
    }
  })
})

test('which tier answers what', () => {
  const verdict = { score: 0.5, difficulty: 'hard', taskType: 'math', confidence: 0.9, needsInfo: null, abstains: false } as const
  const rows = (['easy', 'medium', 'hard'] as const).map((difficulty) =>
    (['aggressive', 'balanced', 'capable'] as const).map((leaning) => tierFor({ ...verdict, difficulty }, leaning)),
  )
  expect(rows).toEqual([
    ['cheap', 'cheap', 'middle'],
    ['cheap', 'middle', 'strong'],
    ['middle', 'strong', 'strong'],
  ])
  expect(tierFor({ ...verdict, needsInfo: 'no-object' }, 'capable')).toBe('cheap')
  expect(tierFor({ ...verdict, difficulty: 'easy', abstains: true }, 'balanced')).toBe('middle')
  expect(tierFor({ ...verdict, abstains: true }, 'balanced')).toBe('strong')
})
