// What a storm has shown: how many got their answer, what that cost in time, what the sick place was offered, how soon it was used again.

import type { Outcome } from './client.ts'
import type { Arrival } from './upstream.ts'
import type { Spell } from './weather.ts'

export type Way = {
  readonly requests: number
  /** 0 to 1. */
  readonly success: number
  /** To the first words, of those that succeeded. Milliseconds; `null`: none did. */
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  readonly failures: { readonly [failure: string]: number }
}

export type Recovery = {
  readonly illness: Spell['illness']
  readonly illMs: number
  /** Requests while it was ill, and calls of them that reached it; of these, later than two seconds. */
  readonly requests: number
  readonly calls: number
  readonly late: number
  /** From its getting well to its first whole answer, and the calls until then; `null`: it was not used again before its next illness. */
  readonly backMs: number | null
  readonly probes: number
}

export type Figures = {
  readonly sluice: Way
  readonly straight: Way
  readonly spells: readonly Recovery[]
  readonly offered: number | null
}

/** `place`: the one that is asked first; `spells`: its illnesses. */
export function figures(
  place: string,
  spells: readonly Spell[],
  sluice: readonly Outcome[],
  straight: readonly Outcome[],
  arrivals: readonly Arrival[],
): Figures {
  const calls = arrivals.filter((one) => one.place === place && !one.isStraight)
  const recoveries = spells.map((spell, index) => recovery(spell, spells[index + 1]?.from ?? Number.POSITIVE_INFINITY, calls, sluice))
  const requests = recoveries.reduce((sum, one) => sum + one.requests, 0)
  const offered = requests === 0 ? null : recoveries.reduce((sum, one) => sum + one.calls, 0) / requests
  return { sluice: wayOf(sluice), straight: wayOf(straight), spells: recoveries, offered }
}

function recovery({ from, to, illness }: Spell, next: number, calls: readonly Arrival[], sent: readonly Outcome[]): Recovery {
  const during = calls.filter(({ at }) => at >= from && at < to)
  const after = calls.filter(({ at }) => at >= to && at < next)
  const back = after.find(({ wellAt }) => wellAt !== null)
  const backAt = back?.wellAt ?? null
  return {
    illness,
    illMs: to - from,
    requests: sent.filter(({ at }) => at >= from && at < to).length,
    calls: during.length,
    late: during.filter(({ at }) => at >= from + 2000).length,
    backMs: backAt === null ? null : backAt - to,
    probes: backAt === null ? after.length : after.filter(({ at }) => at < backAt).length,
  }
}

function wayOf(outcomes: readonly Outcome[]): Way {
  const good = outcomes.flatMap(({ failure, firstMs }) => (failure === null && firstMs !== null ? [firstMs] : [])).toSorted((a, b) => a - b)
  const failures = new Map<string, number>()
  for (const { failure } of outcomes) if (failure !== null) failures.set(failure, (failures.get(failure) ?? 0) + 1)
  return {
    requests: outcomes.length,
    success: outcomes.length === 0 ? 0 : outcomes.filter(({ failure }) => failure === null).length / outcomes.length,
    p50Ms: at(good, 0.5),
    p99Ms: at(good, 0.99),
    failures: Object.fromEntries(failures),
  }
}

/** Nearest rank. */
function at(sorted: readonly number[], share: number): number | null {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null
}

export function lines({ sluice, straight, spells, offered }: Figures): readonly string[] {
  const way = (name: string, one: Way): string =>
    `${name.padEnd(9)} ${String(one.requests).padStart(5)} requests  ${(one.success * 100).toFixed(2).padStart(6)} % answered  first words p50 ${ms(one.p50Ms)}  p99 ${ms(one.p99Ms)}${told(one.failures)}`
  const added = (a: number | null, b: number | null): string => (a === null || b === null ? '–' : `${(a - b).toFixed(0)} ms`)
  return [
    way('straight', straight),
    way('Sluice', sluice),
    `added     p50 ${added(sluice.p50Ms, straight.p50Ms)}, p99 ${added(sluice.p99Ms, straight.p99Ms)} (of those that were answered; failing over takes its time)`,
    `offered   ${offered === null ? '–' : `${(offered * 100).toFixed(1)} % of the requests made while it was ill were tried at the sick place`}`,
    '',
    'illness     lasted   requests  calls  later than 2 s   used again after   calls until then',
    ...spells.map(
      (one) =>
        `${one.illness.padEnd(10)} ${ms(one.illMs).padStart(8)} ${String(one.requests).padStart(8)} ${String(one.calls).padStart(7)} ${String(one.late).padStart(12)} ${ms(one.backMs).padStart(20)} ${String(one.probes).padStart(16)}`,
    ),
  ]
}

function ms(value: number | null): string {
  return value === null ? '–' : `${value.toFixed(0)} ms`
}

function told(failures: Way['failures']): string {
  const parts = Object.entries(failures).map(([failure, times]) => `${times} × ${failure}`)
  return parts.length === 0 ? '' : `  (${parts.join(', ')})`
}
