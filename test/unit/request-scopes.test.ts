// Which budgets a request must fit: names that cannot evade, bounded however many there are, and names of budgets that never collide.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Names, NO_NAMING, type Met, type Naming } from '../../src/core/request-scopes.ts'
import { escapedName, nameOfScope, scopeName } from '../../src/core/scope-names.ts'

const NOW = Date.UTC(2026, 10, 21, 12)
const HOUR_MS = 3_600_000
const naming = (change: Partial<Naming> = {}): Naming => ({ ...NO_NAMING, customers: true, ...change })

describe('the budgets that a request names', () => {
  it('are those of its key alone where the key does not say otherwise', () => {
    const always = ['team:blue']
    expect(new Names().scopesOf(always, NO_NAMING, { customer: 'ann', tags: ['a'] }, NOW)).toBe(always)
  })

  it('are its customer and its tags where the key says so, each once', () => {
    const names = new Names()
    const both = naming({ tagBudgets: true })
    expect(names.scopesOf(['team:blue', 'tag:a'], both, { customer: 'ann', tags: ['a', 'b', 'b'] }, NOW)).toEqual([
      'team:blue',
      'tag:a',
      'customer:ann',
      'tag:b',
    ])
    expect(names.scopesOf([], naming(), {}, NOW)).toEqual(['customer:'])
  })

  it('never are more new ones an hour than the key may name, over restarts too, and a known one stays known', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.array(fc.record({ name: fc.nat(12), minutes: fc.nat(50), restart: fc.boolean() }), { minLength: 20, maxLength: 200 }),
        (most, steps) => {
          const disk = new Map<string, Met>()
          let names = new Names()
          let now = NOW
          const lastMet = new Map<string, number>()
          const fresh = new Map<number, Set<string>>()
          for (const { name, minutes, restart } of steps) {
            now += minutes * 60_000
            if (restart) {
              names = new Names()
              names.restore(disk)
            }
            const [scope = ''] = names.scopesOf([], naming({ namesPerHour: most }), { customer: `c${name}` }, now)
            for (const [one, met] of names.takeUnsaved()) {
              if (met === null) disk.delete(one)
              else disk.set(one, met)
            }
            const hour = Math.floor(now / HOUR_MS)
            const isKnown = (lastMet.get(`customer:c${name}`) ?? -9) >= hour - 1
            if (isKnown) expect(scope).toBe(`customer:c${name}`)
            if (scope === 'customer:') continue
            expect(scope).toBe(`customer:c${name}`)
            lastMet.set(scope, hour)
            if (isKnown) continue
            fresh.set(hour, (fresh.get(hour) ?? new Set()).add(scope))
            expect(fresh.get(hour)?.size).toBeLessThanOrEqual(most)
          }
          expect(disk.size).toBeLessThanOrEqual(10 * most)
        },
      ),
    )
  })

  it('are bounded in all, however long they are in use', () => {
    const names = new Names()
    const scopes = new Set<string>()
    for (let hour = 0; hour < 40; hour++)
      for (let i = 0; i < 200; i++)
        scopes.add(names.scopesOf([], naming({ namesPerHour: 3 }), { customer: `c${i}` }, NOW + hour * HOUR_MS)[0] ?? '')
    expect(scopes.size).toBe(31)
  })
})

describe('the name of a budget', () => {
  it('is the word where it is plain, and bounded whatever it is', async () => {
    expect(await scopeName('ann@example.com')).toBe('ann@example.com')
    expect(await scopeName('a b/c:*')).toBe('a%20b%2Fc%3A%2A')
    expect(await scopeName('é'.repeat(5000))).toMatch(/^~[0-9a-f]{64}$/)
    expect(await scopeName('x'.repeat(257))).toMatch(/^~[0-9a-f]{64}$/)
  })

  it('is of one word only, reads back, and is never the default’s or a digest’s', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), fc.string({ unit: 'grapheme', maxLength: 80 }), (a, b) => {
        const [x, y] = [escapedName(a), escapedName(b)]
        if (x === null || y === null) return
        expect(x === y).toBe(a === b)
        expect(x.length).toBeLessThanOrEqual(256)
        expect(x).toMatch(/^[A-Za-z0-9._@+%-]*$/)
        expect(nameOfScope(`tag:${x}`)).toBe(a)
      }),
    )
    expect([escapedName('*'), escapedName('~a')]).toEqual(['%2A', '%7Ea'])
  })
})
