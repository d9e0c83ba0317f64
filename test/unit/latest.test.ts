// The median of the last few measurements.

import { describe, expect, it } from 'vitest'
import { Latest } from '../../src/core/latest.ts'
import { fastest } from '../../src/routing/strategies/fastest.ts'
import type { Option } from '../../src/routing/contract.ts'
import { UNKNOWN_HEALTH } from '../../src/routing/health.ts'

describe('the latest measurements', () => {
  it('say nothing before there are five, and nothing of what is older than five minutes', () => {
    const latest = new Latest()
    for (const value of [1, 2, 3, 4]) latest.add(value, 1000)
    expect(latest.median(1000)).toBeNull()
    latest.add(5, 2000)
    expect([latest.median(2000), latest.median(301_000), latest.median(301_001)]).toEqual([3, 3, null])
  })

  it('follow a change within five calls, however many there were before', () => {
    const latest = new Latest()
    for (let i = 0; i < 1000; i++) latest.add(10, i)
    for (let i = 0; i < 4; i++) latest.add(900, 1000 + i)
    expect(latest.median(1004)).toBe(10)
    latest.add(900, 1005)
    expect(latest.median(1005)).toBe(900)
  })

  it('come before the five minutes in the choice of the fastest, but not where a percentile is named', () => {
    const speeds = { p50: 100, p75: 100, p90: 100, p99: 100 }
    const option = (id: string, latest: number | null, five: number): Option => ({
      id,
      model: id,
      weight: 1,
      priority: 0,
      price: null,
      rpm: null,
      tpm: null,
      cached: null,
      health: { ...UNKNOWN_HEALTH, tokensPerSecond: { ...speeds, p50: five }, latest: { firstContentMs: null, tokensPerSecond: latest } },
    })
    const options = [option('slowed', 5, 200), option('steady', 90, 100)]
    const view = { now: 0, random: () => 0.5, conversation: null, key: 'k', user: null, promptTokens: 1, outputTokens: 1, choosing: null }
    const first = (settings: Parameters<typeof fastest.order>[2]): string | undefined =>
      fastest.order(options, view, settings)[0]?.option.id
    expect([first({ measure: 'throughput' }), first({ measure: 'throughput', percentile: 50 })]).toEqual(['steady', 'slowed'])
  })
})
