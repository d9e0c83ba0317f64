// Shared budgets under /api/v1/budgets, for the admin key only: set, look at, take away. The order of writes is that of keys: what
// tightens goes to the object first, what loosens to D1 first; half done is a 503, and safe to repeat.

import { Hono } from 'hono'
import * as z from 'zod'
import { GatewayError } from '../core/errors.ts'
import { dollarsNumber } from '../core/money.ts'
import type { BudgetPolicy, BudgetView } from '../core/shared-budget.ts'
import { budgetOf } from '../platform/budget-object.ts'
import { findBudget, listBudgets, writeBudget } from '../platform/budgets.ts'
import type { Env } from '../platform/env.ts'
import { check, readJson, SCOPE_ID, SCOPE_KINDS } from './key-input.ts'
import { limit, reset } from './limit-members.ts'

export const budgetsApi = new Hono<{ Bindings: Env }>()

const shape = z.strictObject({ limit, limit_reset: reset.optional() })
const PAGE = 100

budgetsApi.get('/', async (c) => {
  const offset = Number(c.req.query('offset') ?? 0)
  const budgets = await listBudgets(c.env.DB, PAGE, Number.isSafeInteger(offset) && offset >= 0 ? offset : 0)
  const present = await Promise.all(budgets.map(async (found) => (await upToDate(c.env, found.scope, found)) ?? found))
  return c.json({ data: await Promise.all(present.map(async (policy) => row(policy, await budgetOf(c.env, policy.scope).view()))) })
})

budgetsApi.get('/:kind/:id', async (c) => {
  const scope = scopeOf(c.req.param('kind'), c.req.param('id'))
  const policy = await upToDate(c.env, scope, await findBudget(c.env.DB, scope))
  if (policy === null) throw new GatewayError('record-unknown', `Nobody has set a budget for ${scope}.`)
  return c.json({ data: row(policy, await budgetOf(c.env, scope).view()) })
})

budgetsApi.put('/:kind/:id', async (c) => {
  const scope = scopeOf(c.req.param('kind'), c.req.param('id'))
  const said = check(shape, await readJson(c.req.raw))
  const policy = await change(c.env, scope, said.limit, said.limit_reset ?? null)
  return c.json({ data: row(policy, await budgetOf(c.env, scope).view()) })
})

/** The limit goes, the counting stays. */
budgetsApi.delete('/:kind/:id', async (c) => {
  await change(c.env, scopeOf(c.req.param('kind'), c.req.param('id')), null, null)
  return c.json({ deleted: true })
})

/** @throws GatewayError `gateway-unavailable` when it is half done, or another change came between: repeat it */
async function change(env: Env, scope: string, limitNanoUsd: number | null, limitReset: string | null): Promise<BudgetPolicy> {
  const now = Date.now()
  const before = await upToDate(env, scope, await findBudget(env.DB, scope))
  const next: BudgetPolicy = {
    scope,
    version: (before?.version ?? 0) + 1,
    createdAt: before?.createdAt ?? now,
    limitNanoUsd,
    limitReset,
  }
  const infinite = (nanoUsd: number | null | undefined): number => nanoUsd ?? Number.POSITIVE_INFINITY
  const tightens = infinite(limitNanoUsd) < infinite(before?.limitNanoUsd) || limitReset !== (before?.limitReset ?? null)
  const changed = (): GatewayError =>
    new GatewayError('gateway-unavailable', 'This budget was changed by somebody else meanwhile. Look at it and repeat the change.', {
      retryAfterMs: 1000,
    })
  const apply = async (inD1: boolean): Promise<void> => {
    if (!(await budgetOf(env, scope).apply(next, inD1))) throw changed()
  }
  if (tightens) await apply(false)
  if (!(await writeBudget(env.DB, next, now))) throw changed()
  await apply(true) // of two who change it at once, what D1 took counts
  return next
}

/** What the budget's object knows beyond D1 comes first: D1 may have been put back to an earlier time. */
async function upToDate(env: Env, scope: string, found: BudgetPolicy | null): Promise<BudgetPolicy | null> {
  return (await budgetOf(env, scope).reconcile(found)) ? findBudget(env.DB, scope) : found
}

function scopeOf(kind: string, id: string): string {
  if (!SCOPE_KINDS.some((known) => known === kind)) throw new GatewayError('record-unknown', `Budgets are of ${SCOPE_KINDS.join(', ')}.`)
  if (!SCOPE_ID.test(id))
    throw new GatewayError('request-malformed', 'The id of a budget has letters, digits, dots, dashes and underscores, at most 64.')
  return `${kind}:${id}`
}

function row(policy: BudgetPolicy, view: BudgetView): { readonly [name: string]: unknown } {
  const usd = (nanoUsd: number | null): number | null => (nanoUsd === null ? null : dollarsNumber(nanoUsd))
  const left = policy.limitNanoUsd === null ? null : Math.max(0, policy.limitNanoUsd - view.spentNanoUsd)
  return {
    scope: policy.scope,
    limit: usd(policy.limitNanoUsd),
    limit_reset: policy.limitReset,
    limit_remaining: usd(left),
    usage: usd(view.spentNanoUsd),
    sluice: {
      version: policy.version,
      spent_nano_usd: view.spentNanoUsd,
      leased_nano_usd: view.leasedNanoUsd,
      limit_nano_usd: policy.limitNanoUsd,
      resets_at: view.resetsAt === null ? null : new Date(view.resetsAt).toISOString(),
    },
  }
}
