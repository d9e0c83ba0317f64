// What a key may ask about itself: its limits, spend and credits, and its own generations. An administrator is told of all keys.

import { Hono } from 'hono'
import { GatewayError } from '../core/errors.ts'
import { makeDeps } from '../deps.ts'
import type { Env } from '../platform/env.ts'
import { allCredits, ownCredits } from './credits.ts'
import { apiFailure } from './failure.ts'
import { generation, ownKey } from './shapes.ts'
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
  const data = isAdmin(headers, c.env)
    ? await allCredits(c.env.DB, Date.now())
    : ownCredits((await requireKey(headers, makeDeps(c.env, c.executionCtx))).view)
  return c.json({ data }, 200, { 'cache-control': 'no-store' })
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
  // A foreign one is answered as one that does not exist.
  if (row === null || row === undefined || (own !== null && row.keyId !== own.view.keyId))
    throw new GatewayError('record-unknown', 'There is no such generation.')
  return c.json({ data: generation(row) }, 200, { 'cache-control': 'no-store' })
})

keyApi.onError((error) => apiFailure(error))
