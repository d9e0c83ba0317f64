// `npm run bench`: Sluice on plain workerd beside a bare pass-through Worker and the upstream alone, interleaved in one run.

import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { cases, type Places } from './cases.ts'
import { measure, type Plan } from './measure.ts'
import { measureMemory } from './memory.ts'
import { startBare, startSluice, startUpstream } from './places.ts'
import { callDirectly } from './plain-workerd.ts'
import { aimLines, facts, rowsOf, tables } from './report.ts'

const HELP = `npm run bench -- [options]

  --quick        two short rounds of everything: is anything broken?
  --rounds N     rounds of each case (default 5)
  --only TEXT    only cases whose id holds this text, with their baselines; several, separated by commas
  --memory       instead: peak memory of eight requests of 10 MiB at once
  --json FILE    where the figures go (default test/bench/results/<time>.json)
  --list         the ids of the cases

Ratios are to the bare pass-through of the same round, medians over the rounds. On a machine that others use too only they mean anything.
Linux only: CPU time and memory are read from /proc.
`

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean', short: 'h' },
      quick: { type: 'boolean' },
      memory: { type: 'boolean' },
      list: { type: 'boolean' },
      only: { type: 'string' },
      json: { type: 'string' },
      rounds: { type: 'string' },
    },
  })
  if (values.help === true) {
    process.stdout.write(HELP)
    return
  }
  const rounds = Number(values.rounds ?? (values.quick === true ? 2 : 5))
  if (!Number.isSafeInteger(rounds) || rounds < 1) throw new Error('--rounds must be a whole number from 1 up.')
  const machine = facts()
  const places = await startAll()
  try {
    const all = cases(places)
    const wanted = (values.only ?? '').split(',').filter((text) => text !== '')
    const named = wanted.length === 0 ? all : all.filter((one) => wanted.some((text) => one.id.includes(text)))
    if (values.list === true) {
      process.stdout.write(`${all.map((one) => one.id.padEnd(40) + one.title).join('\n')}\n`)
      return
    }
    process.stdout.write(`${Object.entries(machine).map(([name, value]) => `${name} ${value}`).join(', ')}\n\n`) // prettier-ignore
    const file = values.json ?? join(import.meta.dirname, 'results', `${machine['date'] ?? ''}.json`.replaceAll(':', '-'))
    mkdirSync(dirname(file), { recursive: true })
    if (values.memory === true) {
      const peaks = [
        ...(await measureMemory('bare pass-through', places.bare, 'gpt-4o-mini', 'sk-bench')),
        ...(await measureMemory('Sluice', places.sluice, 'openai/gpt-4o-mini', places.sluice.key)),
      ]
      for (const { place, beforeMib, peakMib, addedMib, failures } of peaks) {
        process.stdout.write(
          `${place.padEnd(18)} before ${beforeMib} MiB, peak ${peakMib} MiB, added ${addedMib} MiB${failures === 0 ? '' : `, ${failures} failed`}\n`,
        )
      }
      writeFileSync(file, `${JSON.stringify({ machine, peaks }, null, 2)}\n`)
    } else {
      const list = all.filter((one) => named.includes(one) || named.some((other) => other.baseline === one.id))
      const results = await measure(places, list, planOf(rounds, values.quick === true), note)
      note('')
      const rows = rowsOf(results)
      process.stdout.write(`${tables(rows)}\n${aimLines(rows)}\n`)
      writeFileSync(
        file,
        `${JSON.stringify({ machine, rows, readings: results.map(({ case: one, concurrency, rounds: list }) => ({ id: one.id, concurrency, rounds: list })) }, null, 2)}\n`,
      )
    }
    process.stdout.write(`Figures: ${file}\n`)
  } finally {
    for (const place of [places.sluice, places.bare, places.upstream]) await place.stop()
  }
}

async function startAll(): Promise<Places> {
  callDirectly()
  const upstream = await startUpstream()
  const bare = await startBare(upstream)
  const sluice = await startSluice(upstream)
  return { upstream, bare, sluice }
}

/** Streams at a spacing take half a second each, so their slices are longer. */
function planOf(rounds: number, isQuick: boolean): Plan {
  return isQuick
    ? { rounds: { whole: rounds, spaced: rounds, racing: rounds }, sliceMs: { whole: 200, spaced: 400, racing: 200 } }
    : {
        rounds: { whole: rounds, spaced: Math.max(1, rounds - 2), racing: Math.max(1, rounds - 2) },
        sliceMs: { whole: 600, spaced: 900, racing: 400 },
      }
}

/** One line that is written over, where there is somebody to see it. */
function note(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
}

await main()
