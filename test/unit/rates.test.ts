import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { RateWindow } from '../../src/core/rate-window.ts'
import { NO_LIMITS, Rates, type RateLimits } from '../../src/core/rates.ts'

const NOW = Date.UTC(2026, 10, 21, 12)
const limits = (some: Partial<RateLimits>): RateLimits => ({ ...NO_LIMITS, ...some })

describe('a sliding window', () => {
  it('never lets more than the limit into any span, and not for ever less', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 4000 }), { maxLength: 200 }), fc.integer({ min: 1, max: 12 }), (gaps, limit) => {
        const window = new RateWindow(60_000, 1000)
        const admitted: number[] = []
        let now = NOW
        for (const gap of gaps) {
          now += gap
          if (window.waitMs(1, limit, now) > 0) continue
          window.add(1, now)
          admitted.push(now)
        }
        for (const at of admitted) expect(admitted.filter((other) => other > at - 60_000 && other <= at).length).toBeLessThanOrEqual(limit)
        expect(window.waitMs(1, limit, now + 61_000)).toBe(0)
      }),
    )
  })

  it('says how long to wait, and waiting that long is enough', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(3000), fc.integer({ min: 1, max: 50 })), { minLength: 1, maxLength: 50 }),
        fc.integer({ min: 1, max: 60 }),
        (steps, count) => {
          const window = new RateWindow(60_000, 1000)
          let now = NOW
          for (const [gap, amount] of steps) window.add(amount, (now += gap))
          const wait = window.waitMs(count, 60, now)
          expect(wait).toBeLessThanOrEqual(61_000)
          if (wait > 0) expect(window.waitMs(count, 60, now + wait - 1)).toBeGreaterThan(0)
          expect(window.waitMs(count, 60, now + wait)).toBe(0)
        },
      ),
    )
  })

  it('is the same after a restart', () => {
    const window = new RateWindow(60_000, 1000)
    for (const at of [0, 500, 2000, 59_000]) window.add(3, NOW + at)
    const again = new RateWindow(60_000, 1000)
    again.restore(structuredClone(window.snapshot()))
    for (const later of [59_000, 61_000, 62_000, 63_000, 120_000]) expect(again.used(NOW + later)).toBe(window.used(NOW + later))
  })

  it('takes back what was counted, but not what has left', () => {
    const window = new RateWindow(60_000, 1000)
    window.add(10, NOW)
    window.add(-7, NOW)
    expect(window.used(NOW)).toBe(3)
    expect(window.used(NOW + 61_000)).toBe(0)
    window.add(-3, NOW)
    expect(window.used(NOW + 61_000)).toBe(0)
  })
})

describe('the limits of a key', () => {
  it('count requests and tokens apart, and tell the longest wait', () => {
    const rates = new Rates()
    const some = limits({ requestsPerMinute: 2, tokensPerMinute: 100, requestsPerDay: 50 })
    rates.count(some, 1, 90, NOW)
    expect(rates.wait(some, 10, 0, NOW)).toBeNull()
    expect(rates.wait(some, 11, 0, NOW)).toMatchObject({ what: 'tokens a minute', limit: 100 })
    rates.count(some, 1, 10, NOW + 30_000)
    expect(rates.wait(some, 50, 0, NOW + 30_000)).toMatchObject({ waitMs: 31_000 })
    expect(rates.view(some, NOW + 30_000)).toEqual({
      requests: { limit: 2, remaining: 0, resetMs: 61_000 },
      tokens: { limit: 100, remaining: 0, resetMs: 61_000 },
    })
  })

  it('let what is larger than the limit go alone', () => {
    const rates = new Rates()
    const some = limits({ tokensPerMinute: 100 })
    expect(rates.wait(some, 5000, 0, NOW)).toBeNull()
    rates.count(some, 1, 5000, NOW)
    expect(rates.wait(some, 1, 0, NOW)).not.toBeNull()
  })

  it('bound requests at once', () => {
    const rates = new Rates()
    const some = limits({ parallelRequests: 3 })
    expect(rates.wait(some, 1, 2, NOW)).toBeNull()
    expect(rates.wait(some, 1, 3, NOW)).toMatchObject({ what: 'requests at once', limit: 3 })
    expect(rates.view(some, NOW)).toBeUndefined()
  })

  it('tell the tighter one of minute and day', () => {
    const rates = new Rates()
    const some = limits({ requestsPerMinute: 10, requestsPerDay: 12 })
    for (let i = 0; i < 10; i++) rates.count(some, 1, 0, NOW - 3_600_000)
    expect(rates.view(some, NOW)?.requests).toMatchObject({ limit: 12, remaining: 2 })
  })
})
