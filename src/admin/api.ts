// The control plane under /api/v1: keys and the ledger, for the admin key only. Whatever else is asked for here needs it too, before
// it is told that it does not exist.

import { Hono } from 'hono'
import { GatewayError } from '../core/errors.ts'
import { makeDeps } from '../deps.ts'
import type { Env } from '../platform/env.ts'
import { EVENT_KINDS, listEvents } from '../platform/events.ts'
import { listRows } from '../platform/ledger.ts'
import { listRefusals } from '../platform/refusals.ts'
import { activityApi } from './activity-api.ts'
import { budgetsApi } from './budgets-api.ts'
import { creditGrants } from './credit-grants.ts'
import { doctorReport } from './doctor.ts'
import { apiFailure } from './failure.ts'
import { readChange, readCreate, readGrace, readJson } from './key-input.ts'
import { forgetLearnt, learnt } from './learning-api.ts'
import { importKeys, readImport } from './key-import.ts'
import { changeKey, createKey, deleteKey, findKey, listKeys, rotateKey, type Kept } from './key-store.ts'
import { restoresApi } from './restores-api.ts'
import { retiringApi } from './retiring-api.ts'
import { pricesApi } from './prices-api.ts'
import { recostApi } from './recost-api.ts'
import { routesApi } from './routes-api.ts'
import { viewModelLimits } from './model-limits.ts'
import { generation, happened, listedKey, refusal } from './shapes.ts'
import { whole } from './whole.ts'
import { requireAdmin } from './who.ts'

export const adminApi = new Hono<{ Bindings: Env }>()

const PAGE = 100
const MOST_ROWS = 1000

adminApi.use('*', async (c, next) => {
  requireAdmin(c.req.raw.headers, c.env)
  await next()
  c.header('cache-control', 'no-store')
})

adminApi.get('/keys', async (c) => {
  const page = await listKeys(
    c.env,
    whole(c.req.query('offset'), 0, Number.MAX_SAFE_INTEGER),
    PAGE,
    c.req.query('include_disabled') !== 'false',
  )
  return c.json({ data: await Promise.all(page.map((kept) => row(c.env, kept))) })
})

adminApi.post('/keys', async (c) => {
  const { text, kept } = await createKey(c.env, readCreate(await readJson(c.req.raw)), Date.now())
  return c.json({ data: await row(c.env, kept), key: text }, 201)
})

adminApi.post('/keys/import', async (c) => {
  const said = await readJson(c.req.raw)
  const kept = await importKeys(c.env, await readImport(said, c.env), Date.now())
  const rows = await Promise.all(kept.map((one) => row(c.env, one)))
  return c.json({ data: Array.isArray(said) ? rows : rows[0] }, 201)
})

adminApi.get('/keys/:hash', async (c) => c.json({ data: await row(c.env, await must(c.env, c.req.param('hash'))) }))

adminApi.patch('/keys/:hash', async (c) => {
  const kept = await must(c.env, c.req.param('hash'))
  const change = readChange(await readJson(c.req.raw))
  const changed = await changeKey(c.env, kept, change, Date.now())
  if (change.router?.learning === false) await forgetLearnt(c.env, kept.policy.keyId)
  return c.json({ data: await row(c.env, changed) })
})

adminApi.delete('/keys/:hash', async (c) => {
  const kept = await must(c.env, c.req.param('hash'))
  await deleteKey(c.env, kept, Date.now())
  c.executionCtx.waitUntil(forgetLearnt(c.env, kept.policy.keyId).catch(() => undefined)) // a key is taken out of use whatever else fails
  return c.json({ deleted: true })
})

adminApi.post('/keys/:hash/rotate', async (c) => {
  const kept = await must(c.env, c.req.param('hash'))
  const { text, kept: rotated } = await rotateKey(c.env, kept, readGrace(await readJson(c.req.raw)), Date.now())
  return c.json({ data: await row(c.env, rotated), key: text })
})

adminApi.get('/keys/:hash/learning', async (c) =>
  c.json({ data: await learnt(c.env, (await must(c.env, c.req.param('hash'))).policy.keyId) }),
)

adminApi.delete('/keys/:hash/learning', async (c) => {
  await forgetLearnt(c.env, (await must(c.env, c.req.param('hash'))).policy.keyId)
  return c.json({ deleted: true })
})

adminApi.get('/generations', async (c) => {
  const hash = c.req.query('api_key_hash')
  if (hash === undefined) throw new GatewayError('request-malformed', 'Name a key: /api/v1/generations?api_key_hash=…')
  const { policy } = await must(c.env, hash)
  await makeDeps(c.env, c.executionCtx).account(policy.keyId).flush()
  const rows = await listRows(
    c.env.DB,
    policy.keyId,
    whole(c.req.query('limit'), PAGE, MOST_ROWS),
    whole(c.req.query('offset'), 0, Number.MAX_SAFE_INTEGER),
  )
  return c.json({ data: rows.map((row) => generation(row)) })
})

adminApi.get('/refusals', async (c) => {
  const hash = c.req.query('api_key_hash')
  if (hash === undefined)
    throw new GatewayError('request-malformed', 'Name a key or a request: /api/v1/refusals?api_key_hash=… or /api/v1/refusals?id=…')
  const { policy } = await must(c.env, hash)
  await makeDeps(c.env, c.executionCtx).account(policy.keyId).flush()
  const rows = await listRefusals(
    c.env.DB,
    policy.keyId,
    whole(c.req.query('limit'), PAGE, MOST_ROWS),
    whole(c.req.query('offset'), 0, Number.MAX_SAFE_INTEGER),
  )
  return c.json({ data: rows.map(refusal) })
})

adminApi.get('/events', async (c) => {
  const kind = c.req.query('kind') ?? null
  if (kind !== null && !EVENT_KINDS.some((known) => known === kind))
    throw new GatewayError('request-malformed', `Events are of kind ${EVENT_KINDS.join(', ')}.`)
  const limit = whole(c.req.query('limit'), PAGE, MOST_ROWS)
  const rows = await listEvents(c.env.DB, kind, limit, whole(c.req.query('offset'), 0, Number.MAX_SAFE_INTEGER))
  return c.json({ data: rows.map(happened) })
})

adminApi.route('/budgets', budgetsApi)
adminApi.route('/restores', restoresApi)
adminApi.route('/activity', activityApi)
adminApi.route('/recost', recostApi)
adminApi.route('/models/retiring', retiringApi)
adminApi.route('/prices', pricesApi)
adminApi.route('/credits', creditGrants)
adminApi.route('/routes', routesApi)

adminApi.get('/doctor', async (c) => c.json({ data: await doctorReport(c.env) }))

adminApi.all('*', (c) =>
  apiFailure(new GatewayError('path-unknown', `There is no ${c.req.method} ${new URL(c.req.url).pathname.slice(0, 200)} here.`)),
)
adminApi.onError((error) => apiFailure(error))

async function row(env: Env, { policy, spend, updatedAt }: Kept): Promise<{ readonly [name: string]: unknown }> {
  return listedKey(policy, spend, await viewModelLimits(env, policy), updatedAt, Date.now())
}

async function must(env: Env, hash: string): Promise<Kept> {
  const kept = /^[0-9a-f]{64}$/.test(hash) ? await findKey(env, hash) : null
  if (kept === null) throw new GatewayError('record-unknown', 'There is no key with this hash.')
  return kept
}
