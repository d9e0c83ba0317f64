// Limits that a key has for some models only, as administrators say them and are told them: `sluice.model_limits`, an object by glob.

import * as z from 'zod'
import type { Policy } from '../core/policy.ts'
import { GatewayError } from '../core/errors.ts'
import type { ModelLimit, ModelLimitView } from '../core/model-limits.ts'
import { dollarsNumber } from '../core/money.ts'
import { NO_LIMITS } from '../core/rates.ts'
import { objectOf } from '../platform/account.ts'
import type { Env } from '../platform/env.ts'
import { limit, rate, rateLimitsSaid, rateLimitsTold, reset } from './limit-members.ts'

/** Each request is looked at under every one of them. */
export const MOST_MODEL_LIMITS = 32
const TOO_MANY = `has more than ${MOST_MODEL_LIMITS} globs`

const one = z.strictObject({
  limit: limit.optional(),
  limit_reset: reset.optional(),
  requests_per_minute: rate,
  requests_per_day: rate,
  tokens_per_minute: rate,
  tokens_per_day: rate,
  parallel_requests: rate,
})

/** `null` for a glob takes it away, `null` for all of it takes all away. */
export const modelLimits = z
  .record(z.string().min(1).max(256), one.nullable())
  .refine((said) => Object.values(said).filter((each) => each !== null).length <= MOST_MODEL_LIMITS, TOO_MANY)
  .nullable()
  .optional()

/** What is not named stays, of each glob's members too. @throws GatewayError `request-malformed` when they become too many */
export function modelLimitsSaid(said: z.output<typeof modelLimits>, before: readonly ModelLimit[]): readonly ModelLimit[] {
  if (said === undefined) return before
  if (said === null) return []
  const all = new Map(before.map((each) => [each.glob, each]))
  for (const [glob, changed] of Object.entries(said)) {
    if (changed === null) {
      all.delete(glob)
      continue
    }
    const was = all.get(glob)
    all.set(glob, {
      glob,
      limitNanoUsd: changed.limit === undefined ? (was?.limitNanoUsd ?? null) : changed.limit,
      limitReset: changed.limit_reset === undefined ? (was?.limitReset ?? null) : changed.limit_reset,
      limits: { ...NO_LIMITS, ...was?.limits, ...rateLimitsSaid(changed) },
    })
  }
  if (all.size > MOST_MODEL_LIMITS)
    throw new GatewayError('request-malformed', `sluice.model_limits: ${TOO_MANY}, with those that are there`, {
      at: 'sluice.model_limits',
    })
  return [...all.values()]
}

type Json = { readonly [name: string]: unknown }

/** Nothing where there are none. */
export function modelLimitsTold(views: readonly ModelLimitView[]): Json {
  if (views.length === 0) return {}
  const told = views.map((view): readonly [string, Json] => [
    view.glob,
    {
      limit: view.limitNanoUsd === null ? null : dollarsNumber(view.limitNanoUsd),
      limit_reset: view.limitReset,
      ...rateLimitsTold(view.limits),
      spent_nano_usd: view.spentNanoUsd,
      held_nano_usd: view.heldNanoUsd,
      limit_nano_usd: view.limitNanoUsd,
      resets_at: view.resetsAt === null ? null : new Date(view.resetsAt).toISOString(),
      running: view.running,
    },
  ])
  return { model_limits: Object.fromEntries(told) }
}

/** Only the key's own object knows what is held. @throws GatewayError `gateway-unavailable` */
export async function viewModelLimits(env: Env, { keyId, modelLimits: limits = [] }: Policy): Promise<readonly ModelLimitView[]> {
  if (limits.length === 0) return []
  try {
    return await objectOf(env, keyId).modelLimits()
  } catch (cause) {
    throw new GatewayError('gateway-unavailable', "The key's books cannot be reached just now. Try again.", { cause, retryAfterMs: 1000 })
  }
}
