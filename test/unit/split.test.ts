// Experiments through the planner: ten thousand requests of a route that splits, from its document to the order in which targets are asked and
// the arm that the record names.

import { describe, expect, it } from 'vitest'
import { createCatalogue } from '../../src/catalogue/index.ts'
import type { Hold } from '../../src/core/account.ts'
import { openaiChatClient } from '../../src/dialects/openai-chat/client.ts'
import { beginChat } from '../../src/gateway/job.ts'
import { planned } from '../../src/gateway/planning/plan.ts'
import { routed } from '../../src/gateway/planning/route.ts'
import type { Deps } from '../../src/ports.ts'
import { groq } from '../../src/providers/groq.ts'
import { together } from '../../src/providers/together.ts'
import { compileRoutes } from '../../src/routing/compile.ts'
import type { HealthView } from '../../src/routing/contract.ts'
import type { RouteDocument } from '../../src/routing/document-shape.ts'
import { NO_LEARNING } from '../../src/routing/choosing/port.ts'
import { NO_HEALTH, UNKNOWN_HEALTH } from '../../src/routing/health.ts'
import { doubts } from '../support/binomial.ts'
import { chance } from '../support/chance.ts'
import { fakeGateway } from '../support/fake-gateway.ts'

const TRIALS = 10_000
const SETTINGS = { secrets: { GROQ_API_KEY: 'k', TOGETHER_API_KEY: 'k' }, baseUrl: null, region: null }
const HOLD: Hold = { requestId: 'a', period: 'ever', nanoUsd: 0, takenAt: 0, expiresAt: 9e12, budgeted: false }

type Who = { readonly key?: string; readonly user?: string; readonly session?: string; readonly customer?: string }
type Ordered = { readonly first: string; readonly order: readonly string[]; readonly arms: readonly string[] }

/** A gateway with one route `r`; what it decides is decided anew each time. */
function router(
  route: object,
  health: (model: string) => Partial<HealthView> = () => ({}),
  seed = 'split',
): (who: Who) => Promise<Ordered> {
  const document = { routes: [{ name: 'r', ...route }] } as unknown as RouteDocument
  const table = compileRoutes(1, document)
  const catalogue = createCatalogue(null)
  const deps = {
    routes: () => Promise.resolve(table),
    catalogue: () => Promise.resolve(catalogue),
    prices: () => Promise.resolve(null),
    providers: [groq, together],
    settings: () => SETTINGS,
    health: { ...NO_HEALTH, view: ({ model }: { readonly model: string }) => ({ ...UNKNOWN_HEALTH, ...health(model) }) },
    learning: NO_LEARNING,
    cacheMemory: { at: () => null },
    limits: { bodyBytes: 1e6 },
    now: () => 1_000_000,
    random: chance(seed),
  } as unknown as Deps
  return async ({ key = 'key-1', user, session, customer }) => {
    const request = new Request('https://gateway.test/v1/chat/completions', {
      method: 'POST',
      headers: {
        ...(session === undefined ? {} : { 'x-session-id': session }),
        ...(customer === undefined ? {} : { 'x-litellm-customer-id': customer }),
      },
      body: JSON.stringify({ model: 'r', messages: [{ role: 'user', content: 'Hi' }], ...(user === undefined ? {} : { user }) }),
    })
    const job = await beginChat(request, 'gen-1', openaiChatClient, deps)
    const who = { id: key, secretHash: 'h' }
    const plan = await planned(job, who, new Set(['chat']), () => true)
    const allowed = plan.targets.map((_, index) => index)
    const { choices, terms } = routed(
      plan,
      { kind: 'granted', hold: HOLD, allowed, maxOutputTokens: null, clamped: false, repeated: false },
      job,
      who,
    )
    const order = choices.map(({ candidate, leaf }) => `${candidate.model}${leaf.use.overrides?.['temperature'] ?? ''}`)
    return { first: order[0] ?? '', order, arms: terms.arms ?? [] }
  }
}

const THREE = [{ model: 'groq/a', weight: 5 }, { model: 'groq/b', weight: 3 }, { model: 'together/c', weight: 2 }] // prettier-ignore
const SHARES = { a: 0.5, b: 0.3, c: 0.2 }
const by = (what: string, targets: readonly unknown[] = THREE): object => ({ strategy: { name: 'split', by: what }, targets })

/** Whose arm it is, for each of so many; how often each. */
async function counted(ask: (n: number) => Promise<string>): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>()
  for (let n = 0; n < TRIALS; n++) {
    const arm = await ask(n)
    found.set(arm, (found.get(arm) ?? 0) + 1)
  }
  return found
}

describe('a split', () => {
  it.each([
    ['key', (n: number): Who => ({ key: `key-${n}`, user: 'ada', session: 's' })],
    ['user', (n: number): Who => ({ user: `user-${n}`, session: 's' })],
    ['user', (n: number): Who => ({ customer: `user-${n}` })],
    ['session', (n: number): Who => ({ session: `session-${n}`, user: 'ada' })],
  ] as const)(
    'by %s has its shares, and each stays with its arm',
    async (what, who) => {
      const route = router(by(what))
      const again = router(by(what), undefined, 'another isolate')
      const found = await counted(async (n) => {
        const { first } = await route(who(n))
        if (n % 20 === 0) expect((await again(who(n))).first).toBe(first)
        return first
      })
      expect(doubts(TRIALS, found, SHARES)).toEqual([])
    },
    30_000,
  )

  it('is by what it says it is by: nothing else moves anybody', async () => {
    const others: readonly Who[] = [{}, { user: 'bob' }, { session: 's2' }, { user: 'eve', session: 's3' }]
    for (const [what, fixed] of [
      ['key', { key: 'k' }],
      ['user', { user: 'ada' }],
      ['session', { session: 's' }],
    ] as const) {
      // prettier-ignore
      const route = router(by(what))
      const arms = await Promise.all(others.map((other) => route({ ...other, ...fixed })))
      expect(new Set(arms.map(({ first }) => first)).size).toBe(1)
    }
  })

  it('names the arm for the record, also where another answers in its stead', async () => {
    const who = { user: 'ada' }
    const { first, arms } = await router(by('user'))(who)
    const place = first === 'c' ? 'together/c' : `groq/${first}`
    expect(arms).toEqual([`split:r=${place}`])
    const ill = await router(by('user'), (model) => (model === first ? { state: 'open' } : {}))(who)
    expect([ill.first === first, ill.arms]).toEqual([false, arms])
    expect((await router({ targets: THREE })(who)).arms).toEqual([])
  })

  it('moves nobody but to the arm whose share grows', async () => {
    const [before, after] = [router(by('user')), router(by('user', [THREE[0], THREE[1], { model: 'together/c', weight: 6 }]))]
    let moved = 0
    for (let n = 0; n < 2000; n++) {
      const [one, other] = [await before({ user: `u${n}` }), await after({ user: `u${n}` })]
      if (one.first === other.first) continue
      expect(other.first).toBe('c')
      moved++
    }
    expect(moved).toBeGreaterThan(200)
  })

  it('keeps everybody with an arm that is a group, whatever its own order does', async () => {
    const group = { strategy: 'weighted', weight: 1, targets: ['groq/a', 'groq/b'] }
    const route = router(by('user', [group, { model: 'together/c', weight: 1 }]))
    const found = new Map<string, number>()
    for (let n = 0; n < 500; n++) {
      const seen = new Set<string>()
      for (let time = 0; time < 4; time++) seen.add((await route({ user: `u${n}` })).arms.join())
      expect(seen.size).toBe(1)
      const [arm = ''] = seen
      found.set(arm, (found.get(arm) ?? 0) + 1)
    }
    expect(doubts(500, found, { 'split:r=(groq/a groq/b)': 0.5, 'split:r=together/c': 0.5 })).toEqual([])
  })

  it('tells two ways to ask one target apart', async () => {
    const cold = { model: 'groq/a', overrides: { temperature: 0 } }
    const route = router(by('user', [cold, { ...cold, overrides: { temperature: 1 } }]))
    const found = await counted(async (n) => {
      const { first, arms } = await route({ user: `user-${n}` })
      return `${first} ${arms.join()}`
    })
    expect(doubts(TRIALS, found, { 'a0 split:r=groq/a': 0.5, 'a1 split:r=groq/a#2': 0.5 })).toEqual([])
  }, 30_000)

  it('within a split names both arms, the outer first', async () => {
    const inner = { strategy: { name: 'split', by: 'session' }, targets: ['groq/a', 'groq/b'] }
    const route = router(by('user', [inner, { model: 'together/c', weight: 0.001 }]))
    const { first, arms } = await route({ user: 'ada', session: 's' })
    expect(arms).toEqual(['split:r=(groq/a groq/b)', `split:r=groq/${first}`])
  })

  it('is a tag of the row, before the client’s own', async () => {
    const table = compileRoutes(1, { routes: [{ name: 'r', strategy: 'split', targets: ['groq/a'] }] } as unknown as RouteDocument)
    const answer = (): Response => Response.json({ id: 'c', choices: [{ index: 0, message: { content: 'x' }, finish_reason: 'stop' }] })
    const gateway = fakeGateway(
      groq,
      { ...SETTINGS, baseUrl: 'https://groq.invalid' },
      answer,
      {},
      { routes: () => Promise.resolve(table) },
    )
    const body = { model: 'r', messages: [{ role: 'user', content: 'Hi' }] }
    await gateway.ask(openaiChatClient, '/v1/chat/completions', body, { 'x-sluice-tags': 'nightly' })
    expect(gateway.settled.map(({ row }) => row?.tags)).toEqual([['split:r=groq/a', 'nightly']])
  })
})
