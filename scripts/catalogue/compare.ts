// Owns the finding of disagreements between sources. A kind that a source does not price is no disagreement.

import { KINDS, type Given } from './model.ts'

type Named = readonly (readonly [source: string, given: Given | null])[]

/** One line for every kind, and every long-context tier's input and output, on which the sources differ. The first source is the one that is taken, unless `left` says that none is. */
export function compare(key: string, named: Named, left: boolean): string[] {
  const found: string[] = []
  const line = (kind: string, pick: (given: Given) => number | undefined, unit: (value: number) => string) => {
    const said = named.map(([source, given]) => [source, given ? pick(given) : undefined] as const)
    const values = said.flatMap(([, value]) => (value === undefined ? [] : [value]))
    if (new Set(values).size < 2) return
    const words = said.map(([source, value]) => `${source} ${value === undefined ? '-' : unit(value)}`).join(', ')
    const taken = said[0]?.[1] === undefined || left ? 'none' : said[0][0]
    const [first, ...others] = values
    const outvoted = said[0]?.[1] !== undefined && others.length > 1 && others.every((value) => value === others[0] && value !== first)
    found.push(`${key} ${kind}: ${words} → ${taken}${outvoted ? ' (two to one against)' : ''}`)
  }
  const million = (pico: number) => String(pico / 1_000_000)
  for (const kind of KINDS) line(kind, (given) => given.rates[kind], million)
  const bounds = new Set(named.flatMap(([, given]) => given?.tiers.map((tier) => tier.above) ?? []))
  for (const above of [...bounds].toSorted((a, b) => a - b))
    for (const kind of ['input', 'output'] as const) line(`${kind} above ${above}`, (given) => tierRate(given, above, kind), million)
  line(
    'web search',
    (given) => given.perToolCallNanoUsd,
    (nano) => `$${nano / 1e9}`,
  )
  line(
    'request',
    (given) => given.perRequestNanoUsd,
    (nano) => `$${nano / 1e9}`,
  )
  return found
}

/** What a source that knows no such tier says of it: its base price. */
function tierRate(given: Given, above: number, kind: 'input' | 'output'): number | undefined {
  const tier = given.tiers.findLast((one) => one.above <= above + 1)
  return tier?.rates[kind] ?? given.rates[kind]
}
