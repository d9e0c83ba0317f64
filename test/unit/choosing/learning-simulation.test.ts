// What learning may cost and must gain, by recorded outcomes of 9 to 23 models: `node scripts/train-router/simulate-learning.ts` prints more.

import { describe, expect, it } from 'vitest'
import { play, readRecorded, type Feedback, type Played, type Prior } from '../../../scripts/train-router/learning-simulation.ts'
import { EXPLORATION } from '../../../src/routing/choosing/learning.ts'
import { chance } from '../../support/chance.ts'

const REQUESTS = 4000
/** Of each source at least, the same number for each of its tasks. */
const TENANTS = 16
/** Beside the exploration rate, for a task: twice the error of the mean of differences whose deviation is at most about a half. */
const CHANCE = (2 * 0.5) / Math.sqrt(2 * REQUESTS)
/** Of a wrong table: the least that must be won back of what its choice loses against the best model, by the share of requests with feedback. */
const WON_BACK = new Map([
  [1, 0.4],
  [0.2, 0.25],
  [0.05, 0.1],
])
const KINDS: readonly (readonly [string, Feedback])[] = [
  ['all requests', { share: 1, flipped: 0 }],
  ['20 %, 10 % flipped', { share: 0.2, flipped: 0.1 }],
  ['5 %, 10 % flipped', { share: 0.05, flipped: 0.1 }],
]
const recorded = readRecorded()

function tenants(at: number, task: string, prior: Prior, [name, feedback]: (typeof KINDS)[number]): readonly Played[] {
  const one = recorded[at]
  if (one === undefined) throw new Error('no such source')
  return Array.from({ length: Math.ceil(TENANTS / one.tasks.size) }, (_, i) =>
    play(one, task, prior, feedback, REQUESTS, chance(`${one.source} ${task} ${prior} ${name} ${i}`)),
  )
}
const mean = (played: readonly Played[], of: (one: Played) => number): number =>
  played.reduce((sum, one) => sum + of(one), 0) / Math.max(1, played.length)
const gain = ({ learning, table }: Played): number => learning - table

describe.each(recorded.map(({ source }, at) => [source, at] as const))('with the recorded outcomes of %s', (_, at) => {
  const tasks = [...(recorded[at]?.tasks.keys() ?? [])]

  it('there are enough models and tasks to tell', () => {
    expect(recorded[at]?.models.length).toBeGreaterThanOrEqual(8)
    expect(tasks.length).toBeGreaterThanOrEqual(2)
  })

  it.each(KINDS)('a good table costs no tenant’s task more than the exploration rate (feedback on %s)', (...kind) => {
    const all = tasks.map((task) => tenants(at, task, 'good', kind))
    for (const [i, played] of all.entries()) expect(mean(played, gain), tasks[i]).toBeGreaterThan(-EXPLORATION - CHANCE)
    expect(mean(all.flat(), gain)).toBeGreaterThan(-EXPLORATION / 2)
  })

  it.each(KINDS)('a wrong table is made good for in part (feedback on %s)', (...kind) => {
    const played = tasks.flatMap((task) => tenants(at, task, 'wrong', kind))
    const lost = mean(played, ({ best, table }) => best - table)
    expect(lost).toBeGreaterThan(0.1)
    expect(mean(played, gain) / lost).toBeGreaterThan(WON_BACK.get(kind[1].share) ?? 1)
    expect(mean(played, ({ explored }) => explored)).toBeLessThanOrEqual(EXPLORATION + 0.002)
  })
})

it('explores nothing as long as the table keeps its word', () => {
  const one = recorded.find(({ source }) => source === 'ulab-llmrouter')
  if (one === undefined) throw new Error('no such source')
  const played = play(one, 'openbook_qa', 'good', { share: 1, flipped: 0 }, 2000, chance('kept'))
  expect([played.active, played.explored, gain(played)]).toEqual([0, 0, 0])
})
