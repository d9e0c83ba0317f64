// What is booked when a client has left and somebody else has read its answer to the end.

import { describe, expect, it } from 'vitest'
import type { Row } from '../../src/core/account.ts'
import type { Bill } from '../../src/core/bill.ts'
import { isOpen, settledRow } from '../../src/core/estate.ts'
import { usageOf } from '../../src/core/usage.ts'
import { Witness } from '../../src/gateway/witness.ts'
import type { Language } from '../../src/ports.ts'

const HOLD = 5_000_000
const bill: Bill = {
  rates: { input: 590_000, output: 790_000, source: 'test' },
  hold: { requestId: 'gen-1', period: '', nanoUsd: HOLD, takenAt: 1000, expiresAt: 99_000, budgeted: true },
  stopsOnAbort: false,
  bodyBytes: 300,
  service: null,
}
const row: Row = {
  id: 'gen-1', keyId: 'k', period: '', createdAt: 1000, dialect: 'openai-chat', requestedModel: 'groq/m', provider: 'groq', model: 'm',
  streamed: true, usage: usageOf({ input: 100, output: 1 }), usageFrom: 'hold', costNanoUsd: HOLD, priceVersion: null, attempts: [], finish: null,
  ended: 'client-gone', errorCode: 'client-gone', firstEventMs: 5, totalMs: 10, traceId: null, parentSpan: null, session: null, endUser: null,
  tags: [], upstreamId: null, dropped: [], fidelity: null,
} // prettier-ignore
const LANGUAGE: Language = { dialect: 'openai-chat', framing: undefined, stream: true, choices: 1, emptyIsFree: false }
const encoder = new TextEncoder()

const chunk = (rest: object): string => `data: ${JSON.stringify({ id: 'c-1', object: 'chat.completion.chunk', ...rest })}\n\n`
const CONTENT = chunk({ choices: [{ index: 0, delta: { content: 'Hello' }, finish_reason: null }] })
const FINISH = chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
const USAGE = chunk({ choices: [], usage: { prompt_tokens: 20, completion_tokens: 40 } })
const EXACT = 20 * 590 + 40 * 790

/** Reads a text in pieces of seven bytes. `ends`: the provider has ended it. */
function read(text: string, ends = true, language: Partial<Language> = {}, status = 200): Witness {
  const stream = language.stream ?? true
  const headers = new Headers({ 'content-type': stream && status === 200 ? 'text/event-stream' : 'application/json' })
  const witness = new Witness({ ...LANGUAGE, ...language }, { status, headers })
  const bytes = encoder.encode(text)
  for (let at = 0; at < bytes.length; at += 7) witness.take(bytes.subarray(at, at + 7))
  if (ends) witness.end()
  return witness
}
const settled = (witness: Witness | null, more: Partial<Bill> = {}): Row =>
  settledRow({ row, bill: { ...bill, ...more } }, witness?.tell() ?? null, 9000)

describe('what a client that left is booked', () => {
  it('is what the provider told at the end, and the row goes on saying that the client is gone', () => {
    expect(settled(read(CONTENT + FINISH + USAGE + 'data: [DONE]\n\n'))).toEqual({
      ...row,
      usage: expect.objectContaining({ input: 20, output: 40 }),
      usageFrom: 'provider',
      costNanoUsd: EXACT,
      finish: 'stop',
      upstreamId: 'c-1',
      totalMs: 8000,
    })
  })

  it('of an answer that another target had begun: both together, and each its part', () => {
    const attempts = [
      { provider: 'groq', model: 'm', outcome: 'upstream-cut', costNanoUsd: 7000, status: 200, ms: 5 },
      { provider: 'together', model: 'n', outcome: 'committed', status: 200, ms: 5 },
    ] as const
    const before = { usage: usageOf({ input: 5, output: 6, reasoning: 2 }), from: 'counted' } as const
    const told = settledRow(
      { row: { ...row, attempts }, bill: { ...bill, owedNanoUsd: 7000, before } },
      read(CONTENT + FINISH + USAGE + 'data: [DONE]\n\n').tell(),
      9000,
    )
    expect([told.costNanoUsd, told.usageFrom]).toEqual([EXACT + 7000, 'counted'])
    expect(told.usage).toMatchObject({ input: 25, output: 46, reasoning: 2 })
    expect(told.attempts.map(({ costNanoUsd }) => costNanoUsd)).toEqual([7000, EXACT])
    const unknown = settledRow(
      { row: { ...row, attempts }, bill: { ...bill, owedNanoUsd: 7000, before } },
      read(CONTENT, false).tell(),
      9000,
    )
    expect([unknown.costNanoUsd, unknown.usageFrom]).toEqual([HOLD, 'hold'])
  })

  it('is the hold when the stream breaks off, nobody answers, or nobody understands it', () => {
    for (const witness of [read(CONTENT, false), read(CONTENT), read(CONTENT + FINISH, false), null, read('data: nonsense\n\n')])
      expect(settled(witness)).toMatchObject({ usageFrom: 'hold', costNanoUsd: HOLD, ended: 'client-gone' })
  })

  it('is counted from all that came, without a budget', () => {
    const counted = settled(read(CONTENT.repeat(30), false), { hold: { ...bill.hold, budgeted: false } })
    expect(counted).toMatchObject({ usageFrom: 'counted', usage: { input: 100 } })
    expect(counted.usage?.output).toBeGreaterThan(30)
    expect(counted.costNanoUsd).toBe(100 * 590 + (counted.usage?.output ?? 0) * 790)
  })

  it('is what was told when the stream broke off behind its usage', () => {
    expect(settled(read(CONTENT + FINISH + USAGE, false))).toMatchObject({ usageFrom: 'provider', costNanoUsd: EXACT })
    // Of two answers one may still have been running.
    expect(settled(read(CONTENT + FINISH + USAGE, false, { choices: 2 }))).toMatchObject({ usageFrom: 'hold', costNanoUsd: HOLD })
  })

  it('is nothing when the provider refused', () => {
    const error = JSON.stringify({ error: { message: 'Too much.', type: 'server_error' } })
    expect(settled(read(error, true, {}, 500))).toMatchObject({ usageFrom: 'none', costNanoUsd: 0 })
    expect(settled(read('', false, {}, 503))).toMatchObject({ usageFrom: 'none', costNanoUsd: 0 })
    expect(settled(read(error, true, { stream: false }))).toMatchObject({ usageFrom: 'none', costNanoUsd: 0 })
    expect(settled(read('', true, {}, 302))).toMatchObject({ usageFrom: 'hold', costNanoUsd: HOLD })
  })

  it('of a whole answer is its usage, and the hold of half of one', () => {
    const whole = JSON.stringify({
      id: 'c-1',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 20, completion_tokens: 40 },
    })
    expect(settled(read(whole, true, { stream: false }))).toMatchObject({ usageFrom: 'provider', costNanoUsd: EXACT })
    expect(settled(read(whole.slice(0, -9), false, { stream: false }))).toMatchObject({ usageFrom: 'hold', costNanoUsd: HOLD })
    expect(settled(read(whole.slice(0, -9), true, { stream: false }))).toMatchObject({ usageFrom: 'hold', costNanoUsd: HOLD })
  })

  it('is read on only where more can be learned', () => {
    expect(isOpen(row)).toBe(true)
    expect(isOpen({ ...row, usageFrom: 'counted', costNanoUsd: null })).toBe(true)
    expect(isOpen({ ...row, usageFrom: 'counted', costNanoUsd: 0 })).toBe(false)
    expect(isOpen({ ...row, usageFrom: 'provider' })).toBe(false)
    expect(isOpen({ ...row, ended: 'upstream-cut' })).toBe(false)
  })
})
