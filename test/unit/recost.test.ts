import { describe, expect, it } from 'vitest'
import type { Row } from '../../src/core/account.ts'
import type { Price } from '../../src/core/price.ts'
import { addRecost, noRecost, recosted } from '../../src/core/recost.ts'
import { usageOf } from '../../src/core/usage.ts'

const price: Price = {
  input: 1000,
  output: 2000,
  cacheWrite5m: 1250,
  cacheWrite1h: 2000,
  cacheRead: 100,
  tiers: [{ aboveInputTokens: 100, input: 3000, output: 4000 }],
  services: { flex: { input: 500, output: 1000 } },
  source: 'test',
}
const row = (more: Partial<Row> = {}): Row =>
  ({
    usage: usageOf({ input: 10, output: 5 }),
    usageFrom: 'provider',
    costNanoUsd: 7,
    priceVersion: 'v',
    provider: 'openai',
    model: 'gpt-4o',
    attempts: [],
    ...more,
  }) as Row

describe('a row at other prices', () => {
  it('costs what its counts do: caches, long contexts, the tier that served it, what was billed aside', () => {
    expect(recosted(row(), price)).toBe(20)
    expect(recosted(row({ usage: usageOf({ input: 1, cacheRead: 10, cacheWrite5m: 4, cacheWrite1h: 2 }) }), price)).toBe(1 + 1 + 5 + 4)
    expect(recosted(row({ usage: usageOf({ input: 101, output: 1 }) }), price)).toBe(303 + 4)
    expect(recosted(row({ usage: usageOf({ input: 10, output: 5, service: 'flex' }) }), price)).toBe(10)
    expect(recosted(row({ usage: usageOf({ input: 10, aside: usageOf({ output: 3 }) }) }), price)).toBe(16)
    expect(recosted(row({ usage: usageOf({ input: 10, billed: usageOf({ input: 50 }) }) }), price)).toBe(50)
  })

  it('says why it has none, and is free where nothing was billed', () => {
    expect(recosted(row({ usageFrom: 'hold' }), price)).toBe('hold')
    expect(recosted(row({ usage: null }), price)).toBe('usage')
    expect(recosted(row(), null)).toBe('price')
    expect(recosted(row({ usage: usageOf({ input: 1, service: 'priority' }) }), price)).toBe('service')
    const pictures = { ...price, pictures: { '1x1': 5 }, perUnit: { images: 5 } }
    expect(recosted(row({ usage: usageOf({ units: { images: 1 } }) }), pictures)).toBe('pictures')
    expect(recosted(row(), pictures)).toBe(20)
    expect(recosted(row({ usageFrom: 'none', usage: null }), null)).toBe(0)
    expect(recosted(row({ priceVersion: 'free' }), price)).toBe(0)
  })

  it('has none where several models were paid for it: its counts are theirs together', () => {
    const leg = { provider: 'openai', model: 'gpt-4o', outcome: 'committed', costNanoUsd: 5, status: 200, ms: 1 } as const
    const unfit = { ...leg, model: 'gpt-4o-mini', outcome: 'unfit', costNanoUsd: 2 } as const
    expect(recosted(row({ attempts: [unfit, leg] }), price)).toBe('models')
    expect(recosted(row({ attempts: [leg, { ...unfit, costNanoUsd: 0 }] }), price)).toBe(20)
    expect(recosted(row({ attempts: [{ ...unfit, model: 'gpt-4o' }, leg] }), price)).toBe(20)
    expect(recosted(row({ attempts: [{ ...leg, costNanoUsd: null }] }), price)).toBe(20)
  })

  it('is compared only where both costs are known', () => {
    const sums = noRecost()
    for (const one of [
      row(),
      row({ costNanoUsd: null }),
      row({ usageFrom: 'hold', costNanoUsd: 90 }),
      row({ usage: null, costNanoUsd: null }),
    ])
      addRecost(sums, one, price)
    expect(sums).toEqual({
      requests: 4,
      compared: 1,
      bookedNanoUsd: 7,
      otherNanoUsd: 20,
      newlyPriced: 1,
      newlyPricedNanoUsd: 20,
      unpriced: { hold: 1, usage: 1, models: 0, price: 0, service: 0, pictures: 0 },
      unpricedBookedNanoUsd: 90,
    })
  })
})
