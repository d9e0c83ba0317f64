// What the strategies that choose a model (difficulty, auto) know beside the options: what is asked, what models can, and what was learnt of
// the tenant's own requests. All of it is data or pure; gateway and platform make it.

import type { TaskType, Verdict } from '../../classifier/contract.ts'
import type { OptionPrice } from '../contract.ts'

/** A model as the capability table names it: OpenRouter's `author/slug` where the catalogue knows it, else `provider/model`. */
export type ModelName = string

/** What is known of a model at a task. `basis`: whose numbers they are; of `family` and `price` nothing was measured of this model itself. */
export type Ability = {
  /** 0 to 1: the share of such tasks that it does well, on the table's common scale. */
  readonly value: number
  /** One standard error of `value`. */
  readonly error: number
  /** Judged answers behind it; 0 for a prior. */
  readonly n: number
  readonly basis: 'measured' | 'family' | 'price' | 'learned'
}

export interface Capability {
  of(model: ModelName, task: TaskType, price: OptionPrice | null): Ability
}

/** Scores of a tenant's recent requests in bins of equal width over 0 to 1; `total` is their sum. */
export type ScoreHistogram = { readonly bins: readonly number[]; readonly total: number }

/** Weighed outcomes. `led`: the table alone had chosen the model, for some of them at least. */
export type Seen = { readonly good: number; readonly bad: number; readonly led?: boolean }

/** What was learnt of one tenant (a key), as an isolate last heard it. */
export type Learned = {
  /** `null`: too few requests were seen. */
  readonly scores: ScoreHistogram | null
  /** Of the tenant's last router decisions, how many there were and how many went to an expensive model. */
  readonly lately: { readonly decisions: number; readonly expensive: number }
  /** Weighed good and bad outcomes of a model at a task; `null`: none, or learning is off. */
  outcomes(task: TaskType, model: ModelName): Seen | null
  /** The tenant's outcomes decide too, because they fell below what the table promised; exploration goes on only then. */
  readonly isActive: boolean
  /** The same of one task: exploration goes on only there. Absent: as `isActive`. */
  readonly isActiveAt?: (task: TaskType) => boolean
  /** The tenant's successes are so many times what the table promises; absent: 1. */
  readonly offset?: number
  /** By how much models differ from the table beyond that, one standard deviation; absent: 0. */
  readonly spread?: number
  /** The most of the tenant's decisions (0 to 1) that may go to an expensive model, as its key's policy has it; absent or `null`: it says nothing. */
  readonly expensiveShare?: number | null
}

/** What a conversation was given before, and of what it was judged then. */
export type Given = { readonly model: ModelName; readonly score: number; readonly task: TaskType | null }

/** `propensity`: above 0 to 1; below 1 only where the tenant's outcomes decide. */
export type Noted = { readonly expensive: boolean; readonly propensity: number; readonly explored: boolean }

/** What a strategy that chooses models may ask; `null` members are not known. */
export type Choosing = {
  /** Made when it is first asked for. `null`: nothing of the request can be judged. */
  readonly verdict: () => Verdict | null
  readonly capability: Capability
  readonly learned: Learned
  /** `capability` at what is asked, each type that it may be by its probability; absent: it is made of the verdict's types. */
  readonly expected?: (model: ModelName, price: OptionPrice | null) => Ability
  /** `capability` over all tasks, where whoever made this has it; absent: it is made of the tasks. */
  readonly overall?: (model: ModelName, price: OptionPrice | null) => Ability
  /** Told of each order that is made: whether its first, a place of `model`, is expensive, and how likely it was to be first. */
  readonly note?: (noted: Noted, model: ModelName) => void
  /** `null` or absent: a new conversation, as far as this isolate knows. */
  readonly given?: Given | null
  /** Something was answered in the conversation before. */
  readonly hasBegun?: boolean
}

export const NOTHING_LEARNED: Learned = { scores: null, lately: { decisions: 0, expensive: 0 }, outcomes: () => null, isActive: false }
