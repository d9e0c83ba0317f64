// Who is asked after whom, and when nobody is: the attempts of one request against places that do as they are told.

import { describe, expect, it, vi } from 'vitest'
import type { Extension, Hold } from '../../src/core/account.ts'
import { GatewayError, type ErrorCode } from '../../src/core/errors.ts'
import { firstToCommit, type First, type Tries } from '../../src/gateway/trying/attempts.ts'
import type { Candidate } from '../../src/gateway/planning/candidate.ts'
import type { Job } from '../../src/gateway/job.ts'
import { Legs } from '../../src/gateway/trying/legs.ts'
import type { Answered, Manner } from '../../src/gateway/manner.ts'
import type { Choice } from '../../src/gateway/planning/rank.ts'
import { Tally } from '../../src/gateway/tally.ts'
import type { Account } from '../../src/ports.ts'
import { PROVIDERS } from '../../src/providers/index.ts'
import { PLAIN_USE, type Trouble } from '../../src/routing/contract.ts'
import { UNKNOWN_HEALTH, type HealthOutcome } from '../../src/routing/health.ts'
import { RetryBudget } from '../../src/routing/retry-budget.ts'

const HOLD: Hold = { requestId: 'a', period: 'ever', nanoUsd: 1000, takenAt: 0, expiresAt: 9e12, budgeted: true }
const TRIES: Tries = { retries: 0, learns: false, hedge: null, deadlineAt: null, firstContentAt: null }

/** What a place does: answers or fails after some milliseconds; `unsent`: it fails before anything went out. */
type Does = {
  readonly ms?: number
  readonly fails?: ErrorCode
  readonly status?: number
  readonly retryAfterMs?: number
  readonly unsent?: true
  /** It answers though it was ended. */
  readonly deaf?: true
}
const OK: Does = {}

type World = {
  readonly asked: string[]
  readonly outcomes: (readonly [string, HealthOutcome['kind']])[]
  readonly aborted: string[]
  /** Answers that were given up. */
  readonly stopped: string[]
  readonly legs: Legs
  run(tries?: Partial<Tries>): Promise<First<Answered>>
}

/** `places`: what each does, time after time; the last thing again and again. */
function world(
  places: readonly { readonly id: string; readonly on?: readonly Trouble[]; readonly named?: string; readonly does: readonly Does[] }[],
  setting: {
    readonly retryBudget?: RetryBudget
    readonly need?: number
    readonly grants?: boolean
    readonly signal?: AbortSignal
    readonly streamsBody?: true
  } = {},
): World {
  const asked: string[] = []
  const outcomes: (readonly [string, HealthOutcome['kind']])[] = []
  const aborted: string[] = []
  const stopped: string[] = []
  const limits = { bodyBytes: 1, formBytes: 1, wholeAnswerBytes: 1, headersMs: 10_000, firstContentMs: 10_000, idleMs: 10_000 }
  const job = {
    intent: { model: 'm', inputBound: 30, choices: 1, stream: true },
    client: { id: 'openai-chat' },
    body: {
      byteLength: 30,
      get isSpent() {
        return setting.streamsBody === true && asked.length > 0
      },
    },
    signal: setting.signal ?? new AbortController().signal,
    deps: {
      now: () => Date.now(),
      random: () => 0,
      limits,
      retryBudget: setting.retryBudget ?? new RetryBudget(),
      health: {
        begin: () => undefined,
        end: () => undefined,
        report: ({ provider }: { readonly provider: string }, { kind }: HealthOutcome) => outcomes.push([provider, kind]),
      },
    },
  } as unknown as Job
  const choices = places.map(({ id, on, named = id }): Choice => {
    const provider = PROVIDERS.find((one) => one.id === id)
    if (provider === undefined) throw new Error(id)
    const candidate: Candidate = {
      provider,
      settings: { secrets: {}, baseUrl: null, region: null },
      model: 'm',
      entry: { price: { input: 1000, output: 1000, source: 'test' }, priceVersion: 'v' } as unknown as Candidate['entry'],
    }
    const use = { ...PLAIN_USE, ...(on === undefined ? {} : { on }) }
    const leaf = { kind: 'leaf', place: { provider: id, model: 'm' }, named, use, whens: [] } as const
    return { leaf, candidate, health: UNKNOWN_HEALTH, score: 0, why: 'order', ceiling: null, probe: false }
  })
  const account = {
    extend: (hold: Hold, { bestNanoUsd }: Extension) => Promise.resolve(setting.grants === true ? { ...hold, nanoUsd: bestNanoUsd } : null),
  } as unknown as Account
  const legs = new Legs(job, account, HOLD, new Map(choices.map(({ candidate }) => [candidate, setting.need ?? 100])))
  const manner = {
    async open(attempt: Job, { provider }: Candidate, _ceiling: number | null, trace: { sent: boolean }): Promise<Answered> {
      const { does } = places.find(({ id }) => id === provider.id) ?? { does: [OK] }
      const now = does[Math.min(asked.filter((id) => id === provider.id).length, does.length - 1)] ?? OK
      asked.push(provider.id)
      trace.sent = now.unsent !== true
      const ended = await new Promise<boolean>((resolve) => {
        const timer = setTimeout(() => resolve(false), now.ms ?? 0)
        attempt.signal.addEventListener('abort', () => {
          if (now.deaf === true) return
          clearTimeout(timer)
          resolve(true)
        })
      })
      if (ended) {
        aborted.push(provider.id)
        throw new GatewayError('client-gone', 'The client left.')
      }
      if (now.fails !== undefined) {
        const upstream = now.status === undefined ? {} : { upstream: { status: now.status, dialect: 'openai-chat' as const, body: null } }
        const retry = now.retryAfterMs === undefined ? {} : { retryAfterMs: now.retryAfterMs }
        throw new GatewayError(now.fails, now.fails, { ...upstream, ...retry })
      }
      const opened = { response: new Response(''), stop: () => stopped.push(provider.id) } as unknown as Answered['opened']
      return { kind: 'whole', opened, tally: new Tally() }
    },
  } as unknown as Manner<Job, Answered>
  return { asked, outcomes, aborted, stopped, legs, run: (tries = {}) => firstToCommit(manner, job, choices, legs, { ...TRIES, ...tries }) }
}

const winner = (first: First<Answered>): string =>
  first.kind === 'committed' ? first.choice.candidate.provider.id : `failed: ${first.error.code}`

describe('the attempts of a request', () => {
  it.each([
    'upstream-failed',
    'upstream-overloaded',
    'upstream-limited',
    'upstream-timeout',
    'upstream-garbled',
    'upstream-cut',
    'credential-refused',
  ] as const)('%s: the next target answers', async (fails) => {
    const own = world([
      { id: 'groq', does: [{ fails }] },
      { id: 'together', does: [OK] },
    ])
    expect([winner(await own.run()), own.asked]).toEqual(['together', ['groq', 'together']])
  })

  it('a fault of the client is answered at once, and counts for nothing', async () => {
    const own = world([
      { id: 'groq', does: [{ fails: 'upstream-refused', status: 400 }] },
      { id: 'together', does: [OK] },
    ])
    expect([winner(await own.run({ retries: 3 })), own.asked, own.outcomes]).toEqual([
      'failed: upstream-refused',
      ['groq'],
      [['groq', 'neutral']],
    ])
  })

  it('a place that does not have the model is passed over', async () => {
    const own = world([
      { id: 'groq', does: [{ fails: 'upstream-refused', status: 404 }] },
      { id: 'together', does: [OK] },
    ])
    expect([winner(await own.run()), own.outcomes[0]]).toEqual(['together', ['groq', 'neutral']])
  })

  it('what cannot be said to one place may be said to another, and costs nothing', async () => {
    const own = world([
      { id: 'groq', does: [{ fails: 'request-unsupported', unsent: true }] },
      { id: 'together', does: [OK] },
    ])
    const first = await own.run()
    expect([winner(first), own.legs.owedBeside(first.call), own.legs.all.length]).toEqual(['together', 0, 1])
  })

  it.each([
    ['upstream-context-too-long', 'context'],
    ['upstream-content-refused', 'content'],
  ] as const)('%s asks only who is there for it, and then the other places of that model', async (fails, on) => {
    const own = world([
      { id: 'groq', does: [{ fails, status: 400 }] },
      { id: 'together', does: [OK] },
      { id: 'cerebras', on: [on], named: 'b', does: [{ fails: 'upstream-failed' }] },
      { id: 'deepseek', on: [on], named: 'b', does: [{ fails: 'upstream-overloaded' }] },
      { id: 'fireworks', on: [on], named: 'b', does: [OK] },
    ])
    expect([winner(await own.run()), own.asked]).toEqual(['fireworks', ['groq', 'cerebras', 'deepseek', 'fireworks']])
    const alone = world([
      { id: 'groq', does: [{ fails, status: 400 }] },
      { id: 'together', does: [OK] },
    ])
    expect([winner(await alone.run({ retries: 2 })), alone.asked]).toEqual([`failed: ${fails}`, ['groq']])
  })

  it('who is there for a long context only is not asked after an outage', async () => {
    const own = world([
      { id: 'groq', does: [{ fails: 'upstream-failed' }] },
      { id: 'together', on: ['context'], does: [OK] },
    ])
    expect([winner(await own.run()), own.asked]).toEqual(['failed: upstream-failed', ['groq']])
  })

  it('the last one failing is tried again, as often as is allowed', async () => {
    const down = { fails: 'upstream-overloaded' } as const
    const own = world([{ id: 'groq', does: [down, down, OK] }])
    expect([winner(await own.run({ retries: 2 })), own.asked.length]).toEqual(['groq', 3])
    const none = world([{ id: 'groq', does: [down, OK] }])
    expect([winner(await none.run({ retries: 0 })), none.asked.length]).toEqual(['failed: upstream-overloaded', 1])
  })

  it('retries end where they would make a storm worse: a tenth more, and a handful', async () => {
    const retryBudget = new RetryBudget()
    let calls = 0
    for (let i = 0; i < 100; i++) {
      const own = world([{ id: 'groq', does: [{ fails: 'upstream-failed' }] }], { retryBudget })
      await own.run({ retries: 5 })
      calls += own.asked.length
    }
    expect(calls).toBeGreaterThan(100)
    // What a retry earns for others is a tenth of a tenth.
    expect(calls).toBeLessThanOrEqual(100 + 5 + 100 * 0.1 + 2)
  })

  it('a provider that asks for patience is not waited for, nor is the deadline overrun', async () => {
    const limited = { fails: 'upstream-limited', status: 429, retryAfterMs: 30_000 } as const
    const own = world([{ id: 'groq', does: [limited, OK] }])
    const first = await own.run({ retries: 3 })
    expect([winner(first), own.asked.length, first.kind === 'failed' && first.error.detail.retryAfterMs]).toEqual([
      'failed: upstream-limited',
      1,
      30_000,
    ])
    const late = world([{ id: 'groq', does: [{ fails: 'upstream-limited', retryAfterMs: 500 }, OK] }])
    expect([winner(await late.run({ retries: 3, deadlineAt: Date.now() + 300 })), late.asked.length]).toEqual([
      'failed: upstream-limited',
      1,
    ])
  })

  it('a client that left is nobody’s to answer', async () => {
    const left = new AbortController()
    const own = world(
      [
        { id: 'groq', does: [{ ms: 1000 }] },
        { id: 'together', does: [OK] },
      ],
      { signal: left.signal },
    )
    setTimeout(() => left.abort(), 10)
    expect([winner(await own.run({ retries: 3 })), own.asked, own.outcomes]).toEqual([
      'failed: client-gone',
      ['groq'],
      [['groq', 'neutral']],
    ])
  })

  it('a target that does not fit the budget beside what failed is passed over', async () => {
    const slow = { fails: 'upstream-timeout' } as const
    const own = world(
      [
        { id: 'groq', does: [slow] },
        { id: 'together', does: [OK] },
      ],
      { need: 700 },
    )
    expect([winner(await own.run()), own.asked]).toEqual(['failed: upstream-timeout', ['groq']])
    const rich = world(
      [
        { id: 'groq', does: [slow] },
        { id: 'together', does: [OK] },
      ],
      { need: 700, grants: true },
    )
    const first = await rich.run()
    expect([winner(first), rich.legs.hold.nanoUsd, rich.legs.owedBeside(first.call)]).toEqual(['together', 1400, 700])
  })
})

describe('hedging', () => {
  const hedge = { percentile: 90, leastMs: 30 } as const

  it('asks a second target when the first is silent, ends the loser and books it', async () => {
    const own = world([
      { id: 'groq', does: [{ ms: 5000 }] },
      { id: 'together', does: [OK] },
    ])
    const first = await own.run({ hedge })
    expect([winner(first), own.aborted, own.outcomes]).toEqual([
      'together',
      ['groq'],
      [
        ['together', 'good'],
        ['groq', 'neutral'],
      ],
    ])
    // Groq bills what it has read though its client leaves: all that it may cost under a budget.
    expect(own.legs.owedBeside(first.call)).toBe(100)
    expect(own.legs.all.map(({ provider, outcome }) => [provider, outcome])).toEqual([
      ['together', 'committed'],
      ['groq', 'client-gone'],
    ])
  })

  it('asks nobody else when the first is quick', async () => {
    const own = world([
      { id: 'groq', does: [OK] },
      { id: 'together', does: [OK] },
    ])
    expect([winner(await own.run({ hedge })), own.asked]).toEqual(['groq', ['groq']])
  })

  it('waits for the second when the first fails meanwhile', async () => {
    const own = world([
      { id: 'groq', does: [{ ms: 60, fails: 'upstream-failed' }] },
      { id: 'together', does: [{ ms: 100 }] },
      { id: 'cerebras', does: [OK] },
    ])
    expect([winner(await own.run({ hedge })), own.asked]).toEqual(['together', ['groq', 'together']])
  })

  it('does not begin what cannot be paid beside the first', async () => {
    const own = world(
      [
        { id: 'groq', does: [{ ms: 100 }] },
        { id: 'together', does: [OK] },
      ],
      { need: 700 },
    )
    expect([winner(await own.run({ hedge })), own.asked]).toEqual(['groq', ['groq']])
  })

  it('asks who could not be paid beside the first when that has failed for nothing', async () => {
    const own = world(
      [
        { id: 'groq', does: [{ ms: 60, fails: 'upstream-overloaded', status: 503 }] },
        { id: 'together', does: [OK] },
      ],
      { need: 700 },
    )
    expect([winner(await own.run({ hedge })), own.asked]).toEqual(['together', ['groq', 'together']])
  })

  it('gives up a loser that answers however late', { timeout: 5000 }, async () => {
    const own = world([
      { id: 'groq', does: [{ ms: 1300, deaf: true }] },
      { id: 'together', does: [OK] },
    ])
    const first = await own.run({ hedge })
    expect([winner(first), own.stopped, own.legs.owedBeside(first.call)]).toEqual(['together', [], 100])
    await vi.waitFor(() => expect(own.stopped).toEqual(['groq']), { timeout: 2000 })
  })

  it('does not send a second target what went out as it came', async () => {
    const own = world(
      [
        { id: 'groq', does: [{ ms: 100 }] },
        { id: 'together', does: [OK] },
      ],
      { streamsBody: true },
    )
    expect([winner(await own.run({ hedge })), own.asked]).toEqual(['groq', ['groq']])
  })

  it('leaves no timer behind', async () => {
    vi.useFakeTimers()
    try {
      const own = world([
        { id: 'groq', does: [{ ms: 5000 }] },
        { id: 'together', does: [OK] },
      ])
      const first = own.run({ hedge })
      await vi.advanceTimersByTimeAsync(40)
      expect([winner(await first), vi.getTimerCount()]).toEqual(['together', 0])
    } finally {
      vi.useRealTimers()
    }
  })

  it('knows of both what they may cost when the client leaves', async () => {
    const left = new AbortController()
    const own = world(
      [
        { id: 'groq', does: [{ ms: 5000 }] },
        { id: 'together', does: [{ ms: 5000 }] },
      ],
      { signal: left.signal },
    )
    setTimeout(() => left.abort(), 60)
    expect([winner(await own.run({ hedge })), own.legs.all.map(({ provider, outcome }) => [provider, outcome])]).toEqual([
      'failed: client-gone',
      [
        ['groq', 'client-gone'],
        ['together', 'client-gone'],
      ],
    ])
  })
})
