// `npm run capability`: the capability table of capability-rows.json and the recorded rows, written as src/routing/choosing/data/capability.ts.

import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { createCatalogue } from '../../src/catalogue/index.ts'
import { TASK_TYPES, type TaskType } from '../../src/classifier/contract.ts'
import { gainOf, kinOf, lengthOf, stepsTo, type Steps } from '../../src/routing/choosing/model-kin.ts'
import { Fit, variancesOf, type Estimate, type Observation } from './capability-fit.ts'
import { poolModels } from './pool-models.ts'
import { loadRows } from './rows.ts'

const types = z.partialRecord(z.enum(TASK_TYPES), z.number().gt(0).lte(1))
const scores = z.record(z.string(), z.number().min(0).max(1))
const document = z.strictObject({
  about: z.string(),
  sources: z.array(z.strictObject({ id: z.string(), name: z.string(), date: z.string() })),
  sets: z.record(z.string(), z.strictObject({ types, isOf: z.string().optional() })),
  benches: z.record(z.string(), z.string()),
  models: z.record(z.string().includes('/'), z.strictObject({ released: z.string().regex(/^20\d\d-[01]\d$/), names: z.array(z.string()) })),
  leaveOut: z.array(z.strictObject({ model: z.string(), set: z.string(), why: z.string() })),
  scores: z.array(z.strictObject({ source: z.string(), set: z.string(), n: z.int().positive(), scores })),
})
const bench = z.object({
  datasets: z.record(z.string(), z.int().positive()),
  accuracy: z.record(z.string(), z.record(z.string(), z.number().nullable())),
})

type Document = z.infer<typeof document>
type Seen = Observation & { readonly source: string }

const HERE = import.meta.dirname
const OUT = join(HERE, '../../src/routing/choosing/data/capability.ts')

type Given = Omit<Seen, 'model' | 'released'> & { readonly name: string; readonly set: string }

/** Scores as they are given, by the names the sources use. */
function* givenScores(doc: Document): Generator<Given> {
  const about = (set: string, source: string, fallback: TaskType | null) => {
    const said = doc.sets[set]
    const share = new Map<TaskType, number>()
    for (const type of TASK_TYPES) {
      const part = said === undefined ? Number(type === fallback) : (said.types[type] ?? 0)
      if (part > 0) share.set(type, part)
    }
    if (share.size === 0) throw new Error(`capability-rows.json does not say of which types ${set} is`)
    const folder = said?.isOf ?? set.split('/')[0] ?? ''
    // Of a set that is of another source's questions the difficulty is theirs: that is what links the two.
    const sets = said?.isOf === undefined ? [[set, 1] as const] : [...share].map(([type, part]) => [`${said.isOf}/${type}`, part] as const)
    return { source, set, bench: doc.benches[folder] ?? set, sets: new Map(sets), types: share }
  }
  const { datasets, accuracy } = bench.parse(JSON.parse(readFileSync(join(HERE, 'data/capability_llmrouterbench.json'), 'utf8')))
  for (const [name, by] of Object.entries(accuracy))
    for (const [set, percent] of Object.entries(by))
      if (percent !== null) yield { ...about(set, 'llmrouterbench', null), name, mean: percent / 100, n: datasets[set] ?? 0 }
  for (const { source, set, n, scores: by } of doc.scores)
    for (const [name, mean] of Object.entries(by)) yield { ...about(set, source, null), name, mean, n }

  const sums = new Map<string, { type: TaskType | null; set: string; name: string; sum: number; n: number }>()
  for (const row of loadRows()) {
    for (const [name, score] of row.scores) {
      const set = `${row.source}/${row.taskType ?? 'null'}`
      const known = sums.get(`${set} ${name}`) ?? { type: row.taskType, set, name, sum: 0, n: 0 }
      sums.set(`${set} ${name}`, { ...known, sum: known.sum + score, n: known.n + 1 })
    }
  }
  for (const { type, set, name, sum, n } of sums.values()) yield { ...about(set, 'recorded', type), name, mean: sum / n, n }
}

/** Years, of `YYYY-MM`. */
const yearsOf = (month: string): number => Number(month.slice(0, 4)) + (Number(month.slice(5)) - 0.5) / 12

export function observations(doc: Document): readonly Seen[] {
  const modelOf = new Map(
    Object.entries(doc.models).flatMap(([model, { names, released }]) =>
      names.map((name) => [name, { model, released: yearsOf(released) }]),
    ),
  )
  const isOut = (name: string, set: string) => doc.leaveOut.some((out) => out.model === name && (out.set === '*' || out.set === set))
  const seen: Seen[] = []
  for (const { name, set, ...given } of givenScores(doc)) {
    if (isOut(name, set)) continue
    const model = modelOf.get(name)
    if (model === undefined) throw new Error(`capability-rows.json gives no author/slug for ${name}`)
    seen.push({ ...model, ...given })
  }
  return seen
}

/** Cheapest USD for a million tokens, three of input to one of output, of those who serve it for money. */
function priceOf(model: string): number | null {
  let best: number | null = null
  for (const { price } of createCatalogue(null).servedBy(model)) {
    if (price === null) continue
    const usd = (3 * price.input + price.output) / 4 / 1e6
    if (usd > 0 && (best === null || usd < best)) best = usd
  }
  return best
}

type Line = { readonly at: number; readonly slope: number; readonly error: number; readonly n: number }

/** Least squares; `error` is the residual's standard deviation. */
function lineOf(points: readonly (readonly [x: number, y: number])[]): Line {
  const n = points.length
  const mean = (of: (point: readonly [number, number]) => number) => points.reduce((sum, point) => sum + of(point), 0) / n
  const [x, y] = [mean(([px]) => px), mean(([, py]) => py)]
  const slope = mean(([px, py]) => (px - x) * (py - y)) / mean(([px]) => (px - x) ** 2)
  const at = y - slope * x
  return { at, slope, error: Math.sqrt((mean(([px, py]) => (py - at - slope * px) ** 2) * n) / (n - 2)), n }
}

type Gains = { readonly version: number; readonly tier: number; readonly size: number; readonly error: number; readonly pairs: number }

/** What a newer version, a tier and a doubling of size are worth, from all measured pairs of one brand and role; `error` is for a step. */
function gainsOf(means: ReadonlyMap<string, number>): Gains {
  const pairs: { steps: Steps; gain: number; length: number }[] = []
  for (const [model, mean] of means) {
    for (const [other, otherMean] of means) {
      if (model >= other) continue
      const steps = stepsTo(kinOf(model), kinOf(other))
      if (steps?.isSameRole === true && lengthOf(steps) > 0) pairs.push({ steps, gain: otherMean - mean, length: lengthOf(steps) })
    }
  }
  // Least squares of three coefficients with a light ridge, by Gauss–Seidel.
  const parts = ['version', 'tier', 'size'] as const
  const units = {
    version: { version: 1, tier: 0, size: 0 },
    tier: { version: 0, tier: 1, size: 0 },
    size: { version: 0, tier: 0, size: 1 },
  }
  const at = { version: 0, tier: 0, size: 0 }
  for (let round = 0; round < 500; round += 1) {
    for (const part of parts) {
      let [over, under] = [0, 0.5]
      for (const { steps, gain, length } of pairs) {
        const own = gainOf(steps, units[part])
        over += (own * (gain - gainOf(steps, at) + at[part] * own)) / length
        under += own ** 2 / length
      }
      at[part] = over / under
    }
  }
  const squares = pairs.map(({ steps, gain, length }) => (gain - gainOf(steps, at)) ** 2 / length)
  return { ...at, error: Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / (pairs.length - 3)), pairs: pairs.length }
}

const hundredths = (value: number): number => Math.round(value * 100)

function main(): void {
  const text = readFileSync(join(HERE, 'capability-rows.json'), 'utf8')
  const doc = document.parse(JSON.parse(text))
  const seen = observations(doc)
  const variances = variancesOf(seen, { maker: 0.1, model: 0.6, group: 0.1, type: 0.1, bench: 0.5, set: 0.6, noise: 0.1 })
  const fit = new Fit(seen, variances)
  const models = [...new Set(seen.map(({ model }) => model))].sort()
  const rows: (readonly [string, readonly number[], readonly number[], readonly number[], readonly number[]])[] = []
  const means = new Map<string, number>()
  for (const model of models) {
    const own = seen.filter((one) => one.model === model)
    const estimates: Estimate[] = TASK_TYPES.map((type) => fit.of(model, type))
    means.set(model, estimates.reduce((sum, { logit }) => sum + logit, 0) / estimates.length)
    const ns = TASK_TYPES.map((type) => Math.round(own.reduce((sum, { n, types: share }) => sum + n * (share.get(type) ?? 0), 0)))
    const sources = doc.sources.flatMap(({ id }, at) => (own.some(({ source }) => source === id) ? [at] : []))
    rows.push([model, sources, estimates.map(({ logit }) => hundredths(logit)), estimates.map(({ error }) => hundredths(error)), ns])
  }
  const newest = Math.max(...seen.map(({ released }) => released))
  const undated = models.flatMap((model) => {
    const [usd, mean] = [priceOf(model), means.get(model)]
    return usd === null || mean === undefined ? [] : [[Math.log(usd), mean] as const]
  })
  const priced = models.flatMap((model) => {
    const [usd, mean] = [priceOf(model), means.get(model)]
    // As if all were released in the year of the newest: who is asked of by price alone is unknown because it is new.
    return usd === null || mean === undefined
      ? []
      : [[Math.log(usd), mean + fit.trend[1] * (newest - yearsOf(doc.models[model]?.released ?? ''))] as const]
  })
  // When an unknown model is from is unknown too, so its error is that of the prices without the dates.
  const byPrice = { ...lineOf(priced), error: lineOf(undated).error }
  const gains = gainsOf(means)
  const round = (value: number) => Number(value.toFixed(3))
  const rounded = (of: Readonly<Record<string, number>>) =>
    Object.fromEntries(Object.entries(of).map(([key, value]) => [key, round(value)]))
  const hash = createHash('sha256')
    .update(JSON.stringify([rows, rounded(byPrice), rounded(gains)]))
    .digest('hex')
    .slice(0, 12)
  writeFileSync(
    OUT,
    `// Generated by \`npm run capability\` from scripts/train-router/capability-rows.json and the recorded rows; not edited by hand. ../capability.ts says what stands where.
export const VERSION = '${hash}'
export const SOURCES = ${JSON.stringify(doc.sources.map(({ name, date }) => [name, date]))} as const
export const PRICE_LINE = ${JSON.stringify(rounded(byPrice))} as const
export const GAINS = ${JSON.stringify(rounded(gains))} as const
export const POOL: readonly string[] = ${JSON.stringify(poolModels(), null, 2)}
/** How far abilities at a task type lie from the model's own mean, a standard deviation in logits. */
export const SPREAD = ${round(Math.sqrt(variances.group + variances.type))}
export const ROWS = \`[
${rows.map((row) => JSON.stringify(row)).join(',\n')}
]\`
`,
  )
  console.log(
    `${seen.length} scores of ${models.length} models; log likelihood ${fit.logLikelihood.toFixed(1)}; variances ${JSON.stringify(variances)}`,
  )
  console.log('trend', fit.trend)
  console.log('price', byPrice, 'gains', gains)
  for (const model of [...models].sort((a, b) => (means.get(b) ?? 0) - (means.get(a) ?? 0))) {
    const row = rows.find(([name]) => name === model)
    console.log(model.padEnd(46), (means.get(model) ?? 0).toFixed(2), row?.[2].join(' '), '| ±', row?.[3].join(' '))
  }
}

if (import.meta.main) main()
