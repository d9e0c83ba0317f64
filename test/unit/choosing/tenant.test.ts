import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Chosen } from '../../../src/core/account.ts'
import { answeredBy } from '../../../src/gateway/planning/chosen.ts'
import { FAILURE_WEIGHTS, resultOf } from '../../../src/routing/choosing/port.ts'
import { absorbed, LATELY, NEW_TENANT, readTenant, saveTenant, withDecisions, type Gathered } from '../../../src/routing/choosing/tenant.ts'

const gathered: fc.Arbitrary<Gathered> = fc.record({
  scores: fc.array(fc.tuple(fc.nat(63), fc.integer({ min: 1, max: 50 })), { maxLength: 20 }),
  decisions: fc.nat(500),
  expensive: fc.nat(500),
  outcomes: fc.array(
    fc.record({
      task: fc.constantFrom('math' as const, 'law' as const),
      model: fc.constantFrom('a/b', 'c/d'),
      good: fc.constantFrom(0, 1),
      bad: fc.constantFrom(0, 1),
      prior: fc.constant({ value: 0.8, error: 0.05 }),
      led: fc.boolean(),
    }),
    { maxLength: 60 },
  ),
})

describe('what is kept of a tenant', () => {
  it('counts no more than the last decisions, whatever is told', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(1000), fc.nat(1000)), { maxLength: 30 }), (told) => {
        const lately = told.reduce((before, [decisions, expensive]) => withDecisions(before, decisions, expensive), NEW_TENANT.lately)
        expect(lately.decisions).toBeLessThanOrEqual(LATELY + 1e-9)
        expect(lately.expensive).toBeGreaterThanOrEqual(0)
        expect(lately.expensive).toBeLessThanOrEqual(lately.decisions + 1e-9)
      }),
    )
  })

  it('forgets expensive decisions as cheap ones follow', () => {
    let lately = withDecisions(NEW_TENANT.lately, LATELY, LATELY)
    for (let i = 0; i < 3 * LATELY; i++) lately = withDecisions(lately, 1, 0)
    expect(lately.decisions).toBeCloseTo(LATELY)
    expect(lately.expensive / lately.decisions).toBeLessThan(0.06)
  })

  it('comes back from storage as it was, and goes on alike', () => {
    fc.assert(
      fc.property(gathered, gathered, (first, second) => {
        const kept = absorbed(NEW_TENANT, first)
        const read = readTenant(saveTenant(kept))
        expect(saveTenant(read)).toEqual(saveTenant(kept))
        expect([...absorbed(read, second).active]).toEqual([...absorbed(kept, second).active])
      }),
    )
  })
})

describe('what an answer says of a model', () => {
  const chosen: Chosen = { task: 'math', score: 0.5, model: 'anthropic/x', prior: { value: 0.8, error: 0.1 }, led: true, propensity: 1, explored: false, expensive: true } // prettier-ignore

  it('is of whoever answered; the promise is only of whoever was chosen', () => {
    const by = (model: string): Chosen => answeredBy(chosen, { entry: null, provider: { id: 'anthropic' }, model })
    expect(by('x')).toEqual(chosen)
    expect(by('y')).toEqual({ ...chosen, model: 'anthropic/y', prior: null, led: false })
  })

  it('is nothing where the task is not known', () => {
    expect(resultOf(chosen, -1)).toEqual({ task: 'math', model: 'anthropic/x', weight: -1, instead: 0, prior: chosen.prior, led: true })
    for (const task of [null, 'gone', 'constructor']) expect(resultOf({ ...chosen, task }, 1)).toBeNull()
  })

  it('weighs what was broken more than what was cut short', () => {
    expect(Object.values(FAILURE_WEIGHTS).every((weight) => weight < 0 && weight >= -1)).toBe(true)
    expect(FAILURE_WEIGHTS.schema).toBeLessThan(FAILURE_WEIGHTS.truncated)
  })
})
