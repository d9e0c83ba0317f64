// `npm run bench:planning`: what it takes to put twenty options in order, in microseconds of one core. No network, no Workers: plain V8.

import { parseArgs } from 'node:util'
import { withAffinity } from '../../src/routing/affinity.ts'
import { targetFacts } from '../../src/routing/condition-facts.ts'
import { compileCondition } from '../../src/routing/conditions.ts'
import type { Option, Strategy } from '../../src/routing/contract.ts'
import { ALL_STRATEGIES } from '../../src/routing/index.ts'
import type { Deps } from '../../src/ports.ts'
import { createCatalogue } from '../../src/catalogue/index.ts'
import { openaiChatClient } from '../../src/dialects/openai-chat/client.ts'
import { beginChat } from '../../src/gateway/job.ts'
import { ModelMemory } from '../../src/gateway/planning/model-memory.ts'
import { planned } from '../../src/gateway/planning/plan.ts'
import { foreseen } from '../../src/gateway/planning/route.ts'
import { PROVIDERS } from '../../src/providers/index.ts'
import { NO_ROUTES } from '../../src/routing/contract.ts'
import { NO_LEARNING } from '../../src/routing/choosing/port.ts'
import { NO_HEALTH } from '../../src/routing/health.ts'
import { chance } from '../support/chance.ts'
import { capability, choosing, readingClassifier, scoresAround, verdict } from '../support/choosing.ts'
import { facts } from '../support/facts.ts'
import { NOW, option, price, quantiles, view } from '../support/options.ts'

const OPTIONS = 20
const AIM_US = 50
/** One is asked of the request, once; the other of each option. */
const OF_REQUEST = 'params.temperature < 1 && headers["x-tier"] == "gold" && budget_used < 0.8'
const OF_TARGET = '!(latency_p90 > 5) && error_rate < 0.5'

const { values: said } = parseArgs({ options: { count: { type: 'string' }, rounds: { type: 'string' } } })
const count = Number(said.count ?? 5000)
const rounds = Number(said.rounds ?? 9)

const random = chance('planning')
const options: readonly Option[] = Array.from({ length: OPTIONS }, (_, n) =>
  option(`provider-${n}/some-model-name@account-${n % 3}`, {
    weight: 1 + (n % 4),
    priority: n % 5,
    price: n % 7 === 0 ? null : price(1 + random(), 4 + random(), 0.1),
    rpm: n % 2 === 0 ? 500 : null,
    cached: n === 13 ? { tokens: 800, until: NOW + 60_000 } : null,
    health: {
      samples: 40,
      errorRate: 0.01,
      inFlight: n % 6,
      minute: { requests: n * 3, tokens: n * 1000 },
      firstContentMs: n % 5 === 0 ? null : quantiles(200 + 900 * random()),
      tokensPerSecond: n % 5 === 0 ? null : quantiles(30 + 90 * random()),
    },
  }),
)

/** What strategies that choose a model ask of it; the others do not look. */
const ASKED = choosing(Object.fromEntries(options.map(({ model }, n) => [model, 0.5 + (n % 9) / 20])), verdict(0.4), {
  learned: { scores: scoresAround(0.4) },
  overall: () => ({ value: 0.7, error: 0.02, n: 100, basis: 'measured' }),
})

/** Nobody may leave the work out because its result is unused. */
let used = 0

function plan(strategy: Strategy, turn: number, conditions: boolean): void {
  const seen = view(random, { conversation: `key-1 session ${turn % 997}`, user: 'ada', choosing: ASKED })
  let left: readonly Option[] = options
  if (conditions) {
    const request = facts({
      member: (name) => (name === 'temperature' ? '0.5' : null),
      headers: () => [
        ['x-tier', 'gold'],
        ['user-agent', 'bench'],
      ],
      budgetUsed: 0.5,
    })
    if (compileCondition(OF_REQUEST).judge(request) !== 'holds') throw new Error('The condition must hold.')
    const ofTarget = compileCondition(OF_TARGET)
    left = options.filter(({ health }) => {
      const one = targetFacts(request, { provider: 'p', model: 'm', region: null, credential: null, health })
      return ofTarget.judge(one) === 'holds'
    })
  }
  const order = withAffinity(strategy.order(left, seen, {}), strategy.id, seen)
  used += order.length
}

/** Median over the rounds, so that a neighbour's work on this machine counts little. */
function microseconds(work: (turn: number) => void): number {
  const taken: number[] = []
  for (let round = 0; round < rounds; round++) {
    const start = process.hrtime.bigint()
    for (let turn = 0; turn < count; turn++) work(turn)
    taken.push(Number(process.hrtime.bigint() - start) / 1000 / count)
  }
  taken.sort((a, b) => a - b)
  return taken[Math.floor(taken.length / 2)] ?? 0
}

/** What a plan is measured against, so that figures of two machines can be compared: sorting as many numbers as there are options. */
const yardstick = microseconds(() => {
  used += Array.from({ length: OPTIONS }, random).sort((a, b) => a - b).length
})

process.stdout.write(`Ordering ${OPTIONS} options, µs; × is to sorting ${OPTIONS} random numbers (${yardstick.toFixed(2)} µs)\n\n`)
process.stdout.write(
  `${'strategy'.padEnd(16)}${'order + affinity'.padStart(18)}${'×'.padStart(7)}${'+ 2 conditions'.padStart(18)}${'×'.padStart(7)}\n`,
)
let most = 0
for (const strategy of ALL_STRATEGIES) {
  const bare = microseconds((turn) => plan(strategy, turn, false))
  const full = microseconds((turn) => plan(strategy, turn, true))
  most = Math.max(most, full)
  const times = (value: number): string => (value / yardstick).toFixed(1).padStart(7)
  process.stdout.write(
    `${strategy.id.padEnd(16)}${bare.toFixed(1).padStart(18)}${times(bare)}${full.toFixed(1).padStart(18)}${times(full)}\n`,
  )
}

/** A router's name from its body to the order before admission, and a plain name beside it: what `sluice/balanced` costs more. */
const catalogue = createCatalogue(null)
const served = new Set([...catalogue.list()].filter(({ mode, price: known }) => mode === 'chat' && known !== null).flatMap(({ openrouterId }) => openrouterId ?? [])) // prettier-ignore
const models = [...served].slice(0, 60)
const deps = {
  routes: () => Promise.resolve(NO_ROUTES),
  catalogue: () => Promise.resolve(catalogue),
  prices: () => Promise.resolve(null),
  providers: PROVIDERS,
  settings: () => ({ secrets: {}, values: {}, baseUrl: null, region: null }),
  health: NO_HEALTH,
  cacheMemory: { at: () => null },
  learning: NO_LEARNING,
  modelMemory: new ModelMemory(),
  classifier: readingClassifier(),
  abilities: { capability: capability(Object.fromEntries(models.map((model, n) => [model, 0.5 + (n % 9) / 20]))), models },
  limits: { bodyBytes: 1e6 },
  now: () => NOW,
  random,
} as unknown as Deps
const CHATS = new Set(['chat'] as const)
const body = (model: string): string =>
  JSON.stringify({ model, messages: [{ role: 'user', content: 'Some words of a question. '.repeat(190) }] })

async function planOf(text: string): Promise<number> {
  const request = new Request('https://gateway.test/v1/chat/completions', { method: 'POST', body: text })
  const job = await beginChat(request, 'gen-1', openaiChatClient, deps)
  const start = process.hrtime.bigint()
  const key = { id: 'key', secretHash: 'h' }
  used += foreseen(await planned(job, key, CHATS, () => true), job, key).targets.length
  return Number(process.hrtime.bigint() - start) / 1000
}

for (const name of ['openai/gpt-5', 'sluice/balanced', 'sluice/auto']) {
  const text = body(name)
  for (let i = 0; i < 200; i++) await planOf(text)
  const taken = []
  for (let i = 0; i < 400; i++) taken.push(await planOf(text))
  taken.sort((a, b) => a - b)
  process.stdout.write(`planning ${name} with a 5 kB body: ${(taken[200] ?? 0).toFixed(0)} µs (median)\n`)
}

process.stdout.write(`\nWorst ${most.toFixed(1)} µs; the aim is under ${AIM_US}. ${used} options ordered.\n`)
