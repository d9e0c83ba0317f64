import { describe, expect, it } from 'vitest'
import { Book } from '../../src/core/book.ts'
import type { Ask, Hold, Row } from '../../src/core/account.ts'
import { EVERYTHING } from '../../src/core/permits.ts'
import type { Policy } from '../../src/core/policy.ts'
import { NO_LIMITS } from '../../src/core/rates.ts'

const HOLD_MS = 1000
const policy: Policy = {
  ...EVERYTHING,
  keyId: 'k',
  version: 1,
  label: '',
  name: '',
  createdAt: 0,
  secrets: [{ hash: 'h', until: null }],
  disabled: false,
  deleted: false,
  expiresAt: null,
  limitNanoUsd: null,
  limitReset: null,
  limits: NO_LIMITS,
  scopes: ['team:blue'],
}
const free: Ask['candidates'][number] = {
  model: 'p/m',
  provider: 'p',
  region: null,
  worst: { inputPico: 0, outputPico: 0, feesNanoUsd: 0 },
  inputTokens: 1,
  maxOutputTokens: 1,
}
const ask = (requestId: string): Ask => ({
  requestId,
  secretHash: 'h',
  clientIp: null,
  candidates: [free],
  outputTokens: 1,
  leastOutputTokens: 1,
  choices: 1,
  idempotency: null,
})

const held = (requestId: string): Hold => ({ requestId, period: 'ever', nanoUsd: 1, takenAt: 0, expiresAt: HOLD_MS, budgeted: true })

describe('the scopes of a row', () => {
  it('are those that it was held against, whatever the key has now; also when the hold expires, and when that is corrected', () => {
    const book = new Book({ holdMs: HOLD_MS, defaultCeiling: 1 })
    book.hydrate(policy)
    book.admit(ask('settled'), 0)
    book.admit(ask('expired'), 0)
    book.hydrate({ ...policy, version: 2, scopes: ['team:red'] })
    const [expired] = book
      .expire(HOLD_MS)
      .map((one) => one.row)
      .filter(({ id }) => id === 'expired')
    expect(expired?.scopes).toEqual(['team:blue'])
    const row = { ...(expired as Row), ended: 'complete' as const, costNanoUsd: 0 }
    const late = book.settle({ hold: held('expired'), row: { ...row, scopes: [] }, answer: null }, HOLD_MS)
    expect(late).toMatchObject([{ corrects: true, row: { scopes: ['team:blue'] } }])
    const forgotten = book.settle({ hold: held('unknown'), row: { ...row, id: 'unknown' }, answer: null }, HOLD_MS)
    expect(forgotten[0]?.row.scopes).toEqual(['team:red'])
  })
})
