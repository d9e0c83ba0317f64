// The ledger row of a hold that nobody settled in its time.

import type { Hold, Row } from './account.ts'

/** Booked in full, marked `expired`; a settle that comes later corrects it. */
export function expiredRow(keyId: string, hold: Hold, now: number, holdMs: number, scopes: readonly string[] = []): Row {
  return {
    id: hold.requestId,
    keyId,
    period: hold.period,
    createdAt: hold.expiresAt - holdMs,
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
    totalMs: now - (hold.expiresAt - holdMs),
    traceId: null,
    parentSpan: null,
    session: null,
    endUser: null,
    tags: [],
    upstreamId: null,
    dropped: [],
    fidelity: null,
    scopes,
  }
}
