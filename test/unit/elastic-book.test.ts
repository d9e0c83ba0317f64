// Elastic holds in the books of a key: what they begin with, how they grow, and that neither the limit nor what was granted is ever passed.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Admission, Ask, Hold, Row } from '../../src/core/account.ts'
import { Book } from '../../src/core/book.ts'
import { expiredRow } from '../../src/core/expired-row.ts'
import type { Policy } from '../../src/core/policy.ts'
import { EVERYTHING } from '../../src/core/permits.ts'
import { NO_LIMITS } from '../../src/core/rates.ts'
import { SharedBudget } from '../../src/core/shared-budget.ts'

const NOW = Date.UTC(2026, 10, 21, 12)
const HOLD_MS = 300_000
const SCOPE = 'team:blue'
const INPUT = 100
/** 1,024 tokens of output at two nano-dollars. */
const SLICE = 2048
const policy: Policy = {
  keyId: 'k1',
  version: 1,
  label: 'l',
  name: 'k',
  createdAt: NOW - 1000,
  secrets: [{ hash: 'h1', until: null }],
  disabled: false,
  deleted: false,
  expiresAt: null,
  limitNanoUsd: 10_000,
  limitReset: null,
  ...EVERYTHING,
  limits: NO_LIMITS,
  scopes: [],
  mode: 'elastic',
}
const book = (change: Partial<Policy> = {}): Book => {
  const made = new Book({ holdMs: HOLD_MS, defaultCeiling: 16_384 })
  made.hydrate({ ...policy, ...change })
  return made
}
const ask = (id: string, change: Partial<Ask> = {}, isCountable = true): Ask => ({
  requestId: id,
  secretHash: 'h1',
  clientIp: null,
  candidates: [
    {
      model: 'p/m',
      provider: 'p',
      region: null,
      worst: { inputPico: 1000, outputPico: 2000, feesNanoUsd: 0 },
      inputTokens: INPUT,
      maxOutputTokens: null,
      isCountable,
    },
  ],
  outputTokens: null,
  leastOutputTokens: 1,
  choices: 1,
  idempotency: null,
  ...change,
})
const granted = (admission: Admission): Admission & { readonly kind: 'granted' } => {
  if (admission.kind !== 'granted') throw new Error(`It is ${admission.kind}.`)
  return admission
}
const row = (hold: Hold, costNanoUsd: number): Row => ({ ...expiredRow('k1', hold, NOW), costNanoUsd, ended: 'complete' })
const up = (ranNanoUsd: number, leastNanoUsd: number, bestNanoUsd: number) => ({ ranNanoUsd, leastNanoUsd, bestNanoUsd })
/** As the object does it where nothing is shared. */
const extend = (b: Book, hold: Hold, least: number, best: number, ran = 0, now = NOW): Hold | null => {
  const id = b.extend(hold, up(ran, least, best), now)
  return id === null ? null : b.join(id, now)
}
const spent = (b: Book): readonly [number | undefined, number | undefined] => [b.view(NOW)?.spentNanoUsd, b.view(NOW)?.heldNanoUsd]

describe('an elastic hold', () => {
  it('begins with the input and 1,024 tokens; the ceiling is the default one, not what the money pays for', () => {
    const { hold, maxOutputTokens, clamped } = granted(book().admit(ask('a'), NOW))
    expect(hold).toMatchObject({ nanoUsd: INPUT + SLICE, elastic: { mostNanoUsd: INPUT + 2 * 16_384 } })
    expect([maxOutputTokens, clamped]).toEqual([16_384, true])
    const strict = granted(book({ mode: 'strict' }).admit(ask('a'), NOW))
    expect(strict.hold).toMatchObject({ nanoUsd: 10_000 })
    expect(strict.hold.elastic).toBeUndefined()
    expect(strict.maxOutputTokens).toBe(4950)
  })

  it('is no larger than the worst case, and then is none', () => {
    const { hold, maxOutputTokens } = granted(book().admit(ask('a', { outputTokens: 50 }), NOW))
    expect(hold.nanoUsd).toBe(INPUT + 100)
    expect(hold.elastic).toBeUndefined()
    expect(maxOutputTokens).toBeNull()
  })

  it('leaves the ceiling of the client alone', () => {
    expect(granted(book().admit(ask('a', { outputTokens: 9000 }), NOW)).maxOutputTokens).toBeNull()
  })

  it('begins with what is left, and is refused below sixteen tokens or the thinking budget', () => {
    expect(granted(book({ limitNanoUsd: INPUT + 40 }).admit(ask('a'), NOW)).hold.nanoUsd).toBe(INPUT + 40)
    expect(book({ limitNanoUsd: INPUT + 31 }).admit(ask('a'), NOW)).toMatchObject({ kind: 'refused', code: 'budget-exceeded' })
    expect(granted(book().admit(ask('a', { leastOutputTokens: 3001 }), NOW)).hold.nanoUsd).toBe(INPUT + 6002)
    expect(book({ limitNanoUsd: 6000 }).admit(ask('a', { leastOutputTokens: 3001 }), NOW)).toMatchObject({ kind: 'refused' })
  })

  it('is whole where nothing can be counted while it runs, and where the key has no budget', () => {
    expect(granted(book().admit(ask('a', {}, false), NOW)).hold).toMatchObject({ nanoUsd: 10_000 })
    expect(granted(book({ limitNanoUsd: null }).admit(ask('a'), NOW)).hold.elastic).toBeUndefined()
  })

  it('is whole under a limit of the model', () => {
    const under = (glob: string): Partial<Policy> => ({ modelLimits: [{ glob, limitNanoUsd: 5000, limitReset: null, limits: NO_LIMITS }] })
    const { hold } = granted(book(under('p/*')).admit(ask('a'), NOW))
    expect([hold.nanoUsd, hold.elastic]).toEqual([5000, undefined])
    const elsewhere = granted(book(under('q/*')).admit(ask('a'), NOW))
    expect(elsewhere.hold.elastic).toEqual({ mostNanoUsd: 100 + 2 * 16_384 })
  })

  it('grows up to the worst case and the limit, whichever is less, and not by too little', () => {
    const b = book()
    const { hold } = granted(b.admit(ask('a'), NOW))
    const grown = extend(b, hold, 3000, 4000)
    expect(grown).toMatchObject({ requestId: 'a', nanoUsd: 4000 })
    expect(spent(b)).toEqual([0, 4000])
    const most = extend(b, grown as Hold, 5000, 1e9)
    expect(most?.nanoUsd).toBe(10_000)
    expect(extend(b, most as Hold, 10_001, 12_000)).toBeNull()
    expect(b.admit(ask('b'), NOW)).toMatchObject({ kind: 'refused' })
    b.settle({ hold: most as Hold, row: row(hold, 7000), answer: null }, NOW)
    expect(spent(b)).toEqual([7000, 0])
    expect(extend(b, most as Hold, 10_001, 12_000)).toBeNull() // its answer has ended
    const small = book({ limitNanoUsd: 1e9 })
    const other = granted(small.admit(ask('a', { outputTokens: 2000 }), NOW)).hold
    expect(extend(small, other, 3000, 1e8)?.nanoUsd).toBe(INPUT + 4000)
  })

  it('of a key that is taken out of use, or whose limit is lowered, grows no more', () => {
    for (const change of [{ disabled: true }, { deleted: true }, { expiresAt: NOW - 1 }, { limitNanoUsd: 1000 }] as const) {
      const b = book()
      const { hold } = granted(b.admit(ask('a'), NOW))
      b.hydrate({ ...policy, ...change, version: 2 })
      expect(extend(b, hold, 3000, 4000)).toBeNull()
    }
  })

  it('that expires is booked at what its answer had cost when it was last told, else in full; a later settle corrects it', () => {
    const b = book()
    const [told, untold] = [granted(b.admit(ask('a'), NOW)).hold, granted(b.admit(ask('b'), NOW)).hold]
    expect(b.renew(told, NOW, 700)).toBe(true)
    expect(b.expire(NOW + HOLD_MS).map(({ row: { id, costNanoUsd, ended } }) => [id, costNanoUsd, ended])).toEqual([
      ['a', 700, 'expired'],
      ['b', untold.nanoUsd, 'expired'],
    ])
    expect(spent(b)).toEqual([700 + untold.nanoUsd, 0])
    expect(extend(b, told, 3000, 4000, 0, NOW + HOLD_MS)).toBeNull()
    b.settle({ hold: told, row: row(told, 900), answer: null }, NOW + HOLD_MS)
    expect(spent(b)).toEqual([900 + untold.nanoUsd, 0])
  })

  it('that grows in a new period settles there', () => {
    const b = book({ limitReset: 'daily' })
    const { hold } = granted(b.admit(ask('a'), NOW))
    const later = NOW + 13 * 3_600_000
    b.renew(hold, later)
    const grown = extend(b, hold, 3000, 4000, 0, later) as Hold
    expect(grown.period).not.toBe(hold.period)
    b.settle({ hold: grown, row: row(grown, 3500), answer: null }, later)
    expect(b.view(later)?.spentNanoUsd).toBe(3500)
  })

  it('is taken, for the write-ahead ceiling, by what it grows', () => {
    const b = book({ limits: { ...NO_LIMITS, requestsPerMinute: 5 } })
    const { hold } = granted(b.admit(ask('a'), NOW))
    const id = b.extend(hold, up(0, 3000, 4000), NOW) as string
    expect(b.taken(id)).toEqual([['money', 4000 - hold.nanoUsd]])
    expect(b.view(NOW)?.running).toBe(1)
    b.join(id, NOW)
    expect(b.view(NOW)?.running).toBe(1)
  })

  it('survives a restart as it was granted; an extension that nobody was told of does not', () => {
    const b = book({ scopes: [SCOPE] })
    const first = granted(b.admit(ask('a'), NOW)).hold
    b.fund('a', SCOPE, { kind: 'leased', turn: b.lacking('a')?.ask.told.turn ?? 0, period: 'ever', resetsAt: null, granted: first.nanoUsd })
    b.extend(first, up(500, 3000, 4000), NOW)
    const again = book({ scopes: [SCOPE] })
    again.restore(structuredClone(b.snapshot(NOW)))
    expect([spent(again), again.view(NOW)?.running]).toEqual([[0, first.nanoUsd], 1])
    expect(again.expire(NOW + HOLD_MS).map(({ row: { costNanoUsd } }) => costNanoUsd)).toEqual([500])
  })

  it('whose extension a crash has forgotten draws that alone: nothing is booked twice', () => {
    const b = book()
    const { hold } = granted(b.admit(ask('a'), NOW))
    b.holdLost([['money', 5000], ['requests', 2]], 'lost', NOW + 1, NOW + 1) // prettier-ignore
    const told = { ...hold, nanoUsd: hold.nanoUsd + 2000 }
    expect(b.renew(told, NOW + 2, 900)).toBe(true)
    expect([spent(b), b.view(NOW)?.running]).toEqual([[0, hold.nanoUsd + 5000], 3])
    b.settle({ hold: told, row: row(told, 4000), answer: null }, NOW + 3)
    expect(spent(b)).toEqual([4000, 3000])
    expect(b.expire(NOW + 1 + HOLD_MS).map(({ row: { id, costNanoUsd } }) => [id, costNanoUsd])).toEqual([['lost', 3000]])
  })

  it('forgotten by a crash draws from what is held for such, and may go on', () => {
    const b = book()
    b.holdLost([['money', 4000], ['requests', 1]], 'lost', NOW, NOW) // prettier-ignore
    const hold: Hold = {
      requestId: 'a',
      period: 'ever',
      nanoUsd: 3000,
      takenAt: NOW - 10,
      expiresAt: NOW + HOLD_MS,
      budgeted: true,
      elastic: { mostNanoUsd: 9000 },
    }
    expect(spent(b)).toEqual([0, 4000])
    expect(extend(b, hold, 3100, 5000)?.nanoUsd).toBe(5000)
    expect(spent(b)).toEqual([0, 6000])
  })
})

type Step = {
  readonly do: 'admit' | 'grow' | 'settle' | 'restart' | 'roll'
  readonly key: number
  readonly pick: number
  readonly part: number
}

/** Two keys that share one budget. Answers cost at most what was granted to them, as their Worker sees to. */
class World {
  readonly budget: SharedBudget
  readonly books: Book[]
  readonly running: { key: number; hold: Hold }[] = []
  now = NOW
  spent = 0
  #ids = 0
  readonly limit: number

  constructor(limit: number, keyLimit: number | null, reset: string | null) {
    this.limit = limit
    this.budget = new SharedBudget({ scope: SCOPE, version: 1, createdAt: NOW - 1000, limitNanoUsd: limit, limitReset: reset })
    this.books = [0, 1].map(() => book({ scopes: [SCOPE], limitNanoUsd: keyLimit }))
  }

  /** As the object of a key does. */
  lease(key: number, id: string): boolean {
    const b = this.books[key] as Book
    for (let lack = b.lacking(id); lack !== null; lack = b.lacking(id)) {
      let answer = this.budget.lease(String(key), lack.ask, false, this.now)
      if (answer.kind === 'short') {
        for (const { keyId, turn, period, granted: all } of this.budget.lessees(this.now)) {
          const told = (this.books[Number(keyId)] as Book).recall(SCOPE, turn, period, all)
          if (told === null) this.budget.gone(keyId, turn)
          else this.budget.tell(keyId, told, this.now)
        }
        answer = this.budget.lease(String(key), lack.ask, true, this.now)
      }
      if (answer.kind === 'short') {
        b.cancel(id, this.now)
        return false
      }
      b.fund(id, SCOPE, answer)
    }
    return true
  }

  step(step: Step): void {
    const b = this.books[step.key] as Book
    const at = step.pick % Math.max(1, this.running.length)
    const one = this.running[at]
    if (step.do === 'admit') {
      const id = `r${this.#ids++}`
      const admission = b.admit(ask(id, { leastOutputTokens: 1 + (step.pick % 600) }), this.now)
      if (admission.kind === 'granted' && this.lease(step.key, id)) this.running.push({ key: step.key, hold: admission.hold })
    } else if (step.do === 'restart') {
      const again = book({ scopes: [SCOPE], limitNanoUsd: b.policy?.limitNanoUsd ?? null })
      again.restore(structuredClone(b.snapshot(this.now)))
      this.books[step.key] = again
    } else if (step.do === 'roll') this.now += 24 * 3_600_000
    else if (one !== undefined && step.do === 'grow') {
      const own = this.books[one.key] as Book
      const id = own.extend(one.hold, up(one.hold.nanoUsd - 10, one.hold.nanoUsd + 1, one.hold.nanoUsd * 2), this.now)
      if (id === null || !this.lease(one.key, id)) return
      const grown = own.join(id, this.now)
      if (grown !== null) this.running[at] = { ...one, hold: grown }
    } else if (one !== undefined) {
      this.running.splice(at, 1)
      const cost = Math.floor(one.hold.nanoUsd * step.part)
      this.spent += cost
      ;(this.books[one.key] as Book).settle({ hold: one.hold, row: row(one.hold, cost), answer: null }, this.now)
    }
  }
}

const step = (kinds: readonly Step['do'][]): fc.Arbitrary<Step> =>
  fc.record({
    do: fc.constantFrom(...kinds),
    key: fc.nat({ max: 1 }),
    pick: fc.nat({ max: 20 }),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
  })

describe('elastic holds of keys that share a budget', () => {
  it('never pass the limit of the budget or of a key, whatever happens in whatever order', () => {
    const kinds = ['admit', 'grow', 'grow', 'settle', 'restart'] as const
    fc.assert(
      fc.property(fc.array(step(kinds), { maxLength: 80 }), fc.integer({ min: 200, max: 40_000 }), (steps, limit) => {
        const world = new World(limit, 20_000, null)
        for (const one of steps) {
          world.step(one)
          const held = world.running.reduce((sum, { hold }) => sum + hold.nanoUsd, 0)
          expect(world.spent + held).toBeLessThanOrEqual(limit)
          for (const b of world.books) {
            const view = b.view(world.now)
            expect((view?.spentNanoUsd ?? 0) + (view?.heldNanoUsd ?? 0)).toBeLessThanOrEqual(20_000)
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  it('spend no more in a period than its limit, when periods end while they run', () => {
    const kinds = ['admit', 'grow', 'grow', 'settle', 'roll'] as const
    fc.assert(
      fc.property(fc.array(step(kinds), { minLength: 20, maxLength: 60 }), (steps) => {
        const world = new World(9000, null, 'daily')
        for (const one of steps) {
          world.step(one)
          for (const key of [0, 1])
            for (const { scope, told } of (world.books[key] as Book).reports())
              if (scope === SCOPE) world.budget.tell(String(key), told, world.now)
          expect(world.budget.view(world.now).spentNanoUsd).toBeLessThanOrEqual(9000)
          for (const [, lease] of world.budget.snapshot().leases) expect(lease.spent + lease.returned).toBeLessThanOrEqual(lease.granted)
        }
      }),
      { numRuns: 300 },
    )
  })
})
