// Morph's router as its clients speak to it: bodies and answers. Of docs.morphllm.com/sdk/components/router and @morphllm/morphsdk 0.2.196
// (22 September 2026), both read on 21 November 2026; `policy` and `default_model` of clients that send them (Kilo Code, claude-code-router).
// Members that Morph does not have stand beside its own: `score`, `rule`, `task_type`, `abstains`, `tier`.

import * as z from 'zod'
import type { TaskType, Verdict } from '../classifier/contract.ts'
import { GatewayError } from '../core/errors.ts'

type Json = { readonly [name: string]: unknown }

const input = z.string().min(1, 'must not be empty')
const names = z.array(z.string().min(1).max(200)).min(1).max(256)
export const CLASSES = ['difficulty', 'ambiguity', 'domain'] as const

export const classifyShape = z.object({ input, classes: z.array(z.enum(CLASSES)).min(1).max(16).optional() })
export const selectShape = z.object({ input, mode: z.enum(['balanced', 'aggressive']).optional() })
export const multimodelShape = z.object({
  input,
  allowed_providers: names.optional(),
  allowed_models: names.optional(),
  policy: z.enum(['balanced', 'cost_efficient', 'capability_heavy', 'domain_skills']).optional(),
  default_model: z.string().min(1).max(200).optional(),
})

/** @throws GatewayError `request-malformed`, by the path of the member */
export function check<Shape extends z.ZodType>(shape: Shape, value: unknown): z.output<Shape> {
  const parsed = shape.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const at = issue?.path.join('.') ?? ''
  const message = `${at === '' ? 'The body' : at}: ${issue?.message ?? 'is not as it should be'}`
  throw new GatewayError('request-malformed', message, at === '' ? {} : { at })
}

const DIFFICULTY = ['easy', 'medium', 'hard'] as const
const AMBIGUITY = ['low', 'med', 'high'] as const
const DOMAIN = ['general', 'summary', 'coding', 'design', 'data'] as const

/** Morph's word; ours stands beside it. */
const DOMAIN_OF: { readonly [task in TaskType]?: (typeof DOMAIN)[number] } = { 'code-writing': 'coding', 'code-reasoning': 'coding' }

/** A rule that fires is hardly ever wrong (0 of 12,348 examination questions, 3 of 3 prompts of IN3); where none fires, as good as nothing is known. */
const RULES = { low: 0.5, med: 0.5, high: 0.95 } as const

export function difficultyTold({ needsInfo, difficulty }: Verdict): string {
  return needsInfo === null ? difficulty : 'needs_info'
}

/**
 * Each class that was asked for. `confidence`, for Morph's clients a number: of the domain the share of the probability that its task type has
 * among all; of the difficulty how far the score is from the next cut; of the ambiguity what the rules are worth (RULES). `meets_threshold` is false where a client should
 * take its default: the classifier abstains, or a rule says that the model would have to ask back.
 */
export function classificationsOf(verdict: Verdict, classes: readonly (typeof CLASSES)[number][]): Json {
  const { needsInfo, abstains, score, margin, difficulty, taskType, confidence } = verdict
  const ambiguity = needsInfo === null ? 'low' : 'high'
  const domain = DOMAIN_OF[taskType] ?? 'general'
  const all = {
    difficulty: {
      class_id: DIFFICULTY.indexOf(difficulty),
      label: difficulty,
      confidence: margin,
      meets_threshold: needsInfo === null && !abstains,
      score,
      abstains,
    },
    ambiguity: {
      class_id: AMBIGUITY.indexOf(ambiguity),
      label: ambiguity,
      confidence: RULES[ambiguity],
      meets_threshold: true,
      rule: needsInfo,
    },
    domain: { class_id: DOMAIN.indexOf(domain), label: domain, confidence, meets_threshold: !abstains, task_type: taskType },
  } as const satisfies { readonly [name in (typeof CLASSES)[number]]: Json }
  return Object.fromEntries(CLASSES.filter((name) => classes.includes(name)).map((name) => [name, all[name]]))
}
