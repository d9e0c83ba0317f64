// The head of task types: what teaches it, its fit, and its packing into bytes.

import { BUCKETS, DENSE } from '../../src/classifier/features.ts'
import { TASK_TYPES, type TaskType } from '../../src/classifier/contract.ts'
import type { Weights } from '../../src/classifier/model.ts'
import { exampleOf, standardised, type Known, type Scale } from './examples.ts'
import { softmax, type Example, type Softmax } from './linear.ts'
import type { Row } from './rows.ts'
import { VOCABULARY } from './vocabulary.ts'

/** What a written prompt weighs beside a recorded one. */
const WRITTEN_TYPES = 5
const VOCABULARY_WEIGHT = 0.5
const EPOCHS = 6
/** The scale on which a bucket enters the logits. */
const GRAM_SCALE = 5

export type Types = { readonly model: Softmax; readonly importance: Float64Array }

/** Elementary science, which is asked in the words of the sciences, would be learnt as common sense: its rows teach no type. */
const UNTAUGHT = new Set(['arc_challenge', 'openbook_qa'])

export function fitTypes(
  rows: readonly Row[],
  known: readonly Known[],
  mine: readonly Known[],
  everyday: readonly Example[],
  scale: Scale,
): Types {
  type Taught = { readonly example: Example; readonly type: TaskType; readonly weight: number }
  const recorded: Taught[] = []
  const counts = new Map<TaskType, number>()
  rows.forEach(({ task, prompt, source }, i) => {
    const one = known[i]
    if (one === undefined || one.type === null || UNTAUGHT.has(task) || source === 'bfcl') return
    counts.set(one.type, (counts.get(one.type) ?? 0) + 1)
    recorded.push({ example: one.example, type: one.type, weight: 1 })
    const stem = stemOf(prompt)
    if (stem !== null) recorded.push({ example: exampleOf(stem), type: one.type, weight: 1 })
  })
  const taught: readonly Taught[] = [
    ...recorded.map((one) => ({ ...one, weight: Math.min(3, (300 / (counts.get(one.type) ?? 1)) ** 0.8) })),
    ...mine.flatMap(({ example, type }) => (type === null ? [] : [{ example, type, weight: WRITTEN_TYPES }])),
    ...everyday.map((example): Taught => ({ example, type: 'open-ended', weight: 0.3 })),
    ...TASK_TYPES.flatMap((type) =>
      [...new Set(VOCABULARY[type].split(' '))].flatMap((word): Taught[] => {
        const example = exampleOf(word)
        return example.buckets.length === 0 ? [] : [{ example, type, weight: VOCABULARY_WEIGHT }]
      }),
    ),
  ]
  const importance = importanceOf(taught.map(({ example }) => example))
  const zero = new Float64Array(DENSE.length)
  const model = softmax(
    // A lone word has no length, numbers or lines worth learning from.
    taught.map(({ example }) => ({ buckets: example.buckets, dense: example.buckets.length < 2 ? zero : standardised(example, scale) })),
    taught.map(({ type }) => TASK_TYPES.indexOf(type)),
    taught.map(({ weight }) => weight),
    { classes: TASK_TYPES.length, buckets: BUCKETS, epochs: EPOCHS, importance },
  )
  return { model, importance }
}

function importanceOf(examples: readonly Example[]): Float64Array {
  const texts = new Float64Array(BUCKETS)
  for (const { buckets } of examples) for (const bucket of buckets) texts[bucket] = (texts[bucket] ?? 0) + 1
  return texts.map((n) => GRAM_SCALE * Math.min(1, Math.log((examples.length + 1) / (n + 1)) / 6))
}

/** A question without its options, as people ask it; `null`: it has none. */
function stemOf(prompt: string): string | null {
  const lines = prompt.split('\n')
  const stem = lines.filter((line) => !/^\s*\(?[A-J][.):]\s/.test(line))
  const text = stem.join('\n').trim()
  return lines.length - stem.length < 3 || text === '' ? null : text
}

/** Less says nothing, and packs better as 0. */
const LEAST_STEPS = 2.5

/** Importance and weight in one, in 127 steps to each side of the largest of a type. */
export function packedGrams({ model, importance }: Types): Pick<Weights, 'grams' | 'steps'> {
  const types = TASK_TYPES.length
  const steps = new Float32Array(types)
  const grams = new Int8Array(BUCKETS * types)
  for (let t = 0; t < types; t++) {
    const column = Float64Array.from({ length: BUCKETS }, (_, b) => (model.grams[b * types + t] ?? 0) * (importance[b] ?? 0))
    const most = column.reduce((top, value) => Math.max(top, Math.abs(value)), 0)
    const step = most === 0 ? 1 : most / 127
    steps[t] = step
    column.forEach((value, b) => (grams[b * types + t] = Math.abs(value) < LEAST_STEPS * step ? 0 : Math.round(value / step)))
  }
  return { grams, steps }
}
