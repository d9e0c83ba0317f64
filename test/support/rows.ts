// A ledger row as tests need it: complete, served at once, of model `p/m`; each says what matters to it.

import type { Row } from '../../src/core/account.ts'

export const rowOf = (id: string, change: Partial<Row> = {}): Row => ({
  id,
  keyId: 'k1',
  period: 'ever',
  createdAt: 0,
  dialect: 'd',
  requestedModel: 'p/m',
  provider: 'p',
  model: 'm',
  streamed: false,
  usage: null,
  usageFrom: 'provider',
  costNanoUsd: 0,
  priceVersion: null,
  attempts: [],
  finish: null,
  ended: 'complete',
  errorCode: null,
  firstEventMs: null,
  totalMs: 1,
  traceId: null,
  parentSpan: null,
  session: null,
  endUser: null,
  tags: [],
  upstreamId: null,
  dropped: [],
  fidelity: null,
  ...change,
})
