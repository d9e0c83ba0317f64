// Prints what was measured: ratios to the bare pass-through of the same rounds, absolute figures beside them, and the machine.

import { execFileSync } from 'node:child_process'
import { cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import type { Pace } from './cases.ts'
import type { Reading, Result } from './measure.ts'
import { median, medianRatio } from './statistics.ts'

export type Row = {
  readonly id: string
  readonly title: string
  readonly place: string
  readonly pace: Pace
  readonly concurrency: number
  readonly rounds: number
  /** To the baseline; `null` where there is none, or it was not measured. */
  readonly ratios: {
    readonly p50: number
    readonly p99: number
    readonly first: number
    readonly throughput: number
    readonly cpu: number
  } | null
  readonly p50Ms: number
  readonly p99Ms: number
  /** Added to the bare pass-through's, in milliseconds. */
  readonly addedP50Ms: number | null
  readonly addedP99Ms: number | null
  readonly firstMs: number
  readonly requestsASecond: number
  readonly eventsASecond: number
  readonly cpuMicros: number
}

export type Facts = { readonly [name: string]: string | number }

export function facts(): Facts {
  const root = join(import.meta.dirname, '../..')
  const said = (command: string, ...args: string[]): string => {
    try {
      return execFileSync(command, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
    } catch {
      return 'unknown'
    }
  }
  return {
    date: new Date().toISOString(),
    commit: said('git', 'rev-parse', '--short', 'HEAD'),
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? 'unknown',
    memoryGib: Math.round(totalmem() / 2 ** 30),
    loadBefore: loadavg()[0] ?? 0,
    node: process.version,
    workerd: said(join(root, 'node_modules/.bin/workerd'), '--version'),
  }
}

export function rowsOf(results: readonly Result[]): readonly Row[] {
  return results.map((result) => {
    const { case: one, concurrency, rounds } = result
    const bare = results.find((other) => other.case.id === one.baseline && other.concurrency === concurrency)?.rounds
    const of = (pick: (reading: Reading) => number, list: readonly Reading[]): readonly number[] => list.map(pick)
    const ratio = (pick: (reading: Reading) => number): number => medianRatio(of(pick, rounds), of(pick, bare ?? []))
    const middle = (pick: (reading: Reading) => number): number => median(of(pick, rounds))
    const added = (pick: (reading: Reading) => number): number | null => (bare === undefined ? null : middle(pick) - median(of(pick, bare)))
    return {
      id: one.id,
      title: one.title,
      place: one.place,
      pace: one.pace,
      concurrency,
      rounds: rounds.length,
      ratios:
        bare === undefined
          ? null
          : {
              p50: ratio((r) => r.p50Ms),
              p99: ratio((r) => r.p99Ms),
              first: ratio((r) => r.firstMs),
              throughput: ratio((r) => r.requestsASecond),
              cpu: ratio((r) => r.cpuMicros),
            },
      p50Ms: middle((r) => r.p50Ms),
      p99Ms: middle((r) => r.p99Ms),
      addedP50Ms: added((r) => r.p50Ms),
      addedP99Ms: added((r) => r.p99Ms),
      firstMs: middle((r) => r.firstMs),
      requestsASecond: middle((r) => r.requestsASecond),
      eventsASecond: middle((r) => r.eventsASecond),
      cpuMicros: middle((r) => r.cpuMicros),
    }
  })
}

const TITLES: { readonly [pace in Pace]: string } = {
  whole: 'Whole answers (about 1 kB each way)',
  spaced: 'Streams of 200 events, each arriving by itself',
  racing: 'Streams of 200 events, as fast as the upstream writes them',
}

/** The tables as text. */
export function tables(rows: readonly Row[]): string {
  const parts: string[] = []
  for (const pace of ['whole', 'spaced', 'racing'] as const) {
    for (const concurrency of new Set(rows.filter((row) => row.pace === pace).map((row) => row.concurrency))) {
      const some = rows.filter((row) => row.pace === pace && row.concurrency === concurrency)
      parts.push(`${TITLES[pace]}, ${concurrency} at once`, table(pace === 'whole' ? wholeColumns(some) : streamColumns(some)))
    }
  }
  return parts.join('\n')
}

type Columns = readonly (readonly string[])[]

function wholeColumns(rows: readonly Row[]): Columns {
  const head = ['', 'p50 x', 'p99 x', 'req/s x', 'CPU x', 'p50 µs', 'p99 µs', '+p50 µs', '+p99 µs', 'req/s', 'CPU µs/req']
  return [
    head,
    ...rows.map((row) => [
      row.title,
      ...[row.ratios?.p50, row.ratios?.p99, row.ratios?.throughput, cpuRatio(row)].map(times),
      micros(row.p50Ms),
      micros(row.p99Ms),
      micros(row.addedP50Ms),
      micros(row.addedP99Ms),
      row.requestsASecond.toFixed(0),
      row.cpuMicros.toFixed(0),
    ]),
  ]
}

function streamColumns(rows: readonly Row[]): Columns {
  const head = ['', 'first x', 'total x', 'events/s x', 'CPU x', 'first µs', '+first µs', 'total µs', 'events/s', 'CPU µs/event']
  return [
    head,
    ...rows.map((row) => {
      const { ratios } = row
      return [
        row.title,
        ...[ratios?.first, ratios?.p50, ratios?.throughput, cpuRatio(row)].map(times),
        micros(row.firstMs),
        micros(ratios === null ? null : row.firstMs - row.firstMs / ratios.first),
        micros(row.p50Ms),
        row.eventsASecond.toFixed(0),
        row.cpuMicros.toFixed(1),
      ]
    }),
  ]
}

/** The upstream is another program: its CPU is shown, not compared. */
function cpuRatio(row: Row): number | undefined {
  return row.place === 'upstream' ? undefined : row.ratios?.cpu
}

function times(value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? '–' : value.toFixed(2)
}

function micros(ms: number | null): string {
  return ms === null ? '–' : (ms * 1000).toFixed(0)
}

function table(rows: Columns): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)))
  const lines = rows.map(
    (row) => `  ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ')}`,
  )
  return `${lines.join('\n')}\n`
}

/** What the project wants, as ratios to the bare pass-through at 16 at once. */
const AIMS: readonly { readonly id: string; readonly what: 'p50' | 'cpu'; readonly most: number }[] = [
  { id: 'forward-whole', what: 'p50', most: 1.8 },
  { id: 'forward-whole', what: 'cpu', most: 1.8 },
  { id: 'forward-spaced', what: 'cpu', most: 1.6 },
  { id: 'forward-anthropic-spaced', what: 'cpu', most: 1.6 },
  { id: 'translate-from-openai-spaced', what: 'cpu', most: 5 },
  { id: 'translate-from-gemini-spaced', what: 'cpu', most: 5 },
]

/** A line for each aim whose case was measured. */
export function aimLines(rows: readonly Row[]): string {
  const lines = AIMS.flatMap(({ id, what, most }) => {
    const ratio = rows.find((row) => row.id === id && row.concurrency === 16)?.ratios?.[what]
    return ratio === undefined ? [] : [`  ${ratio <= most ? 'met   ' : 'missed'}  ${id}, ${what}: ${times(ratio)}, aim ${most}`]
  })
  return lines.length === 0 ? '' : `Aims, at 16 at once\n${lines.join('\n')}\n`
}
