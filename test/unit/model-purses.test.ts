// Limits of a key for some models: which purses a hold lies in, who is charged, what is refused and named. Then, in random order and with
// crashes between: never over, never free.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Admission, Ask, CandidateAsk, Hold, Row } from '../../src/core/account.ts'
import { Ahead, type Taken } from '../../src/core/ahead.ts'
import { Book, type Booked, type Journal } from '../../src/core/book.ts'
import type { ModelLimit, ModelLimitView } from '../../src/core/model-limits.ts'
import type { Policy } from '../../src/core/policy.ts'
import { EVERYTHING } from '../../src/core/permits.ts'
import { NO_LIMITS, type RateLimits } from '../../src/core/rates.ts'
import { lotsOf, purseTaken } from '../../src/core/taken.ts'
import { usageOf } from '../../src/core/usage.ts'
import { rowOf } from '../support/rows.ts'

const NOW = Date.UTC(2026, 10, 21, 12)
const HOLD_MS = 300_000
const usd = (glob: string, limitNanoUsd: number | null, limitReset: string | null = null): ModelLimit => {
  return { glob, limitNanoUsd, limitReset, limits: NO_LIMITS }
}
const rates = (glob: string, some: Partial<RateLimits>): ModelLimit => ({ ...usd(glob, null), limits: { ...NO_LIMITS, ...some } })
const policy = (modelLimits: readonly ModelLimit[], change: Partial<Policy> = {}): Policy => ({
  keyId: 'k1',
  version: 1,
  label: '',
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
  modelLimits,
  scopes: [],
  ...change,
})
const book = (modelLimits: readonly ModelLimit[], change: Partial<Policy> = {}): Book => {
  const made = new Book({ holdMs: HOLD_MS, defaultCeiling: 1000 })
  made.hydrate(policy(modelLimits, change))
  return made
}
/** A nano-dollar a token in, `output` of them a token out: 100 in. */
const target = (model: string, output = 2): CandidateAsk => ({
  model,
  provider: model.slice(0, model.indexOf('/')),
  region: null,
  worst: { inputPico: 1000, outputPico: output * 1000, feesNanoUsd: 0 },
  inputTokens: 100,
  maxOutputTokens: 4000,
})
const ask = (id: string, ...candidates: readonly CandidateAsk[]): Ask => ({
  requestId: id,
  secretHash: 'h1',
  clientIp: null,
  candidates,
  outputTokens: 50,
  leastOutputTokens: 50, // no clamp: all of it, or nothing
  choices: 1,
  idempotency: null,
})
const HOLD = 100 + 2 * 50
const row = (hold: Hold, model: string, costNanoUsd: number | null, change: Partial<Row> = {}): Row => {
  const [provider = '', ...name] = model.split('/')
  const place = { requestedModel: model, provider, model: name.join('/') }
  return rowOf(hold.requestId, { period: hold.period, createdAt: NOW, ...place, costNanoUsd, ...change })
}
const granted = (admission: Admission): Admission & { readonly kind: 'granted' } => {
  if (admission.kind !== 'granted') throw new Error(JSON.stringify(admission))
  return admission
}
const settle = (b: Book, hold: Hold, one: Row | null, now = NOW): readonly Booked[] => b.settle({ hold, row: one, answer: null }, now)
const purse = (b: Book, glob: string, now = NOW): ModelLimitView => {
  const found = b.view(now)?.modelLimits.find((view) => view.glob === glob)
  if (found === undefined) throw new Error(`There is no ${glob}.`)
  return found
}

describe('a budget for some models', () => {
  it('grants exactly as many as fit, names itself when it refuses, and leaves other models alone', () => {
    const b = book([usd('p/a*', 3 * HOLD)])
    const answers = Array.from({ length: 10 }, (_, i) => b.admit(ask(`r${i}`, target('p/a1')), NOW))
    expect(answers.filter(({ kind }) => kind === 'granted')).toHaveLength(3)
    expect(answers[9]).toMatchObject({
      code: 'budget-exceeded',
      message: expect.stringContaining('The budget of model p/a* is exhausted'),
      money: { scope: 'model p/a*', spentNanoUsd: 0, heldNanoUsd: 3 * HOLD, limitNanoUsd: 3 * HOLD },
    })
    expect(b.admit(ask('b', target('p/b')), NOW)).toMatchObject({ kind: 'granted', hold: { budgeted: false } })
  })

  it('lets a request go to another candidate, and charges the one that served', () => {
    const b = book([usd('p/a', HOLD), usd('p/*', 10 * HOLD)])
    const first = granted(b.admit(ask('1', target('p/a'), target('p/b')), NOW))
    expect(first).toMatchObject({ allowed: [0, 1], hold: { budgeted: true } })
    expect([purse(b, 'p/a').heldNanoUsd, purse(b, 'p/*').heldNanoUsd]).toEqual([HOLD, HOLD])
    expect(granted(b.admit(ask('2', target('p/a'), target('p/b')), NOW)).allowed).toEqual([1])
    expect([purse(b, 'p/a').heldNanoUsd, purse(b, 'p/*').heldNanoUsd]).toEqual([HOLD, 2 * HOLD])
    settle(b, first.hold, row(first.hold, 'p/b', 30))
    expect(purse(b, 'p/a')).toMatchObject({ spentNanoUsd: 0, heldNanoUsd: 0, running: 0 })
    expect(purse(b, 'p/*')).toMatchObject({ spentNanoUsd: 30, heldNanoUsd: HOLD, running: 1 })
  })

  it('holds in each purse what its own targets need, and books the unknown no higher', () => {
    const b = book([usd('p/a', HOLD), usd('p/b', 10_000)])
    const { hold } = granted(b.admit(ask('1', target('p/a'), target('p/b', 20)), NOW))
    expect([hold.nanoUsd, purse(b, 'p/a').heldNanoUsd, purse(b, 'p/b').heldNanoUsd]).toEqual([1100, HOLD, 1100])
    settle(b, hold, row(hold, 'p/a', hold.nanoUsd, { usageFrom: 'hold', ended: 'failed' }))
    expect([purse(b, 'p/a').spentNanoUsd, purse(b, 'p/b').spentNanoUsd]).toEqual([HOLD, 0])
    expect(b.view(NOW)?.spentNanoUsd).toBe(1100)
  })

  it('clamps to the least that the key and its purses leave, and says whose it is that leaves too little', () => {
    const soft = (id: string): Ask => ({ ...ask(id, target('p/a')), leastOutputTokens: 1 })
    expect(book([usd('p/*', 100 + 2 * 30)], { limitNanoUsd: 100 + 2 * 40 }).admit(soft('1'), NOW)).toMatchObject({ maxOutputTokens: 30 })
    expect(book([usd('p/*', 100 + 2 * 40)], { limitNanoUsd: 100 + 2 * 30 }).admit(soft('1'), NOW)).toMatchObject({ maxOutputTokens: 30 })
    expect(book([usd('p/*', 10), usd('*', 5)], { limitNanoUsd: 20 }).admit(soft('1'), NOW)).toMatchObject({ money: { scope: 'model *' } })
    expect(book([usd('p/*', 10)], { limitNanoUsd: 3 }).admit(soft('1'), NOW)).toMatchObject({ money: { scope: 'key' } })
  })

  it('refuses an unknown price for the candidate that is under it only', () => {
    const unpriced = (model: string): CandidateAsk => ({ ...target(model), worst: null })
    const b = book([usd('p/*', 1000)])
    expect(b.admit(ask('1', unpriced('p/a')), NOW)).toMatchObject({ code: 'model-unpriced' })
    expect(granted(b.admit(ask('2', unpriced('p/a'), unpriced('q/a')), NOW)).allowed).toEqual([1])
    expect(b.admit(ask('3', unpriced('q/a')), NOW).kind).toBe('granted')
    expect(book([rates('p/*', { requestsPerMinute: 5 })]).admit(ask('4', unpriced('p/a')), NOW).kind).toBe('granted')
  })

  it('begins anew with its own period, and settles a hold in the one it was taken in', () => {
    const b = book([usd('p/*', HOLD, 'daily')])
    const { hold } = granted(b.admit(ask('1', target('p/a')), NOW))
    settle(b, hold, row(hold, 'p/a', 150))
    expect(b.admit(ask('2', target('p/a')), NOW)).toMatchObject({ code: 'budget-exceeded' })
    const midnight = Date.UTC(2026, 10, 22)
    expect(purse(b, 'p/*', midnight)).toMatchObject({ spentNanoUsd: 0, resetsAt: Date.UTC(2026, 10, 23) })
    const late = granted(b.admit(ask('3', target('p/a')), midnight)).hold
    settle(b, late, row(late, 'p/a', 7), midnight + 86_400_000)
    expect(purse(b, 'p/*', midnight + 86_400_000).spentNanoUsd).toBe(0)
    expect(b.view(midnight)?.spentEverNanoUsd).toBe(157)
  })

  it('is charged in full by a hold that expires, whoever may have served, and corrected when that is told', () => {
    const b = book([usd('p/a', 1000), usd('q/*', 1000)])
    const { hold } = granted(b.admit(ask('1', target('p/a'), target('q/b')), NOW))
    const later = NOW + HOLD_MS
    b.expire(later)
    expect([purse(b, 'p/a'), purse(b, 'q/*')]).toMatchObject([
      { spentNanoUsd: HOLD, heldNanoUsd: 0, running: 0 },
      { spentNanoUsd: HOLD, heldNanoUsd: 0, running: 0 },
    ])
    settle(b, hold, row(hold, 'q/b', 30), later)
    expect([purse(b, 'p/a').spentNanoUsd, purse(b, 'q/*').spentNanoUsd]).toEqual([0, 30])
    settle(b, hold, row(hold, 'q/b', 30), later)
    expect(purse(b, 'q/*').spentNanoUsd).toBe(30)
  })

  it('gets everything back when nothing was sent', () => {
    const b = book([usd('p/a', HOLD), rates('*', { requestsPerMinute: 1, tokensPerMinute: 150 })])
    const { hold } = granted(b.admit(ask('1', target('p/a')), NOW))
    settle(b, hold, null)
    expect(b.admit(ask('2', target('p/a')), NOW).kind).toBe('granted')
  })

  it('begins anew when it is taken away and set again; what still runs is charged, and holds nothing there', () => {
    const b = book([usd('p/*', 10 * HOLD)])
    const first = granted(b.admit(ask('1', target('p/a')), NOW)).hold
    const second = granted(b.admit(ask('2', target('p/a')), NOW)).hold
    settle(b, first, row(first, 'p/a', 50))
    b.hydrate(policy([], { version: 2 }))
    b.hydrate(policy([usd('p/*', HOLD)], { version: 3 }))
    expect(purse(b, 'p/*')).toMatchObject({ spentNanoUsd: 0, heldNanoUsd: 0 })
    settle(b, second, row(second, 'p/a', 60))
    expect(purse(b, 'p/*')).toMatchObject({ spentNanoUsd: 60, heldNanoUsd: 0, running: 0 })
  })
})

describe('limits for some models', () => {
  it('refuse nothing that another candidate can serve, and say how long the shortest of them is', () => {
    const b = book([rates('p/a', { requestsPerMinute: 1 }), rates('q/*', { requestsPerMinute: 1 })])
    const { hold } = granted(b.admit(ask('1', target('p/a'), target('q/b')), NOW))
    settle(b, hold, row(hold, 'p/a', 1)) // q/* was not used, so it may be again
    expect(granted(b.admit(ask('2', target('p/a'), target('q/b')), NOW + 5000)).allowed).toEqual([1])
    expect(b.admit(ask('3', target('p/a'), target('q/b')), NOW + 6000)).toMatchObject({
      code: 'rate-exceeded',
      message: 'The limit of model p/a is reached: 1 requests a minute. Try again in 55 s.',
      retryAfterMs: 55_000,
      rates: { requests: { limit: 1, remaining: 0 } },
    })
    expect(b.admit(ask('4', target('q/b')), NOW + 6000)).toMatchObject({ code: 'rate-exceeded', retryAfterMs: 60_000 })
    expect(granted(b.admit(ask('5', target('p/a'), target('q/b')), NOW + 61_000)).allowed).toEqual([0])
  })

  it('make one wait where waiting helps, though another candidate has no money', () => {
    const b = book([usd('p/a', 1), rates('q/*', { requestsPerMinute: 1 })])
    granted(b.admit(ask('1', target('q/b')), NOW))
    expect(b.admit(ask('2', target('p/a'), target('q/b')), NOW)).toMatchObject({ code: 'rate-exceeded', retryAfterMs: 61_000 })
    expect(b.admit(ask('3', target('p/a')), NOW)).toMatchObject({ code: 'budget-exceeded', money: { scope: 'model p/a' } })
  })

  it('tell the tightest that applies, of the key or of a model', () => {
    const b = book([rates('p/*', { requestsPerMinute: 3, tokensPerMinute: 100_000 })], { limits: { ...NO_LIMITS, requestsPerMinute: 10 } })
    expect(granted(b.admit(ask('1', target('p/a')), NOW)).rates).toMatchObject({ requests: { limit: 3 }, tokens: { limit: 100_000 } })
    const other = granted(b.admit(ask('2', target('q/a')), NOW)).rates
    expect(other).toMatchObject({ requests: { limit: 10, remaining: 8 } })
    expect(other?.tokens).toBeUndefined()
  })

  it('reserve tokens by the upper bound, true them up where it served and give them back elsewhere', () => {
    const b = book([rates('p/a', { tokensPerMinute: 150 }), rates('q/*', { tokensPerMinute: 150 })])
    const { hold } = granted(b.admit(ask('1', target('p/a'), target('q/b')), NOW))
    expect(b.admit(ask('2', target('p/a')), NOW)).toMatchObject({ code: 'rate-exceeded' })
    settle(b, hold, row(hold, 'p/a', 1, { usage: usageOf({ input: 5, output: 5 }) }))
    expect(b.admit(ask('3', target('p/a')), NOW)).toMatchObject({ code: 'rate-exceeded' })
    expect(granted(b.admit(ask('4', target('q/b')), NOW)).rates).toMatchObject({ tokens: { remaining: 0 } })
  })

  it('bound requests at once', () => {
    const b = book([rates('p/*', { parallelRequests: 1 })])
    const { hold } = granted(b.admit(ask('1', target('p/a')), NOW))
    expect(b.admit(ask('2', target('p/b')), NOW)).toMatchObject({ code: 'rate-exceeded', retryAfterMs: 1000 })
    expect(b.admit(ask('3', target('q/b')), NOW).kind).toBe('granted')
    settle(b, hold, row(hold, 'p/a', 1))
    expect(b.admit(ask('4', target('p/b')), NOW).kind).toBe('granted')
  })

  it('outlive a restart, with what is spent and held', () => {
    const limits = [usd('p/*', 3 * HOLD), rates('*', { requestsPerMinute: 3, parallelRequests: 2 })]
    const b = book(limits)
    const { hold } = granted(b.admit(ask('1', target('p/a')), NOW))
    granted(b.admit(ask('2', target('p/a')), NOW))
    settle(b, hold, row(hold, 'p/a', 40))
    const again = book(limits)
    again.restore(structuredClone(b.snapshot(NOW)))
    expect(purse(again, 'p/*')).toMatchObject({ spentNanoUsd: 40, heldNanoUsd: HOLD, running: 1 })
    granted(again.admit(ask('3', target('p/a')), NOW))
    expect(again.admit(ask('4', target('p/a')), NOW)).toMatchObject({ code: 'rate-exceeded' })
  })
})

describe('after a crash', () => {
  const limits = [usd('p/*', 10 * HOLD), rates('p/a', { requestsPerMinute: 10, parallelRequests: 10 })]
  const lost: Taken = [
    ['money', 2 * HOLD],
    ['requests', 2],
    ['tokens', 300],
    ['team:blue', HOLD],
    ...purseTaken('p/*', 2 * HOLD, 300),
    ...purseTaken('p/a', 2 * HOLD, 300),
  ]

  it('tells scopes of shared budgets from purses, whatever their globs look like', () => {
    const lots = lotsOf([...lost, ...purseTaken('team:blue', 7, 8)])
    expect(lots.scopes).toEqual([['team:blue', HOLD]])
    expect([...lots.purses]).toEqual([
      ['p/*', { nanoUsd: 2 * HOLD, requests: 1, tokens: 300 }],
      ['p/a', { nanoUsd: 2 * HOLD, requests: 1, tokens: 300 }],
      ['team:blue', { nanoUsd: 7, requests: 1, tokens: 8 }],
    ])
  })

  it('requests that were foreseen did not wait for the disk', () => {
    const b = book(limits)
    const ahead = new Ahead()
    const taken = (id: string): Taken => {
      granted(b.admit(ask(id, target('p/a')), NOW))
      return b.taken(id)
    }
    expect(ahead.take(taken('1'))).toBe(false)
    ahead.written(ahead.begin((of) => b.room(of, NOW)))
    expect(ahead.take(taken('2'))).toBe(true)
  })

  it('what may be forgotten is held, drawn from, and booked', () => {
    const b = book(limits)
    const before = book(limits)
    const { hold } = granted(before.admit(ask('1', target('p/a'), target('p/b')), NOW))
    expect(new Map(before.taken('1')).get('model:p/*')).toBe(HOLD)
    b.restore(structuredClone(book(limits).snapshot(NOW)))
    b.holdLost(lost, 'lost', NOW, NOW)
    expect(purse(b, 'p/*')).toMatchObject({ spentNanoUsd: 0, heldNanoUsd: 2 * HOLD, running: 1 })
    expect(purse(b, 'p/a').running).toBe(1)
    settle(b, hold, row(hold, 'p/b', 30), NOW + 1)
    expect(purse(b, 'p/*')).toMatchObject({ spentNanoUsd: 30, heldNanoUsd: HOLD, running: 0 })
    expect(purse(b, 'p/a')).toMatchObject({ spentNanoUsd: 0, heldNanoUsd: HOLD, running: 0 })
    const again = book(limits)
    again.restore(structuredClone(b.snapshot(NOW + 2)))
    again.expire(NOW + HOLD_MS)
    expect(purse(again, 'p/*')).toMatchObject({ spentNanoUsd: 30 + HOLD, heldNanoUsd: 0, running: 0 })
  })

  it('a renewed stream is held in its purses again, and is not drawn from what was booked', () => {
    const before = book(limits)
    const { hold } = granted(before.admit(ask('1', target('p/a')), NOW))
    const b = book(limits)
    b.restore(structuredClone(book(limits).snapshot(NOW)))
    b.holdLost(lost, 'lost', NOW, NOW)
    expect(b.renew(hold, NOW + 1)).toBe(true)
    expect(purse(b, 'p/*')).toMatchObject({ heldNanoUsd: 2 * HOLD, running: 1 })
    const other = granted(before.admit(ask('2', target('p/a')), NOW)).hold
    const over = NOW + HOLD_MS
    b.expire(over)
    expect(b.renew(other, over)).toBe(false)
    const spent = purse(b, 'p/*').spentNanoUsd
    settle(b, other, row(other, 'p/a', 30), over)
    expect(purse(b, 'p/*').spentNanoUsd).toBe(spent - HOLD + 30)
  })
})

type Step =
  | { readonly do: 'admit'; readonly models: readonly number[]; readonly output: number }
  | { readonly do: 'settle' | 'renew'; readonly pick: number; readonly part: number; readonly as: Row['usageFrom'] | 'unsent' }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'write' | 'crash' }

const MODELS = [target('p/a', 2), target('p/b', 9), target('q/a', 1), target('r/a', 3)] as const
const LIMITS = [
  usd('p/*', 2500),
  usd('p/a', 700),
  usd('*/a', 1500, '10m'),
  { ...usd('q/*', 900), limits: { ...NO_LIMITS, parallelRequests: 3 } },
]

/** What runs at the gateway, what a purse's models really cost, and a disk that knows only what was written. */
class World {
  book = new Book({ holdMs: HOLD_MS, defaultCeiling: 1000 })
  ahead = new Ahead()
  now = NOW
  disk: { journal: Journal; slack: Taken; rows: ReadonlyMap<string, Row> }
  readonly rows = new Map<string, Row>()
  running: { readonly hold: Hold; readonly admission: Admission & { readonly kind: 'granted' }; readonly ask: Ask }[] = []
  readonly served: { readonly model: string; readonly nanoUsd: number; readonly at: number }[] = []
  #ids = 0

  constructor() {
    this.book.hydrate(policy(LIMITS))
    this.disk = { journal: this.book.snapshot(this.now), slack: [], rows: new Map() }
  }

  write(): void {
    const writing = this.ahead.begin((of) => this.book.room(of, this.now))
    this.disk = { journal: structuredClone(this.book.snapshot(this.now)), slack: writing.slack, rows: new Map(this.rows) }
    this.ahead.written(writing)
  }

  keep(booked: readonly Booked[]): void {
    for (const { row: one } of booked) this.rows.set(one.id, one)
  }

  do(step: Step): void {
    if (step.do === 'admit') this.admit(step.models, step.output)
    if (step.do === 'write') this.write()
    if (step.do === 'crash') this.crash()
    if (step.do === 'pass') {
      this.now += step.ms
      this.keep(this.book.expire(this.now))
      this.book.forget(this.now)
    }
    if (step.do !== 'settle' && step.do !== 'renew') return
    const index = step.pick % Math.max(1, this.running.length)
    const one = this.running[index]
    if (one === undefined) return
    this.recall(one.hold)
    if (step.do === 'renew') {
      this.book.renew(one.hold, this.now)
      return
    }
    this.running.splice(index, 1)
    const at = one.admission.allowed[step.part % one.admission.allowed.length] ?? 0
    const candidate = one.ask.candidates[at] as CandidateAsk
    const most = worst(candidate, one.ask, ceilingAt(one.admission, at))
    const real = step.as === 'unsent' || step.as === 'none' ? 0 : step.as === 'hold' ? most : Math.floor((most * (step.part % 101)) / 100)
    const cost = step.as === 'hold' ? one.hold.nanoUsd : real
    this.served.push({ model: candidate.model, nanoUsd: real, at: one.hold.takenAt })
    const { hold } = one
    this.keep(settle(this.book, hold, step.as === 'unsent' ? null : row(hold, candidate.model, cost, { usageFrom: step.as }), this.now))
    this.write()
  }

  admit(models: readonly number[], outputTokens: number): void {
    const candidates = models.map((i) => MODELS[i % MODELS.length] as CandidateAsk)
    const question = { ...ask(`r${this.#ids++}`, ...candidates), outputTokens, leastOutputTokens: 1 }
    const admission = this.book.admit(question, this.now)
    if (admission.kind !== 'granted') return
    if (!this.ahead.take(this.book.taken(question.requestId))) this.write()
    this.running.push({ hold: admission.hold, admission, ask: question })
  }

  /** As the object asks the ledger. */
  recall(hold: Hold): void {
    const id = hold.requestId
    const known = this.rows.get(id)
    if (!this.book.knows(hold) && known !== undefined)
      this.book.rememberSettled(id, known.costNanoUsd ?? 0, known.ended === 'expired', this.now)
  }

  crash(): void {
    this.book = new Book({ holdMs: HOLD_MS, defaultCeiling: 1000 })
    this.book.hydrate(policy(LIMITS))
    this.book.restore(structuredClone(this.disk.journal))
    this.book.holdLost(this.disk.slack, `lost${this.#ids++}`, this.now, this.now)
    this.rows.clear()
    for (const [id, one] of this.disk.rows) this.rows.set(id, one)
    this.ahead = new Ahead()
    this.write()
  }

  /** What may still come of those that run, at most. */
  outstanding(glob: RegExp): number {
    let sum = 0
    for (const one of this.running) {
      const under = one.admission.allowed
        .map((at) => ({ at, candidate: one.ask.candidates[at] as CandidateAsk }))
        .filter(({ candidate: { model } }) => glob.test(model))
      sum += Math.max(0, ...under.map(({ at, candidate }) => worst(candidate, one.ask, ceilingAt(one.admission, at))))
    }
    return sum
  }
}

/** The ceiling that is enforced at one of the targets asked about. */
function ceilingAt({ ceilings, maxOutputTokens }: Admission & { readonly kind: 'granted' }, at: number): number | null {
  return ceilings === undefined ? maxOutputTokens : (ceilings[at] ?? null)
}

function worst({ worst: of, inputTokens }: CandidateAsk, { outputTokens }: Ask, ceiling: number | null): number {
  return Math.ceil(((inputTokens ?? 0) * (of?.inputPico ?? 0)) / 1000) + ((ceiling ?? outputTokens ?? 0) * (of?.outputPico ?? 0)) / 1000
}

describe('whatever happens in whatever order', () => {
  const steps = fc.array(
    fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({
          do: fc.constant('admit' as const),
          models: fc.array(fc.nat(3), { minLength: 1, maxLength: 3 }),
          output: fc.nat(200),
        }),
      },
      {
        weight: 6,
        arbitrary: fc.record({
          do: fc.constantFrom('settle' as const, 'settle' as const, 'renew' as const),
          pick: fc.nat(20),
          part: fc.nat(100),
          as: fc.constantFrom(
            'provider' as const,
            'provider' as const,
            'hold' as const,
            'counted' as const,
            'none' as const,
            'unsent' as const,
          ),
        }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1, 1000, 60_000, 400_000) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('write' as const, 'crash' as const) }) },
    ),
    { minLength: 10, maxLength: 80 },
  )

  it('no purse is ever passed, and none forgets what was spent or may be', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const world = new World()
        for (const step of all) {
          world.do(step)
          for (const { glob, limitNanoUsd, limitReset } of LIMITS) {
            const view = purse(world.book, glob, world.now)
            const pattern = new RegExp(`^${glob.replace('*', '.*')}$`)
            const since = limitReset === null || view.resetsAt === null ? 0 : view.resetsAt - 600_000
            const real = world.served
              .filter(({ model, at }) => pattern.test(model) && at >= since)
              .reduce((sum, one) => sum + one.nanoUsd, 0)
            const told = view.spentNanoUsd + view.heldNanoUsd
            const most = limitNanoUsd ?? 0
            if (real > most || told > most || view.spentNanoUsd < 0 || view.heldNanoUsd < 0 || view.running < 0)
              throw new Error(`${glob}: ${real} spent in truth, ${view.spentNanoUsd} told and ${view.heldNanoUsd} held of ${most}`)
            if (limitReset === null && told < real + world.outstanding(pattern))
              throw new Error(`${glob}: ${told} told of ${real} and ${world.outstanding(pattern)}`)
          }
        }
      }),
      { numRuns: 300 },
    )
  }, 30_000)
})
