// The shape of the route document as an operator writes it: JSON with snake_case members. Only shapes; document-sense.ts asks what they mean.

import * as z from 'zod'
import { UNFIT } from '../core/unfit.ts'
import { COST_TIERS, STRATEGIES } from './contract.ts'

/** A document is no larger than this, in bytes of its JSON text. */
export const MOST_BYTES = 1024 * 1024
export const MOST_ROUTES = 1000
export const MOST_TARGETS = 64
/** Groups in groups, and names that stand for names. */
export const MOST_DEPTH = 6
const MOST_ALIASES = 10_000
const MOST_NAMES = 32

const PLAIN = 'must be 1 to 256 printable characters without spaces'
const name = z.string().regex(/^[\x21-\x7e]{1,256}$/, PLAIN)
/** A name in which nothing stands for other characters. */
const ownName = z.string().regex(/^[\x21-\x29\x2b-\x7e]{1,256}$/, `${PLAIN} and without *`)
const names = z.array(ownName).max(MOST_NAMES)
const condition = z.string().min(1).max(1000).describe('A condition in CEL, such as budget_used < 0.8')
const trouble = z.enum(['outage', 'context', 'content'])
const milliseconds = z.int().min(1).max(3_600_000)
const perMinute = z.int().min(1).max(1_000_000_000_000)
const percentile = z.literal([50, 75, 90, 99])

const MEMBER = /^[A-Za-z0-9_$-]{1,64}(\.[A-Za-z0-9_$-]{1,64}){0,5}$/
const member = z.string().regex(MEMBER, 'must be the name of a member, or a path such as generationConfig.temperature')
const members = z.record(member, z.unknown())

const timeouts = z.strictObject({
  headers_ms: milliseconds.optional().describe('From sending to the answer’s headers'),
  first_content_ms: milliseconds.optional().describe('From sending to the first content'),
  idle_ms: milliseconds.optional().describe('Between two pieces of an answer'),
})

const strategy = z.union([
  z.enum(STRATEGIES),
  z.strictObject({
    name: z.enum(STRATEGIES),
    measure: z.enum(['first-content', 'throughput']).optional().describe('fastest: what counts as fast'),
    percentile: percentile.optional().describe('fastest: of the last five minutes'),
    by: z.enum(['key', 'user', 'session']).optional().describe('split: whose requests stay together'),
    mode: z.enum(['balanced', 'aggressive']).optional().describe('difficulty: a loss budget of 2 or 5 percent; balanced if not given'),
    loss: z.number().min(0).max(1).optional().describe('difficulty: a loss budget instead of a mode, such as 0.02'),
    otherwise: z
      .enum(['first', 'strongest'])
      .optional()
      .describe('difficulty: who answers what cannot be judged; the first by priority if not given'),
    expensive_share: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe('difficulty, auto: the most of a key’s decisions that go to expensive models'),
    default: ownName.optional().describe('auto: the model that is left only for a better one'),
    cost_quality_tradeoff: z.number().min(0).max(10).optional().describe('auto: 0 (quality alone, if not given) to 10 (cost alone)'),
    cost_tier: z.enum(COST_TIERS).optional().describe('auto: models of this price first; stands before cost_quality_tradeoff'),
  }),
])

/** What targets inherit from the groups around them. */
const inherited = {
  credential: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/, 'must be letters, digits, - and _, at most 40')
    .optional()
    .describe('Name of another account there: EU reads OPENAI_API_KEY_EU'),
  regions: z.array(name).min(1).max(MOST_NAMES).optional().describe('Only these regions; * stands for any characters'),
  timeouts: timeouts.optional(),
  defaults: members.optional().describe('Members of the request, where the client has not set them'),
  overrides: members.optional().describe('Members of the request, whatever the client has set'),
  drop: z.array(member).max(64).optional().describe('Members that are taken out of the request'),
}

const used = {
  weight: z.number().gt(0).max(1_000_000_000).optional().describe('For weighted and split; 1 if not given'),
  priority: z.int().min(0).max(1_000_000).optional().describe('For priority: lower first; 0 if not given'),
  when: condition.optional(),
  rpm: perMinute.optional().describe('Requests a minute that the account may'),
  tpm: perMinute.optional().describe('Tokens a minute that the account may'),
  on: z.array(trouble).min(1).max(3).optional().describe('After which trouble of those before it; outage if not given'),
  on_status: z.array(z.int().min(300).max(599)).min(1).max(64).optional().describe('After which upstream statuses, instead of on'),
  ...inherited,
}

type Shape<T extends { readonly [member: string]: z.ZodType }> = z.output<z.ZodObject<T>>
export type StrategySaid = z.output<typeof strategy>
export type Inherited = Shape<typeof inherited>
/** One of `model` and `targets`. */
export type TargetObject = Shape<typeof used> & {
  readonly model?: string | undefined
  readonly strategy?: StrategySaid | undefined
  readonly targets?: TargetSaid[] | undefined
  readonly single?: boolean | undefined
}
export type TargetSaid = string | TargetObject

const target: z.ZodType<TargetSaid> = z.union([
  name,
  z.strictObject({
    model: name.optional().describe('provider/model, author/slug, an alias or a route; * is what the route’s * matched'),
    strategy: strategy.optional(),
    get targets(): z.ZodOptional<z.ZodArray<z.ZodType<TargetSaid>>> {
      return targets.optional()
    },
    single: z.boolean().optional().describe('Only its first choice is asked'),
    ...used,
  }),
])
const targets = z.array(target).min(1).max(MOST_TARGETS)

const shadow = z.strictObject({
  share: z.number().gt(0).max(1).describe('Of the route’s requests'),
  model: ownName,
  ...inherited,
})

const cascade = z.strictObject({
  on: z
    .array(z.enum(UNFIT))
    .min(1)
    .max(UNFIT.length)
    .optional()
    .describe('What is no good about an answer; all but tool-arguments if not given'),
  target: ownName.optional().describe('Who is asked then; the next in the order that is dearer and another model if not given'),
  streams: z.enum(['pass', 'hold']).optional().describe('hold: streams are held back until they are whole; pass if not given'),
})

export const routeShape = z.strictObject({
  name: ownName,
  match: z
    .union([name, z.array(name).min(1).max(MOST_NAMES)])
    .optional()
    .describe('Names of models that it answers; * stands for any characters; its own name if not given'),
  when: condition.optional().describe('Where it does not hold the next route that matches is looked at'),
  strategy: strategy.optional().describe('priority if not given: as listed'),
  targets,
  single: z.boolean().optional().describe('Only the first choice is asked'),
  ...inherited,
  fallbacks: names.optional().describe('Asked after an outage of all targets'),
  context_fallbacks: names.optional().describe('Asked when the context was too long'),
  content_fallbacks: names.optional().describe('Asked when the content was refused'),
  retries: z.int().min(0).max(10).optional().describe('Further calls of a target that failed'),
  deadline_ms: milliseconds.optional().describe('From arrival to the end of the answer'),
  learn_timeouts: z.boolean().optional().describe('First-content limits follow what the model took lately'),
  hedge: z
    .strictObject({ percentile: percentile.optional(), least_ms: z.int().min(0).max(600_000).optional() })
    .optional()
    .describe('A second target is asked too when the first is silent for longer than usual'),
  continue: z.boolean().optional().describe('A plain text that breaks off may be carried on by another target'),
  cascade: cascade.optional().describe('An answer that is verifiably no good is asked for once more, a tier up'),
  shadow: shadow.optional().describe('A share of the requests is also sent there; nobody sees the answer'),
})
export type RouteSaid = z.output<typeof routeShape>

export const aliasShape = z.union([ownName, z.array(ownName).min(1).max(MOST_NAMES)])
export type AliasSaid = z.output<typeof aliasShape>

const place = z.strictObject({
  zdr: z.boolean().optional().describe('It keeps nothing'),
  collects_data: z.boolean().optional().describe('It may use prompts for its own ends'),
  rpm: perMinute.optional(),
  tpm: perMinute.optional(),
})

export const routeDocument = z.strictObject({
  $schema: z.string().max(1000).optional(),
  aliases: z
    .record(ownName, aliasShape)
    .refine((aliases) => Object.keys(aliases).length <= MOST_ALIASES, `at most ${MOST_ALIASES} aliases`)
    .optional()
    .describe('A name, and what it stands for: the first, then its fallbacks'),
  routes: z.array(routeShape).max(MOST_ROUTES).optional().describe('The first that matches and whose condition holds is used'),
  providers: z
    .record(z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must be a provider’s id'), place)
    .optional()
    .describe('What the operator says of places'),
})
/** A checked document; as it was written, without defaults filled in. */
export type RouteDocument = z.output<typeof routeDocument>

/** The JSON Schema of the document, for editors. What it cannot say (cycles, conditions, exactly one of two members) the check says. */
export function routeJsonSchema(): { readonly [member: string]: unknown } {
  const { $schema, ...schema } = z.toJSONSchema(routeDocument, { io: 'input' })
  return { $schema, title: 'Sluice routes', ...schema }
}
