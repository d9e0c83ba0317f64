// The circuit breaker with a pinned clock: histories by hand, then random ones.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { calm, claim, claimant, mayProbe, NEW_BREAKER, park, stateOf, worse, type Breaker } from '../../src/core/breaker.ts'
import { Gathering } from '../../src/core/health-delta.ts'
import { HealthWindow } from '../../src/core/health.ts'

const AT = 1_800_000_000_000
/** No jitter. */
const MIDDLE = 0.5

function opened(now = AT): HealthWindow {
  const window = new HealthWindow()
  for (let i = 0; i < 5; i++) window.ill(now, MIDDLE)
  return window
}

const stateAt = (window: HealthWindow, now: number): string => stateOf(window.breaker, now)

describe('a breaker', () => {
  it('opens at five ill calls in a row, not at four, and a good one in between starts anew', () => {
    const window = new HealthWindow()
    for (let i = 0; i < 4; i++) window.ill(AT + i, MIDDLE)
    expect(stateAt(window, AT + 4)).toBe('closed')
    window.good(100, AT + 4)
    for (let i = 0; i < 4; i++) window.ill(AT + 5 + i, MIDDLE)
    expect(stateAt(window, AT + 9)).toBe('closed')
    window.ill(AT + 9, MIDDLE)
    expect(stateAt(window, AT + 9)).toBe('open')
  })

  it('opens when of ten within ten seconds half are ill, however they are mixed', () => {
    const window = new HealthWindow()
    for (let i = 0; i < 5; i++) {
      expect(stateAt(window, AT + i * 100)).toBe('closed')
      window.good(100, AT + i * 100)
      window.ill(AT + i * 100, MIDDLE)
    }
    expect(stateAt(window, AT + 500)).toBe('open')
    const slow = new HealthWindow()
    for (let i = 0; i < 20; i++) {
      slow.good(100, AT + i * 3000)
      slow.ill(AT + i * 3000, MIDDLE)
    }
    expect(stateAt(slow, AT + 60_000)).toBe('closed')
  })

  it('stays closed at four of ten, and for what ten seconds have carried away', () => {
    const window = new HealthWindow()
    for (let i = 0; i < 40; i++) {
      if (i % 5 < 3) window.good(100, AT + i * 100)
      else window.ill(AT + i * 100, MIDDLE)
    }
    expect(stateAt(window, AT + 4000)).toBe('closed')
  })

  it('cools down for two seconds, doubling with each failed probe up to fifteen', () => {
    const window = opened()
    let now = AT
    for (const coolMs of [2000, 4000, 8000, 15_000, 15_000]) {
      expect(stateAt(window, now + coolMs - 1)).toBe('open')
      now += coolMs
      expect(stateAt(window, now)).toBe('half-open')
      window.breaker = claim(window.breaker, 'me', now, 30_000)
      window.ill(now, MIDDLE)
      window.probed('ill', 'me', now, MIDDLE)
    }
  })

  it('jitters a fifth to either side', () => {
    const cool = (chance: number): number => {
      const window = new HealthWindow()
      for (let i = 0; i < 5; i++) window.ill(AT, chance)
      return window.breaker.until - AT
    }
    expect([cool(0), cool(0.5), cool(0.999999)]).toEqual([1600, 2000, 2400])
  })

  it('lets one probe go at a time; a claim that nobody uses expires, and a neutral end gives it back', () => {
    const window = opened()
    const now = AT + 2000
    expect(mayProbe(window.breaker, now)).toBe(true)
    window.breaker = claim(window.breaker, 'a', now, 30_000)
    expect(mayProbe(window.breaker, now + 29_999)).toBe(false)
    expect(claimant(claim(window.breaker, 'b', now + 29_999, 30_000), now + 29_999)).toBe('a')
    expect(mayProbe(window.breaker, now + 30_000)).toBe(true)
    expect(claimant(claim(window.breaker, 'b', now + 30_000, 30_000), now + 30_000)).toBe('b')
    window.probed('back', 'a', now + 10, MIDDLE)
    expect(mayProbe(window.breaker, now + 10)).toBe(true)
    expect(stateAt(window, now + 10)).toBe('half-open')
  })

  it('closes with one good probe and forgets the ill ones', () => {
    const window = opened()
    window.probed('good', 'a', AT + 2000, MIDDLE)
    expect(stateAt(window, AT + 2000)).toBe('closed')
    expect(window.recent(AT + 2000)).toEqual({ samples: 0, ill: 0 })
    for (let i = 0; i < 4; i++) window.ill(AT + 2001, MIDDLE)
    expect(stateAt(window, AT + 2001)).toBe('closed')
  })

  it('is not closed by a good answer that was no probe', () => {
    const window = opened()
    window.good(100, AT + 2500)
    expect(stateAt(window, AT + 2500)).toBe('half-open')
  })

  it('is not opened by calls from before it closed', () => {
    const window = opened()
    window.probed('good', 'a', AT + 2000, MIDDLE)
    for (let i = 0; i < 20; i++) window.late(AT + 2001 + i)
    expect(stateAt(window, AT + 2100)).toBe('closed')
  })
})

describe('a 429', () => {
  it('parks for as long as it says, an hour at most, and does not open the breaker', () => {
    const window = new HealthWindow()
    for (let i = 0; i < 30; i++) window.limited(5000, AT, AT + i)
    expect(stateAt(window, AT)).toBe('closed')
    expect(window.breaker.parkedUntil).toBe(AT + 29 + 5000)
    expect(window.recent(AT)).toEqual({ samples: 0, ill: 0 })
    expect(park(NEW_BREAKER, 1e12, AT, AT).parkedUntil).toBe(AT + 3_600_000)
  })

  it('that says nothing parks for a second, doubling to ten', () => {
    let breaker: Breaker = NEW_BREAKER
    let now = AT
    for (const parkMs of [1000, 2000, 4000, 8000, 10_000, 10_000]) {
      breaker = park(breaker, null, now, now)
      expect(breaker.parkedUntil - now).toBe(parkMs)
      expect(park(breaker, null, now, now + 5)).toBe(breaker) // it was on its way already
      now = breaker.parkedUntil
    }
    expect(park(calm(breaker), null, now, now).parkedUntil - now).toBe(1000)
  })

  it('keeps a probe from going until it is over', () => {
    const window = opened()
    window.limited(10_000, AT, AT)
    expect(mayProbe(window.breaker, AT + 9999)).toBe(false)
    expect(mayProbe(window.breaker, AT + 10_000)).toBe(true)
  })
})

type Step = {
  readonly kind: 'good' | 'ill' | 'limited' | 'ask' | 'end' | 'lose'
  readonly ms: number
  readonly chance: number
  readonly who: number
}

const steps = fc.array(
  fc.record<Step>({
    kind: fc.constantFrom('good', 'ill', 'limited', 'ask', 'end', 'lose'),
    ms: fc.integer({ min: 0, max: 6000 }),
    chance: fc.double({ min: 0, max: 0.999, noNaN: true }),
    who: fc.integer({ min: 0, max: 3 }),
  }),
  { minLength: 10, maxLength: 120 },
)

/** Plays a history with several who would probe; `each` sees every step. */
function play(
  history: readonly Step[],
  each: (window: HealthWindow, now: number, probing: ReadonlyMap<string, number>) => void,
): { readonly window: HealthWindow; readonly now: number } {
  const window = new HealthWindow()
  /** Who probes, and when that is given up. */
  const probing = new Map<string, number>()
  let now = AT
  for (const { kind, ms, chance, who } of history) {
    now += ms
    const name = `isolate-${who}`
    for (const [prober, until] of probing) if (until <= now) probing.delete(prober)
    if (kind === 'good') window.good(100, now)
    else if (kind === 'ill') window.ill(now, chance)
    else if (kind === 'limited') window.limited(chance < 0.5 ? null : 3000, now, now)
    else if (kind === 'ask' && mayProbe(window.breaker, now)) {
      window.breaker = claim(window.breaker, name, now, 30_000)
      probing.set(name, now + 30_000)
    } else if (kind === 'end' && probing.delete(name))
      window.probed(chance < 0.3 ? 'good' : chance < 0.6 ? 'back' : 'ill', name, now, chance)
    // 'lose': whoever probed is never heard of again; the claim expires
    each(window, now, probing)
  }
  return { window, now }
}

describe('whatever happens', () => {
  it('there are never two probes at once', () => {
    fc.assert(
      fc.property(steps, (history) => void play(history, (_, __, probing) => expect(probing.size).toBeLessThanOrEqual(1))),
      { numRuns: 300, seed: 1 },
    )
  })

  it('it is used again within a claim, a park and a longest cool-down of getting well', () => {
    fc.assert(
      fc.property(steps, (history) => {
        const { window, now: ill } = play(history, () => undefined)
        for (let now = ill; now <= ill + 30_000 + 10_000 + 18_000; now += 50) {
          if (!mayProbe(window.breaker, now)) continue
          window.breaker = claim(window.breaker, 'last', now, 30_000)
          window.probed('good', 'last', now + 40, MIDDLE)
        }
        expect(window.breaker.open).toBe(false)
      }),
      { numRuns: 300, seed: 2 },
    )
  })

  it('is monotone: one more ill call never makes it healthier', () => {
    const rank = { closed: 0, 'half-open': 1, open: 2 }
    const plain = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 900 })), { maxLength: 60 })
    fc.assert(
      fc.property(plain, fc.nat(60), (history, where) => {
        const [less, more] = [new HealthWindow(), new HealthWindow()]
        let now = AT
        for (const [index, [isGood, ms]] of history.entries()) {
          now += ms
          if (index === where) more.ill(now, MIDDLE)
          for (const window of [less, more]) {
            if (isGood) window.good(100, now)
            else window.ill(now, MIDDLE)
          }
          // Once open they cool down at times of their own; what counts is which opens first.
          if (less.breaker.open) expect(more.breaker.open).toBe(true)
          if (!less.breaker.open && !more.breaker.open)
            expect(rank[stateOf(more.breaker, now)]).toBeGreaterThanOrEqual(rank[stateOf(less.breaker, now)])
        }
      }),
      { numRuns: 300, seed: 3 },
    )
  })

  it('two views of it merge to the same, whichever comes first, and never to a better one', () => {
    const pair = fc.tuple(steps, steps)
    fc.assert(
      fc.property(pair, ([one, other]) => {
        const a = play(one, () => undefined)
        const b = play(other, () => undefined)
        const merged = worse(a.window.breaker, b.window.breaker)
        expect(worse(b.window.breaker, a.window.breaker)).toEqual(merged)
        expect(worse(merged, merged)).toEqual(merged)
        expect(merged.parkedUntil).toBe(Math.max(a.window.breaker.parkedUntil, b.window.breaker.parkedUntil))
      }),
      { numRuns: 300, seed: 4 },
    )
  })
})

describe('what isolates have gathered', () => {
  type Event = { readonly kind: number; readonly ms: number; readonly value: number }
  const events = fc.array(
    fc.record<Event>({
      kind: fc.integer({ min: 0, max: 3 }),
      ms: fc.integer({ min: 0, max: 400 }),
      value: fc.integer({ min: 1, max: 90_000 }),
    }),
    { maxLength: 40 },
  )
  const gather = (list: readonly Event[], windows: readonly HealthWindow[] = []): Gathering => {
    const gathering = new Gathering()
    let now = AT - 20_000
    for (const { kind, ms, value } of list) {
      now += ms
      gathering.begin(value, false)
      for (const window of windows) window.begin(value, now)
      if (kind === 0) {
        gathering.ill(now)
        for (const window of windows) window.ill(now, MIDDLE)
      } else {
        gathering.good(value, now)
        for (const window of windows) window.good(value, now)
      }
      if (kind === 2) {
        gathering.cut(now, 1)
        for (const window of windows) window.cut(now, MIDDLE, 1)
      }
      if (kind === 3) {
        gathering.ended(value, value)
        for (const window of windows) window.ended(value, value, now)
      }
    }
    return gathering
  }
  const counts = (window: HealthWindow): unknown => {
    const { seconds, minutes, fives, hours } = window.save(AT)
    const sorted = (list: readonly (readonly [number, ...unknown[]])[]): unknown =>
      list
        .map((one) =>
          JSON.stringify(one, (_, value: unknown) =>
            Array.isArray(value) && Array.isArray(value[0])
              ? [...(value as readonly (readonly number[])[])].sort(([a = 0], [b = 0]) => a - b)
              : value,
          ),
        )
        .sort()
    return [seconds, minutes, fives, hours].map((list) => sorted(list))
  }

  it('adds up to the same in any order', () => {
    fc.assert(
      fc.property(events, events, events, (a, b, c) => {
        const absorbed = (lists: readonly (readonly Event[])[]): unknown => {
          const window = new HealthWindow(true)
          for (const list of lists) window.absorb(gather(list).take(AT), 'a', AT, MIDDLE)
          return counts(window)
        }
        expect(absorbed([c, a, b])).toEqual(absorbed([a, b, c]))
        expect(absorbed([b, a, c])).toEqual(absorbed([a, b, c]))
      }),
      { numRuns: 200, seed: 5 },
    )
  })

  it('counts in the object as it does in the isolate, also when it had to be put back once', () => {
    fc.assert(
      fc.property(events, (list) => {
        const own = new HealthWindow()
        const gathering = gather(list, [own])
        gathering.putBack(gathering.take(AT - 1000), AT - 1000)
        const there = new HealthWindow()
        there.absorb(gathering.take(AT), 'a', AT, MIDDLE)
        expect(there.recent(AT)).toEqual(own.recent(AT))
        expect(there.breaker.streak).toBe(own.breaker.streak)
      }),
      { numRuns: 200, seed: 6 },
    )
  })

  it('comes back from storage as it was', () => {
    fc.assert(
      fc.property(events, (list) => {
        const window = new HealthWindow(true)
        window.absorb(gather(list).take(AT), 'a', AT, MIDDLE)
        const again = new HealthWindow(true)
        again.restore(structuredClone(window.save(AT)), AT)
        expect(counts(again)).toEqual(counts(window))
        expect(again.breaker).toEqual(window.breaker)
      }),
      { numRuns: 100, seed: 7 },
    )
  })
})
