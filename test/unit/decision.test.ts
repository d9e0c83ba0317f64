// Why a request goes where it goes: a decision can be made again from what it says, is bounded, and tells each only what it may know.

import { describe, expect, it } from 'vitest'
import type { Admission } from '../../src/core/account.ts'
import type { Candidate } from '../../src/gateway/planning/candidate.ts'
import type { Conditions } from '../../src/gateway/planning/conditions.ts'
import { RequestChoosing } from '../../src/gateway/planning/choosing.ts'
import { decisionOf, type Decision } from '../../src/gateway/telling/decision.ts'
import { MOST_BYTES } from '../../src/gateway/telling/decision-short.ts'
import { forOwner, headerOf, MOST_HEADER } from '../../src/gateway/telling/decision-told.ts'
import { Inquiry } from '../../src/gateway/telling/inquiry.ts'
import type { Job } from '../../src/gateway/job.ts'
import { rank, type Choice } from '../../src/gateway/planning/rank.ts'
import { isSameOrder, replay } from '../../src/gateway/telling/replay.ts'
import { leavesOf, type Group, type Leaf, type Node } from '../../src/gateway/planning/tree.ts'
import { PROVIDERS } from '../../src/providers/index.ts'
import { PLAIN_USE, STRATEGIES, type HealthView } from '../../src/routing/contract.ts'
import { TASK_TYPES } from '../../src/classifier/contract.ts'
import { NOTHING_LEARNED, type Ability } from '../../src/routing/choosing/contract.ts'
import { UNKNOWN_HEALTH } from '../../src/routing/health.ts'
import { NO_WISHES, type ProviderWish } from '../../src/routing/wishes.ts'
import { chance, oneOf, whole } from '../support/chance.ts'
import { readingClassifier, scoresAround, verdict } from '../support/choosing.ts'
import { NOW } from '../support/options.ts'

type Random = () => number

const oddly = (random: Random): number => random() * 10 ** whole(random, 7)

function someHealth(random: Random): HealthView {
  const quantiles = (): HealthView['firstContentMs'] =>
    random() < 0.3 ? null : { p50: oddly(random), p75: oddly(random), p90: oddly(random), p99: oddly(random) }
  return {
    ...UNKNOWN_HEALTH,
    state: oneOf(random, ['closed', 'closed', 'closed', 'open', 'half-open'] as const),
    mayProbe: random() < 0.5,
    parkedUntil: random() < 0.8 ? null : NOW + whole(random, 2000) - 1000,
    samples: whole(random, 100),
    errorRate: random(),
    firstContentMs: quantiles(),
    tokensPerSecond: quantiles(),
    ...(random() < 0.5 ? {} : { latest: { firstContentMs: random() < 0.3 ? null : oddly(random), tokensPerSecond: null } }),
    inFlight: whole(random, 9),
    minute: { requests: whole(random, 50), tokens: whole(random, 90_000) },
    ageMs: random() < 0.5 ? null : whole(random, 9000),
  }
}

function someTree(random: Random, leaves: number, depth = 0): Node {
  const use = { weight: oneOf(random, [0.5, 1, 1, 2, 9]), priority: whole(random, 3) }
  if (leaves <= 1 || depth > 4) {
    const place = { provider: oneOf(random, PROVIDERS).id, model: `m/${whole(random, 6)}` }
    const credential = random() < 0.8 ? null : oneOf(random, ['eu', 'work'])
    const limit = (most: number): number | null => (random() < 0.5 ? null : 1 + whole(random, most))
    const whens = random() < 0.85 ? [] : [oneOf(random, ['true', 'false'])]
    return { kind: 'leaf', place, named: 'n', whens, use: { ...PLAIN_USE, ...use, credential, rpm: limit(60), tpm: limit(100_000) } }
  }
  const parts = 2 + whole(random, Math.min(4, leaves - 1))
  const children = Array.from({ length: parts }, (_, i) =>
    someTree(random, i === 0 ? leaves - parts + 1 : Math.max(1, whole(random, leaves / parts)), depth + 1),
  )
  const group: Group = {
    kind: 'group',
    strategy: oneOf(random, STRATEGIES),
    settings: oneOf(random, [
      {},
      { measure: 'throughput' },
      { percentile: 90 },
      { by: 'user' },
      { by: 'session' },
      { mode: 'aggressive', otherwise: 'strongest', expensiveShare: 0.3 },
      { loss: 0.1 },
      { tradeoff: 3 },
      { tradeoff: 10 },
      { tier: 'medium' },
      { pin: 'groq/m/1', default: 'groq/m/2' },
    ] as const),
    children,
    use,
    ...(random() < 0.5 ? {} : { name: `group ${whole(random, 3)}` }),
    ...(random() < 0.15 ? { single: true } : {}),
    ...(random() < 0.3 ? { isPlaces: true } : {}),
  }
  return group
}

function someChoosing(random: Random): RequestChoosing {
  const given = random() < 0.5 ? null : { model: `groq/m/${whole(random, 6)}`, score: random(), task: oneOf(random, [null, ...TASK_TYPES]) }
  const ability = (): Ability => ({
    value: random(),
    error: random() / 5,
    n: 3,
    basis: oneOf(random, ['measured', 'family', 'price', 'learned'] as const),
  })
  const table = new Map<string, Ability>()
  const capability = {
    of(model: string, task: string): Ability {
      const known = table.get(`${model} ${task}`) ?? ability()
      table.set(`${model} ${task}`, known)
      return known
    },
  }
  const learned = {
    ...NOTHING_LEARNED,
    scores: random() < 0.4 ? null : scoresAround(random(), oneOf(random, [10, 900])),
    lately: { decisions: whole(random, 200), expensive: whole(random, 60) },
    ...(random() < 0.5 ? {} : { expensiveShare: random() }),
  }
  const judged = verdict(random(), {
    taskType: oneOf(random, TASK_TYPES),
    abstains: random() < 0.1,
    needsInfo: random() < 0.1 ? 'no-object' : null,
  })
  return new RequestChoosing(
    capability,
    learned,
    () => given,
    readingClassifier(),
    () => (random() < 0.1 ? null : judged),
    () => whole(random, 5),
  )
}

const ADMISSION = { kind: 'granted', hold: { nanoUsd: 5 }, allowed: [], maxOutputTokens: null } as unknown as Admission & {
  readonly kind: 'granted'
}
const WISH = { maxLatencyMs: { p50: 900 }, minThroughput: null } as unknown as ProviderWish

/** A decision as it is made on the path of a request, over what chance gives. */
function decided(
  random: Random,
  tree: Node,
  seed: string,
): { readonly decision: Decision; readonly choices: readonly Choice[]; readonly plain: readonly Choice[] } {
  const inquiry = new Inquiry(true, false)
  const candidates = new Map<Leaf, Candidate>()
  const healths = new Map<Candidate, HealthView>()
  const caches = new Map<Candidate, { readonly tokens: number; readonly until: number }>()
  for (const leaf of leavesOf(tree)) {
    const provider = PROVIDERS.find(({ id }) => id === leaf.place.provider)
    if (provider === undefined) throw new Error(leaf.place.provider)
    const price = {
      input: whole(random, 9_000_000),
      output: whole(random, 9_000_000),
      source: 'test',
      ...(random() < 0.5 ? {} : { cacheRead: 3 }),
    }
    const candidate: Candidate = {
      provider,
      settings: { secrets: { KEY: 'sk-secret' }, values: {}, baseUrl: 'https://secret.example', region: null },
      model: leaf.place.model,
      entry: random() < 0.2 ? null : ({ price } as unknown as Candidate['entry']),
      ...(leaf.use.credential === null ? {} : { credential: leaf.use.credential }),
    }
    healths.set(candidate, someHealth(random))
    if (random() < 0.3) caches.set(candidate, { tokens: whole(random, 4000), until: NOW + whole(random, 1000) - 200 })
    if (random() < 0.9) candidates.set(leaf, candidate)
    else inquiry.out.set(leaf, { word: 'key:models' })
  }
  const view = {
    now: NOW,
    random: chance(seed),
    conversation: random() < 0.5 ? null : 'c0ffee',
    key: 'key-1',
    user: random() < 0.5 ? null : 'abcd',
    promptTokens: 1 + whole(random, 50_000),
    outputTokens: whole(random, 1024),
    choosing: random() < 0.2 ? null : someChoosing(random),
  }
  const holds = (condition: string): boolean => condition === 'true'
  const known = () => ({
    choosing: view.choosing,
    view: { ...view, random: chance(seed) },
    candidate: (leaf: Leaf) => candidates.get(leaf) ?? null,
    holds,
    ceiling: () => null,
    rule: ({ model }: Candidate) => (model === 'm/1' ? { rpm: 7, tpm: 9000 } : {}),
    health: (candidate: Candidate) => healths.get(candidate) ?? UNKNOWN_HEALTH,
    cached: (candidate: Candidate) => caches.get(candidate) ?? null,
    wish: random() < 0.5 ? null : WISH,
  })
  const conditions = { verdictAt: (text: string) => (holds(text) ? 'holds' : 'missing') } as unknown as Conditions
  inquiry.found = { tableVersion: 3, route: 'chat', isAlias: false, leaves: leavesOf(tree) }
  const mine = known()
  const { choices } = rank(tree, inquiry.watching(mine, conditions, 0))
  inquiry.ranking = {
    tree,
    known: mine,
    admission: ADMISSION,
    needs: new Map(),
    tries: { retries: 2, learns: false, hedge: null, deadlineAt: null, firstContentAt: null },
    choices,
  }
  const job = {
    id: 'gen-1',
    startedAt: NOW,
    path: '/v1/chat/completions',
    client: { id: 'openai-chat' },
    wishes: NO_WISHES,
    intent: { model: 'chat', stream: false, needs: new Set(['tools']), inputBound: 9, maxOutputTokens: null, choices: 1 },
  } as unknown as Job
  return {
    decision: JSON.parse(JSON.stringify(decisionOf(job, inquiry))) as Decision,
    choices,
    plain: rank(tree, { ...mine, view: { ...view, random: chance(seed) } }).choices,
  }
}

describe('a decision', () => {
  it('is made again from what it says, over random trees', () => {
    let replayed = 0
    for (let i = 0; i < 600; i++) {
      const random = chance(`tree ${i}`)
      const { decision, choices, plain } = decided(random, someTree(random, 1 + whole(random, 14)), `draws ${i}`)
      expect(plain.map(({ leaf, why }) => [leaf.place, why])).toEqual(choices.map(({ leaf, why }) => [leaf.place, why])) // asking changes nothing
      expect(decision.targets.filter(({ position }) => position !== null)).toHaveLength(choices.length)
      const again = replay(decision)
      if (decision.inputs === null) {
        expect(decision.shortened).toContain('inputs')
        continue
      }
      replayed++
      expect([i, again !== null && isSameOrder(decision, again)]).toEqual([i, true])
      expect(again?.map(({ id, score, why }) => [id, score, why])).toEqual(
        choices.map(({ candidate, score, why }) => [
          `${candidate.provider.id}/${candidate.model}${candidate.credential === undefined ? '' : `@${candidate.credential}`}`,
          score,
          why,
        ]),
      )
    }
    expect(replayed).toBeGreaterThan(500)
  })

  it('is another one when what it was made of is another', () => {
    const random = chance('two')
    const { decision } = decided(random, someTree(random, 9), 'x')
    const [first] = decision.targets
    expect(first?.position).toBe(0)
    const ill = decision.targets.map((one, i) => (i === 0 ? { ...one, health: { state: 'open' as const } } : one))
    const again = replay({ ...decision, targets: ill })
    expect(again === null ? null : isSameOrder(decision, again)).toBe(false)
  })

  it('names what took a target out', () => {
    for (let i = 0; i < 100; i++) {
      const random = chance(`out ${i}`)
      const { decision } = decided(random, someTree(random, 8), 'x')
      for (const { position, out, condition } of decision.targets) {
        if (position !== null) expect(out).toBeNull()
        else expect(['key:models', 'condition:missing', 'not-first-choice']).toContain(out)
        expect(condition).toBe(out === 'condition:missing' ? 'false' : undefined)
      }
    }
  })

  it('stays below its bounds, and says what it left out', () => {
    let shortened = 0
    for (let i = 0; i < 60; i++) {
      const random = chance(`large ${i}`)
      const { decision } = decided(random, someTree(random, 20 + whole(random, 90)), 'x')
      expect(new TextEncoder().encode(JSON.stringify(decision)).length).toBeLessThanOrEqual(MOST_BYTES)
      expect(decision.targets.length).toBeLessThanOrEqual(64)
      const header = headerOf(decision)
      expect(header.length).toBeLessThanOrEqual(MOST_HEADER)
      expect(header).toMatch(/^[\x20-\x7e]*$/)
      const told = JSON.parse(decodeURIComponent(header)) as {
        readonly shortened?: boolean
        readonly targets: readonly unknown[]
        readonly omitted: number
      }
      expect(told.targets.length + told.omitted).toBe(decision.targets.length + decision.omitted)
      if (told.shortened === true) shortened++
    }
    expect(shortened).toBeGreaterThan(50)
  })

  it('tells the owner of the key nothing of others, and nobody a secret', () => {
    const random = chance('owner')
    const { decision } = decided(random, someTree(random, 12), 'x')
    const all = JSON.stringify(decision)
    expect(all).not.toContain('secret')
    expect(all).toContain('in_flight')
    const owner = JSON.stringify(forOwner(decision))
    for (let i = 0; i < 50; i++) {
      const some = chance(`load ${i}`)
      for (const { why, score } of forOwner(decided(some, someTree(some, 9), 'x').decision).targets)
        if (why === 'in-flight' || why === 'headroom' || why === 'no-limit') expect(score).toBeNull()
    }
    for (const word of ['in_flight', 'minute', 'samples', 'rpm', 'tpm', '"draws"', '"condition"']) expect(owner).not.toContain(word)
  })

  it('goes into a header whatever its names are', () => {
    const random = chance('names')
    const { decision } = decided(random, someTree(random, 2), 'x')
    const requested = '100% ä\u{1f600}\n\u0007"x'
    expect(JSON.parse(decodeURIComponent(headerOf({ ...decision, requested })))).toMatchObject({ requested })
    expect(headerOf({ ...decision, requested: '\u{1f600}'.repeat(128), route: '€'.repeat(2000) }).length).toBeLessThanOrEqual(MOST_HEADER)
  })
})
