// Leased keys: whatever is late, lost, repeated or crashes, no budget and no limit is passed and each request is booked once.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Admission, Hold, Settlement } from '../../src/core/account.ts'
import { Book } from '../../src/core/book.ts'
import { expiredRow } from '../../src/core/expired-row.ts'
import type { Policy } from '../../src/core/policy.ts'
import { NO_LIMITS } from '../../src/core/rates.ts'
import type { Slice } from '../../src/core/slices.ts'
import { SliceUse } from '../../src/core/slice-use.ts'
import { usageOf } from '../../src/core/usage.ts'
import { asking, HOLD_MS, LeasedWorld, leasedPolicy, START } from '../support/leased-world.ts'

type Step =
  | { readonly do: 'ask'; readonly pick: number; readonly times: number; readonly output: number; readonly prompt: boolean }
  | { readonly do: 'deliver'; readonly pick: number; readonly fate: 'whole' | 'lost' | 'answer-lost' }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'finish'; readonly pick: number; readonly times: number; readonly part: number; readonly sent: boolean }
  | { readonly do: 'tell' | 'give-back' | 'give-all-back' | 'renew' | 'write' | 'crash-object' | 'crash-isolate'; readonly pick: number }

const pick = fc.nat(1000)
const usual: fc.WeightedArbitrary<Step>[] = [
  // Many at once, answered promptly or not: slices are lent, used up, and what is left runs out.
  { weight: 14, arbitrary: fc.record({ do: fc.constant('ask' as const), pick, times: fc.integer({ min: 1, max: 60 }), output: fc.constantFrom(1, 7, 20), prompt: fc.boolean() }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('deliver' as const), pick, fate: fc.constant('whole' as const) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.oneof(fc.nat(120), fc.nat(120), fc.nat(1200), fc.nat(30_000)) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('finish' as const), pick, times: fc.integer({ min: 1, max: 20 }), part: fc.nat(100), sent: fc.boolean() }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constantFrom('tell' as const, 'tell' as const, 'give-back' as const, 'give-all-back' as const, 'renew' as const, 'write' as const), pick }) },
] // prettier-ignore
const bad: fc.WeightedArbitrary<Step>[] = [
  { weight: 2, arbitrary: fc.record({ do: fc.constant('deliver' as const), pick, fate: fc.constantFrom('lost' as const, 'answer-lost' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('crash-object' as const, 'crash-isolate' as const), pick }) },
] // prettier-ignore

function take(world: LeasedWorld, step: Step): void {
  if (step.do === 'ask') for (let i = 0; i < step.times; i++) world.ask(step.pick, step.output, step.prompt)
  else if (step.do === 'deliver') for (let i = 0; i < 4; i++) world.deliver(step.pick, step.fate)
  else if (step.do === 'wait') world.now += step.ms
  else if (step.do === 'finish') for (let i = 0; i < step.times; i++) world.finish(step.pick, step.part, step.sent)
  else if (step.do === 'tell') world.tell(step.pick)
  else if (step.do === 'renew') world.renew(step.pick)
  else if (step.do === 'write') world.object.write(world.now)
  else if (step.do === 'crash-object') world.object.crash(world.now)
  else if (step.do === 'crash-isolate') world.crashIsolate(step.pick)
  else world.giveBack(step.pick, step.do === 'give-all-back')
}

const limited: Policy = {
  ...leasedPolicy,
  limitNanoUsd: null,
  limits: { ...NO_LIMITS, requestsPerMinute: 300, tokensPerMinute: 3000, parallelRequests: 60 },
}
const skews = fc.array(fc.integer({ min: -5000, max: 5000 }), { minLength: 1, maxLength: 3 })
const steps = (of: fc.WeightedArbitrary<Step>[]): fc.Arbitrary<Step[]> => fc.array(fc.oneof(...of), { minLength: 10, maxLength: 80 })

describe('a leased key', () => {
  it('never passes its budget, books each request once and holds nothing in the end, with losses and crashes', { timeout: 60_000 }, () => {
    let locally = 0
    fc.assert(
      fc.property(steps([...usual, ...bad]), skews, fc.integer({ min: 100, max: 8000 }), (list, clocks, limitNanoUsd) => {
        const world = new LeasedWorld({ ...leasedPolicy, limitNanoUsd }, clocks)
        for (const step of list) {
          take(world, step)
          if (world.committedNanoUsd > limitNanoUsd)
            expect.fail(`${world.committedNanoUsd} of ${limitNanoUsd} after ${JSON.stringify(step)}`)
        }
        world.calm()
        locally += world.locally
        const view = world.object.book.view(world.now)
        let booked = 0
        for (const { costNanoUsd } of world.object.ledger.values()) booked += costNanoUsd ?? 0
        expect([view?.heldNanoUsd, view?.running, view?.spentNanoUsd]).toEqual([0, 0, booked])
        expect(booked).toBeLessThanOrEqual(limitNanoUsd)
        expect(booked).toBeGreaterThanOrEqual(world.ended.reduce((sum, { nanoUsd }) => sum + nanoUsd, 0))
        for (const { id, nanoUsd } of world.ended) expect([id, world.object.ledger.get(id)?.costNanoUsd]).toEqual([id, nanoUsd])
      }),
      { numRuns: 400 },
    )
    expect(locally).toBeGreaterThan(1000)
  })

  it('books what was spent to the nano-dollar when nothing is lost, however late it comes', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(steps(usual), skews, fc.integer({ min: 100, max: 8000 }), (list, clocks, limitNanoUsd) => {
        const world = new LeasedWorld({ ...leasedPolicy, limitNanoUsd }, clocks)
        for (const step of list) {
          take(world, step)
          if (world.committedNanoUsd > limitNanoUsd)
            expect.fail(`${world.committedNanoUsd} of ${limitNanoUsd} after ${JSON.stringify(step)}`)
        }
        world.calm()
        expect(world.object.book.view(world.now)).toMatchObject({ spentNanoUsd: world.committedNanoUsd, heldNanoUsd: 0, running: 0 })
        expect([...world.object.ledger.keys()].filter((id) => !world.requests.has(id))).toEqual([])
      }),
      { numRuns: 300 },
    )
  })

  it('never passes its rate limits, in any minute, with losses and crashes', { timeout: 60_000 }, () => {
    let locally = 0
    fc.assert(
      fc.property(steps([...usual, ...bad]), skews, (list, clocks) => {
        const world = new LeasedWorld(limited, clocks)
        for (const step of list) {
          take(world, step)
          const { requests, tokens } = world.lastMinute
          if (requests > 300 || tokens > 3000 || world.running > 60) expect.fail(`${requests}, ${tokens}, ${world.running}`)
        }
        locally += world.locally
      }),
      { numRuns: 400 },
    )
    expect(locally).toBeGreaterThan(1000)
  })
})

/** An object and an isolate, with nothing between them. */
function lending(
  change: Partial<Policy> = {},
  at = START,
): {
  readonly book: Book
  readonly use: SliceUse
  readonly slice: Slice
  readonly id: string
} {
  const book = new Book({ holdMs: HOLD_MS, defaultCeiling: 1000 })
  book.hydrate({ ...leasedPolicy, ...change })
  const use = new SliceUse(at)
  const ask = asking('first', 10)
  const wish = use.wish(ask, 'slice-1', at)
  book.admit(ask, at)
  const slice = book.lend(wish, 'first', at)
  if (wish === null || slice == null) throw new Error('Nothing was lent.')
  use.take(wish, slice, at)
  return { book, use, slice, id: wish.id }
}
const holdOf = (admission: Admission | null): Hold => {
  if (admission?.kind !== 'granted') throw new Error('It was not granted.')
  return admission.hold
}
const settled = (hold: Hold, costNanoUsd: number): Settlement => ({
  hold,
  row: { ...expiredRow('k1', hold, START), costNanoUsd, usage: { ...usageOf({}), output: costNanoUsd }, usageFrom: 'provider', ended: 'complete' },
  answer: null,
}) // prettier-ignore

describe('a slice', () => {
  it('is a bounded part of what is left, and none where that is little', () => {
    expect(lending().slice).toMatchObject({ nanoUsd: 320, requests: 32, tokens: 320, parallel: null, lifeMs: 900 })
    expect(lending({ limitNanoUsd: 10 + 16 * 40 }).slice).toMatchObject({ nanoUsd: 40 })
    expect(() => lending({ limitNanoUsd: 10 + 16 * 39 })).toThrow('Nothing was lent.')
    expect(lending({ limits: { ...NO_LIMITS, requestsPerMinute: 81, parallelRequests: 9 } }).slice).toMatchObject({
      requests: 5,
      parallel: 2,
    })
    expect(() => lending({ limits: { ...NO_LIMITS, parallelRequests: 4 } })).toThrow('Nothing was lent.')
    expect(() => lending({ scopes: ['team:blue'] })).toThrow('Nothing was lent.')
    expect(() => lending({ leased: false })).toThrow('Nothing was lent.')
  })

  it('does not reach beyond the end of its period, of the key, or of an older secret', () => {
    expect(lending({ expiresAt: START + 100 }).slice.lifeMs).toBe(100)
    expect(lending({ limitReset: '1s', createdAt: START - 600 }).slice.lifeMs).toBe(400)
    const secrets = [...leasedPolicy.secrets, { hash: 'old', until: START + 50 }, { hash: 'older', until: START - 50 }]
    expect(lending({ secrets }).slice.lifeMs).toBe(50)
  })

  it('is used up to its last nano-dollar and its last moment, never beyond', () => {
    const { use } = lending()
    for (let i = 0; i < 32; i++)
      expect(use.admit(asking(`r${i}`, 10), START + 899)).toMatchObject({ kind: 'granted', hold: { nanoUsd: 10 } })
    expect(use.admit(asking('more', 1), START + 899)).toBeNull()
    expect(use.ends(START + 899, false)).toMatchObject([{ id: 'slice-1' }]) // it is spent: another may be asked for
    const other = lending().use
    expect(other.admit(asking('r', 321), START)).toBeNull()
    expect(other.ends(START, false)).toEqual([])
    expect(other.admit(asking('r', 320), START)).toMatchObject({ kind: 'granted' })
    expect(lending().use.admit(asking('r', 1), START + 900)).toBeNull()
    expect(lending().use.admit(asking('r', 1), START - 1)).toBeNull() // the clock was set back
  })

  it('lets so many run at once, and another when one is over', () => {
    const { use } = lending({ limits: { ...NO_LIMITS, parallelRequests: 9 } })
    const first = holdOf(use.admit(asking('a', 1), START))
    expect(use.admit(asking('b', 1), START)).toMatchObject({ kind: 'granted' })
    expect(use.admit(asking('c', 1), START)).toBeNull()
    use.over(settled(first, 1))
    expect(use.admit(asking('c', 1), START)).toMatchObject({ kind: 'granted' })
  })

  it('is asked for by one request of those that ask at once, where the key is busy', () => {
    const use = new SliceUse(START)
    expect(use.wish(asking('a', 1), 's1', START + 5000)).toBeNull()
    expect(use.wish(asking('b', 1, { idempotency: { key: 'k', fingerprint: 'f' } }), 's2', START + 5001)).toBeNull()
    const wish = use.wish(asking('c', 1), 's3', START + 5002)
    expect(wish).toMatchObject({ id: 's3' })
    expect(use.wish(asking('d', 1), 's4', START + 5003)).toBeNull()
    if (wish !== null) use.giveUp(wish)
    expect(use.ends(START + 5004, false)).toEqual([{ id: 's3', holds: [] }])
    expect(use.wish(asking('e', 1), 's5', START + 5005)).toMatchObject({ id: 's5' })
  })

  it('gives back what was not used when it ends, and holds what still runs by its name', () => {
    const { book, use } = lending()
    const [over, running] = [holdOf(use.admit(asking('a', 50), START)), holdOf(use.admit(asking('b', 60), START))]
    expect(book.view(START)).toMatchObject({ heldNanoUsd: 10 + 320, running: 1 })
    book.settle(settled(over, 5), START + 10)
    use.settled(settled(over, 5))
    expect(book.view(START)).toMatchObject({ spentNanoUsd: 5, heldNanoUsd: 10 + 320 - 50 })
    const ends = use.ends(START + 900, false)
    expect(ends).toEqual([{ id: 'slice-1', holds: [running] }])
    expect([use.ends(START + 900, false), use.ends(START + 900, true)]).toEqual([[], ends]) // it is being told
    for (const end of [...ends, ...ends]) expect(book.endSlice(end, START + 901)).toEqual([])
    expect(book.view(START)).toMatchObject({ spentNanoUsd: 5, heldNanoUsd: 10 + 60, running: 2 })
    for (let i = 0; i < 2; i++) book.settle(settled(running, 7), START + 2000)
    expect(book.view(START)).toMatchObject({ spentNanoUsd: 12, heldNanoUsd: 10, running: 1 })
    expect(book.expire(START + HOLD_MS)).toHaveLength(1) // of the request that was admitted exactly
  })

  it('that ends after its requests were settled, or before, is the same', () => {
    for (const order of ['settle first', 'end first'] as const) {
      const { book, use } = lending()
      const hold = holdOf(use.admit(asking('a', 50), START))
      const [end] = use.ends(START + 1, true)
      if (end === undefined) throw new Error('It did not end.')
      const steps = [() => book.settle(settled(hold, 20), START + 2), () => book.endSlice(end, START + 2)]
      const rows = (order === 'settle first' ? steps : steps.toReversed()).flatMap((step) => step())
      expect(rows).toMatchObject([{ row: { id: 'a', costNanoUsd: 20 }, corrects: false }])
      expect(book.view(START + 3)).toMatchObject({ spentNanoUsd: 20, heldNanoUsd: 10, running: 1 })
    }
  })

  it('that ended before it was lent is not lent', () => {
    const book = new Book({ holdMs: HOLD_MS, defaultCeiling: 1000 })
    book.hydrate(leasedPolicy)
    book.endSlice({ id: 'late', holds: [] }, START)
    book.admit(asking('a', 10), START)
    expect(book.lend({ id: 'late', nanoUsd: 0, requests: 0, tokens: 0 }, 'a', START + 1)).toBeNull()
    expect(book.view(START + 1)).toMatchObject({ heldNanoUsd: 10 })
  })

  it('whose isolate is gone is booked in one row when it expires, and what turns up later is taken out of that', () => {
    const { book, use } = lending()
    const [told, late, renewed] = ['a', 'b', 'c'].map((id) => holdOf(use.admit(asking(id, 50), START))) as [Hold, Hold, Hold]
    book.settle(settled(told, 20), START + 10)
    expect(book.renew(renewed, START + 20)).toBe(true)
    book.settle(
      settled({ requestId: 'first', period: 'ever', nanoUsd: 10, takenAt: START, expiresAt: START + HOLD_MS, budgeted: true }, 10),
      START + 30,
    )
    const rows = book.expire(START + HOLD_MS)
    expect(rows).toMatchObject([{ row: { id: 'slice-1', ended: 'unattributed', costNanoUsd: 220 }, corrects: false }])
    expect(book.view(START + HOLD_MS)).toMatchObject({ spentNanoUsd: 20 + 10 + 220, heldNanoUsd: 50, running: 1 })
    expect(book.settle(settled(late, 30), START + HOLD_MS + 1)).toMatchObject([
      { row: { id: 'b', costNanoUsd: 30 }, corrects: false },
      { row: { id: 'slice-1', costNanoUsd: 170 }, corrects: true },
    ])
    expect(book.settle(settled(late, 30), START + HOLD_MS + 2)).toEqual([])
    expect(book.view(START + HOLD_MS)).toMatchObject({ spentNanoUsd: 20 + 10 + 30 + 170, heldNanoUsd: 50 })
    const [end] = use.ends(START + HOLD_MS, false)
    expect(end === undefined ? [] : book.endSlice(end, START + HOLD_MS + 3)).toMatchObject([
      { row: { id: 'slice-1', costNanoUsd: 0 }, corrects: true },
    ])
    expect(book.view(START + HOLD_MS)).toMatchObject({ spentNanoUsd: 20 + 10 + 30, heldNanoUsd: 50, running: 1 })
  })

  it('survives a restart, and a request is not settled twice for it', () => {
    const { book, use } = lending()
    const hold = holdOf(use.admit(asking('a', 50), START))
    const again = new Book({ holdMs: HOLD_MS, defaultCeiling: 1000 })
    again.hydrate(leasedPolicy)
    again.restore(structuredClone(book.snapshot(START)))
    expect([book.knows(hold), again.knows(hold)]).toEqual([true, false]) // the ledger is asked
    expect(again.view(START)).toMatchObject({ heldNanoUsd: 10 + 320 })
    expect(again.settle(settled(hold, 20), START)).toHaveLength(1)
    expect(again.settle(settled(hold, 20), START)).toEqual([])
    expect(again.view(START)).toMatchObject({ spentNanoUsd: 20, heldNanoUsd: 10 + 270 })
  })

  it('counts against the rate limits until a minute after its last moment, what ran of it only', () => {
    const start = START + 500 // amid a bucket of the windows
    const limits = { ...NO_LIMITS, requestsPerMinute: 97, tokensPerMinute: 10_000 }
    const { book, use, slice } = lending({ limits }, start)
    expect(slice).toMatchObject({ requests: 6, rates: { requests: { limit: 97, remaining: 90 } } })
    const left = (now: number): number | undefined => {
      const admission = book.admit(asking(`look-${now}`, 1), now)
      const { rates } = admission.kind === 'granted' ? admission : {}
      if (admission.kind === 'granted') book.settle({ hold: admission.hold, row: null, answer: null }, now)
      return rates?.requests?.remaining
    }
    const last = start + 899
    expect(use.admit(asking('a', 10), last)).toMatchObject({ rates: { requests: { remaining: 95 }, tokens: { remaining: 9980 } } })
    for (const end of use.ends(start + 900, false)) book.endSlice(end, start + 900)
    expect(left(start + 950)).toBe(97 - 3)
    expect(left(last + 60_000)).toBeLessThan(97 - 1) // it is within the last minute
    expect(left(start + 63_000)).toBe(97 - 1)
  })
})
