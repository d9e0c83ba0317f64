// Morph's router paths, `POST /v1/router/…`, for whoever has a key. Errors are OpenAI's.

import { Hono } from 'hono'
import { GatewayError } from '../core/errors.ts'
import { makeDeps } from '../deps.ts'
import { CLIENT_DIALECTS } from '../dialects/index.ts'
import { newRequestId } from '../gateway/job.ts'
import { refuse } from '../gateway/respond.ts'
import type { Env } from '../platform/env.ts'
import { routerAnswer } from './router-answers.ts'
import { requireKey } from './who.ts'

export const routerApi = new Hono<{ Bindings: Env }>()

routerApi.post('/v1/router/:end', async (c) => {
  const deps = makeDeps(c.env, c.executionCtx)
  const { view } = await requireKey(c.req.raw.headers, deps)
  return c.json(await routerAnswer(c.req.param('end'), c.req.raw, view, deps), 200, { 'cache-control': 'no-store' })
})

routerApi.all('/v1/router/:end', (c) => {
  throw new GatewayError('method-not-allowed', `${c.req.method} is not allowed here; send a POST.`)
})

routerApi.onError((error, c) => {
  const [openai] = CLIENT_DIALECTS
  if (openai === undefined) throw error
  return refuse(error, openai, newRequestId(), makeDeps(c.env, c.executionCtx).log)
})
