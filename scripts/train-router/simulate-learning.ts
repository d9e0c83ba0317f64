// `node scripts/train-router/simulate-learning.ts [requests]`: what learning gains and costs, by recorded outcomes. Prints the table of docs/learning.md.

import { chance } from '../../test/support/chance.ts'
import { play, readRecorded, type Played } from './learning-simulation.ts'

const requests = Number(process.argv[2] ?? 5000)
/** Of each source about so many, the same number for each of its tasks. */
const TENANTS = 48
const kinds = [
  { name: 'all requests', share: 1, flipped: 0 },
  { name: 'all, 10 % flipped', share: 1, flipped: 0.1 },
  { name: '20 %, 10 % flipped', share: 0.2, flipped: 0.1 },
  { name: '5 %, 10 % flipped', share: 0.05, flipped: 0.1 },
]
const three = (value: number): string => value.toFixed(3)
const average = (played: readonly Played[], of: (one: Played) => number): number =>
  played.reduce((sum, one) => sum + of(one), 0) / played.length

console.log(`${requests} requests a tenant, ${TENANTS} tenants or a few more a source.`)
console.log(
  '| source (models, tasks) | prior | feedback | table alone | learning | best model | worst tenant against the table | outcomes decide |',
)
console.log('|---|---|---|---|---|---|---|---|')
for (const recorded of readRecorded())
  for (const prior of ['good', 'wrong'] as const)
    for (const { name, ...feedback } of kinds) {
      const tenants = Math.ceil(TENANTS / recorded.tasks.size)
      const played = [...recorded.tasks.keys()].flatMap((task) =>
        Array.from({ length: tenants }, (_, i) => play(recorded, task, prior, feedback, requests, chance(`${task} ${prior} ${name} ${i}`))),
      )
      const worst = Math.min(...played.map((one) => one.learning - one.table))
      console.log(
        `| ${recorded.source} (${recorded.models.length}, ${recorded.tasks.size}) | ${prior} | ${name} | ${three(average(played, (one) => one.table))} | ${three(average(played, (one) => one.learning))} | ${three(average(played, (one) => one.best))} | ${three(worst)} | ${Math.round(100 * average(played, (one) => one.active))} % |`,
      )
    }
