// What a key may ask about itself: its limits, spend and credits, and its own generations. An administrator is told of all keys.

import { Hono } from 'hono'
import { GatewayError } from '../core/errors.ts'
import { makeDeps } from '../deps.ts'
import type { Env } from '../platform/env.ts'
import { accountOf } from '../platform/grants.ts'
import { creditsOf } from './credit-grants.ts'
import { allCredits, ownCredits } from './credits.ts'
import { storedDecision } from './stored-decision.ts'
import { findRefusal } from '../platform/refusals.ts'
import { apiFailure } from './failure.ts'
import { generation, ownKey, refusal } from './shapes.ts'
import { isAdmin, requireKey } from './who.ts'

export const keyApi = new Hono<{ Bindings: Env }>()

for (const path of ['/v1/key', '/api/v1/key']) {
  keyApi.get(path, async (c) => {
    const { view } = await requireKey(c.req.raw.headers, makeDeps(c.env, c.executionCtx))
    return c.json({ data: ownKey(view) }, 200, { 'cache-control': 'no-store' })
  })
}

keyApi.get('/api/v1/credits', async (c) => {
  const { headers } = c.req.raw
  const told = (data: unknown): Response => c.json({ data }, 200, { 'cache-control': 'no-store' })
  if (isAdmin(headers, c.env)) return told(await allCredits(c.env.DB, Date.now()))
  const { account, view } = await requireKey(headers, makeDeps(c.env, c.executionCtx))
  const prepaid = view.scopes.map(accountOf).find((name) => name !== null)
  if (prepaid === undefined) return told(ownCredits(view))
  await account.flush() // the account hears what is spent
  return told(await creditsOf(c.env, prepaid))
})

keyApi.get('/api/v1/generation', async (c) => {
  const deps = makeDeps(c.env, c.executionCtx)
  const admin = isAdmin(c.req.raw.headers, c.env)
  const own = admin ? null : await requireKey(c.req.raw.headers, deps)
  const ids = new URL(c.req.url).searchParams.getAll('id')
  const [id] = ids
  if (ids.length !== 1 || id === undefined || id === '')
    throw new GatewayError('request-malformed', 'Name one generation: /api/v1/generation?id=…')
  const row = id.length > 64 ? null : ((await own?.account.pending(id)) ?? (await deps.ledger.find(id)))
  // A foreign one is answered as one that does not exist, and so is a shadow, which is no request of the key's holder.
  if (row === null || row === undefined || (own !== null && (row.keyId !== own.view.keyId || row.shadowOf !== undefined)))
    throw new GatewayError('record-unknown', 'There is no such generation.')
  return c.json({ data: generation(row, storedDecision(row, admin)) }, 200, { 'cache-control': 'no-store' })
})

/** Without an id it is the administrator's list, which stands below. */
keyApi.get('/api/v1/refusals', async (c, next) => {
  const ids = new URL(c.req.url).searchParams.getAll('id')
  const [id] = ids
  if (id === undefined) return next()
  if (ids.length !== 1 || id === '') throw new GatewayError('request-malformed', 'Name one request: /api/v1/refusals?id=…')
  const own = isAdmin(c.req.raw.headers, c.env) ? null : await requireKey(c.req.raw.headers, makeDeps(c.env, c.executionCtx))
  await own?.account.flush()
  const found = id.length > 64 ? null : await findRefusal(c.env.DB, id)
  if (found === null || (own !== null && found.keyId !== own.view.keyId))
    throw new GatewayError('record-unknown', 'No refusal of this request is kept.')
  return c.json({ data: refusal(found) }, 200, { 'cache-control': 'no-store' })
})

keyApi.onError((error) => apiFailure(error))
