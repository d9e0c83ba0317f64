// `POST /api/v1/routes/explain`, for the admin key only: where a request would go and why, without sending it; or a decision made again, by
// what it was made of or by what is so today.

import { Hono } from 'hono'
import * as z from 'zod'
import { GatewayError } from '../core/errors.ts'
import { makeDeps } from '../deps.ts'
import { anybody, standIn, type Asker, type Explain } from '../gateway/telling/explain.ts'
import type { Decision } from '../gateway/telling/decision.ts'
import { isSameOrder, replay } from '../gateway/telling/replay.ts'
import { objectOf } from '../platform/account.ts'
import { numberSetting, type Env } from '../platform/env.ts'
import { decisionShape } from './decision-shape.ts'
import { apiFailure } from './failure.ts'
import { check } from './key-input.ts'
import { findKey } from './key-store.ts'
import { requireAdmin } from './who.ts'

const key = z.string().regex(/^[0-9a-f]{64}$/, 'must be the hash of a key')
const planShape = z.strictObject({
  path: z.string().regex(/^\/[\x21-\x7e]{0,2000}$/, 'must be a path such as /v1/chat/completions'),
  headers: z
    .record(
      z.string().regex(/^[A-Za-z0-9-]{1,100}$/),
      z
        .string()
        .max(8000)
        .regex(/^[\x20-\x7e]*$/),
    )
    .optional(),
  body: z.record(z.string(), z.unknown()),
  key: key.optional(),
})
const againShape = z.strictObject({
  decision: decisionShape.optional(),
  id: z.string().min(1).max(64).optional(),
  now: z.boolean().optional(),
  key: key.optional(),
})

/** `find`: what plans requests at a path; `null`: nobody does. */
export function explainApi(find: (url: URL) => Explain | null): Hono<{ Bindings: Env }> {
  const api = new Hono<{ Bindings: Env }>()
  api.post('/', async (c) => {
    requireAdmin(c.req.raw.headers, c.env)
    c.header('cache-control', 'no-store')
    const deps = makeDeps(c.env, c.executionCtx)
    const said = await readBody(c.req.raw, deps.limits.bodyBytes)
    if (Object.hasOwn(said, 'path')) {
      const plan = check(planShape, said)
      const url = new URL(plan.path, c.req.url)
      const request = new Request(url, { method: 'POST', headers: headersOf(plan.headers ?? {}), body: JSON.stringify(plan.body) })
      return c.json({ data: await mustFind(find, url)(request, deps, await askerOf(c.env, plan.key)) })
    }
    const again = check(againShape, said)
    const decision = again.decision ?? (await storedOf(again.id, deps.ledger.find.bind(deps.ledger)))
    if (again.now !== true) {
      const order = replay(decision)
      return c.json({ data: { same: order === null ? null : isSameOrder(decision, order), order, decision } })
    }
    if (decision.wishes.config === true)
      throw new GatewayError(
        'request-unsupported',
        'That request brought a config of its own, which is not kept: send it to this path anew.',
        {
          at: 'now',
        },
      )
    const url = new URL(decision.path, c.req.url)
    const request = new Request(url, { method: 'POST', headers: headersOf({}), body: standIn(decision) })
    const today = await mustFind(find, url)(request, deps, await askerOf(c.env, again.key), decision)
    return c.json({ data: { ...today, changes: today.decision === null ? [] : changesOf(decision, today.decision) } })
  })
  api.onError((error) => apiFailure(error))
  return api
}

function mustFind(find: (url: URL) => Explain | null, url: URL): Explain {
  const found = find(url)
  if (found === null)
    throw new GatewayError('request-malformed', `path: no requests are answered at ${url.pathname.slice(0, 200)}.`, { at: 'path' })
  return found
}

async function askerOf(env: Env, hash: string | undefined): Promise<Asker> {
  if (hash === undefined) return anybody(numberSetting(env, 'SLUICE_DEFAULT_MAX_TOKENS', 16_384))
  const kept = await findKey(env, hash)
  if (kept === null) throw new GatewayError('record-unknown', 'There is no key with this hash.')
  const { keyId } = kept.policy
  return { key: { id: keyId, secretHash: hash }, admit: (ask) => objectOf(env, keyId).preview(ask) }
}

async function storedOf(id: string | undefined, find: (id: string) => Promise<{ readonly decision?: string } | null>): Promise<Decision> {
  if (id === undefined)
    throw new GatewayError('request-malformed', 'Send a request as `path` and `body`, a `decision`, or the `id` of a request.')
  const row = await find(id)
  if (row === null)
    throw new GatewayError('record-unknown', 'There is no such request in the ledger; it may take some seconds to come there.')
  if (row.decision === undefined)
    throw new GatewayError('record-unknown', 'No decision is kept of this request: only of those with `x-sluice-route: explain`.')
  return JSON.parse(row.decision) as Decision // as we wrote it
}

/** Targets whose place, or whose reason for being out, is another one now. */
function changesOf(then: Decision, now: Decision): readonly { readonly [name: string]: unknown }[] {
  const told = ({ targets }: Decision): Map<string, string> => {
    const all = new Map<string, string>()
    for (const { id, position, out, why } of targets) if (!all.has(id)) all.set(id, JSON.stringify({ position, out, why }))
    return all
  }
  const before = told(then)
  const after = told(now)
  const parsed = (text: string | undefined): unknown => (text === undefined ? null : JSON.parse(text))
  const ids = [...new Set([...after.keys(), ...before.keys()])]
  const changed = ids
    .filter((id) => before.get(id) !== after.get(id))
    .map((id) => ({ id, before: parsed(before.get(id)), now: parsed(after.get(id)) }))
  const rest = (['table_version', 'route', 'refused'] as const)
    .filter((name) => then[name] !== now[name])
    .map((name) => ({ of: name, before: then[name], now: now[name] }))
  return [...rest, ...changed]
}

function headersOf(said: { readonly [name: string]: string }): Headers {
  const headers = new Headers(said)
  headers.set('content-type', 'application/json')
  return headers
}

async function readBody(request: Request, mostBytes: number): Promise<{ readonly [name: string]: unknown }> {
  if (Number(request.headers.get('content-length') ?? 0) > mostBytes) throw tooLarge(mostBytes)
  const bytes = await request.arrayBuffer()
  if (bytes.byteLength > mostBytes) throw tooLarge(mostBytes)
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes))
  } catch (cause) {
    throw new GatewayError('request-malformed', 'The body is not valid JSON.', { cause })
  }
  return check(z.record(z.string(), z.unknown()), value)
}

function tooLarge(mostBytes: number): GatewayError {
  return new GatewayError('body-too-large', `The body is larger than ${mostBytes} bytes.`)
}
