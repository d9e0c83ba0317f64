// The strategy `usage` end to end: two accounts of ten requests a minute each, a provider that refuses the eleventh, and the real counts, in one
// isolate and in two that only the provider's object connects.

import { afterEach, beforeEach, expect, it } from 'vitest'
import { openaiChatClient } from '../../src/dialects/openai-chat/client.ts'
import type { Env } from '../../src/platform/env.ts'
import { Boards } from '../../src/platform/health-board.ts'
import { healthOf } from '../../src/platform/health.ts'
import { groq } from '../../src/providers/groq.ts'
import { compileRoutes } from '../../src/routing/compile.ts'
import type { RouteDocument } from '../../src/routing/document-shape.ts'
import { fakeGateway, type FakeGateway } from '../support/fake-gateway.ts'
import { bindings } from './bindings.ts'

const RPM = 10
/** Of the account of that name. */
const SMALL = 5
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const account = (name: string, more: object = {}): object => ({ model: 'groq/usage-model', credential: name, ...more })

/** What the provider saw of each account in this minute, and how often it refused. */
let seen: Map<string, number>
let refused: number
let works: Promise<unknown>[]
let names = 0

/** An isolate with a route over two accounts; `region` keeps the tests' counts apart. */
function isolate(route: object, providers: object, region: string): FakeGateway {
  const table = compileRoutes(1, { routes: [{ name: 'r', retries: 0, ...route }], providers } as unknown as RouteDocument)
  const health = healthOf(bindings as unknown as Env, (work) => void works.push(work), new Boards(`isolate-${names++}`))
  const answer = async (key: string): Promise<Response> => {
    const slot = `${key} ${Math.floor(Date.now() / 60_000)}`
    const count = (seen.get(slot) ?? 0) + 1
    seen.set(slot, count)
    if (count > (key.endsWith('small') ? SMALL : RPM)) {
      refused++
      return Response.json({ error: { message: 'Rate limit reached.' } }, { status: 429 })
    }
    await sleep(50) // others begin meanwhile
    return Response.json({
      id: 'c',
      choices: [{ index: 0, message: { role: 'assistant', content: 'x' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 10, completion_tokens: 10 },
    })
  }
  return fakeGateway(
    groq,
    { secrets: {}, baseUrl: null, region },
    ({ headers }) => answer(headers.get('authorization') ?? ''),
    {},
    {
      routes: () => Promise.resolve(table),
      settings: (_provider, credential = null) => ({
        secrets: { GROQ_API_KEY: `key-${credential}` },
        values: {},
        baseUrl: 'https://groq.invalid/v1',
        region,
      }),
      health,
      allowsAll: true,
      random: Math.random,
    },
  )
}

const ask = (gateway: FakeGateway): Promise<number> =>
  gateway
    .ask(openaiChatClient, '/v1/chat/completions', { model: 'r', max_tokens: 10, messages: [{ role: 'user', content: 'Hi' }] })
    .then(({ status }) => status)

/** So many, each begun while those before it run. */
async function burst(gateway: FakeGateway, count: number): Promise<readonly number[]> {
  const asked: Promise<number>[] = []
  for (let i = 0; i < count; i++) {
    asked.push(ask(gateway))
    await sleep(1)
  }
  return Promise.all(asked)
}

/** A test that a minute's turn would spoil waits for the next one. */
async function beginOfMinute(neededMs: number): Promise<void> {
  const left = 60_000 - (Date.now() % 60_000)
  if (left < neededMs) await sleep(left)
}

beforeEach(() => {
  seen = new Map()
  refused = 0
  works = []
})
afterEach(async () => {
  await Promise.all(works)
})

it.each([
  ['of targets', [account('a', { rpm: RPM }), account('small', { rpm: SMALL })], {}],
  ['of their provider', [account('a', { weight: 9 }), account('small', { rpm: SMALL })], { groq: { rpm: RPM } }],
  ['of tokens', [account('a', { tpm: 60 * RPM, weight: 0.1 }), account('small', { tpm: 60 * SMALL })], {}],
] as const)(
  'limits %s: our own load is refused nowhere while the other account has room',
  async (what, targets, providers) => {
    await beginOfMinute(5000)
    const gateway = isolate({ strategy: 'usage', targets }, providers, `one ${what}`)
    const count = RPM + SMALL
    expect(await burst(gateway, count)).toEqual(Array.from({ length: count }, () => 200))
    expect([refused, [...seen.values()].toSorted((x, y) => x - y)]).toEqual([0, [SMALL, RPM]])
  },
  70_000,
)

it('takes the limit of a provider for each of its accounts, and without any shares by weight', async () => {
  await beginOfMinute(5000)
  const targets = [account('a', { weight: 9 }), account('b', { weight: 1 })]
  const told = isolate({ strategy: 'usage', targets }, { groq: { rpm: RPM } }, 'told')
  await burst(told, 2 * RPM)
  expect([refused, [...seen.values()]]).toEqual([0, [RPM, RPM]])
  seen.clear()
  await burst(isolate({ strategy: 'usage', targets }, {}, 'untold'), 2 * RPM)
  expect(refused).toBeGreaterThan(0)
}, 70_000)

it('fills an account up before one without a limit is used', async () => {
  await beginOfMinute(5000)
  const gateway = isolate({ strategy: 'usage', targets: [account('paid'), account('quota', { rpm: RPM })] }, {}, 'quota')
  await burst(gateway, RPM)
  expect([...seen]).toEqual([[expect.stringContaining('key-quota'), RPM]])
  await burst(gateway, 2)
  expect([refused, [...seen.values()]]).toEqual([0, [RPM, 2]])
}, 70_000)

it('knows what the other isolates have sent', async () => {
  await beginOfMinute(15_000)
  const route = { strategy: 'usage', targets: [account('a', { rpm: RPM }), account('small', { rpm: SMALL })] }
  const [one, other] = [isolate(route, {}, 'two isolates'), isolate(route, {}, 'two isolates')]
  // Uneven on purpose: what one isolate has sent to one account is not what both have.
  for (const [gateway, count] of [
    [one, 6],
    [other, 3],
    [one, 1],
    [other, 5],
  ] as const) {
    expect(await burst(gateway, count)).toEqual(Array.from({ length: count }, () => 200))
    await sleep(1300) // they tell each other once a second
  }
  expect([refused, [...seen.values()].toSorted((x, y) => x - y)]).toEqual([0, [SMALL, RPM]])
}, 80_000)
