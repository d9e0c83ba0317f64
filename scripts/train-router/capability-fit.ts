// One scale for scores of different data sets: a Gaussian process over (model, data set) with a difficulty per set and abilities that lean on each other.
//
// A score p of model m on set d is read as logit p = mean + gain * release date + ability(m, types of d) - difficulty(d) + noise. Abilities are sums of parts, each with
// its own variance: of the model's maker, of the model, of the model at a group of types, of the model at a type. A set of several types counts them by
// share. Difficulties are of a benchmark and of a set in it, so two sets of one benchmark link the models that either judged. Noise is the sampling
// error of n answers plus what a set says of a model beyond its types (format, harness, contamination). All is linear and Gaussian, so what is not measured falls back on
// the model, then its maker, then everybody, and every error is the posterior's own. The variances are those of greatest likelihood over a grid.
//
// What it cannot tell: how hard one era's sets are against another's beyond what MMLU-Pro, which both eras sat, links; guessing (a quarter right by
// chance counts as ability); effort settings, prompts and harnesses, which the sources chose.

import type { TaskType } from '../../src/classifier/contract.ts'

export type Observation = {
  readonly model: string
  /** Month of the model's release, in years. */
  readonly released: number
  readonly bench: string
  /** The sets whose difficulties make this one's up, by share. */
  readonly sets: ReadonlyMap<string, number>
  /** Shares of the set's questions by type; at most 1 in all. */
  readonly types: ReadonlyMap<TaskType, number>
  /** Mean score, 0 to 1, and of how many answers. */
  readonly mean: number
  readonly n: number
}

export type Variances = {
  readonly maker: number
  readonly model: number
  readonly group: number
  readonly type: number
  readonly bench: number
  readonly set: number
  readonly noise: number
}

/** Years are counted from here. */
const EPOCH = 2024.5

export type Estimate = { readonly logit: number; readonly error: number }

/** Types that rise and fall together: whoever reasons well in one does in the others. */
const GROUPS: ReadonlyMap<TaskType, string> = new Map<TaskType, string>([
  ['math-word', 'reasoning'],
  ['math', 'reasoning'],
  ['logic', 'reasoning'],
  ['physical-science', 'reasoning'],
  ['chemistry', 'reasoning'],
  ['code-writing', 'code'],
  ['code-reasoning', 'code'],
  ['computer-science', 'code'],
  ['tool-use', 'tools'],
  ['life-science', 'knowledge'],
  ['law', 'knowledge'],
  ['business', 'knowledge'],
  ['social-science', 'knowledge'],
  ['humanities', 'knowledge'],
  ['commonsense', 'knowledge'],
  ['trivia', 'recall'],
  ['open-ended', 'open'],
])

export const makerOf = (model: string): string => model.slice(0, model.indexOf('/'))

type Ask = { readonly model: string; readonly types: ReadonlyMap<TaskType, number> }

/** Covariance of two abilities. */
function abilities(a: Ask, b: Ask, of: Variances): number {
  if (makerOf(a.model) !== makerOf(b.model)) return 0
  if (a.model !== b.model) return of.maker
  let [types, groups] = [0, 0]
  for (const [type, share] of a.types) {
    for (const [other, otherShare] of b.types) {
      if (type === other) types += share * otherShare
      if (GROUPS.get(type) === GROUPS.get(other)) groups += share * otherShare
    }
  }
  return of.maker + of.model + of.group * groups + of.type * types
}

/** `null` members make a score of nothing and of everything finite. */
const logitOf = ({ mean, n }: Observation): number => Math.log((mean * n + 0.5) / ((1 - mean) * n + 0.5))

function samplingVariance({ mean, n }: Observation): number {
  const p = (mean * n + 0.5) / (n + 1)
  return 1 / (n * p * (1 - p))
}

export class Fit {
  readonly logLikelihood: number
  /** The common mean, and what a year of release is worth. */
  readonly trend: readonly [mean: number, yearly: number]
  readonly #seen: readonly Observation[]
  readonly #of: Variances
  readonly #factor: readonly Float64Array[]
  readonly #weights: Float64Array
  /** Columns of the trend, solved, and the inverse of their precision. */
  readonly #columns: readonly [Float64Array, Float64Array]
  readonly #inverse: readonly [number, number, number]
  readonly #releases: ReadonlyMap<string, number>
  readonly #looked = new Map<string, Look>()

  constructor(seen: readonly Observation[], of: Variances) {
    this.#seen = seen
    this.#of = of
    this.#releases = new Map(seen.map(({ model, released }) => [model, released]))
    const size = seen.length
    const matrix = seen.map(() => new Float64Array(size))
    for (const [i, a] of seen.entries()) {
      const row = matrix[i]
      if (row === undefined) continue
      for (let j = 0; j <= i; j += 1) {
        const b = seen[j]
        if (b !== undefined) row[j] = abilities(a, b, of) + difficulties(a, b, of) + (i === j ? samplingVariance(a) + of.noise : 0)
      }
    }
    this.#factor = cholesky(matrix)
    // The trend is free: generalised least squares.
    const values = Float64Array.from(seen, logitOf)
    const [one, date] = [new Float64Array(size).fill(1), Float64Array.from(seen, ({ released }) => released - EPOCH)]
    this.#columns = [solve(this.#factor, one), solve(this.#factor, date)]
    const [p, q, r] = [dot(this.#columns[0], one), dot(this.#columns[0], date), dot(this.#columns[1], date)]
    const determinant = p * r - q * q
    this.#inverse = [r / determinant, -q / determinant, p / determinant]
    const [y0, y1] = [dot(this.#columns[0], values), dot(this.#columns[1], values)]
    this.trend = [(r * y0 - q * y1) / determinant, (p * y1 - q * y0) / determinant]
    const centred = values.map((value, at) => value - this.trend[0] - this.trend[1] * (date[at] ?? 0))
    this.#weights = solve(this.#factor, centred)
    let logDeterminant = 0
    for (const [i, row] of this.#factor.entries()) logDeterminant += 2 * Math.log(row[i] ?? 1)
    this.logLikelihood = -0.5 * (dot(centred, this.#weights) + logDeterminant + Math.log(determinant) + size * Math.log(2 * Math.PI))
  }

  /**
   * The ability on a set of average difficulty, as a logit, of a model that was seen; its error is what tells it from the models that sat a set with it:
   * how hard the sets were is an error that they share, and it cancels out of their differences.
   */
  of(model: string, type: TaskType): Estimate {
    const own = this.#looks(model, type)
    const sat = new Set(this.#seen.flatMap((one) => (one.model === model ? [...one.sets.keys()] : [])))
    const fellows = new Set(
      this.#seen.flatMap((one) => (one.model !== model && [...one.sets.keys()].some((set) => sat.has(set)) ? [one.model] : [])),
    )
    let shared = 0
    for (const fellow of fellows) shared += this.#covariance(own, this.#looks(fellow, type)) / fellows.size
    return { logit: own.logit, error: Math.sqrt(Math.max(0.01, this.#covariance(own, own) - shared)) }
  }

  #looks(model: string, type: TaskType): Look {
    const known = this.#looked.get(`${type} ${model}`)
    if (known) return known
    const ask = { model, types: new Map([[type, 1]]) }
    const years = (this.#releases.get(model) ?? EPOCH) - EPOCH
    const towards = Float64Array.from(this.#seen, (seen) => abilities(ask, seen, this.#of))
    const look = {
      ask,
      towards,
      solved: solve(this.#factor, towards),
      logit: this.trend[0] + this.trend[1] * years + dot(towards, this.#weights),
      trend: [1 - dot(this.#columns[0], towards), years - dot(this.#columns[1], towards)],
    } as const
    this.#looked.set(`${type} ${model}`, look)
    return look
  }

  #covariance(a: Look, b: Look): number {
    const [[a0, a1], [b0, b1], [p, q, r]] = [a.trend, b.trend, this.#inverse]
    return abilities(a.ask, b.ask, this.#of) - dot(a.towards, b.solved) + a0 * b0 * p + (a0 * b1 + a1 * b0) * q + a1 * b1 * r
  }
}

/** A question to the fit with what all answers to it are made of. */
type Look = {
  readonly ask: Ask
  readonly towards: Float64Array
  readonly solved: Float64Array
  readonly logit: number
  readonly trend: readonly [number, number]
}

function difficulties(a: Observation, b: Observation, of: Variances): number {
  let sets = 0
  for (const [set, share] of a.sets) sets += share * (b.sets.get(set) ?? 0)
  return (a.bench === b.bench ? of.bench : 0) + of.set * sets
}

const GRID: { readonly [Part in keyof Variances]: readonly number[] } = {
  maker: [0.01, 0.1, 0.3, 0.6],
  model: [0.1, 0.3, 0.6, 1],
  group: [0.01, 0.05, 0.1, 0.2, 0.4],
  type: [0.01, 0.05, 0.1, 0.2, 0.4],
  bench: [0.1, 0.5, 1, 2],
  set: [0.1, 0.3, 0.6, 1.2],
  noise: [0.02, 0.05, 0.1, 0.2, 0.4],
}

const PARTS = ['maker', 'model', 'group', 'type', 'bench', 'set', 'noise'] as const

/** Coordinate ascent over the grid; ends when a whole round changes nothing. */
export function variancesOf(seen: readonly Observation[], start: Variances): Variances {
  let best = start
  let likelihood = new Fit(seen, best).logLikelihood
  for (let isBetter = true; isBetter;) {
    isBetter = false
    for (const part of PARTS) {
      for (const value of GRID[part]) {
        if (value === best[part]) continue
        const next = { ...best, [part]: value }
        const found = new Fit(seen, next).logLikelihood
        if (found > likelihood + 1e-9) [best, likelihood, isBetter] = [next, found, true]
      }
    }
  }
  return best
}

/** The lower triangle L of L·Lᵀ, in place. */
function cholesky(matrix: readonly Float64Array[]): readonly Float64Array[] {
  for (const [i, row] of matrix.entries()) {
    for (let j = 0; j <= i; j += 1) {
      const other = matrix[j]
      if (other === undefined) continue
      let sum = row[j] ?? 0
      for (let k = 0; k < j; k += 1) sum -= (row[k] ?? 0) * (other[k] ?? 0)
      if (i === j) {
        if (!(sum > 0)) throw new Error('The covariance is not positive definite')
        row[j] = Math.sqrt(sum)
      } else row[j] = sum / (other[j] ?? 1)
    }
  }
  return matrix
}

function solve(factor: readonly Float64Array[], right: Float64Array): Float64Array {
  const made = Float64Array.from(right)
  for (const [i, row] of factor.entries()) {
    let sum = made[i] ?? 0
    for (let k = 0; k < i; k += 1) sum -= (row[k] ?? 0) * (made[k] ?? 0)
    made[i] = sum / (row[i] ?? 1)
  }
  for (let i = factor.length - 1; i >= 0; i -= 1) {
    let sum = made[i] ?? 0
    for (let k = i + 1; k < factor.length; k += 1) sum -= (factor[k]?.[i] ?? 0) * (made[k] ?? 0)
    made[i] = sum / (factor[i]?.[i] ?? 1)
  }
  return made
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i += 1) sum += (a[i] ?? 0) * (b[i] ?? 0)
  return sum
}
