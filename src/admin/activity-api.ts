// `GET /api/v1/activity`: what was used, by day and model, in OpenRouter's shape. For the admin key only.

import { Hono } from 'hono'
import { GatewayError } from '../core/errors.ts'
import { dollarsNumber } from '../core/money.ts'
import { GROUPS, readActivity, type ActivityAsk, type ActivityRow, type Group } from '../platform/activity.ts'
import { objectOf } from '../platform/account.ts'
import type { Env } from '../platform/env.ts'
import { findKeyId } from '../platform/policies.ts'
import { SCOPE_ID } from './key-input.ts'

export const activityApi = new Hono<{ Bindings: Env }>()

const DAY_MS = 86_400_000
/** As far back as OpenRouter's goes. */
const DAYS = 30
const LONGEST_TAG = 128
const MOST_TAGS = 20
/** A deployment is one tenant, so one workspace. */
const WORKSPACE = 'default'
const PARAMETERS = ['date', 'include_today', 'api_key_hash', 'user_id', 'workspace_id', 'scope', 'tag', 'group_by']

activityApi.get('/', async (c) => {
  const { searchParams } = new URL(c.req.url)
  for (const name of searchParams.keys())
    if (!PARAMETERS.includes(name)) throw wrong(name, `there is no such parameter; known are ${PARAMETERS.join(', ')}`)
  const { by, group } = groupOf(searchParams.get('group_by'))
  const days = daysOf(searchParams.get('date'), flag('include_today', searchParams.get('include_today')), Date.now())
  if (![null, WORKSPACE].includes(searchParams.get('workspace_id')))
    throw wrong('workspace_id', `a gateway has one workspace, ${JSON.stringify(WORKSPACE)}`)
  const ask: ActivityAsk = {
    ...days,
    scopes: scopesOf(searchParams.getAll('scope'), searchParams.getAll('user_id')),
    tags: tagsOf(searchParams.getAll('tag')),
    keyId: await keyOf(c.env, searchParams.get('api_key_hash')),
    group,
  }
  if (ask.keyId !== null) await objectOf(c.env, ask.keyId).flush()
  const rows = await readActivity(c.env.DB, ask)
  return c.json({ data: rows.map((row) => activity(row, by, group)) })
})

function activity(row: ActivityRow, by: string | null, group: Group | null): { readonly [name: string]: unknown } {
  const model = row.provider === '' ? 'unknown' : `${row.provider}/${row.model}`
  return {
    date: new Date(row.day).toISOString().slice(0, 10),
    model,
    model_permaslug: model,
    endpoint_id: model,
    provider_name: row.provider === '' ? 'unknown' : row.provider,
    usage: dollarsNumber(row.cost_nano_usd),
    byok_usage_inference: 0,
    requests: row.requests,
    prompt_tokens: row.prompt,
    completion_tokens: row.completion,
    reasoning_tokens: row.reasoning,
    ...(by === 'workspace' ? { workspace_id: WORKSPACE } : {}),
    sluice: {
      ...(group === null ? {} : { [group === 'key' ? 'key_id' : group]: row.grouped }),
      cost_nano_usd: row.cost_nano_usd,
      requests_of_unknown_cost: row.cost_unknown,
      requests_of_unknown_usage: row.usage_unknown,
      cache_read_tokens: row.cache_read,
      cache_write_5m_tokens: row.cache_write_5m,
      cache_write_1h_tokens: row.cache_write_1h,
      ended: {
        complete: row.requests - row.failed - row.cut - row.gone - row.expired,
        failed: row.failed,
        upstream_cut: row.cut,
        client_gone: row.gone,
        expired: row.expired,
      },
    },
  }
}

/** The last completed UTC days, or one of them; with today where that is wanted. */
function daysOf(date: string | null, withToday: boolean, now: number): { readonly from: number; readonly until: number } {
  const today = now - (now % DAY_MS)
  const [first, end] = [today - DAYS * DAY_MS, withToday ? today + DAY_MS : today]
  if (date === null) return { from: first, until: end }
  const day = /^\d{4}-\d{2}-\d{2}$/.test(date) ? Date.parse(`${date}T00:00:00Z`) : Number.NaN
  // `2026-02-30` is read as a day in March, or not at all.
  if (Number.isNaN(day) || new Date(day).toISOString().slice(0, 10) !== date) throw wrong('date', 'must be a UTC date such as 2026-11-20')
  if (day < first || day >= end)
    throw wrong(
      'date',
      `must be one of the last ${DAYS} completed UTC days${withToday ? ', or today' : '; today is told with include_today=true'}`,
    )
  return { from: day, until: day + DAY_MS }
}

function flag(name: string, value: string | null): boolean {
  if (value !== null && value !== 'true' && value !== 'false') throw wrong(name, 'must be true or false')
  return value === 'true'
}

function groupOf(by: string | null): { readonly by: string | null; readonly group: Group | null } {
  const group = GROUPS.find((known) => known === by) ?? null
  if (by !== null && by !== 'workspace' && group === null) throw wrong('group_by', `must be one of workspace, ${GROUPS.join(', ')}`)
  return { by, group }
}

/** As rows have them: names that requests gave stand escaped there, as refusals and `GET /v1/key` tell them. */
const SCOPES: readonly string[] = ['team', 'user', 'organization', 'credit', 'customer', 'tag', 'provider']
const SCOPE_NAME = /^[\x21-\x7e]{1,300}$/
/** Those who name nobody share one. */
const NAMELESS: readonly string[] = ['customer:', 'tag:']

function scopesOf(scopes: readonly string[], users: readonly string[]): readonly string[] {
  for (const scope of scopes) {
    const [kind = '', ...id] = scope.split(':')
    if (!SCOPES.includes(kind) || (!SCOPE_NAME.test(id.join(':')) && !NAMELESS.includes(scope)))
      throw wrong('scope', `must be kind:id, such as team:blue; kinds are ${SCOPES.join(', ')}`)
  }
  for (const user of users)
    if (!SCOPE_ID.test(user)) throw wrong('user_id', 'must be letters, digits, dots, dashes and underscores, at most 64')
  return [...scopes, ...users.map((user) => `user:${user}`)]
}

function tagsOf(tags: readonly string[]): readonly string[] {
  if (tags.length > MOST_TAGS || tags.some((tag) => tag === '' || tag.length > LONGEST_TAG))
    throw wrong('tag', `must have 1 to ${LONGEST_TAG} characters, and there are at most ${MOST_TAGS}`)
  return tags
}

/** Of a key that is deleted too. */
async function keyOf(env: Env, hash: string | null): Promise<string | null> {
  if (hash === null) return null
  if (!/^[0-9a-f]{64}$/.test(hash)) throw wrong('api_key_hash', 'must be 64 hexadecimal digits, as the keys API tells them')
  const id = await findKeyId(env.DB, hash)
  if (id === null) throw new GatewayError('record-unknown', 'There is no key with this hash.')
  return id
}

function wrong(at: string, message: string): GatewayError {
  return new GatewayError('request-malformed', `${at}: ${message}.`, { at })
}
