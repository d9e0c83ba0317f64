// The trained file decoded, and what it says of a request: linear heads over the features of features.ts. Where the bytes come from is its
// owner's matter (platform/router-model.ts in the Worker, the file in Node).

import { BUCKETS, DENSE, FeatureReader, type Features } from './features.ts'
import { needsInfo } from './needs-info.ts'
import { DIFFICULTIES, TASK_TYPES, type Classifier, type Subject, type Verdict } from './contract.ts'

/** Weights as they are trained, before they are packed. Matrices are row by row. */
export type Weights = {
  /** What is taken from each dense number before it is divided by its spread. */
  readonly mean: Float32Array
  readonly spread: Float32Array
  /** Of difficulty. */
  readonly denseDifficulty: Float32Array
  /** A row of DENSE a type. */
  readonly denseTypes: Float32Array
  readonly typeBias: Float32Array
  /** A row of types a bucket. */
  readonly grams: Int8Array
  /** What one step of a column of `grams` is worth. */
  readonly steps: Float32Array
  /** What the structure of a request adds to difficulty, in the order of STRUCTURE. */
  readonly structure: Float32Array
  /** The chance from the sum: sigmoid(slope · (sum − offset)). */
  readonly slope: number
  readonly offset: number
  /** What stands for all but the length in the difficulty of mathematics. */
  readonly mathsLevel: number
  /** Scores from which on a request is medium, and hard. */
  readonly cuts: readonly [number, number]
}

const TYPES = TASK_TYPES.length

/** The first of DENSE say how long a text is. */
export const LENGTHS = 3

/** ln(1 + n) of each but the flag; the context in thousands of tokens. */
export const STRUCTURE = ['tools', 'toolBytes', 'turns', 'attachments', 'context', 'schema'] as const

/** `SLR1`, little-endian. */
const MAGIC = 0x31524c53
const HEADER_WORDS = 4

/** Lengths of the float arrays, in the order in which they stand in the file. */
const FLOATS = {
  mean: DENSE.length,
  spread: DENSE.length,
  denseDifficulty: DENSE.length,
  denseTypes: DENSE.length * TYPES,
  typeBias: TYPES,
  steps: TYPES,
  structure: STRUCTURE.length,
  ends: 5,
} as const

/** The file's bytes. All numbers are little-endian. */
export function pack(weights: Weights): Uint8Array {
  const { slope, offset, mathsLevel, cuts } = weights
  const floats = new Float32Array([
    ...weights.mean,
    ...weights.spread,
    ...weights.denseDifficulty,
    ...weights.denseTypes,
    ...weights.typeBias,
    ...weights.steps,
    ...weights.structure,
    slope,
    offset,
    mathsLevel,
    ...cuts,
  ])
  const header = new Uint32Array([MAGIC, BUCKETS, DENSE.length, TYPES])
  const bytes = new Uint8Array(header.byteLength + floats.byteLength + weights.grams.byteLength)
  bytes.set(new Uint8Array(header.buffer), 0)
  bytes.set(new Uint8Array(floats.buffer), header.byteLength)
  bytes.set(new Uint8Array(weights.grams.buffer, weights.grams.byteOffset, weights.grams.byteLength), header.byteLength + floats.byteLength)
  return bytes
}

/** @throws Error for bytes that are not of this version's file */
export function unpack(bytes: Uint8Array): Weights {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const count = Object.values(FLOATS).reduce((sum, n) => sum + n, 0)
  const gramsAt = HEADER_WORDS * 4 + count * 4
  const expected = [MAGIC, BUCKETS, DENSE.length, TYPES]
  if (bytes.byteLength !== gramsAt + BUCKETS * TYPES || expected.some((word, i) => view.getUint32(i * 4, true) !== word))
    throw new Error('The trained file is not of this version: run `npm run train:router`.')
  let at = HEADER_WORDS * 4
  const next = (length: number): Float32Array => {
    const floats = Float32Array.from({ length }, (_, i) => view.getFloat32(at + i * 4, true))
    at += length * 4
    return floats
  }
  const [mean, spread, denseDifficulty, denseTypes] = [
    next(FLOATS.mean),
    next(FLOATS.spread),
    next(FLOATS.denseDifficulty),
    next(FLOATS.denseTypes),
  ]
  const [typeBias, steps, structure] = [next(FLOATS.typeBias), next(FLOATS.steps), next(FLOATS.structure)]
  const [slope = 1, offset = 0, mathsLevel = 0, medium = 0, hard = 0] = next(FLOATS.ends)
  const grams = new Int8Array(bytes.buffer, bytes.byteOffset + gramsAt, BUCKETS * TYPES)
  return {
    mean,
    spread,
    denseDifficulty,
    denseTypes,
    typeBias,
    grams,
    steps,
    structure,
    slope,
    offset,
    mathsLevel,
    cuts: [medium, hard],
  }
}

/** A system prompt says less of what is asked than the question does. */
const SYSTEM_WEIGHT = 0.3
/** Tools beside a request make a call of them likely. */
const TOOLS_LOGIT = 1.5
/** Beyond this share of foreign letters nothing that was learnt holds. */
const MOST_FOREIGN = 0.25
/** In so many words some must be ones that were learnt from. */
const ENOUGH_TOKENS = 24
const LEAST_KNOWN = 0.04

export class TrainedClassifier implements Classifier {
  readonly version: string
  readonly #weights: Weights
  readonly #reader = new FeatureReader()
  readonly #sums = new Int32Array(TYPES)
  readonly #logits = new Float64Array(TYPES)

  /** `version`: the first twelve digits of the file's SHA-256, as the manifest beside it says. */
  constructor(weights: Weights, version: string) {
    this.#weights = weights
    this.version = version
  }

  classify(subject: Subject): Verdict {
    const { cuts } = this.#weights
    const features = this.#reader.read(subject.prompt)
    const { tokens, known, foreign } = features
    const { length, rest } = this.#question(features)
    if (subject.tools > 0) this.#logits[TOOL_USE] = (this.#logits[TOOL_USE] ?? 0) + TOOLS_LOGIT
    if (subject.system !== '') this.#addGrams(this.#reader.read(subject.system), SYSTEM_WEIGHT)
    const { best, types } = this.#types()
    const score = this.#chance(difficultyOf(length, rest, types[MATHS] ?? 0, this.#weights.mathsLevel) + this.#structure(subject))
    const rank = score >= cuts[1] ? 2 : score >= cuts[0] ? 1 : 0
    return {
      score,
      difficulty: DIFFICULTIES[rank] ?? 'hard',
      margin: marginOf(score, cuts),
      taskType: TASK_TYPES[best] ?? 'open-ended',
      confidence: types[best] ?? 0,
      types,
      needsInfo: needsInfo(subject),
      abstains: tokens === 0 || foreign > MOST_FOREIGN || (tokens >= ENOUGH_TOKENS && known < LEAST_KNOWN * tokens),
    }
  }

  /** Sets the types' logits by a text; what its length and all else say of its difficulty. */
  #question(features: Features): { readonly length: number; readonly rest: number } {
    const { mean, spread, denseDifficulty, denseTypes, typeBias } = this.#weights
    const logits = this.#logits
    logits.set(typeBias)
    this.#addGrams(features, 1)
    const { dense } = features
    let length = 0
    let rest = 0
    for (let k = 0; k < DENSE.length; k++) {
      const value = bounded(((dense[k] ?? 0) - (mean[k] ?? 0)) / (spread[k] ?? 1))
      const part = value * (denseDifficulty[k] ?? 0)
      if (k < LENGTHS) length += part
      else rest += part
      for (let t = 0; t < TYPES; t++) logits[t] = (logits[t] ?? 0) + value * (denseTypes[t * DENSE.length + k] ?? 0)
    }
    return { length, rest }
  }

  /** Adds what a text's words say of the types. */
  #addGrams({ buckets, count }: Features, weight: number): void {
    if (count === 0) return
    const { grams, steps } = this.#weights
    const sums = this.#sums.fill(0)
    for (let i = 0; i < count; i++) {
      const row = (buckets[i] ?? 0) * TYPES
      for (let t = 0; t < TYPES; t++) sums[t] = (sums[t] ?? 0) + (grams[row + t] ?? 0)
    }
    const norm = weight / Math.sqrt(count)
    const logits = this.#logits
    for (let t = 0; t < TYPES; t++) logits[t] = (logits[t] ?? 0) + (sums[t] ?? 0) * (steps[t] ?? 0) * norm
  }

  /** Probabilities of the types, and which is the likeliest. */
  #types(): { readonly best: number; readonly types: readonly number[] } {
    const logits = this.#logits
    let best = 0
    for (let t = 1; t < TYPES; t++) if ((logits[t] ?? 0) > (logits[best] ?? 0)) best = t
    const top = logits[best] ?? 0
    const shares = Array.from(logits, (logit) => Math.exp(logit - top))
    const sum = shares.reduce((total, share) => total + share, 0)
    return { best, types: shares.map((share) => share / sum) }
  }

  #structure({ tools, toolBytes, turns, attachments, contextTokens, format }: Subject): number {
    const { structure } = this.#weights
    const counts = [tools, toolBytes, turns, attachments, contextTokens / 1000]
    const flag = format === 'schema' ? (structure[counts.length] ?? 0) : 0
    return counts.reduce((sum, count, i) => sum + Math.log1p(count) * (structure[i] ?? 0), flag)
  }

  #chance(sum: number): number {
    const { slope, offset } = this.#weights
    return 1 / (1 + Math.exp(-slope * (sum - offset)))
  }
}

const TOOL_USE = TASK_TYPES.indexOf('tool-use')
const MATHS = TASK_TYPES.indexOf('math')

/**
 * In mathematics only the length says how hard a question is: its notation says that it is mathematics, and where there is most of it strong
 * models fail too. `maths`: the probability that it is.
 */
export function difficultyOf(length: number, rest: number, maths: number, mathsLevel: number): number {
  return length * (1 + maths) + rest * (1 - maths) + mathsLevel * maths
}

function marginOf(score: number, [medium, hard]: readonly [number, number]): number {
  if (score < medium) return 1 - score / medium / 2
  if (score >= hard) return 0.5 + (score - hard) / (1 - hard) / 2
  return 0.5 + Math.min(score - medium, hard - score) / (hard - medium)
}

/** One strange number decides nothing alone. */
function bounded(value: number): number {
  return value > 4 ? 4 : value < -4 ? -4 : value
}
