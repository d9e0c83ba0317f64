// From prompts and outcomes to the weights of the classifier. What is left out is told by the caller, so that the evaluation fits in the same way.

import { DENSE } from '../../src/classifier/features.ts'
import { TASK_TYPES } from '../../src/classifier/contract.ts'
import { difficultyOf, LENGTHS, STRUCTURE, type Weights } from '../../src/classifier/model.ts'
import { exampleOf, scaleOf, sizesOf, standardised, type Known, type Scale } from './examples.ts'
import { fitTypes, packedGrams, type Types } from './fit-types.ts'
import { probabilities, signedRidge, type Example } from './linear.ts'
import { outcomeOf, unitOf } from './panels.ts'
import type { Labelled, Row } from './rows.ts'
import type { Written } from './written.ts'

export type Material = {
  readonly rows: readonly Row[]
  readonly written: readonly Written[]
  readonly labelled: readonly Labelled[]
}

/**
 * Which way a number points, and how far beside the others: by what carried over between sources (FINDINGS 3.3). Where one did not it is left
 * out. Free weights learn which source a prompt is from, and fail on the next; so all are drawn to these.
 */
const SHAPE: { readonly [name in (typeof DENSE)[number]]: number } = {
  words: 1.5,
  stemWords: 1.5,
  sentenceWords: 1.5,
  numbers: 1,
  numberShare: 1,
  bigNumbers: 1,
  decimals: 1,
  optionNumbers: 1,
  optionLength: -1,
  operators: 1,
  brackets: 1,
  commands: 0,
  punctuation: 1,
  questions: 1,
  lines: 0,
  repetition: 1,
  wordLength: 0,
  longShare: 0,
  capitalShare: 0,
  letters: 1,
  negation: 1,
  quantity: 1,
  condition: 1,
  asking: 0,
  writing: -1,
  calculation: 1,
  sequence: 1,
  person: 1,
  writingShare: -1,
  fence: 0,
}

/** So strong that many weak signs share the work. */
const LAMBDA = 10
/** What the written prompts weigh as one more unit. */
const WRITTEN_UNIT = 3
/** Requests with tools or a schema are agents': more can go wrong in them than their last message tells. Set, not learnt: no source has them. */
const STRUCTURE_WEIGHTS: { readonly [name in (typeof STRUCTURE)[number]]: number } = {
  tools: 0.06,
  toolBytes: 0.01,
  turns: 0.03,
  attachments: 0.1,
  context: 0.05,
  schema: 0.1,
}

/** Shares of everyday traffic that are called easy, and not hard. */
const CUT_SHARES = [0.3, 0.7] as const

export function fit({ rows, written, labelled }: Material): Weights {
  const known: readonly Known[] = rows.map((row) => {
    const { cheap, strong } = outcomeOf(row)
    return { example: exampleOf(row.prompt), unit: unitOf(row), source: row.source, type: row.taskType, need: 1 - cheap + (strong - cheap) }
  })
  const mine: readonly Known[] = written.map(({ prompt, level, taskType }) => ({
    example: exampleOf(prompt),
    unit: 'written',
    source: 'written',
    type: taskType,
    need: level,
  }))
  const everyday = labelled.map(({ prompt }) => exampleOf(prompt))
  const all = [...known, ...mine]
  const scale = scaleOf(all)
  const dense = fitDense(all, scale)
  const types = fitTypes(rows, known, mine, everyday, scale)
  const half = { scale, dense, types }
  const mathsLevel = mathsLevelOf(all, half)
  const sumOf = (example: Example): number => {
    const { length, rest, maths } = partsOf(example, half)
    return difficultyOf(length, rest, maths, mathsLevel)
  }
  const sums = all.map(({ example }) => sumOf(example))
  const { slope, offset } = chanceOf(
    known,
    sums,
    rows.map((row) => 1 - outcomeOf(row).cheap),
  )
  const chance = (sum: number): number => 1 / (1 + Math.exp(-slope * (sum - offset)))
  // Everyday traffic as far as it is here: a third of it recorded prompts, a third written ones, a third what people asked assistants (IN3).
  const traffic: readonly (readonly [number, number])[] = [
    ...sums.map((sum, i): [number, number] => {
      const one = all[i]
      return [chance(sum), one === undefined || one.source === 'written' ? 1 / mine.length : 1 / known.length]
    }),
    ...everyday.map((example): [number, number] => [chance(sumOf(example)), 1 / everyday.length]),
  ]
  return {
    mean: Float32Array.from(scale.mean),
    spread: Float32Array.from(scale.spread),
    denseDifficulty: Float32Array.from(dense),
    denseTypes: Float32Array.from(types.model.dense),
    typeBias: Float32Array.from(types.model.bias),
    ...packedGrams(types),
    structure: Float32Array.from(STRUCTURE, (name) => STRUCTURE_WEIGHTS[name]),
    slope,
    offset,
    mathsLevel,
    cuts: [quantile(traffic, CUT_SHARES[0]), quantile(traffic, CUT_SHARES[1])],
  }
}

/**
 * The chance that a cheap model fails, from the sum: its slope from differences within units alone, since units differ in more than difficulty,
 * and the middle where half of all fail.
 */
function chanceOf(
  known: readonly Known[],
  sums: readonly number[],
  fails: readonly number[],
): { readonly slope: number; readonly offset: number } {
  let [together, apart, mean, middle] = [0, 0, 0, 0]
  const units = sizesOf(known)
  for (const unit of units.keys()) {
    const members = known.flatMap((one, i) => (one.unit === unit ? [i] : []))
    const average = (values: readonly number[]): number => members.reduce((sum, i) => sum + (values[i] ?? 0), 0) / members.length
    const [x, y] = [average(sums), average(fails)]
    mean += y / units.size
    middle += x / units.size
    for (const i of members) {
      together += ((sums[i] ?? 0) - x) * ((fails[i] ?? 0) - y)
      apart += ((sums[i] ?? 0) - x) ** 2
    }
  }
  const slope = together / apart / (mean * (1 - mean))
  return { slope, offset: middle - Math.log(mean / (1 - mean)) / slope }
}

/** Difficulty within units alone: what makes one of a source's prompts harder than another of it. */
function fitDense(known: readonly Known[], scale: Scale): Float64Array {
  const rows = known.map(({ example }) => standardised(example, scale))
  const target = Float64Array.from(known, ({ need }) => need)
  const sizes = sizesOf(known)
  const weights = Float64Array.from(known, ({ unit }) => (unit === 'written' ? WRITTEN_UNIT : 1) / (sizes.get(unit) ?? 1))
  for (const unit of sizes.keys()) {
    const members = known.flatMap((one, i) => (one.unit === unit ? [i] : []))
    for (let k = 0; k < DENSE.length; k++) {
      const mean = members.reduce((sum, i) => sum + (rows[i]?.[k] ?? 0), 0) / members.length
      for (const i of members) {
        const row = rows[i]
        if (row !== undefined) row[k] = (row[k] ?? 0) - mean
      }
    }
    const mean = members.reduce((sum, i) => sum + (target[i] ?? 0), 0) / members.length
    const spread = Math.sqrt(members.reduce((sum, i) => sum + ((target[i] ?? 0) - mean) ** 2, 0) / members.length) || 1
    for (const i of members) target[i] = ((target[i] ?? 0) - mean) / spread
  }
  return signedRidge(
    rows,
    target,
    weights,
    DENSE.map((name) => SHAPE[name]),
    LAMBDA,
  )
}

type Half = { readonly scale: Scale; readonly dense: Float64Array; readonly types: Types }

/** What the classifier makes of a text before they are put together. */
function partsOf(
  example: Example,
  { scale, dense, types }: Half,
): { readonly length: number; readonly rest: number; readonly maths: number } {
  const shares = new Float64Array(TASK_TYPES.length)
  const row = standardised(example, scale)
  probabilities(types.model, { dense: row, buckets: example.buckets }, types.importance, shares)
  let [length, rest] = [0, 0]
  row.forEach((value, k) => {
    const part = value * (dense[k] ?? 0)
    if (k < LENGTHS) length += part
    else rest += part
  })
  return { length, rest, maths: shares[TASK_TYPES.indexOf('math')] ?? 0 }
}

/** The mean over what is mathematics, as far as it is. */
function mathsLevelOf(known: readonly Known[], half: Half): number {
  let [sum, total] = [0, 0]
  for (const { example } of known) {
    const { rest, maths } = partsOf(example, half)
    sum += maths * rest
    total += maths
  }
  return sum / total
}

function quantile(weighed: readonly (readonly [number, number])[], share: number): number {
  const sorted = weighed.toSorted((a, b) => a[0] - b[0])
  const total = sorted.reduce((sum, [, weight]) => sum + weight, 0)
  let sum = 0
  for (const [value, weight] of sorted) {
    sum += weight
    if (sum >= share * total) return value
  }
  return sorted.at(-1)?.[0] ?? 0
}
