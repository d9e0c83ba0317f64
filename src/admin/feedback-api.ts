// Feedback on an answer, by the key whose answer it is or an administrator: OpenRouter's categories, or a plain score. Where the key learns it
// becomes an outcome of the model that answered.

import { Hono, type Context } from 'hono'
import * as z from 'zod'
import type { Row } from '../core/account.ts'
import { GatewayError } from '../core/errors.ts'
import { routerOf, type RouterPolicy } from '../core/policy.ts'
import { makeDeps } from '../deps.ts'
import type { Env } from '../platform/env.ts'
import { CATEGORIES, putFeedback, weightOf, type Feedback } from '../platform/feedback.ts'
import { policyOf, readKey } from '../platform/policies.ts'
import { resultOf } from '../routing/choosing/port.ts'
import { apiFailure } from './failure.ts'
import { check, readJson } from './key-input.ts'
import { isAdmin, requireKey } from './who.ts'

export const feedbackApi = new Hono<{ Bindings: Env }>()

const id = z.string().min(1).max(256)
const comment = z.string().max(1000).optional()
const reportShape = z.strictObject({ generation_id: id, category: z.enum(CATEGORIES), comment })
const scoreShape = z
  .strictObject({ generation_id: id.optional(), id: id.optional(), score: z.literal([1, -1]), comment })
  .refine(
    (said) => (said.generation_id === undefined) !== (said.id === undefined),
    'must name the generation once, as `generation_id` or `id`',
  )

feedbackApi.post('/api/v1/generation/feedback', (c) =>
  take(c, (body) => {
    const { generation_id: about, category } = check(reportShape, body)
    return { about, feedback: category }
  }),
)

for (const path of ['/v1/feedback', '/api/v1/feedback'])
  feedbackApi.post(path, (c) =>
    take(c, (body) => {
      const { generation_id: named, id: also, score } = check(scoreShape, body)
      return { about: named ?? also ?? '', feedback: score === 1 ? 'good' : 'bad' }
    }),
  )

feedbackApi.onError((error) => apiFailure(error))

async function take(
  c: Context<{ Bindings: Env }>,
  read: (body: unknown) => { readonly about: string; readonly feedback: Feedback },
): Promise<Response> {
  const deps = makeDeps(c.env, c.executionCtx)
  const own = isAdmin(c.req.raw.headers, c.env) ? null : await requireKey(c.req.raw.headers, deps)
  const { about, feedback } = read(await readJson(c.req.raw))
  const waiting = about.length > 64 ? null : ((await own?.account.pending(about)) ?? null)
  if (waiting !== null) await own?.account.flush()
  const row = about.length > 64 ? null : (waiting ?? (await deps.ledger.find(about)))
  // A foreign one is answered as one that does not exist, and so is a shadow.
  if (row === null || row.shadowOf !== undefined || (own !== null && row.keyId !== own.view.keyId))
    throw new GatewayError('record-unknown', 'There is no such generation.')
  const before = await putFeedback(c.env.DB, row.id, feedback)
  if (before === undefined)
    throw new GatewayError('gateway-unavailable', 'This generation is not in the ledger yet. It is safe to repeat this call.', {
      retryAfterMs: 1000,
    })
  const [weight, instead] = [weightOf(feedback), weightOf(before)]
  // Of a request that failed no model has answered.
  if (row.router !== undefined && row.ended !== 'failed' && weight !== instead) {
    deps.learning.heard(row.keyId, own === null ? await policyFor(c.env, row) : routerOf(own.view))
    const result = resultOf(row.router, weight, instead)
    if (result !== null) deps.learning.outcome(row.keyId, result)
  }
  return c.json({ data: { success: true } }, 200, { 'cache-control': 'no-store' })
}

async function policyFor(env: Env, { keyId }: Row): Promise<RouterPolicy | null> {
  const stored = await readKey(env.DB, keyId)
  return stored === null ? null : routerOf(policyOf(stored))
}
