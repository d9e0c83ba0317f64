import { describe, expect, it } from 'vitest'
import type { Admission, Ask, Extension, Hold, Row } from '../../src/core/account.ts'
import { Book } from '../../src/core/book.ts'
import type { Policy } from '../../src/core/policy.ts'
import { EVERYTHING } from '../../src/core/permits.ts'
import { NO_LIMITS, type RateLimits } from '../../src/core/rates.ts'
import { usageOf } from '../../src/core/usage.ts'
import { rowOf } from '../support/rows.ts'

const NOW = Date.UTC(2026, 10, 21, 12)
const HOLD_MS = 300_000
const policy: Policy = {
  keyId: 'k1',
  version: 1,
  label: 'sk-sluice-k1...',
  name: 'k',
  createdAt: NOW - 1000,
  secrets: [{ hash: 'h1', until: null }],
  disabled: false,
  deleted: false,
  expiresAt: null,
  limitNanoUsd: null,
  limitReset: null,
  ...EVERYTHING,
  limits: NO_LIMITS,
  scopes: [],
  leased: false,
}
const book = (change: Partial<Policy> = {}): Book => {
  const made = new Book({ holdMs: HOLD_MS, defaultCeiling: 1000 })
  made.hydrate({ ...policy, ...change })
  return made
}
/** One dollar a million tokens in, two out: 1 and 2 nano-dollars a token after the pico-dollars are divided. */
const ask = (id: string, change: Partial<Ask> = {}): Ask => ({
  requestId: id,
  secretHash: 'h1',
  clientIp: null,
  candidates: [
    {
      model: 'p/m',
      provider: 'p',
      region: null,
      worst: { inputPico: 1000, outputPico: 2000, feesNanoUsd: 0 },
      inputTokens: 100,
      maxOutputTokens: 4000,
    },
  ],
  outputTokens: 50,
  leastOutputTokens: 1,
  choices: 1,
  idempotency: null,
  ...change,
})
const HOLD = 100 + 2 * 50
const row = (id: string, costNanoUsd: number | null, period = 'ever'): Row => rowOf(id, { period, createdAt: NOW, costNanoUsd })
const held = (id: string, change: Partial<Hold> = {}): Hold => ({
  requestId: id,
  period: 'ever',
  nanoUsd: HOLD,
  takenAt: NOW,
  expiresAt: NOW + HOLD_MS,
  budgeted: true,
  ...change,
})
const settled = (id: string, cost: number | null) => ({ hold: held(id), row: row(id, cost), answer: null })
const code = (admission: Admission): string => (admission.kind === 'refused' ? admission.code : admission.kind)

describe('the book of a key', () => {
  it('grants exactly k of n when the budget is k holds, and refuses the rest with both counters', () => {
    const b = book({ limitNanoUsd: HOLD * 7 })
    const answers = Array.from({ length: 50 }, (_, i) => b.admit(ask(`r${i}`), NOW))
    expect(answers.filter((a) => a.kind === 'granted')).toHaveLength(7)
    const refused = answers.find((a) => a.kind === 'refused')
    expect(refused).toMatchObject({ code: 'budget-exceeded', money: { spentNanoUsd: 0, heldNanoUsd: HOLD * 7, limitNanoUsd: HOLD * 7 } })
    for (let i = 0; i < 7; i++) b.settle(settled(`r${i}`, 20), NOW)
    expect(b.view(NOW)).toMatchObject({ spentNanoUsd: 140, heldNanoUsd: 0 })
    expect(code(b.admit(ask('again'), NOW))).toBe('granted')
  })

  it('settles a request once, however often it is told', () => {
    const b = book({ limitNanoUsd: 10_000 })
    b.admit(ask('a'), NOW)
    expect(b.settle(settled('a', 30), NOW)).not.toBeNull()
    expect(b.settle(settled('a', 30), NOW)).toEqual([])
    expect(b.settle({ hold: held('a'), row: null, answer: null }, NOW)).toEqual([])
    expect(b.view(NOW)?.spentNanoUsd).toBe(30)
  })

  it('clamps the output to what is left, says so, and never below what the request needs for reasoning', () => {
    const b = book({ limitNanoUsd: 100 + 2 * 30 })
    expect(b.admit(ask('a'), NOW)).toMatchObject({ kind: 'granted', maxOutputTokens: 30, clamped: true, hold: { nanoUsd: 160 } })
    const c = book({ limitNanoUsd: 100 + 2 * 30 })
    expect(code(c.admit(ask('a', { leastOutputTokens: 40 }), NOW))).toBe('budget-exceeded')
  })

  it('sets a ceiling of its own under a budget when the client set none, and none without a budget', () => {
    expect(book({ limitNanoUsd: 1_000_000 }).admit(ask('a', { outputTokens: null }), NOW)).toMatchObject({
      maxOutputTokens: 1000,
      clamped: true,
    })
    expect(book().admit(ask('a', { outputTokens: null }), NOW)).toMatchObject({ maxOutputTokens: null, clamped: false })
  })

  it('keeps an absurd ceiling within the budget', () => {
    for (const outputTokens of [1e15, 2 ** 53 + 1, 1e308]) {
      const admission = book({ limitNanoUsd: 1_000_000 }).admit(ask('a', { outputTokens }), NOW)
      expect(admission).toMatchObject({ kind: 'granted', maxOutputTokens: 4000 })
    }
    expect(
      book().admit(
        ask('a', {
          outputTokens: 1e308,
          candidates: [
            {
              model: 'p/m',
              provider: 'p',
              region: null,
              worst: { inputPico: 1, outputPico: 1, feesNanoUsd: 0 },
              inputTokens: 1,
              maxOutputTokens: null,
            },
          ],
        }),
        NOW,
      ).kind,
    ).toBe('granted')
  })

  it('refuses an unknown price under a budget, serves it without one, and serves a free model when the money is gone', () => {
    const unpriced = [{ model: 'p/m', provider: 'p', region: null, worst: null, inputTokens: 1, maxOutputTokens: null }]
    const free = [
      {
        model: 'p/free',
        provider: 'p',
        region: null,
        worst: { inputPico: 0, outputPico: 0, feesNanoUsd: 0 },
        inputTokens: null,
        maxOutputTokens: null,
      },
    ]
    const poor = book({ limitNanoUsd: 0 })
    expect(code(poor.admit(ask('a', { candidates: unpriced }), NOW))).toBe('model-unpriced')
    expect(code(poor.admit(ask('b'), NOW))).toBe('budget-exceeded')
    expect(code(poor.admit(ask('c', { candidates: free }), NOW))).toBe('granted')
    expect(code(book().admit(ask('d', { candidates: unpriced }), NOW))).toBe('granted')
  })

  it('refuses what nothing bounds, under a budget', () => {
    const endless = [
      {
        model: 'p/m',
        provider: 'p',
        region: null,
        worst: { inputPico: 1, outputPico: 1, feesNanoUsd: 0 },
        inputTokens: null,
        maxOutputTokens: null,
      },
    ]
    expect(code(book({ limitNanoUsd: 1e9 }).admit(ask('a', { candidates: endless }), NOW))).toBe('request-unboundable')
  })

  it('books an expired hold in full, and a late settle corrects it', () => {
    const b = book({ limitNanoUsd: 10_000 })
    b.admit(ask('a'), NOW)
    expect(b.expire(NOW + HOLD_MS - 1)).toEqual([])
    const [expired] = b.expire(NOW + HOLD_MS)
    expect(expired).toMatchObject({ row: { id: 'a', ended: 'expired', costNanoUsd: HOLD, keyId: 'k1' } })
    expect(b.view(NOW + HOLD_MS)).toMatchObject({ spentNanoUsd: HOLD, heldNanoUsd: 0 })
    expect(b.settle(settled('a', 25), NOW + HOLD_MS + 1)).toMatchObject([{ corrects: true, row: { costNanoUsd: 25 } }])
    expect(b.view(NOW + HOLD_MS + 1)?.spentNanoUsd).toBe(25)
  })

  it('gives an expired hold back when it turns out that nothing was sent, and its row says so', () => {
    const b = book({ limitNanoUsd: 10_000 })
    b.admit(ask('a'), NOW)
    b.expire(NOW + HOLD_MS)
    const booked = b.settle({ hold: held('a'), row: null, answer: null }, NOW + HOLD_MS + 1)
    expect(booked).toMatchObject([{ corrects: true, row: { id: 'a', costNanoUsd: 0, ended: 'failed' } }])
    expect(b.view(NOW + HOLD_MS + 1)?.spentNanoUsd).toBe(0)
    expect(b.settle({ hold: held('a'), row: null, answer: null }, NOW + HOLD_MS + 2)).toEqual([])
  })

  it('makes a hold larger for another target, as far as the budget goes, and says what each target may need', () => {
    const b = book({ limitNanoUsd: 3 * HOLD })
    const [dear] = ask('a').candidates
    const cheap = { ...dear, model: 'p/cheap', worst: { inputPico: 500, outputPico: 1000, feesNanoUsd: 0 } } as Ask['candidates'][number]
    const granted = b.admit(ask('a', { candidates: [cheap, dear as Ask['candidates'][number]] }), NOW)
    expect(granted).toMatchObject({ kind: 'granted', needs: [HOLD / 2, HOLD], hold: { nanoUsd: HOLD / 2 } }) // of the first that is called
    const extension = (nanoUsd: number): Extension => ({ ranNanoUsd: 0, leastNanoUsd: nanoUsd, bestNanoUsd: nanoUsd, beside: true })
    expect(b.extend(held('a'), extension(3 * HOLD + 1), NOW)).toBeNull()
    const id = b.extend(held('a'), extension(2 * HOLD), NOW) as string
    expect(b.join(id, NOW)).toMatchObject({ requestId: 'a', nanoUsd: 2 * HOLD })
    expect(b.view(NOW)).toMatchObject({ heldNanoUsd: 2 * HOLD, running: 1 })
    b.settle(settled('a', HOLD + 7), NOW)
    expect(b.view(NOW)).toMatchObject({ spentNanoUsd: HOLD + 7, heldNanoUsd: 0, running: 0 })
  })

  it('lowers the ceiling of the targets that need it, and of no other', () => {
    const [one] = ask('a').candidates
    const cheap = { ...one, model: 'p/cheap', worst: { inputPico: 100, outputPico: 200, feesNanoUsd: 0 } } as Ask['candidates'][number]
    const both = [cheap, one as Ask['candidates'][number]]
    const limitNanoUsd = 100 + 2 * 30
    expect(book({ limitNanoUsd }).admit(ask('a', { candidates: both, outputTokens: 50 }), NOW)).toMatchObject({
      maxOutputTokens: null,
      clamped: false,
      ceilings: [null, 30],
      hold: { nanoUsd: 10 + 10 },
    })
    expect(book({ limitNanoUsd }).admit(ask('a', { candidates: both.toReversed(), outputTokens: 50 }), NOW)).toMatchObject({
      maxOutputTokens: 30,
      clamped: true,
      ceilings: [30, null],
      hold: { nanoUsd: 160 },
    })
  })

  it('holds for the dearest where the hold cannot grow, or grows with its answer', () => {
    const [dear] = ask('a').candidates
    const cheap = { ...dear, model: 'p/cheap', worst: { inputPico: 500, outputPico: 1000, feesNanoUsd: 0 } } as Ask['candidates'][number]
    const candidates = [cheap, dear as Ask['candidates'][number]]
    const under = book({
      limitNanoUsd: 3 * HOLD,
      modelLimits: [{ glob: 'p/*', limitNanoUsd: 3 * HOLD, limitReset: null, limits: NO_LIMITS }] as never,
    })
    expect(under.admit(ask('a', { candidates }), NOW)).toMatchObject({ hold: { nanoUsd: HOLD } })
    const countable = candidates.map((one) => ({ ...one, isCountable: true }))
    const elastic = book({ limitNanoUsd: 100_000, mode: 'elastic' }).admit(ask('a', { candidates: countable, outputTokens: 4000 }), NOW)
    expect(elastic).toMatchObject({ hold: { elastic: { mostNanoUsd: 100 + 2 * 4000 } } })
  })

  describe('after a crash', () => {
    const crashed = (): Book => {
      const b = book({ limitNanoUsd: 10_000 })
      b.holdLost([['money', 3 * HOLD], ['requests', 3]], 'lost', NOW, NOW) // prettier-ignore
      return b
    }

    it('holds what may have been admitted after the last writing, and books what nobody asks for in one row', () => {
      const b = crashed()
      expect(b.view(NOW)).toMatchObject({ spentNanoUsd: 0, heldNanoUsd: 3 * HOLD, running: 3 })
      expect(b.earliestExpiry()).toBe(NOW + HOLD_MS)
      expect(b.expire(NOW + HOLD_MS)).toMatchObject([
        { corrects: false, row: { id: 'lost', ended: 'unattributed', costNanoUsd: 3 * HOLD, keyId: 'k1' } },
      ])
      expect(b.view(NOW + HOLD_MS)).toMatchObject({ spentNanoUsd: 3 * HOLD, heldNanoUsd: 0, running: 0 })
      expect(b.expire(NOW + HOLD_MS)).toEqual([])
    })

    it('takes a request that settles late out of it', () => {
      const b = crashed()
      expect(b.settle(settled('forgotten', 25), NOW + 1)).toMatchObject([{ corrects: false, row: { id: 'forgotten' } }])
      expect(b.view(NOW + 1)).toMatchObject({ spentNanoUsd: 25, heldNanoUsd: 2 * HOLD, running: 2 })
      expect(b.settle(settled('forgotten', 25), NOW + 2)).toEqual([])
    })

    it('remembers a stream that renews its hold', () => {
      const b = crashed()
      expect(b.renew(held('forgotten'), NOW + 1)).toBe(true)
      expect(b.view(NOW + 1)).toMatchObject({ heldNanoUsd: 3 * HOLD, running: 3 })
      b.settle(settled('forgotten', 25), NOW + 2)
      expect(b.view(NOW + 2)).toMatchObject({ spentNanoUsd: 25, heldNanoUsd: 2 * HOLD })
    })

    it('makes the row smaller when a request turns up after it was booked', () => {
      const b = crashed()
      b.expire(NOW + HOLD_MS)
      const booked = b.settle(settled('forgotten', 25), NOW + HOLD_MS + 1)
      expect(booked).toMatchObject([
        { corrects: false, row: { id: 'forgotten', costNanoUsd: 25 } },
        { corrects: true, row: { id: 'lost', ended: 'unattributed', costNanoUsd: 2 * HOLD } },
      ])
      expect(b.view(NOW + HOLD_MS + 1)).toMatchObject({ spentNanoUsd: 2 * HOLD + 25, heldNanoUsd: 0 })
    })

    it('takes nothing out of what was booked for a stream that only renews, and gives it back when that settles', () => {
      const b = crashed()
      b.expire(NOW + HOLD_MS)
      for (let i = 0; i < 3; i++) expect(b.renew(held('forgotten'), NOW + HOLD_MS + i)).toBe(false)
      b.settle(settled('forgotten', 25), NOW + HOLD_MS + 3)
      expect(b.view(NOW + HOLD_MS + 3)).toMatchObject({ spentNanoUsd: 2 * HOLD + 25, heldNanoUsd: 0 })
    })

    it('takes nothing out of it for a request that was admitted afterwards, or that was never sent', () => {
      const b = crashed()
      b.settle({ ...settled('later', 25), hold: held('later', { takenAt: NOW + 1 }) }, NOW + 2)
      b.settle({ hold: held('unsent'), row: null, answer: null }, NOW + 2)
      expect(b.view(NOW + 2)).toMatchObject({ spentNanoUsd: 25, heldNanoUsd: 3 * HOLD })
    })

    it('is remembered by a second restart', () => {
      const b = crashed()
      const again = book({ limitNanoUsd: 10_000 })
      again.restore(b.snapshot(NOW + 1))
      again.holdLost([['money', HOLD]], 'lost again', NOW + 1, NOW + 1)
      expect(again.view(NOW + 1)).toMatchObject({ heldNanoUsd: 4 * HOLD })
    })
  })

  it('does not expire a hold that is renewed', () => {
    const b = book()
    b.admit(ask('a'), NOW)
    expect(b.renew(held('a'), NOW + HOLD_MS - 1)).toBe(true)
    expect(b.expire(NOW + HOLD_MS)).toEqual([])
  })

  it('refuses a disabled, expired, deleted or replaced key, and a model that is not on its list', () => {
    expect(code(book({ disabled: true }).admit(ask('a'), NOW))).toBe('key-disabled')
    expect(code(book({ expiresAt: NOW }).admit(ask('a'), NOW))).toBe('key-expired')
    expect(code(book({ deleted: true }).admit(ask('a'), NOW))).toBe('key-unknown')
    expect(code(book().admit(ask('a', { secretHash: 'h0' }), NOW))).toBe('key-unknown')
    expect(
      code(
        book({
          secrets: [
            { hash: 'h2', until: null },
            { hash: 'h1', until: NOW },
          ],
        }).admit(ask('a'), NOW),
      ),
    ).toBe('key-unknown')
    expect(
      code(
        book({
          secrets: [
            { hash: 'h2', until: null },
            { hash: 'h1', until: NOW + 1 },
          ],
        }).admit(ask('a'), NOW),
      ),
    ).toBe('granted')
    expect(code(book({ models: ['q/*'] }).admit(ask('a'), NOW))).toBe('model-forbidden')
    expect(code(book({ models: ['q/*', 'p/*'] }).admit(ask('a'), NOW))).toBe('granted')
  })

  it('goes only to providers and regions that its policy names, and says which rule is in the way', () => {
    const at = (provider: string, region: string | null) => ({ ...ask('x').candidates[0], model: `${provider}/m`, provider, region })
    const places = [at('bedrock', 'eu-central-1'), at('bedrock', 'us-east-1'), at('openai', null)] as Ask['candidates']
    const admit = (change: Partial<Policy>, candidates = places): Admission => book(change).admit(ask('a', { candidates }), NOW)
    expect(admit({})).toMatchObject({ allowed: [0, 1, 2] })
    expect(admit({ providers: ['openai', 'azure'] })).toMatchObject({ allowed: [2] })
    expect(admit({ providers: ['bed*'] })).toMatchObject({ allowed: [0, 1] })
    expect(admit({ regions: ['eu-*'] })).toMatchObject({ allowed: [0] })
    expect(admit({ regions: ['*'] })).toMatchObject({ allowed: [0, 1] })
    expect(admit({ providers: ['openai'], regions: ['eu-*'] })).toMatchObject({
      code: 'model-forbidden',
      message:
        'This key may not use bedrock/m: bedrock is not among its `providers`; openai (whose region is not known) is not among its `regions`.',
    })
    expect(admit({ providers: [] })).toMatchObject({ code: 'model-forbidden', message: expect.stringContaining('`providers`') })
    expect(admit({ models: ['q/*'] })).toMatchObject({ message: 'This key may not use bedrock/m: it is not among its `models`.' })
    const several = [...places, { ...at('openai', null), model: 'openai/n' }] as Ask['candidates']
    expect(admit({ models: ['q/*'] }, several)).toMatchObject({
      message: 'This key may not use bedrock/m, nor the 1 other model that this could go to: they are not among its `models`.',
    })
  })

  it('takes nothing from a request that its policy forbids', () => {
    const b = book({ providers: ['q'], limitNanoUsd: HOLD, limits: { ...NO_LIMITS, requestsPerMinute: 1 } })
    expect(code(b.admit(ask('a'), NOW))).toBe('model-forbidden')
    b.hydrate({ ...policy, version: 2, limitNanoUsd: HOLD, limits: { ...NO_LIMITS, requestsPerMinute: 1 } })
    expect(code(b.admit(ask('b'), NOW))).toBe('granted')
  })

  it('may be used from the addresses of its policy only, and from nowhere when the address is not known', () => {
    const from = (clientIp: string | null, ips: readonly string[] | null): string => code(book({ ips }).admit(ask('a', { clientIp }), NOW))
    expect(from(null, null)).toBe('granted')
    expect(from('10.1.2.3', ['192.0.2.0/24', '10.0.0.0/8'])).toBe('granted')
    expect(from('11.1.2.3', ['192.0.2.0/24', '10.0.0.0/8'])).toBe('key-forbidden-here')
    expect(from('2001:db8::7', ['10.0.0.0/8', '2001:db8::/32'])).toBe('granted')
    expect(from(null, ['0.0.0.0/0', '::/0'])).toBe('key-forbidden-here')
    expect(from('10.1.2.3, 11.1.2.3', ['0.0.0.0/0'])).toBe('key-forbidden-here')
    expect(from('10.1.2.3', [])).toBe('key-forbidden-here')
    expect(code(book({ ips: ['10.0.0.0/8'] }).admit(ask('a', { secretHash: 'h0' }), NOW))).toBe('key-unknown') // a wrong secret learns nothing
  })

  it('never lets an older policy replace a newer one', () => {
    const b = book({ version: 3, disabled: true })
    b.hydrate({ ...policy, version: 2 })
    expect(code(b.admit(ask('a'), NOW))).toBe('key-disabled')
  })

  it('sends a request with a repeated idempotency key once: refused while it runs, replayed when its answer is kept', () => {
    const b = book()
    const again = { idempotency: { key: 'i1', fingerprint: 'f' } }
    expect(code(b.admit(ask('a', again), NOW))).toBe('granted')
    expect(code(b.admit(ask('b', again), NOW))).toBe('request-duplicate')
    expect(code(b.admit(ask('c', { idempotency: { key: 'i1', fingerprint: 'other' } }), NOW))).toBe('request-malformed')
    b.settle({ ...settled('a', 1), answer: { status: 200, headers: {}, text: 'x' } }, NOW)
    expect(b.admit(ask('d', again), NOW)).toMatchObject({ kind: 'replay', requestId: 'a', answer: { text: 'x' } })
    expect(b.admit(ask('e', again), NOW + 3_600_000)).toMatchObject({ kind: 'granted', repeated: true })
    b.forget(NOW + 9_000_000)
    expect(b.admit(ask('f', again), NOW + 9_000_000)).toMatchObject({ code: 'request-duplicate' }) // it is held still
    b.expire(NOW + 9_000_000)
    b.forget(NOW + 9_000_000)
    expect(b.admit(ask('g', again), NOW + 9_000_000)).toMatchObject({ kind: 'granted', repeated: false })
  })

  it('opens a new period with the clock, and settles a hold in the period it was taken in', () => {
    const b = book({ limitNanoUsd: HOLD, limitReset: 'daily' })
    const first = b.admit(ask('a'), NOW)
    const tomorrow = NOW + 86_400_000
    expect(first.kind).toBe('granted')
    const period = first.kind === 'granted' ? first.hold.period : ''
    b.settle({ hold: held('a', { period }), row: row('a', HOLD, period), answer: null }, tomorrow)
    expect(b.view(tomorrow)).toMatchObject({ spentNanoUsd: 0, spentEverNanoUsd: HOLD })
    expect(code(b.admit(ask('b'), tomorrow))).toBe('granted')
  })

  it('has its whole limit again when the period turns, though nothing ran in between and nobody reset it', () => {
    const b = book({ limitNanoUsd: HOLD, limitReset: 'daily' })
    b.admit(ask('a'), NOW)
    const period = new Date(NOW).toISOString().slice(0, 10)
    b.settle({ hold: held('a', { period: `d:${period}` }), row: row('a', HOLD, `d:${period}`), answer: null }, NOW)
    expect(code(b.admit(ask('b'), NOW))).toBe('budget-exceeded')
    expect(code(b.admit(ask('c'), NOW + 86_400_000))).toBe('granted')
    expect(code(b.admit(ask('d'), NOW + 86_400_000))).toBe('budget-exceeded')
  })

  it('comes back from a snapshot with what was spent and held', () => {
    const b = book({ limitNanoUsd: 10_000 })
    b.admit(ask('a'), NOW)
    b.admit(ask('b'), NOW)
    b.settle(settled('a', 30), NOW)
    const journal = structuredClone(b.snapshot(NOW))
    const c = book({ limitNanoUsd: 10_000 })
    c.restore(journal)
    expect(c.view(NOW)).toMatchObject({ spentNanoUsd: 30, heldNanoUsd: HOLD })
    c.settle(settled('b', 40), NOW)
    expect(c.view(NOW)).toMatchObject({ spentNanoUsd: 70, heldNanoUsd: 0 })
  })

  it('takes no bound that is no number for one that fits', () => {
    const b = book({ limitNanoUsd: 1000 })
    expect(b.admit(ask('a', { outputTokens: Number.NaN }), NOW)).toMatchObject({ kind: 'refused', code: 'budget-exceeded' })
    expect(b.view(NOW)?.heldNanoUsd).toBe(0)
    expect(book().admit(ask('b', { outputTokens: Number.NaN }), NOW).kind).toBe('refused')
  })

  describe('shared budgets', () => {
    const shared = (change: Partial<Policy> = {}): Book => book({ scopes: ['team:blue'], ...change })
    const told = (b: Book): unknown => b.reports()[0]?.told
    const grant = (b: Book, id: string): void => {
      const turn = b.lacking(id)?.ask.told.turn ?? 0
      b.fund(id, 'team:blue', { kind: 'leased', turn, period: 'ever', resetsAt: null, granted: HOLD })
    }

    it('make a request wait until they cover it', () => {
      const b = shared()
      expect(b.admit(ask('a'), NOW)).toMatchObject({ kind: 'granted', hold: { budgeted: true } })
      expect(b.lacking('a')).toMatchObject({ scope: 'team:blue', ask: { least: HOLD, hoped: HOLD } })
      grant(b, 'a')
      expect(b.lacking('a')).toBeNull()
      b.settle({ hold: held('a'), row: row('a', 7), answer: null }, NOW)
      expect(told(b)).toMatchObject({ period: 'ever', spent: 7, returned: HOLD - 7 })
    })

    it('named by a request are charged too when a restart has forgotten it', () => {
      const b = shared({ naming: { customers: true, tagBudgets: false, namesPerHour: 1 } })
      const admission = b.admit(ask('a', { customer: 'ann' }), NOW)
      if (admission.kind !== 'granted') throw new Error('refused')
      const { scopes = [] } = admission.hold
      expect(scopes).toEqual(['team:blue', 'customer:ann'])
      const restarted = shared({ naming: { customers: true, tagBudgets: false, namesPerHour: 1 } })
      restarted.settle({ hold: admission.hold, row: row('a', 30), answer: null }, NOW)
      expect(restarted.reports()).toMatchObject([
        { scope: 'team:blue', told: { period: '', spent: 30 } },
        { scope: 'customer:ann', told: { period: '', spent: 30 } },
      ])
    })

    it('are forgotten when they know all, and what is corrected upwards later is charged all the same', () => {
      const b = shared()
      b.admit(ask('a'), NOW)
      grant(b, 'a')
      b.expire(NOW + HOLD_MS)
      const [first] = b.reports()
      if (first === undefined) throw new Error('nothing to tell')
      b.confirm(first.scope, first.told, { period: 'ever', resetsAt: null })
      expect([b.reports(), b.snapshot(NOW).allowances]).toEqual([[], []])
      b.settle({ hold: held('a'), row: row('a', HOLD + 5), answer: null }, NOW + HOLD_MS)
      expect(told(b)).toMatchObject({ period: 'ever', spent: 5, refunded: 0 })
      b.settle({ hold: held('a'), row: row('a', 0), answer: null }, NOW + HOLD_MS)
      expect(told(b)).toMatchObject({ spent: 5, refunded: 0 })
    })

    describe('of providers', () => {
      const [one] = ask('x').candidates
      if (one === undefined) throw new Error('no candidate')
      const two = { candidates: [one, { ...one, model: 'q/m', provider: 'q', inputTokens: 200 }] }
      const budgeted = (): Book => {
        const b = book()
        b.budgetedProviders = new Set(['p', 'q'])
        return b
      }
      const fund = (b: Book, id: string): void => {
        for (const { scope, ask: wanted } of b.allLacking(id))
          b.fund(id, scope, { kind: 'leased', turn: wanted.told.turn, period: 'ever', resetsAt: null, granted: wanted.least })
      }
      const sums = (b: Book): unknown =>
        b.reports().map(({ scope, told: { spent, returned, refunded } }) => [scope, spent, returned, refunded])

      it('hold each all that the request may cost, and only the one that was used is charged', () => {
        const b = budgeted()
        expect(b.admit(ask('a', two), NOW)).toMatchObject({ kind: 'granted', hold: { budgeted: true, nanoUsd: HOLD } })
        expect(b.allLacking('a').map(({ scope, ask: { least } }) => [scope, least])).toEqual([
          ['provider:p', HOLD],
          ['provider:q', HOLD],
        ])
        fund(b, 'a')
        b.settle({ hold: held('a'), row: { ...row('a', 7), provider: 'q' }, answer: null }, NOW)
        expect(sums(b)).toEqual([
          ['provider:p', 0, HOLD, 0],
          ['provider:q', 7, HOLD - 7, 0],
        ])
      })

      it('are all charged when nobody says which was used, and refunded when somebody does', () => {
        const b = budgeted()
        b.admit(ask('a', two), NOW)
        fund(b, 'a')
        b.expire(NOW + HOLD_MS)
        for (const { scope, told: sum } of b.reports()) b.confirm(scope, sum, { period: 'ever', resetsAt: null })
        b.settle({ hold: held('a'), row: { ...row('a', 7), provider: 'q' }, answer: null }, NOW + HOLD_MS)
        expect(sums(b)).toEqual([
          ['provider:p', 0, 0, HOLD],
          ['provider:q', 0, 0, HOLD - 7],
        ])
      })

      it('are charged for what a restart has forgotten, and refuse what has no price there alone', () => {
        const b = budgeted()
        b.settle(
          { hold: { ...held('a'), scopes: ['provider:p', 'provider:q'] }, row: { ...row('a', 7), provider: 'q' }, answer: null },
          NOW,
        )
        expect(sums(b)).toEqual([['provider:q', 7, 0, 0]])
        b.budgetedProviders = new Set(['q'])
        const unpriced = { candidates: two.candidates.map((candidate) => ({ ...candidate, worst: null })) }
        expect(b.admit(ask('b', unpriced), NOW)).toMatchObject({ kind: 'granted', allowed: [0], hold: { budgeted: false } })
      })
    })

    it('are charged for a request that a restart has forgotten, once', () => {
      const b = shared()
      b.admit(ask('a'), NOW)
      grant(b, 'a')
      b.settle({ hold: held('forgotten'), row: row('forgotten', 30), answer: null }, NOW)
      b.settle({ hold: held('forgotten'), row: row('forgotten', 30), answer: null }, NOW)
      expect(told(b)).toMatchObject({ spent: 30 })
    })

    it('get back what was cancelled, and what was booked when it expired is corrected', () => {
      const b = shared()
      b.admit(ask('a'), NOW)
      b.cancel('a', NOW)
      expect([b.lacking('a'), b.view(NOW)?.heldNanoUsd]).toEqual([null, 0])
      b.admit(ask('b'), NOW)
      grant(b, 'b')
      b.expire(NOW + HOLD_MS)
      expect(told(b)).toMatchObject({ spent: HOLD })
      b.settle({ hold: held('b'), row: row('b', 9), answer: null }, NOW + HOLD_MS)
      expect(told(b)).toMatchObject({ spent: HOLD, refunded: HOLD - 9 })
    })
  })

  describe('limits', () => {
    const limited = (some: Partial<RateLimits>): Book => book({ limits: { ...NO_LIMITS, ...some } })

    it('are exact, told, and counted only for what was admitted', () => {
      const b = limited({ requestsPerMinute: 2 })
      expect(b.admit(ask('a'), NOW)).toMatchObject({ kind: 'granted', rates: { requests: { limit: 2, remaining: 1 } } })
      expect(b.admit(ask('b'), NOW)).toMatchObject({ kind: 'granted', rates: { requests: { remaining: 0 } } })
      expect(b.admit(ask('c'), NOW)).toMatchObject({ kind: 'refused', code: 'rate-exceeded', retryAfterMs: 61_000 - (NOW % 1000) })
      expect(b.admit(ask('d'), NOW + 61_000).kind).toBe('granted')
    })

    it('reserve tokens by estimate and true them up', () => {
      const b = limited({ tokensPerMinute: 320 }) // a request reserves 150
      expect(b.admit(ask('a'), NOW).kind).toBe('granted')
      expect(b.admit(ask('b'), NOW).kind).toBe('granted')
      expect(b.admit(ask('c'), NOW)).toMatchObject({ code: 'rate-exceeded' })
      b.settle({ hold: held('a'), row: { ...row('a', 1), usage: usageOf({ input: 5, output: 5 }) }, answer: null }, NOW)
      expect(b.admit(ask('c'), NOW)).toMatchObject({ kind: 'granted', rates: { tokens: { limit: 320, remaining: 10 } } })
      b.settle({ hold: held('b'), row: null, answer: null }, NOW)
      expect(b.admit(ask('d'), NOW)).toMatchObject({ kind: 'granted' })
    })

    it('give back what was never sent, and keep an expired reservation', () => {
      const b = limited({ requestsPerMinute: 1 })
      b.admit(ask('a'), NOW)
      b.settle({ hold: held('a'), row: null, answer: null }, NOW)
      expect(b.admit(ask('b'), NOW).kind).toBe('granted')
    })

    it('bound requests at once by what is held', () => {
      const b = limited({ parallelRequests: 1 })
      b.admit(ask('a'), NOW)
      expect(b.admit(ask('b'), NOW)).toMatchObject({ code: 'rate-exceeded', retryAfterMs: 1000 })
      b.settle({ hold: held('a'), row: row('a', 1), answer: null }, NOW)
      expect(b.admit(ask('b'), NOW).kind).toBe('granted')
    })

    it('outlive a restart', () => {
      const b = limited({ requestsPerMinute: 2, parallelRequests: 5 })
      b.admit(ask('a'), NOW)
      b.admit(ask('b'), NOW)
      const again = limited({ requestsPerMinute: 2, parallelRequests: 5 })
      again.restore(structuredClone(b.snapshot(NOW)))
      expect(again.admit(ask('c'), NOW + 1000)).toMatchObject({ code: 'rate-exceeded' })
    })
  })
})

describe('a shadow', () => {
  const shadow = (id: string, change: Partial<Ask> = {}): Ask => ask(id, { shadowOf: 'main', ...change })

  it('is held beside the request that it is of, and is named by its hold and by the row of one that nobody settled', () => {
    const books = book({ limitNanoUsd: 10 * HOLD })
    expect(books.admit(ask('main'), NOW)).toMatchObject({ kind: 'granted' })
    expect(books.admit(shadow('s'), NOW)).toMatchObject({ kind: 'granted', hold: { nanoUsd: HOLD, shadowOf: 'main' } })
    const expired = books.expire(NOW + HOLD_MS + 1)
    expect(expired.map(({ row }) => [row.id, row.shadowOf, row.costNanoUsd])).toEqual([['main', undefined, HOLD], ['s', 'main', HOLD]]) // prettier-ignore
  })

  it('goes only where four times its whole worst case is left, and nothing of it is clamped', () => {
    expect(book({ limitNanoUsd: 4 * HOLD }).admit(shadow('s'), NOW)).toMatchObject({ kind: 'granted', clamped: false })
    for (const mode of ['strict', 'elastic'] as const)
      expect(book({ limitNanoUsd: 4 * HOLD - 1, mode }).admit(shadow('s'), NOW)).toMatchObject({ kind: 'refused', code: 'budget-exceeded' })
    expect(book({ limitNanoUsd: 4 * HOLD - 1 }).admit(ask('a'), NOW)).toMatchObject({ kind: 'granted' })
  })

  it('leaves room in the key’s limits', () => {
    const limits = { ...NO_LIMITS, requestsPerMinute: 6 }
    const books = book({ limits })
    for (const id of ['a', 'b']) expect(books.admit(ask(id), NOW).kind).toBe('granted')
    expect(books.admit(shadow('s'), NOW).kind).toBe('granted') // four were left
    expect(books.admit(shadow('t'), NOW)).toMatchObject({ kind: 'refused', code: 'rate-exceeded' })
    expect(books.admit(ask('c'), NOW).kind).toBe('granted')
    const at = book({ limits: { ...NO_LIMITS, parallelRequests: 5 } })
    expect([at.admit(ask('a'), NOW).kind, at.admit(shadow('s'), NOW).kind, at.admit(shadow('t'), NOW).kind]).toEqual(['granted', 'granted', 'refused']) // prettier-ignore
    const tokens = book({ limits: { ...NO_LIMITS, tokensPerMinute: 4 * 150 } })
    expect([tokens.admit(shadow('s'), NOW).kind, tokens.admit(shadow('t'), NOW).kind, tokens.admit(ask('a'), NOW).kind]).toEqual(['granted', 'refused', 'granted']) // prettier-ignore
  })

  it('leaves room in limits for its model', () => {
    const modelLimits = [{ glob: 'p/*', limitNanoUsd: 4 * HOLD, limitReset: null, limits: { ...NO_LIMITS, requestsPerMinute: 5 } }]
    const books = book({ modelLimits })
    expect([books.admit(shadow('s'), NOW).kind, books.admit(shadow('t'), NOW).kind, books.admit(ask('a'), NOW).kind]).toEqual(['granted', 'refused', 'granted']) // prettier-ignore
  })

  it('is not sent with a key that was revoked meanwhile', () => {
    expect(book({ disabled: true }).admit(shadow('s'), NOW)).toMatchObject({ kind: 'refused', code: 'key-disabled' })
  })
})
