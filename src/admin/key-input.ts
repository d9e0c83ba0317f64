// What an administrator may say of a key, checked by Zod: the place of a mistake is named.

import * as z from 'zod'
import { parseRange } from '../core/cidr.ts'
import { GatewayError } from '../core/errors.ts'
import { nanoOf } from '../core/money.ts'
import { EVERYTHING, PERMITS, type Permits } from '../core/permits.ts'
import { isReset } from '../core/window.ts'
import { NO_LIMITS, type RateLimits } from '../core/rates.ts'
import type { Change, Settings } from './key-store.ts'

export const limit = z
  .number()
  .nullable()
  .refine((usd) => usd === null || nanoOf(usd) !== null, 'must be US dollars from 0 to 4,000,000, in whole nano-dollars')
  .transform((usd) => (usd === null ? null : nanoOf(usd)))
export const reset = z.string().refine(isReset, 'must be null, daily, weekly, monthly, or a span such as 30s, 15m, 24h, 7d, 1mo').nullable()
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
const rate = z.int().min(1).max(1_000_000_000_000).nullable().optional()
/** What keys may share a budget of. */
export const SCOPE_KINDS = ['team', 'user', 'organization'] as const
export const SCOPE_ID = /^[A-Za-z0-9._-]{1,64}$/
const scopeId = z.string().regex(SCOPE_ID, 'must be letters, digits, dots, dashes and underscores, at most 64').nullable().optional()

const special = z.strictObject({
  team: scopeId,
  user: scopeId,
  organization: scopeId,
  models: globs,
  providers: globs,
  regions: globs,
  ips,
  requests_per_minute: rate,
  requests_per_day: rate,
  tokens_per_minute: rate,
  tokens_per_day: rate,
  parallel_requests: rate,
  leased: z.boolean().optional(),
})

/** OpenRouter's members that mean nothing here are taken when they say nothing. */
const harmless = {
  include_byok_in_limit: z.literal(false).optional(),
  creator_user_id: z.null().optional(),
  workspace_id: z.null().optional(),
}

const createShape = z.strictObject({
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
  const said = check(createShape, value)
  return {
    name: said.name,
    disabled: false,
    limitNanoUsd: said.limit ?? null,
    limitReset: said.limit_reset ?? null,
    expiresAt: said.expires_at ?? null,
    ...EVERYTHING,
    ...permitsSaid(said.sluice),
    limits: { ...NO_LIMITS, ...limitsSaid(said.sluice) },
    scopes: scopesSaid(said.sluice, []),
    leased: said.sluice?.leased ?? false,
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
    ...(said.sluice?.leased === undefined ? {} : { leased: said.sluice.leased }),
    ...(said.sluice === undefined ? {} : { limits: limitsSaid(said.sluice), scopesFrom: (before) => scopesSaid(said.sluice, before) }),
  }
}

/** What is not named stays; `null` takes it away. */
function scopesSaid(said: z.output<typeof special> | undefined, before: readonly string[]): readonly string[] {
  return SCOPE_KINDS.flatMap((kind) => {
    const id = said?.[kind]
    if (id === null) return []
    return id === undefined ? before.filter((scope) => scope.startsWith(`${kind}:`)) : [`${kind}:${id}`]
  })
}

function permitsSaid(said: z.output<typeof special> | undefined): Partial<Permits> {
  return Object.fromEntries(PERMITS.map((name) => [name, said?.[name]] as const).filter(([, list]) => list !== undefined))
}

function limitsSaid(said: z.output<typeof special> | undefined): Partial<RateLimits> {
  const members = {
    requestsPerMinute: said?.requests_per_minute,
    requestsPerDay: said?.requests_per_day,
    tokensPerMinute: said?.tokens_per_minute,
    tokensPerDay: said?.tokens_per_day,
    parallelRequests: said?.parallel_requests,
  }
  return Object.fromEntries(Object.entries(members).filter(([, limit]) => limit !== undefined)) as Partial<RateLimits> // its own names
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
