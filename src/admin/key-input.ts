// What an administrator may say of a key, checked by Zod: the place of a mistake is named.

import * as z from 'zod'
import { basisPoints } from '../catalogue/price-document.ts'
import { parseRange } from '../core/cidr.ts'
import { GatewayError } from '../core/errors.ts'
import { EVERYTHING, PERMITS, type Permits } from '../core/permits.ts'
import { NO_ROUTER, ON_DISCONNECT, type RouterPolicy } from '../core/policy.ts'
import { NO_LIMITS } from '../core/rates.ts'
import { NO_NAMING, type Naming } from '../core/request-scopes.ts'
import { escapedName } from '../core/scope-names.ts'
import type { Change, Settings } from './key-store.ts'
import { limit, rate, rateLimitsSaid, reset } from './limit-members.ts'
import { modelLimits, modelLimitsSaid } from './model-limits.ts'

const instant = z
  .string()
  .refine((text) => !Number.isNaN(Date.parse(text)), 'must be a date and time such as 2027-01-31T00:00:00Z')
  .transform((text) => Date.parse(text))
  .nullable()
const globs = z.array(z.string().min(1).max(256)).max(1000).nullable().optional()
const ips = z
  .array(
    z
      .string()
      .refine((text) => parseRange(text) !== null, 'must be an address or a range such as 203.0.113.7, 10.0.0.0/8 or 2001:db8::/32'),
  )
  .max(1000)
  .nullable()
  .optional()
/** What a key may name one budget of, which it shares with others. */
const SCOPE_KINDS = ['team', 'user', 'organization', 'credit'] as const
export const SCOPE_ID = /^[A-Za-z0-9._-]{1,64}$/
const scopeId = z.string().regex(SCOPE_ID, 'must be letters, digits, dots, dashes and underscores, at most 64').nullable().optional()
const tags = z
  .array(z.string().regex(/^[\x21-\x2b\x2d-\x7e]{1,64}$/, 'must be printable ASCII without spaces and commas, at most 64'))
  .max(8)
  .nullable()
  .optional()

const special = z.strictObject({
  soft_limit: limit.optional(),
  team: scopeId,
  user: scopeId,
  organization: scopeId,
  credit: scopeId,
  tags,
  tag_budgets: z.boolean().optional(),
  customers: z.boolean().optional(),
  customers_per_hour: z.int().min(1).max(10_000).nullable().optional(),
  models: globs,
  providers: globs,
  regions: globs,
  ips,
  requests_per_minute: rate,
  requests_per_day: rate,
  tokens_per_minute: rate,
  tokens_per_day: rate,
  parallel_requests: rate,
  mode: z.enum(['strict', 'elastic']).optional(),
  markup_basis_points: basisPoints.nullable().optional(),
  on_disconnect: z.enum(ON_DISCONNECT).optional(),
  model_limits: modelLimits,
  leased: z.boolean().optional(),
  router: z.strictObject({ learning: z.boolean().optional(), expensive_share: z.number().min(0).max(1).nullable().optional() }).optional(),
})

/** OpenRouter's members that mean nothing here are taken when they say nothing. */
const harmless = {
  include_byok_in_limit: z.literal(false).optional(),
  creator_user_id: z.null().optional(),
  workspace_id: z.null().optional(),
}

export const createShape = z.strictObject({
  name: z.string().min(1).max(200),
  limit: limit.optional(),
  limit_reset: reset.optional(),
  expires_at: instant.optional(),
  sluice: special.optional(),
  ...harmless,
})
const changeShape = z.strictObject({
  name: z.string().min(1).max(200).optional(),
  disabled: z.boolean().optional(),
  limit: limit.optional(),
  limit_reset: reset.optional(),
  expires_at: instant.optional(),
  sluice: special.optional(),
  ...harmless,
})
const rotateShape = z.strictObject({ grace_seconds: z.int().min(0).max(31_536_000).optional() })

const MOST_BYTES = 262_144

/** The body of a control call as JSON. @throws GatewayError `request-malformed`, `body-too-large` */
export async function readJson(request: Request): Promise<unknown> {
  const text = await request.text()
  if (text.length > MOST_BYTES) throw new GatewayError('body-too-large', `The body is larger than ${MOST_BYTES} characters.`)
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    throw new GatewayError('request-malformed', 'The body is not valid JSON.', { cause })
  }
}

export function readCreate(value: unknown): Settings {
  return settingsSaid(check(createShape, value))
}

/** What a new key may do, as it was said. */
export function settingsSaid(said: z.output<typeof createShape>): Settings {
  return {
    name: said.name,
    disabled: false,
    limitNanoUsd: said.limit ?? null,
    limitReset: said.limit_reset ?? null,
    softNanoUsd: said.sluice?.soft_limit ?? null,
    expiresAt: said.expires_at ?? null,
    ...EVERYTHING,
    ...permitsSaid(said.sluice),
    limits: { ...NO_LIMITS, ...rateLimitsSaid(said.sluice) },
    modelLimits: modelLimitsSaid(said.sluice?.model_limits, []),
    scopes: scopesSaid(said.sluice, []),
    mode: said.sluice?.mode ?? 'strict',
    markupBasisPoints: said.sluice?.markup_basis_points ?? 0,
    onDisconnect: said.sluice?.on_disconnect ?? 'abort',
    naming: { ...NO_NAMING, ...namingSaid(said.sluice) },
    leased: said.sluice?.leased ?? false,
    router: { ...NO_ROUTER, ...routerSaid(said.sluice) },
  }
}

export function readChange(value: unknown): Change {
  const said = check(changeShape, value)
  return {
    ...(said.name === undefined ? {} : { name: said.name }),
    ...(said.disabled === undefined ? {} : { disabled: said.disabled }),
    ...(said.limit === undefined ? {} : { limitNanoUsd: said.limit }),
    ...(said.limit_reset === undefined ? {} : { limitReset: said.limit_reset }),
    ...(said.expires_at === undefined ? {} : { expiresAt: said.expires_at }),
    ...permitsSaid(said.sluice),
    ...(said.sluice?.mode === undefined ? {} : { mode: said.sluice.mode }),
    ...(said.sluice?.markup_basis_points === undefined ? {} : { markupBasisPoints: said.sluice.markup_basis_points ?? 0 }),
    ...(said.sluice?.on_disconnect === undefined ? {} : { onDisconnect: said.sluice.on_disconnect }),
    ...(said.sluice === undefined
      ? {}
      : {
          ...(said.sluice.soft_limit === undefined ? {} : { softNanoUsd: said.sluice.soft_limit }),
          limits: rateLimitsSaid(said.sluice),
          scopesFrom: (before) => scopesSaid(said.sluice, before),
          naming: namingSaid(said.sluice),
          router: routerSaid(said.sluice),
        }),
    modelLimitsFrom: (before) => modelLimitsSaid(said.sluice?.model_limits, before),
    ...(said.sluice?.leased === undefined ? {} : { leased: said.sluice.leased }),
  }
}

/** What is not named stays; `null` takes it away. */
function scopesSaid(said: z.output<typeof special> | undefined, before: readonly string[]): readonly string[] {
  const kept = (kind: string): readonly string[] => before.filter((scope) => scope.startsWith(`${kind}:`))
  const named = SCOPE_KINDS.flatMap((kind) => {
    const id = said?.[kind]
    if (id === null) return []
    return id === undefined ? kept(kind) : [`${kind}:${id}`]
  })
  const tagged = said?.tags === undefined ? kept('tag') : (said.tags ?? []).map((tag) => `tag:${escapedName(tag) ?? ''}`)
  return [...new Set([...named, ...tagged])]
}

function namingSaid(said: z.output<typeof special> | undefined): Partial<Naming> {
  return {
    ...(said?.customers === undefined ? {} : { customers: said.customers }),
    ...(said?.tag_budgets === undefined ? {} : { tagBudgets: said.tag_budgets }),
    ...(said?.customers_per_hour === undefined ? {} : { namesPerHour: said.customers_per_hour ?? NO_NAMING.namesPerHour }),
  }
}

function routerSaid(said: z.output<typeof special> | undefined): Partial<RouterPolicy> {
  const { learning, expensive_share: expensiveShare } = said?.router ?? {}
  return { ...(learning === undefined ? {} : { learning }), ...(expensiveShare === undefined ? {} : { expensiveShare }) }
}

function permitsSaid(said: z.output<typeof special> | undefined): Partial<Permits> {
  return Object.fromEntries(PERMITS.map((name) => [name, said?.[name]] as const).filter(([, list]) => list !== undefined))
}

/** Milliseconds for which the old secret still works; none unless asked for. */
export function readGrace(value: unknown): number {
  return (check(rotateShape, value).grace_seconds ?? 0) * 1000
}

export function check<Shape extends z.ZodType>(shape: Shape, value: unknown): z.output<Shape> {
  const parsed = shape.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const at = issue?.path.join('.') ?? ''
  throw new GatewayError(
    'request-malformed',
    `${at === '' ? 'The body' : at}: ${issue?.message ?? 'is not as it should be'}`,
    at === '' ? {} : { at },
  )
}
