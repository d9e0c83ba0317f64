// What a usage costs is the sum of its kinds, each at its own rate, in whole nano-dollars: no kind is lost, charged twice, or charged as another.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { costNanoUsd, inputTokens, outputTokens, type Price, type Rates } from '../../src/core/price.ts'
import { usageOf } from '../../src/core/usage.ts'

const KINDS = [
  'input',
  'cacheRead',
  'cacheWrite5m',
  'cacheWrite1h',
  'inputAudio',
  'inputImage',
  'output',
  'outputAudio',
  'outputImage',
] as const
type Counts = { readonly [kind in (typeof KINDS)[number]]: number }

const counts: fc.Arbitrary<Counts> = fc.record(
  Object.fromEntries(KINDS.map((kind) => [kind, fc.nat(2_000_000)])) as { [kind in keyof Counts]: fc.Arbitrary<number> },
)
/** A thousand pico-dollars make a nano-dollar: at such rates nothing is rounded. */
const rates: fc.Arbitrary<Rates> = fc.record(
  Object.fromEntries(KINDS.map((kind) => [kind, fc.nat(400).map((n) => n * 1000)])) as { [kind in keyof Counts]: fc.Arbitrary<number> },
)

describe('the cost of a usage', () => {
  it('is the sum of its kinds at their own rates; thoughts are a part of the output and cost nothing beside it', () => {
    fc.assert(
      fc.property(counts, rates, fc.nat(1000), (count, rate, reasoning) => {
        const price: Price = { ...rate, source: 't' }
        const sum = KINDS.reduce((all, kind) => all + (count[kind] * (rate[kind] ?? 0)) / 1000, 0)
        const usage = usageOf({ ...count, reasoning: Math.min(reasoning, count.output) })
        expect(costNanoUsd(usage, price)).toBe(sum)
        expect(KINDS.reduce((all, kind) => all + (costNanoUsd(usageOf({ [kind]: count[kind] }), price) ?? 0), 0)).toBe(sum)
        expect(inputTokens(usage) + outputTokens(usage)).toBe(KINDS.reduce((all, kind) => all + count[kind], 0))
      }),
    )
  })

  it('is that of the tier which all its input reaches, for all of it', () => {
    fc.assert(
      fc.property(counts, rates, rates, fc.nat(4_000_000), (count, rate, above, aboveInputTokens) => {
        const usage = usageOf(count)
        const price: Price = { ...rate, source: 't', tiers: [{ ...above, aboveInputTokens }] }
        const paid = inputTokens(usage) > aboveInputTokens ? above : rate
        expect(costNanoUsd(usage, price)).toBe(costNanoUsd(usage, { ...paid, source: 't' }))
      }),
    )
  })

  it('is no less than what it comes to, and less than a nano-dollar more', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.nat(999_999), (input, rate) => {
        const cost = costNanoUsd(usageOf({ input }), { input: rate, output: 0, source: 't' }) ?? -1
        expect(cost * 1000).toBeGreaterThanOrEqual(input * rate)
        expect(cost * 1000).toBeLessThan(input * rate + 1000)
      }),
    )
  })
})
