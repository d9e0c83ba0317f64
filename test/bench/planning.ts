// `npm run bench:planning`: what it takes to put twenty options in order, in microseconds of one core. No network, no Workers: plain V8.

import { parseArgs } from 'node:util'
import { withAffinity } from '../../src/routing/affinity.ts'
import { targetFacts } from '../../src/routing/condition-facts.ts'
import { compileCondition } from '../../src/routing/conditions.ts'
import type { Option, Strategy } from '../../src/routing/contract.ts'
import { ALL_STRATEGIES } from '../../src/routing/index.ts'
import { chance } from '../support/chance.ts'
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

/** Nobody may leave the work out because its result is unused. */
let used = 0

function plan(strategy: Strategy, turn: number, conditions: boolean): void {
  const seen = view(random, { conversation: `key-1 session ${turn % 997}`, user: 'ada' })
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
process.stdout.write(`\nWorst ${most.toFixed(1)} µs; the aim is under ${AIM_US}. ${used} options ordered.\n`)
