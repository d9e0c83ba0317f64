import { describe, expect, it } from 'vitest'
import type { Ask, Refusal } from '../../src/core/account.ts'
import { MOST_A_MINUTE, MOST_WAITING, RefusedLog } from '../../src/core/refused.ts'

const NOW = Date.UTC(2026, 10, 21, 12)
const ask = (requestId: string): Ask => ({
  requestId,
  secretHash: 'h',
  clientIp: null,
  candidates: [{ model: 'p/m', provider: 'p', region: null, worst: null, inputTokens: null, maxOutputTokens: null }],
  outputTokens: null,
  leastOutputTokens: 1,
  choices: 1,
  idempotency: null,
})
const refusal = (change: Partial<Refusal> = {}): Refusal => ({ kind: 'refused', code: 'rate-exceeded', message: 'wait', ...change })

describe('refused requests', () => {
  it('are kept with what was said to the client', () => {
    const log = new RefusedLog()
    const money = { scope: 'key', spentNanoUsd: 1, heldNanoUsd: 2, limitNanoUsd: 3 }
    expect(log.keep(ask('a'), refusal({ code: 'budget-exceeded', money, retryAfterMs: 50 }), NOW)).toBe(true)
    expect(log.waiting()).toEqual([
      { id: 'a', createdAt: NOW, model: 'p/m', code: 'budget-exceeded', message: 'wait', money, retryAfterMs: 50, leftOut: 0 },
    ])
    expect(log.keep(ask('b'), refusal({ code: 'key-unknown' }), NOW)).toBe(false)
    expect(log.size).toBe(1)
  })

  it('are so many a minute, and the next that is kept says how many were not', () => {
    const log = new RefusedLog()
    for (let i = 0; i < MOST_A_MINUTE + 7; i++) expect(log.keep(ask(`a${i}`), refusal(), NOW)).toBe(i < MOST_A_MINUTE)
    expect(log.keep(ask('b'), refusal(), NOW + 60_000)).toBe(true)
    expect(log.keep(ask('c'), refusal(), NOW + 60_000)).toBe(true)
    expect(log.waiting().map(({ leftOut }) => leftOut)).toEqual([...Array.from({ length: MOST_A_MINUTE }, () => 0), 7, 0])
  })

  it('are so many in memory while D1 is away, and go on when they are written', () => {
    const log = new RefusedLog()
    for (let i = 0; i < MOST_WAITING + 5; i++) log.keep(ask(`a${i}`), refusal(), NOW + i * 1000)
    expect(log.size).toBe(MOST_WAITING)
    const sent = log.waiting()
    log.written(sent)
    log.keep(ask('b'), refusal(), NOW + 10_000_000)
    expect(log.waiting()).toMatchObject([{ id: 'b', leftOut: 5 }])
  })

  it('are dropped when the request is granted after all, without losing the count of those left out', () => {
    const log = new RefusedLog()
    for (let i = 0; i < MOST_A_MINUTE + 3; i++) log.keep(ask(`a${i}`), refusal(), NOW)
    log.keep(ask('b'), refusal(), NOW + 60_000)
    log.drop('b')
    log.drop('nothing')
    log.keep(ask('c'), refusal(), NOW + 60_000)
    expect(log.waiting().filter(({ id }) => id === 'b' || id === 'c')).toMatchObject([{ id: 'c', leftOut: 3 }])
    log.keep(ask('c'), refusal({ code: 'budget-exceeded' }), NOW + 60_001)
    expect(log.waiting().filter(({ id }) => id === 'c')).toMatchObject([{ code: 'budget-exceeded', leftOut: 3 }])
    for (let i = 1; i < MOST_A_MINUTE; i++) expect(log.keep(ask(`d${i}`), refusal(), NOW + 60_002)).toBe(true)
    expect(log.keep(ask('e'), refusal(), NOW + 60_002)).toBe(false)
  })
})
