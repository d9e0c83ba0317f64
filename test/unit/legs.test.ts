// A call that timed out may be billed all the same: what it may cost stays reserved, and the next target is called only beside it.

import { describe, expect, it } from 'vitest'
import type { Extension, Hold } from '../../src/core/account.ts'
import { booked, type Bill } from '../../src/core/bill.ts'
import { GatewayError } from '../../src/core/errors.ts'
import { usageOf } from '../../src/core/usage.ts'
import { billOf } from '../../src/gateway/book.ts'
import type { Candidate } from '../../src/gateway/planning/candidate.ts'
import type { Job } from '../../src/gateway/job.ts'
import { Legs, type Call } from '../../src/gateway/trying/legs.ts'
import type { Account } from '../../src/ports.ts'
import { PROVIDERS } from '../../src/providers/index.ts'

const HOLD: Hold = { requestId: 'a', period: 'ever', nanoUsd: 1000, takenAt: 0, expiresAt: 9e12, budgeted: true }
const job = { intent: { model: 'm' }, client: { id: 'openai-chat' }, body: { byteLength: 30 } } as unknown as Job
const candidate = (id: string): Candidate => ({
  provider: PROVIDERS.find((one) => one.id === id) as Candidate['provider'],
  settings: {} as Candidate['settings'],
  model: 'm',
  entry: { price: { input: 1000, output: 1000, source: 'test' }, priceVersion: 'v' } as unknown as Candidate['entry'],
})
const [first, second, third] = [candidate('groq'), candidate('cerebras'), candidate('together')]
const leg = { provider: 'p', model: 'm', outcome: 'upstream-timeout', status: null, ms: 1 } as const
const timeout = new GatewayError('upstream-timeout', 'slow')
const gone = new GatewayError('client-gone', 'Another target was faster.')
const refused = new GatewayError('upstream-failed', 'no', {
  upstream: { provider: 'p', status: 500, type: null, code: null, message: 'no' } as never,
})

function legs(
  hold: Hold = HOLD,
  grant: (extension: Extension) => number | null = () => null,
): { readonly legs: Legs; readonly asked: Extension[] } {
  const asked: Extension[] = []
  const account = {
    extend: (held: Hold, extension: Extension) => {
      asked.push(extension)
      const nanoUsd = grant(extension)
      return Promise.resolve(nanoUsd === null ? null : { ...held, nanoUsd })
    },
  } as unknown as Account
  const needs = new Map([first, second, third].map((one, i) => [one, [600, 400, 500][i] ?? 0] as const))
  return { legs: new Legs(job, account, hold, needs), asked }
}

/** One more call, which must fit. */
async function call(own: Legs, candidate: Candidate): Promise<Call> {
  const begun = await own.begin(candidate)
  if (begun === null) throw new Error('It does not fit.')
  return begun
}

describe('the legs of a request', () => {
  it('stay inside the hold: the next is called beside what the one before may be billed', async () => {
    const { legs: own, asked } = legs()
    own.failed(leg, await call(own, first), timeout)
    const two = await call(own, second) // 600 and 400 are all of it
    expect([own.owedBeside(two), own.all[0]?.costNanoUsd, asked]).toEqual([600, 600, []])
    own.failed(leg, two, timeout)
    expect(await own.begin(third)).toBeNull() // nothing more is granted
    expect(own.owedBeside(two)).toBe(600)
    expect(asked).toEqual([{ ranNanoUsd: 1000, leastNanoUsd: 1500, bestNanoUsd: 1500, beside: true }])
  })

  it('make the hold larger where there is money for it', async () => {
    const { legs: own } = legs(HOLD, ({ bestNanoUsd }) => bestNanoUsd)
    own.failed(leg, await call(own, first), timeout)
    own.failed(leg, await call(own, second), timeout)
    const three = await call(own, third)
    expect([own.hold.nanoUsd, own.owedBeside(three)]).toEqual([1500, 1000])
  })

  it('are reserved at their worst while two of them run, and the one that is ended for the other is booked', async () => {
    const { legs: own, asked } = legs()
    const one = await call(own, first)
    const two = await call(own, second)
    expect([own.owedBeside(two), own.owedBeside(one), asked]).toEqual([600, 400, []])
    expect(await own.begin(third)).toBeNull()
    own.failed(leg, one, gone, 'client-gone')
    expect(own.owedBeside(two)).toBe(600) // its provider does not say that leaving ends the bill
  })

  it('that were never sent leave no trace', async () => {
    const { legs: own } = legs()
    own.unsent(await call(own, first))
    const two = await call(own, second)
    expect([own.owedBeside(two), own.all]).toEqual([0, []])
  })

  it('cost nothing where a provider answered with an error', async () => {
    const { legs: own, asked } = legs()
    for (const one of [first, second, third]) own.failed(leg, await call(own, one), refused)
    expect([own.owedBeside(null), asked, own.all.map(({ costNanoUsd }) => costNanoUsd)]).toEqual([0, [], [undefined, undefined, undefined]])
  })

  it('are estimated, and held against nothing, where there is no budget', async () => {
    const { legs: own, asked } = legs({ ...HOLD, budgeted: false })
    own.failed(leg, await call(own, first), timeout)
    const three = await call(own, third)
    expect([own.owedBeside(three), asked]).toEqual([10, []]) // 30 bytes of prompt are 10 tokens
  })

  it('are booked beside the answer, never above the hold', async () => {
    const { legs: own } = legs()
    own.failed(leg, await call(own, first), timeout)
    const two = await call(own, second)
    const bill: Bill = billOf(job, own.hold, { candidate: second, owedNanoUsd: own.owedBeside(two) })
    const seen = { usage: usageOf({ input: 30, output: 20 }), finish: 'stop', contentLength: 9, unbilled: false }
    expect(booked(bill, { seen, ending: 'complete', unbilled: false })).toMatchObject({ costNanoUsd: 650, from: 'provider' })
    expect(booked(bill, { seen: null, ending: 'failed', unbilled: false }).costNanoUsd).toBe(1000)
    expect(booked(bill, { seen: null, ending: 'failed', unbilled: true }).costNanoUsd).toBe(600)
    expect(booked({ ...bill, owedNanoUsd: null }, { seen, ending: 'complete', unbilled: false }).costNanoUsd).toBeNull()
  })
})
