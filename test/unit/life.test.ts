// How a model's end is told, and what is suggested in its place: rather nothing than something else.

import { describe, expect, it } from 'vitest'
import { parseOverlay } from '../../src/catalogue/overlay.ts'
import { createCatalogue, type Catalogue } from '../../src/catalogue/index.ts'
import { lifeHeaders, lifeOf, substituteFor } from '../../src/catalogue/life.ts'
import type { ModelEntry } from '../../src/catalogue/entry.ts'

const NOW = Date.UTC(2026, 10, 21, 12)

function entry(model: string, said: Partial<ModelEntry> = {}): ModelEntry {
  return {
    provider: 'maker',
    model,
    mode: 'chat',
    contextTokens: 1000,
    maxOutputTokens: null,
    price: null,
    priceVersion: 'v',
    abilities: new Set(),
    ...said,
  }
}

function catalogueOf(...models: readonly ModelEntry[]): Catalogue {
  return { ...createCatalogue(null), list: () => models }
}

describe('the end of a model', () => {
  it('is the beginning of the day that the catalogue tells, also when it is past', () => {
    expect(lifeOf(entry('m', { deprecatedOn: '2026-12-31' }), NOW)).toEqual({ deprecation: null, sunset: new Date('2026-12-31T00:00:00Z') })
    expect(lifeOf(entry('m', { deprecatedOn: '2025-01-01' }), NOW)?.sunset).toEqual(new Date('2025-01-01T00:00:00Z'))
  })

  it('is none without a day, with one that is far off, and with one that is no day', () => {
    expect(lifeOf(entry('m'), NOW)).toBe(null)
    expect(lifeOf(entry('m', { deprecatedOn: '2098-12-31' }), NOW)).toBe(null)
    expect(lifeOf(entry('m', { deprecatedOn: '2026-13-45' }), NOW)).toBe(null)
  })

  it("is the operator's to say", () => {
    const overlay = parseOverlay(
      JSON.stringify({ version: 'o1', models: { 'openai/gpt-4o': { deprecatedOn: '2027-01-31', deprecatedSince: '2026-11-01' } } }),
    )
    const found = createCatalogue(overlay).lookUp('openai', 'gpt-4o')
    const life = found && lifeOf(found, NOW)
    expect(life && lifeHeaders(life)).toEqual([
      ['deprecation', '@1793491200'],
      ['sunset', 'Sun, 31 Jan 2027 00:00:00 GMT'],
    ])
  })

  it('is told without a Deprecation date where nobody said since when', () => {
    expect(lifeHeaders({ deprecation: null, sunset: new Date('2026-12-31T00:00:00Z') })).toEqual([
      ['sunset', 'Thu, 31 Dec 2026 00:00:00 GMT'],
    ])
  })
})

describe('what may take its place', () => {
  const old = entry('star-2-pro-20250101', { releasedOn: '2025-01-01', deprecatedOn: '2026-12-01', abilities: new Set(['tools']) })
  const able = { abilities: new Set(['tools', 'image'] as const), releasedOn: '2026-01-01' }
  const of = (...others: readonly ModelEntry[]): string | null => substituteFor(old, catalogueOf(old, ...others))

  it('is the newest of its family', () => {
    expect(of(entry('star-pro-3', able), entry('star-4-pro-20260301', { ...able, releasedOn: '2026-03-01' }))).toBe(
      'maker/star-4-pro-20260301',
    )
  })

  it('is, of two names of one day, the one without a date', () => {
    expect(of(entry('star-3-pro-20260101', able), entry('star-3-pro', able))).toBe('maker/star-3-pro')
    expect(of(entry('star-3-pro', able), entry('star-4-pro', able))).toBe(null)
  })

  it.each([
    ['of another family', entry('star-3-mini', able)],
    ['of another size', entry('star-3-pro-70b', able)],
    ['at another provider', entry('star-3-pro', { ...able, provider: 'other' })],
    ['of another kind', entry('star-3-pro', { ...able, mode: 'embedding' })],
    ['not newer', entry('star-3-pro', { ...able, releasedOn: '2025-01-01' })],
    ['of unknown age', entry('star-3-pro', { abilities: able.abilities })],
    ['less able', entry('star-3-pro', { ...able, abilities: new Set(['image']) })],
    ['shorter of memory', entry('star-3-pro', { ...able, contextTokens: 999 })],
    ['of unknown memory', entry('star-3-pro', { ...able, contextTokens: null })],
    ['about to end too', entry('star-3-pro', { ...able, deprecatedOn: '2027-06-01' })],
    ['a preview', entry('star-3-pro-preview', able)],
  ])('is nothing %s', (_, other) => {
    expect(of(other)).toBe(null)
    expect(of(other, entry('star-3-pro-x'.replace('-x', ''), { ...able, releasedOn: '2026-02-02' }))).toBe('maker/star-3-pro')
  })

  it('is nothing when the age of the old one is unknown', () => {
    const ageless = entry('star-2-pro', { deprecatedOn: '2026-12-01' })
    expect(substituteFor(ageless, catalogueOf(ageless, entry('star-3-pro', able)))).toBe(null)
  })

  it('never ends itself, at any model of the catalogue that ends', () => {
    const catalogue = createCatalogue(null)
    const found = [...catalogue.list()].filter((one) => one.deprecatedOn !== undefined).map((one) => substituteFor(one, catalogue))
    const named = found.filter((name) => name !== null)
    expect(named.length).toBeGreaterThan(0)
    for (const name of named) {
      const slash = name.indexOf('/')
      expect(catalogue.lookUp(name.slice(0, slash), name.slice(slash + 1))?.deprecatedOn).toBeUndefined()
    }
  })
})
