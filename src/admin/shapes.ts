// OpenRouter's shapes of keys and generations, each extended by a `sluice` member for what OpenRouter has no word for.

import type { Units } from '../core/canonical.ts'
import type { KeyView, Row } from '../core/account.ts'
import type { ModelLimitView } from '../core/model-limits.ts'
import { routerOf, type Policy, type RouterPolicy } from '../core/policy.ts'
import { PERMITS, type Permits } from '../core/permits.ts'
import { NO_NAMING, type Naming } from '../core/request-scopes.ts'
import { nameOfScope } from '../core/scope-names.ts'
import type { Spend } from '../core/spend.ts'
import type { Comparison, Side } from '../core/shadow.ts'
import { dollarsNumber } from '../core/money.ts'
import { inputTokens, outputTokens } from '../core/price.ts'
import type { Happened } from '../platform/events.ts'
import type { KeptRefusal } from '../platform/refusals.ts'
import { isoDay, isoMonth, isoWeek, periodAt } from '../core/window.ts'
import { rateLimitsTold } from './limit-members.ts'
import { modelLimitsTold } from './model-limits.ts'

type Json = { readonly [name: string]: unknown }

const usd = (nanoUsd: number | null): number | null => (nanoUsd === null ? null : dollarsNumber(nanoUsd))
const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())
const NO_BYOK = { byok_usage: 0, byok_usage_daily: 0, byok_usage_weekly: 0, byok_usage_monthly: 0, include_byok_in_limit: false } as const

/** `team:blue` is `team: "blue"`, tags are a list; and what requests may name. */
function scopesTold(scopes: readonly string[], naming: Naming): Json {
  const tags = scopes.filter((scope) => scope.startsWith('tag:')).map(nameOfScope)
  const named = scopes.filter((scope) => !scope.startsWith('tag:'))
  return {
    ...Object.fromEntries(named.map((scope) => [scope.slice(0, scope.indexOf(':')), nameOfScope(scope)])),
    ...(tags.length === 0 ? {} : { tags }),
    ...(naming.tagBudgets ? { tag_budgets: true } : {}),
    ...(naming.customers ? { customers: true } : {}),
    ...(naming.customers || naming.tagBudgets ? { customers_per_hour: naming.namesPerHour } : {}),
  }
}

function routerTold(policy: { readonly router?: RouterPolicy }): Json {
  const router = routerOf(policy)
  return router === null ? {} : { router: { learning: router.learning, expensive_share: router.expensiveShare } }
}

/** Only the rules that there are. */
function permitsTold(permits: Permits): Json {
  return Object.fromEntries(PERMITS.map((name) => [name, permits[name]] as const).filter(([, list]) => list !== null))
}

/** `GET /v1/key`. */
export function ownKey(view: KeyView): Json {
  const remaining = view.limitNanoUsd === null ? null : Math.max(0, view.limitNanoUsd - view.spentNanoUsd - view.heldNanoUsd)
  return {
    label: view.label,
    name: view.name,
    limit: usd(view.limitNanoUsd),
    limit_remaining: usd(remaining),
    limit_reset: view.limitReset,
    usage: usd(view.spentEverNanoUsd),
    usage_daily: usd(view.spentDayNanoUsd),
    usage_weekly: usd(view.spentWeekNanoUsd),
    usage_monthly: usd(view.spentMonthNanoUsd),
    ...NO_BYOK,
    is_free_tier: false,
    is_management_key: false,
    is_provisioning_key: false,
    expires_at: iso(view.expiresAt),
    sluice: {
      id: view.keyId,
      hash: view.hash,
      spent_nano_usd: view.spentNanoUsd,
      held_nano_usd: view.heldNanoUsd,
      limit_nano_usd: view.limitNanoUsd,
      soft_limit: usd(view.softNanoUsd),
      hold_seconds: view.holdSeconds,
      resets_at: iso(view.resetsAt),
      models: view.models,
      ...permitsTold({ ...view, models: null }),
      ...rateLimitsTold(view.limits),
      ...modelLimitsTold(view.modelLimits),
      ...scopesTold(view.scopes, view.naming),
      mode: view.mode,
      on_disconnect: view.onDisconnect,
      scopes: view.scopes,
      ...(view.leased ? { leased: true } : {}),
      ...routerTold(view),
      running: view.running,
      rows_waiting: view.rowsWaiting ?? 0,
    },
  }
}

/** A row of `GET /api/v1/keys`. Spend is as the key's object last reported it, at most seconds ago; `models` as it is now. */
export function listedKey(policy: Policy, spend: Spend, models: readonly ModelLimitView[], updatedAt: number, now: number): Json {
  const period = periodAt(policy.limitReset, policy.createdAt, now)
  const spent = spend.period === period.id ? spend.periodNanoUsd : 0
  return {
    hash: policy.secrets[0]?.hash ?? '',
    name: policy.name,
    label: policy.label,
    disabled: policy.disabled,
    limit: usd(policy.limitNanoUsd),
    limit_remaining: policy.limitNanoUsd === null ? null : usd(Math.max(0, policy.limitNanoUsd - spent)),
    limit_reset: policy.limitReset,
    usage: usd(spend.everNanoUsd),
    usage_daily: usd(spend.day === isoDay(now) ? spend.dayNanoUsd : 0),
    usage_weekly: usd(spend.week === isoWeek(now) ? spend.weekNanoUsd : 0),
    usage_monthly: usd(spend.month === isoMonth(now) ? spend.monthNanoUsd : 0),
    ...NO_BYOK,
    created_at: iso(policy.createdAt),
    updated_at: iso(updatedAt),
    expires_at: iso(policy.expiresAt),
    sluice: {
      id: policy.keyId,
      version: policy.version,
      spent_nano_usd: spent,
      limit_nano_usd: policy.limitNanoUsd,
      ...(policy.softNanoUsd == null ? {} : { soft_limit: usd(policy.softNanoUsd) }),
      resets_at: iso(period.resetsAt),
      ...permitsTold(policy),
      ...rateLimitsTold(policy.limits),
      ...modelLimitsTold(models),
      ...scopesTold(policy.scopes, policy.naming ?? NO_NAMING),
      mode: policy.mode ?? 'strict',
      ...((policy.markupBasisPoints ?? 0) === 0 ? {} : { markup_basis_points: policy.markupBasisPoints }),
      on_disconnect: policy.onDisconnect ?? 'abort',
      ...(policy.leased ? { leased: true } : {}),
      ...routerTold(policy),
    },
  }
}

/** `GET /api/v1/generation?id=`. `decision`: why it went where it went, as far as who asks may know it. */
export function generation(row: Row, decision?: Json): Json {
  const u = row.usage
  const prompt = u === null ? null : inputTokens(u)
  const completion = u === null ? null : outputTokens(u)
  return {
    id: row.id,
    model: row.provider === null ? row.requestedModel : `${row.provider}/${row.model ?? ''}`,
    provider_name: row.provider,
    created_at: iso(row.createdAt),
    total_cost: usd(row.costNanoUsd),
    usage: usd(row.costNanoUsd),
    tokens_prompt: prompt,
    tokens_completion: completion,
    native_tokens_prompt: prompt,
    native_tokens_completion: completion,
    native_tokens_reasoning: u?.reasoning ?? null,
    native_tokens_cached: u?.cacheRead ?? null,
    num_media_completion: u?.units?.images ?? null,
    num_input_audio_prompt: u?.units?.audioMs === undefined ? null : 1,
    latency: row.firstEventMs,
    generation_time: row.firstEventMs === null ? row.totalMs : row.totalMs - row.firstEventMs,
    finish_reason: row.finish,
    native_finish_reason: row.finish,
    service_tier: u?.service ?? null,
    streamed: row.streamed,
    cancelled: row.ended === 'client-gone',
    is_byok: false,
    api_type: row.dialect,
    upstream_id: row.upstreamId,
    request_id: row.id,
    session_id: row.session,
    external_user: row.endUser,
    sluice: {
      request_id: row.id,
      key_id: row.keyId,
      requested_model: row.requestedModel,
      cost_nano_usd: row.costNanoUsd,
      price_version: row.priceVersion,
      period: row.period,
      ended: row.ended,
      error: row.errorCode,
      usage_from: row.usageFrom,
      usage:
        u === null
          ? null
          : {
              input: u.input,
              cache_read: u.cacheRead,
              cache_write_5m: u.cacheWrite5m,
              cache_write_1h: u.cacheWrite1h,
              output: u.output,
              reasoning: u.reasoning,
              input_audio: u.inputAudio,
              input_image: u.inputImage ?? 0,
              output_audio: u.outputAudio,
              output_image: u.outputImage,
              paid_tool_calls: u.paidToolCalls,
              units: unitsOf(u.units),
            },
      attempts: row.attempts,
      first_event_ms: row.firstEventMs,
      total_ms: row.totalMs,
      trace_id: row.traceId,
      parent_span: row.parentSpan,
      tags: row.tags,
      scopes: row.scopes ?? [],
      dropped: row.dropped,
      fidelity: row.fidelity,
      ...(row.shadowOf === undefined ? {} : { shadow_of: row.shadowOf, comparison: comparisonTold(row.comparison) }),
      ...(row.router === undefined ? {} : { router: row.router }),
      ...(row.feedback === undefined ? {} : { feedback: row.feedback }),
      ...(decision === undefined ? {} : { decision }),
    },
  }
}

/** A row of `GET /api/v1/refusals`. */
export function refusal(one: KeptRefusal): Json {
  return {
    id: one.id,
    created_at: iso(one.createdAt),
    model: one.model,
    code: one.code,
    message: one.message,
    scope: one.money?.scope ?? null,
    spent: usd(one.money?.spentNanoUsd ?? null),
    held: usd(one.money?.heldNanoUsd ?? null),
    limit: usd(one.money?.limitNanoUsd ?? null),
    retry_after: one.retryAfterMs === null ? null : Math.ceil(one.retryAfterMs / 1000),
    sluice: {
      key_id: one.keyId,
      spent_nano_usd: one.money?.spentNanoUsd ?? null,
      held_nano_usd: one.money?.heldNanoUsd ?? null,
      limit_nano_usd: one.money?.limitNanoUsd ?? null,
      left_out_before: one.leftOut,
    },
  }
}

/** A row of `GET /api/v1/events`. */
export function happened(one: Happened): Json {
  return {
    id: one.id,
    created_at: iso(one.createdAt),
    kind: one.kind,
    scope: one.scope,
    period: one.period,
    spent: usd(one.spentNanoUsd),
    soft_limit: usd(one.limitNanoUsd),
    sluice: { key_id: one.keyId, spent_nano_usd: one.spentNanoUsd, soft_limit_nano_usd: one.limitNanoUsd },
  }
}

/** `null`: the shadow came to no end of its own. */
function comparisonTold(comparison: Comparison | undefined): Json | null {
  if (comparison === undefined) return null
  const { main, shadow, sameText, sameFinish, similarity } = comparison
  return {
    same_text: sameText,
    same_finish: sameFinish,
    similarity,
    main: main === null ? null : sideTold(main),
    shadow: sideTold(shadow),
  }
}

function sideTold(side: Side): Json {
  return {
    model: side.provider === null ? null : `${side.provider}/${side.model ?? ''}`,
    ended: side.ended,
    finish: side.finish,
    characters: side.characters,
    cost_nano_usd: side.costNanoUsd,
    first_event_ms: side.firstEventMs,
    total_ms: side.totalMs,
  }
}

/** Pieces that are billed as such; `null`: none were counted. */
function unitsOf(units: Units | undefined): Json | null {
  if (units === undefined) return null
  const { images, audioMs, characters, searches } = units
  return {
    ...(images === undefined ? {} : { images }),
    ...(audioMs === undefined ? {} : { audio_ms: audioMs }),
    ...(characters === undefined ? {} : { characters }),
    ...(searches === undefined ? {} : { searches }),
  }
}
