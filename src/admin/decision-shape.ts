// A decision that an administrator sends back to have it made again: what its order was made of is checked, the rest is kept as it is.

import * as z from 'zod'
import type { Decision, TreeTold } from '../gateway/telling/decision.ts'
import { DIFFICULTIES, TASK_TYPES } from '../classifier/contract.ts'
import { COST_TIERS, STRATEGIES } from '../routing/contract.ts'

const number = z.number()
const four = z.tuple([number, number, number, number])
const health = z.object({
  state: z.enum(['closed', 'open', 'half-open']),
  may_probe: z.literal(true).optional(),
  parked_until: number.optional(),
  error_rate: number.optional(),
  first_content_ms: four.optional(),
  tokens_per_second: four.optional(),
  latest: z.object({ first_content_ms: number.nullable(), tokens_per_second: number.nullable() }).optional(),
  samples: number.optional(),
  in_flight: number.optional(),
  minute: z.tuple([number, number]).optional(),
  age_ms: number.optional(),
})
const text = z.string().max(4096)
const target = z.object({
  id: text,
  provider: text,
  model: text,
  credential: text.nullable(),
  region: text.nullable(),
  group: text.nullable(),
  position: z.int().nullable(),
  out: text.nullable(),
  condition: text.optional(),
  score: number.nullable(),
  why: text.nullable(),
  probe: z.literal(true).optional(),
  health: health.nullable(),
  price: z.object({ prompt: text, completion: text, cache_read: text.optional() }).nullable(),
  worst_usd: text.nullable(),
  expected_usd: text.nullable(),
  rank: z
    .object({
      weight: z.number().positive().optional(),
      priority: number.optional(),
      price: z.tuple([number, number, number.nullable()]).optional(),
      rpm: number.optional(),
      tpm: number.optional(),
      cached: z.object({ tokens: number, until: number }).optional(),
      model: z.int().min(0).optional(),
    })
    .optional(),
})

const settings = z.object({
  measure: z.enum(['first-content', 'throughput']).optional(),
  percentile: z.union([z.literal(50), z.literal(75), z.literal(90), z.literal(99)]).optional(),
  by: z.enum(['key', 'user', 'session']).optional(),
  mode: z.enum(['balanced', 'aggressive']).optional(),
  loss: number.optional(),
  otherwise: z.enum(['first', 'strongest']).optional(),
  expensiveShare: number.optional(),
  default: text.optional(),
  tradeoff: number.optional(),
  tier: z.enum(COST_TIERS).optional(),
  pin: text.optional(),
})
const ability = z.tuple([number, number, z.enum(['measured', 'family', 'price', 'learned'])]).nullable()
const task = z.enum(TASK_TYPES)
const judged = z.object({
  difficulty: z.enum(DIFFICULTIES),
  score: number,
  task_type: task,
  confidence: number,
  types: z.array(number).max(64).optional(),
  needs_info: z.enum(['absent-reference', 'template-slot', 'no-object']).nullable(),
  abstains: z.boolean(),
  classifier: text.nullable(),
})
const choosing = z.object({
  models: z.array(z.tuple([text, ability, ability])).max(64),
  scores: z.array(number).max(1024).optional(),
  lately: z.tuple([number, number]).optional(),
  expensive_share: number.optional(),
  explores: z.literal(true).optional(),
  given: z.object({ model: text, score: number, task: task.nullable() }).optional(),
})
const group = z.object({
  strategy: z.enum(STRATEGIES),
  name: text.optional(),
  settings: settings.optional(),
  weight: z.number().positive().optional(),
  priority: number.optional(),
  single: z.literal(true).optional(),
  places: z.literal(true).optional(),
  of: z.array(z.unknown()).max(512),
})
/** As deep as a tree of the gateway's own can be, and more. */
const MOST_DEPTH = 64

const tree = z.unknown().transform((value, context): TreeTold => {
  const read = (one: unknown, depth: number): TreeTold | null => {
    if (typeof one === 'number') return Number.isInteger(one) && one >= 0 ? one : null
    const said = depth > MOST_DEPTH ? null : group.safeParse(one)
    if (said?.success !== true) return null
    const of: TreeTold[] = []
    for (const child of said.data.of) {
      const told = read(child, depth + 1)
      if (told === null) return null
      of.push(told)
    }
    return { ...defined(said.data), of }
  }
  const told = read(value, 0)
  if (told !== null) return told
  context.addIssue({ code: 'custom', message: 'must be the tree of a decision' })
  return z.NEVER
})

/** Members that are there, for types that know no `undefined`. */
function defined({ strategy, name, settings: said, weight, priority, single, places }: z.infer<typeof group>): Exclude<TreeTold, number> {
  return {
    strategy,
    ...(name === undefined ? {} : { name }),
    ...(said === undefined
      ? {}
      : {
          settings: Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)),
        }),
    ...(weight === undefined ? {} : { weight }),
    ...(priority === undefined ? {} : { priority }),
    ...(single === undefined ? {} : { single }),
    ...(places === undefined ? {} : { places }),
    of: [],
  }
}

const shape = z.object({
  version: z.literal(1),
  id: text,
  at: text,
  requested: text,
  path: z.string().regex(/^\/[\x21-\x7e]{0,300}$/),
  language: text,
  table_version: number.nullable(),
  route: text.nullable(),
  refused: text.nullable(),
  request: z.object({
    stream: z.boolean(),
    needs: z.array(z.enum(['tools', 'schema', 'reasoning', 'image', 'audio', 'file', 'logprobs', 'many'])),
    input_bound: number.nullable(),
    max_output_tokens: number.nullable(),
    choices: z.int().positive(),
    budget_used: number.nullable(),
  }),
  wishes: z.object({
    fallbacks: z.array(z.object({ model: text, on: z.array(z.enum(['outage', 'context', 'content'])) })).optional(),
    provider: z.record(z.string(), z.unknown()).optional(),
    retries: number.optional(),
    deadline_ms: number.optional(),
    first_content_ms: number.optional(),
    config: z.literal(true).optional(),
    disables_fallbacks: z.literal(true).optional(),
    router: z
      .object({
        allowed_models: z.array(text).optional(),
        excluded_models: z.array(text).optional(),
        cost_tier: z.enum(COST_TIERS).optional(),
        cost_quality_tradeoff: number.optional(),
        pin_model: z.literal(true).optional(),
      })
      .optional(),
  }),
  judged: judged.optional(),
  tries: z.unknown(),
  targets: z.array(target).max(64),
  omitted: z.int(),
  shortened: z.array(text).optional(),
  inputs: z
    .object({
      now: number,
      key: text,
      conversation: text.nullable(),
      user: text.nullable(),
      prompt_tokens: number,
      output_tokens: number,
      draws: z.array(number).max(4096),
      max_latency_ms: z.partialRecord(z.enum(['p50', 'p75', 'p90', 'p99']), number).optional(),
      min_throughput: z.partialRecord(z.enum(['p50', 'p75', 'p90', 'p99']), number).optional(),
      choosing: choosing.optional(),
      tree,
    })
    .nullable(),
})

export const decisionShape = shape.transform((said) => said as unknown as Decision) // just checked; Zod's types add `undefined` to members that may be missing
