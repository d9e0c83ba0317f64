// What a decision says of how a model was chosen: what the request was judged as, and the numbers that the choice was made of, so that it can be
// made again. Nothing of the prompt.

import { TASK_TYPES, type Difficulty, type NeedsInfo, type TaskType, type Verdict } from '../../classifier/contract.ts'
import type { Ability, Choosing, ModelName } from '../../routing/choosing/contract.ts'
import { LEAST_SCORES } from '../../routing/choosing/score-histogram.ts'
import type { RequestChoosing } from '../planning/choosing.ts'

/** What the request was judged as. */
export type JudgedTold = {
  readonly difficulty: Difficulty
  readonly score: number
  readonly task_type: TaskType
  readonly confidence: number
  /** Probabilities of the types in the order of TASK_TYPES, to a thousandth; absent: the likeliest alone is known. */
  readonly types?: readonly number[]
  readonly needs_info: NeedsInfo | null
  readonly abstains: boolean
  /** Names the trained file. */
  readonly classifier: string | null
}

/** Value, error, and whose numbers they are. */
type AbilityTold = readonly [value: number, error: number, basis: Ability['basis']]
/** At what was asked, and over all tasks; `null`: nobody asked. */
type ModelTold = readonly [model: ModelName, task: AbilityTold | null, overall: AbilityTold | null]

export type ChoosingTold = {
  readonly models: readonly ModelTold[]
  /** Counts of the tenant's scores, where there are enough. */
  readonly scores?: readonly number[]
  /** Decisions of the key lately, and how many of them went to an expensive model. */
  readonly lately?: readonly [decisions: number, expensive: number]
  readonly expensive_share?: number
  /** The tenant's outcomes decide at the task, so chance may have. */
  readonly explores?: true
  /** What the conversation had before. */
  readonly given?: { readonly model: ModelName; readonly score: number; readonly task: TaskType | null }
}

/** `null`: nothing was judged. */
export function judgedTold(verdict: Verdict | null | undefined, classifier: string | null): JudgedTold | null {
  if (verdict === null || verdict === undefined) return null
  const { difficulty, score, taskType, confidence, types, needsInfo, abstains } = verdict
  const told = types.map((share) => Math.round(share * 1000) / 1000)
  return { difficulty, score, task_type: taskType, confidence, types: told, needs_info: needsInfo, abstains, classifier }
}

export function verdictRead({ difficulty, score, task_type, confidence, types: told, needs_info, abstains }: JudgedTold): Verdict {
  const types = told ?? TASK_TYPES.map((type) => (type === task_type ? confidence : 0))
  return { difficulty, score, margin: 0.5, taskType: task_type, confidence, types, needsInfo: needs_info, abstains }
}

/** `models`: all that there was to choose from. */
export function choosingTold({ said, learned, given, asked, hasBegun }: RequestChoosing, models: readonly ModelName[]): ChoosingTold {
  const known = new Map(said.map((one) => [one.model, one]))
  const { scores, lately, expensiveShare = null } = learned
  const task = asked?.taskType
  return {
    models: models.map((model) => [model, abilityTold(known.get(model)?.task), abilityTold(known.get(model)?.overall)]),
    ...(scores === null || scores.total < LEAST_SCORES ? {} : { scores: scores.bins }),
    ...(lately.decisions === 0 ? {} : { lately: [lately.decisions, lately.expensive] as const }),
    ...(expensiveShare === null ? {} : { expensive_share: expensiveShare }),
    ...(task !== undefined && !hasBegun && (learned.isActiveAt?.(task) ?? learned.isActive) ? { explores: true as const } : {}),
    ...(given === null ? {} : { given }),
  }
}

function abilityTold(ability: Ability | null | undefined): AbilityTold | null {
  return ability === null || ability === undefined ? null : [ability.value, ability.error, ability.basis]
}

/** What strategies may ask when the order is made again. */
export function choosingRead(
  { models, scores, lately, expensive_share: expensiveShare, given, explores }: ChoosingTold,
  judged: JudgedTold | null,
): Choosing {
  const known = new Map(models.map(([model, ...abilities]) => [model, abilities]))
  const read = (told: AbilityTold | null | undefined): Ability =>
    told === null || told === undefined ? NOTHING : { value: told[0], error: told[1], n: 0, basis: told[2] }
  return {
    verdict: () => (judged === null ? null : verdictRead(judged)),
    capability: { of: () => NOTHING },
    expected: (model) => read(known.get(model)?.[0]),
    overall: (model) => read(known.get(model)?.[1]),
    learned: {
      scores:
        scores === undefined
          ? null
          : {
              bins: scores,
              total: Math.max(
                LEAST_SCORES,
                scores.reduce((sum, one) => sum + one, 0),
              ),
            },
      lately: { decisions: lately?.[0] ?? 0, expensive: lately?.[1] ?? 0 },
      outcomes: () => null,
      isActive: explores === true,
      ...(expensiveShare === undefined ? {} : { expensiveShare }),
    },
    given: given ?? null,
  }
}

const NOTHING: Ability = { value: 0, error: 1, n: 0, basis: 'price' }
