// What models can, by task type: what was measured of them, else what their kin or their price lets expect. docs/capability.md says how the table is made.

import { TASK_TYPES, type TaskType } from '../../classifier/contract.ts'
import type { OptionPrice } from '../contract.ts'
import type { Ability, Capability, ModelName } from './contract.ts'
import { GAINS, POOL, PRICE_LINE, ROWS, SOURCES, SPREAD } from './data/capability.ts'
import { gainOf, isAtLeast, isAtMost, kinOf, lengthOf, stepsTo, type Kin, type Steps } from './model-kin.ts'

/** Current models of the main makers, from cheap to strong, that are worth choosing between when nobody names a pool; `author/slug`, in the catalogue. */
export const POOL_MODELS: readonly ModelName[] = POOL

/** Model; indices of its sources; then of each task type, in the order of TASK_TYPES: ability and error in hundredths of a logit, judged answers. */
type Row = readonly [model: string, sources: readonly number[], logits: readonly number[], errors: readonly number[], n: readonly number[]]
type Estimate = { readonly logit: number; readonly error: number }
type Known = { readonly row: Row; readonly kin: Kin; readonly mean: Estimate }

let table: ReadonlyMap<string, Known> | undefined

function known(): ReadonlyMap<string, Known> {
  if (table !== undefined) return table
  // Our own generated text; test/unit/capability.test.ts reads every row of it.
  const rows: readonly Row[] = JSON.parse(ROWS)
  table = new Map(
    rows.map((row) => [row[0], { row, kin: kinOf(row[0]), mean: { logit: meanOf(row[2]) / 100, error: meanOf(row[3]) / 100 } }]),
  )
  return table
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

const INDEX: ReadonlyMap<TaskType, number> = new Map(TASK_TYPES.map((type, at) => [type, at]))

/** OpenRouter's variants of one model (`:free`, `:nitro`); `:thinking` is another way of answering and stays. */
const VARIANT = /:(?:free|nitro|floor|exacto|extended|online|beta)$/

/** Kin by name, the last that were asked for: names come from the operator's routes, but clients may name any of OpenRouter's. */
const relatives = new Map<string, Kinship>()
const MOST_RELATIVES = 1000

/** What names of kin say of a model: an estimate (`null`: none is of its brand and measured), and what it is not below or above. */
type Kinship = { readonly estimate: Estimate | null; readonly least: number; readonly most: number }

/** Of the measured of one brand those this near in version to the nearest are asked. */
const NEAR_VERSION = 0.3

/** A name without a version means the newest. */
function versioned(kin: Kin): Kin {
  if (kin.version !== null) return kin
  let newest: number | null = null
  for (const { kin: other } of known().values()) {
    if (other.version !== null && stepsTo(other, kin) !== null) newest = Math.max(newest ?? other.version, other.version)
  }
  return { ...kin, version: newest }
}

function kinshipOf(model: string): Kinship {
  const held = relatives.get(model)
  if (held) return held
  const kin = versioned(kinOf(model))
  const found: { readonly steps: Steps; readonly mean: Estimate }[] = []
  let [nearest, least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (const { kin: other, mean } of known().values()) {
    const steps = stepsTo(other, kin)
    if (steps === null) continue
    found.push({ steps, mean })
    nearest = Math.min(nearest, Math.abs(steps.version))
    if (isAtLeast(steps)) least = Math.max(least, mean.logit)
    if (isAtMost(steps)) most = Math.min(most, mean.logit)
  }
  let [weights, sum, variance] = [0, 0, Number.POSITIVE_INFINITY]
  for (const { steps, mean } of found) {
    if (Math.abs(steps.version) > nearest + NEAR_VERSION) continue
    const own = mean.error ** 2 + GAINS.error ** 2 * lengthOf(steps)
    weights += 1 / own
    sum += (mean.logit + gainOf(steps, GAINS)) / own
    variance = Math.min(variance, own)
  }
  // Relatives err together (they share what a version is taken to be worth), so together they know no better than the nearest.
  const made = { estimate: weights > 0 ? { logit: sum / weights, error: Math.sqrt(variance) } : null, least, most }
  if (relatives.size >= MOST_RELATIVES) relatives.clear()
  relatives.set(model, made)
  return made
}

/** By price alone, three tokens of input to one of output; an unknown or zero price is the middle of all. */
function byPrice(price: OptionPrice | null): Estimate {
  // Pico-dollars a token are millionths of the dollars for a million tokens.
  const usd = price === null ? 0 : (3 * price.inputPico + price.outputPico) / 4e6
  return { logit: PRICE_LINE.at + (usd > 0 ? PRICE_LINE.slope * Math.log(Math.max(0.01, Math.min(100, usd))) : 0), error: PRICE_LINE.error }
}

function abilityOf({ logit, error }: Estimate, n: number, basis: Ability['basis']): Ability {
  const value = 1 / (1 + Math.exp(-logit))
  return { value, error: error * value * (1 - value), n, basis }
}

/** `value` is the share that the model would do well of tasks of average difficulty among the table's data sets; only differences of one task type are meant. */
export const CAPABILITY: Capability = {
  of(model, task, price) {
    const name = model.replace(VARIANT, '')
    const at = INDEX.get(task) ?? 0
    const measured = known().get(name)
    if (measured !== undefined) {
      const [, , logits, errors, n] = measured.row
      return abilityOf({ logit: (logits[at] ?? 0) / 100, error: (errors[at] ?? 0) / 100 }, n[at] ?? 0, 'measured')
    }
    const { estimate, least, most } = kinshipOf(name)
    const { logit, error } = estimate ?? byPrice(price)
    const bounded = Math.min(most, Math.max(least, logit))
    return abilityOf({ logit: bounded, error: Math.hypot(error, SPREAD) }, 0, estimate === null ? 'price' : 'family')
  },
}

/** Whose numbers a model's row has, and of when; empty: nothing was measured of it. */
export function sourcesOf(model: ModelName): readonly { readonly name: string; readonly date: string }[] {
  const measured = known().get(model.replace(VARIANT, ''))
  return (measured?.row[1] ?? []).flatMap((at) => {
    const source = SOURCES[at]
    return source === undefined ? [] : [{ name: source[0], date: source[1] }]
  })
}

/** The models of which something was measured, sorted. */
export function measuredModels(): readonly ModelName[] {
  return [...known().keys()]
}
