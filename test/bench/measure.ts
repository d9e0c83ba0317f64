// Runs the cases in interleaved rounds and keeps what each round showed. A case that fails its first look is not measured.

import { setTimeout as wait } from 'node:timers/promises'
import { EVENTS } from './answers.ts'
import { CONCURRENCIES, type Case, type Pace, type Places } from './cases.ts'
import { load, type Call } from './load.ts'
import { cpuMicros } from './process-cost.ts'
import { percentile } from './statistics.ts'

/** One slice of one case. `cpuMicros` is for a request of a whole answer, and for an event of a stream. */
export type Reading = {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly firstMs: number
  readonly requestsASecond: number
  readonly eventsASecond: number
  readonly cpuMicros: number
  readonly requests: number
}

/** `rounds[i]` of all results were measured in the same round. */
export type Result = { readonly case: Case; readonly concurrency: number; readonly rounds: readonly Reading[] }

export type Plan = { readonly rounds: { readonly [pace in Pace]: number }; readonly sliceMs: { readonly [pace in Pace]: number } }

/** What runs on after the last answer (settles, and the ledger's flush every 700 ms) belongs to the case that caused it; of streams it is little. */
const AFTERMATH_MS: { readonly [pace in Pace]: number } = { whole: 800, spaced: 200, racing: 200 }
const WARM_UP_MS = 700

export async function measure(places: Places, list: readonly Case[], plan: Plan, note: (text: string) => void): Promise<readonly Result[]> {
  for (const one of list) {
    await look(one)
    await load(one.call, 16, WARM_UP_MS)
  }
  const results = new Map<string, { readonly case: Case; readonly concurrency: number; readonly rounds: Reading[] }>()
  for (const pace of ['whole', 'spaced', 'racing'] as const) {
    const cases = list.filter((one) => one.pace === pace)
    if (cases.length === 0) continue
    for (const concurrency of CONCURRENCIES[pace]) {
      for (let round = 0; round < plan.rounds[pace]; round++) {
        note(`${pace}, ${concurrency} at once, round ${round + 1} of ${plan.rounds[pace]}`)
        // Every other round goes backwards: no case always follows the same one.
        for (const one of round % 2 === 0 ? cases : cases.toReversed()) {
          const id = `${one.id} ${concurrency}`
          const result = results.get(id) ?? { case: one, concurrency, rounds: [] }
          results.set(id, result)
          result.rounds.push(await slice(places, one, concurrency, plan.sliceMs[pace]))
        }
      }
    }
  }
  return [...results.values()]
}

async function slice(places: Places, one: Case, concurrency: number, forMs: number): Promise<Reading> {
  const { pids } = places[one.place]
  const before = cpuMicros(pids)
  const { requests, seconds, totalMs, firstMs } = await load(one.call, concurrency, forMs)
  if (one.place === 'sluice') await wait(AFTERMATH_MS[one.pace])
  const spent = cpuMicros(pids) - before
  const events = requests * (one.pace === 'whole' ? 1 : EVENTS)
  return {
    p50Ms: percentile(totalMs, 0.5),
    p99Ms: percentile(totalMs, 0.99),
    firstMs: percentile(firstMs, 0.5),
    requestsASecond: requests / seconds,
    eventsASecond: events / seconds,
    cpuMicros: spent / events,
    requests,
  }
}

/** Is the answer what it should be? Numbers of an error page would look splendid. */
async function look(one: Case): Promise<void> {
  const text = await answerOf(one.call)
  const words = text.split(/gateway/).length - 1
  const least = one.pace === 'whole' ? 3 : 7
  if (words < least) throw new Error(`${one.id} does not bring the whole answer: ${text.slice(0, 1500)}`)
}

async function answerOf({ port, path, headers, body }: Call): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body,
  })
  const text = await response.text()
  if (response.status !== 200) throw new Error(`${path} on port ${port} answered ${response.status}: ${text.slice(0, 1000)}`)
  return text
}
