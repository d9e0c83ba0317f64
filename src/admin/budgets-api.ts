// Shared budgets under /api/v1/budgets, for the admin key only: set, look at, take away. The order of writes is that of keys: what
// tightens goes to the object first, what loosens to D1 first; half done is a 503, and safe to repeat.

import { Hono } from 'hono'
import * as z from 'zod'
import { GatewayError } from '../core/errors.ts'
import { dollarsNumber } from '../core/money.ts'
import { providerOf } from '../core/provider-shares.ts'
import { scopeName } from '../core/scope-names.ts'
import type { BudgetPolicy, BudgetView } from '../core/shared-budget.ts'
import { providersOf } from '../deps.ts'
import { budgetOf } from '../platform/budget-object.ts'
import {
  DEFAULT_CUSTOMER,
  defaultFor,
  findBudget,
  hasDefault,
  listBudgets,
  ownPolicy,
  writeBudget,
  type Found,
} from '../platform/budgets.ts'
import type { Env } from '../platform/env.ts'
import { check, readJson, SCOPE_ID } from './key-input.ts'
import { limit, reset } from './limit-members.ts'

export const budgetsApi = new Hono<{ Bindings: Env }>()

const shape = z.strictObject({ limit, limit_reset: reset.optional(), soft_limit: limit.optional() })
const PAGE = 100
const LONGEST_NAME = 2000

budgetsApi.get('/', async (c) => {
  const offset = Number(c.req.query('offset') ?? 0)
  const budgets = await listBudgets(c.env.DB, PAGE, Number.isSafeInteger(offset) && offset >= 0 ? offset : 0)
  const present = await Promise.all(budgets.map(async (found) => (await upToDate(c.env, found.scope)).own?.policy ?? found))
  return c.json({ data: await Promise.all(present.map(async (policy) => row(policy, await budgetOf(c.env, policy.scope).view()))) })
})

/** What a request that names nobody, or too many, is counted in has an empty id. */
const PATHS = ['/:kind/:id', '/:kind/'] as const

for (const path of PATHS) {
  budgetsApi.get(path, async (c) => {
    const scope = await scopeOf(c.req.param('kind'), c.req.param('id') ?? '')
    const { own, otherwise } = await upToDate(c.env, scope)
    const policy = own === null || own.removed ? otherwise : own.policy
    if (policy === null) throw new GatewayError('record-unknown', `Nobody has set a budget for ${scope}.`)
    return c.json({ data: row({ ...policy, scope }, await budgetOf(c.env, scope).view()) })
  })

  budgetsApi.put(path, async (c) => {
    const scope = await scopeOf(c.req.param('kind'), c.req.param('id') ?? '')
    const provider = providerOf(scope)
    if (provider !== null && !providersOf(c.env).some(({ id }) => id === provider))
      throw new GatewayError('record-unknown', `There is no provider ${JSON.stringify(provider)} here; GET /api/v1/doctor lists them.`)
    const said = check(shape, await readJson(c.req.raw))
    const policy = await change(c.env, scope, {
      limitNanoUsd: said.limit,
      limitReset: said.limit_reset ?? null,
      softNanoUsd: said.soft_limit ?? null,
    })
    return c.json({ data: row(policy, await budgetOf(c.env, scope).view()) })
  })

  /** The limit goes, the counting stays; a customer has the default again, and of a provider nothing is counted any more. */
  budgetsApi.delete(path, async (c) => {
    const scope = await scopeOf(c.req.param('kind'), c.req.param('id') ?? '')
    await change(c.env, scope, null)
    return c.json({ deleted: true })
  })
}

type Limits = Pick<BudgetPolicy, 'limitNanoUsd' | 'limitReset' | 'softNanoUsd'>
const NONE: Limits = { limitNanoUsd: null, limitReset: null, softNanoUsd: null }

/** `null` takes it away. @throws GatewayError `gateway-unavailable` when it is half done, or another change came between: repeat it */
async function change(env: Env, scope: string, limits: Limits | null): Promise<BudgetPolicy> {
  const now = Date.now()
  const found = await upToDate(env, scope)
  const { own, otherwise } = found
  const before = own === null || own.removed ? otherwise : own.policy
  const version = (own?.policy.version ?? 0) + 1
  const removed = limits === null && (hasDefault(scope) || providerOf(scope) !== null)
  const next: BudgetPolicy = removed
    ? defaultFor(scope, version, otherwise)
    : { scope, version, createdAt: own?.policy.createdAt || now, ...(limits ?? NONE) } // what was taken away has none
  const infinite = (nanoUsd: number | null | undefined): number => nanoUsd ?? Number.POSITIVE_INFINITY
  const tightens = infinite(next.limitNanoUsd) < infinite(before?.limitNanoUsd) || next.limitReset !== (before?.limitReset ?? null)
  const changed = (): GatewayError =>
    new GatewayError('gateway-unavailable', 'This budget was changed by somebody else meanwhile. Look at it and repeat the change.', {
      retryAfterMs: 1000,
    })
  const apply = async (inD1: boolean): Promise<void> => {
    if (!(await budgetOf(env, scope).apply(next, inD1))) throw changed()
  }
  if (tightens) await apply(false)
  if (!(await writeBudget(env.DB, next, removed, now))) throw changed()
  await apply(true) // of two who change it at once, what D1 took counts
  return next
}

/** What D1 has of a budget; what its object knows beyond that comes first: D1 may have been put back to an earlier time. */
async function upToDate(env: Env, scope: string): Promise<Found> {
  const found = await findBudget(env.DB, scope)
  return (await budgetOf(env, scope).reconcile(ownPolicy(scope, found))) ? findBudget(env.DB, scope) : found
}

const SHARED_KINDS: readonly string[] = ['team', 'user', 'organization', 'provider']
/** Requests name them, with words of their own. */
const NAMED_KINDS: readonly string[] = ['customer', 'tag']

async function scopeOf(kind: string, id: string): Promise<string> {
  if (NAMED_KINDS.includes(kind)) {
    if (id.length > LONGEST_NAME)
      throw new GatewayError('request-malformed', `The name of a ${kind} has at most ${LONGEST_NAME} characters here.`)
    return kind === 'customer' && id === '*' ? DEFAULT_CUSTOMER : `${kind}:${await scopeName(id)}`
  }
  if (!SHARED_KINDS.includes(kind))
    throw new GatewayError('record-unknown', `Budgets are of ${[...SHARED_KINDS, ...NAMED_KINDS].join(', ')}.`)
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
    soft_limit: usd(policy.softNanoUsd ?? null),
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
