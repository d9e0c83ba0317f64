// What the strategies that choose a model may know of one request. Made once, asked lazily: where nobody asks nothing is judged. It remembers
// what it has said, so that both orders of a request rest on the same and a decision can tell it.

import type { Classifier, TaskType, Verdict } from '../../classifier/contract.ts'
import { overallOf } from '../../routing/choosing/chance.ts'
import {
  type Ability,
  type Capability,
  type Choosing,
  type Given,
  type Learned,
  type ModelName,
  type Noted,
} from '../../routing/choosing/contract.ts'
import { mixed } from '../../routing/choosing/mixed.ts'
import { learnedCapability } from '../../routing/choosing/learning.ts'
import type { OptionPrice } from '../../routing/contract.ts'
import { Body } from '../../core/body.ts'
import type { Job } from '../job.ts'
import { judged } from './judged.ts'
import { harder, type Remembered } from './model-memory.ts'
import { heard, MOST_JUDGED, type Heard } from './subject.ts'
import { isChoosing, type Node } from './tree.ts'

/** What was said of a model: at what is asked, and over all tasks. */
export type Said = { readonly model: ModelName; readonly task: Ability | null; readonly overall: Ability | null }

const NOTHING_NOTED: Noted = { expensive: false, propensity: 1, explored: false }

export class RequestChoosing implements Choosing {
  #learned: Learned
  readonly classifier: Classifier | null
  readonly #table: Capability
  #base: Capability
  /** Of the groups of a tree that choose one may stand behind another: by who was first in each, the newest last. */
  readonly #noted = new Map<ModelName, Noted>()
  readonly #judge: () => Verdict | null
  readonly #before: () => Given | null
  readonly #turns: () => number
  readonly #expected = new Map<ModelName, Ability>()
  readonly #overall = new Map<ModelName, Ability>()
  #given: { readonly value: Given | null } | null = null
  #verdict: { readonly value: Verdict | null } | null = null

  constructor(
    base: Capability,
    learned: Learned,
    given: () => Given | null,
    classifier: Classifier | null,
    judge: () => Verdict | null,
    turns: () => number,
  ) {
    this.#table = base
    this.#base = learnedCapability(base, learned)
    this.#judge = judge
    this.#learned = learned
    this.#before = given
    this.#turns = turns
    this.classifier = classifier
  }

  readonly verdict = (): Verdict | null => {
    this.#verdict ??= { value: this.#judge() }
    return this.#verdict.value
  }

  get learned(): Learned {
    return this.#learned
  }

  /** What is known now: its key's policy was heard with the admission. Orders are made anew. */
  relearn(learned: Learned): void {
    this.#noted.clear()
    if (learned === this.#learned) return
    this.#learned = learned
    const base = learnedCapability(this.#table, learned)
    if (base === this.#base) return
    this.#base = base
    this.#expected.clear()
    this.#overall.clear()
  }

  readonly note = (noted: Noted, model: ModelName): void => {
    this.#noted.delete(model) // to the end
    this.#noted.set(model, noted)
  }

  /** Of the order that `model` was first in; where health has put another one first, of the newest. */
  notedOf(model: ModelName): Noted {
    return this.#noted.get(model) ?? [...this.#noted.values()].at(-1) ?? NOTHING_NOTED
  }

  /** What the table alone promises. */
  promised(model: ModelName, task: TaskType, price: OptionPrice | null): Ability {
    return this.#table.of(model, task, price)
  }

  /** `undefined`: nobody has asked. */
  get asked(): Verdict | null | undefined {
    return this.#verdict?.value
  }

  get capability(): Capability {
    return this.#base
  }

  readonly expected = (model: ModelName, price: OptionPrice | null): Ability => {
    const types = this.verdict()?.types ?? []
    const known = this.#expected.get(model) ?? rounded(mixed((task) => this.#base.of(model, task, price), types))
    this.#expected.set(model, known)
    return known
  }

  readonly overall = (model: ModelName, price: OptionPrice | null): Ability => {
    const known = this.#overall.get(model) ?? rounded(overallKnown(this.#base, model, price))
    this.#overall.set(model, known)
    return known
  }

  get hasBegun(): boolean {
    return this.#turns() > 1
  }

  get given(): Given | null {
    this.#given ??= { value: this.#before() }
    return this.#given.value
  }

  /** Everything that was said of models so far. */
  get said(): readonly Said[] {
    return [...new Set([...this.#expected.keys(), ...this.#overall.keys()])].map((model) => ({
      model,
      task: this.#expected.get(model) ?? null,
      overall: this.#overall.get(model) ?? null,
    }))
  }
}

/** A table does not change; of a model in it all tasks need not be looked up for each request. */
const means = new WeakMap<Capability, Map<string, Ability>>()
/** Clients may name models, in `allowed_models`. */
const MOST_MEANS = 4096

function overallKnown(capability: Capability, model: ModelName, price: OptionPrice | null): Ability {
  const known = means.get(capability) ?? new Map<string, Ability>()
  means.set(capability, known)
  const key = price === null ? model : `${model} ${price.inputPico} ${price.outputPico}`
  const found = known.get(key) ?? overallOf(capability, model, price)
  if (known.size >= MOST_MEANS) known.clear()
  known.set(key, found)
  return found
}

/** So that what a decision tells is short, and all that was decided by. */
function rounded({ value, error, n, basis }: Ability): Ability {
  return { value: Math.round(value * 1e4) / 1e4, error: Math.round(error * 1e4) / 1e4, n, basis }
}

/** `null`: no group of the tree chooses a model, or there is nothing to choose by. */
export function choosingFor(job: Job, keyId: string, tree: Node, conversation: string | null): RequestChoosing | null {
  const { classifier, abilities, modelMemory, learning, now } = job.deps
  if (abilities === null || !choosesModels(tree)) return null
  const { inquiry, body, intent } = job
  let read: Heard | null = null
  const chat = (): Heard => (read ??= body instanceof Body ? heard(body) : { subjects: [], turns: 0 })
  // Conversations without a name are known by how they begin, and many begin alike: one that begins now was given nothing yet.
  const before = (): Remembered | null =>
    inquiry?.verdict !== undefined || (intent.session === null && chat().turns < 2) ? null : modelMemory.at(conversation, now())
  const judge = (): Verdict | null => {
    if (inquiry?.verdict !== undefined) return inquiry.verdict
    if (classifier === null) return null
    const verdict = judged(classifier, chat().subjects)
    return chat().subjects.length > MOST_JUDGED ? harder(before()?.hardest ?? null, verdict) : verdict
  }
  return new RequestChoosing(
    abilities.capability,
    learning.of(keyId),
    () => before()?.given ?? null,
    classifier,
    judge,
    () => (inquiry?.verdict === undefined ? chat().turns : 0),
  )
}

function choosesModels(node: Node): boolean {
  if (node.kind === 'leaf') return false
  return isChoosing(node.strategy) || node.children.some(choosesModels)
}
