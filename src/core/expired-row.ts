// The ledger rows of holds that nobody settled in their time.

import type { Hold, Row } from './account.ts'
import type { Lost } from './lost.ts'

type Omitted = Pick<Lost, 'id' | 'period' | 'at' | 'expiresAt'> & Partial<Pick<Lost, 'shares'>>

/** Booked in full, marked `expired`; a settle that comes later corrects it. */
export function expiredRow(keyId: string, hold: Hold, now: number, scopes: readonly string[] = []): Row {
  return {
    id: hold.requestId,
    keyId,
    period: hold.period,
    createdAt: hold.takenAt,
    dialect: 'unknown',
    requestedModel: 'unknown',
    provider: null,
    model: null,
    streamed: false,
    usage: null,
    usageFrom: 'hold',
    costNanoUsd: hold.nanoUsd,
    priceVersion: null,
    attempts: [],
    finish: null,
    ended: 'expired',
    errorCode: null,
    firstEventMs: null,
    totalMs: now - hold.takenAt,
    traceId: null,
    parentSpan: null,
    session: null,
    endUser: null,
    tags: [],
    upstreamId: null,
    dropped: [],
    fidelity: null,
    scopes,
    ...(hold.shadowOf === undefined ? {} : { shadowOf: hold.shadowOf }),
  }
}

/** Stands in for an expired row when it turns out that nothing was sent. */
export function unsentRow(keyId: string, hold: Hold, now: number, scopes: readonly string[]): Row {
  return { ...expiredRow(keyId, hold, now, scopes), usageFrom: 'none', costNanoUsd: 0, ended: 'failed' }
}

/** What a crash may have forgotten, or an isolate never gave back, and nobody asked for; `nanoUsd`: how much is left of it. */
export function unattributedRow(keyId: string, { id, period, at, expiresAt, shares = [] }: Omitted, nanoUsd: number, now: number): Row {
  const hold: Hold = { requestId: id, period, nanoUsd, takenAt: at, expiresAt, budgeted: true }
  const scopes = shares.map(({ scope }) => scope)
  return { ...expiredRow(keyId, hold, now, scopes), ended: 'unattributed' }
}
