// The route table as an isolate has it: asked of the routes object at most once a second, read from KV, compiled once a version. The last
// good one stays whatever happens.

import { GatewayError } from '../core/errors.ts'
import { compileRoutes } from '../routing/compile.ts'
import { NO_ROUTES, type RouteTable } from '../routing/contract.ts'
import type { RouteDocument } from '../routing/document-shape.ts'
import type { Env } from './env.ts'
import { NUMBER_KEY, routesObject, versionKey } from './routes-object.ts'

/** Younger: used as it is. */
const FRESH_MS = 1000
/** Older: the answer is waited for, so that the first request after a pause sees what was written in it. */
const OLD_MS = 2000
const WAIT_MS = 1000
/** Two questions in the background are at least so far apart. */
const APART_MS = 500
/** After a question without an answer nobody waits for the next ones. */
const PATIENCE_MS = 5000

/** Data, never a promise. `checkedAt`: when it was asked whether this is the newest; the answer was yes. */
let known: { readonly table: RouteTable; readonly checkedAt: number } | null = null
let askedAt = 0
let failedAt = 0

/**
 * The table as of at most two seconds ago; where nobody can be asked, the last good one.
 * @throws GatewayError `gateway-unavailable` when this isolate has none and neither the object nor KV answers
 */
export async function readRoutes(env: Env, later: (work: Promise<unknown>) => void): Promise<RouteTable> {
  const now = Date.now()
  if (known !== null) {
    const age = now - known.checkedAt
    if (age < FRESH_MS) return known.table
    if (age <= OLD_MS || now - failedAt < PATIENCE_MS) {
      if (now - askedAt >= APART_MS) later(ask(env, now))
      return known.table
    }
  }
  await atMost(WAIT_MS, ask(env, now), later)
  return known === null ? readCopy(env) : known.table
}

/** What counts in this isolate from now on; an older one never replaces a newer one. */
export function useRoutes(table: RouteTable, checkedAt: number): void {
  if (known === null || table.version >= known.table.version) known = { table, checkedAt }
}

/** Forgets what this isolate has read. */
export function forgetRoutes(): void {
  known = null
  askedAt = 0
  failedAt = 0
}

/** Never throws: what went wrong is logged once until it goes well again. */
async function ask(env: Env, now: number): Promise<void> {
  askedAt = now
  try {
    const object = routesObject(env)
    const version = await object.current()
    if (known !== null && version <= known.table.version) useRoutes(known.table, Math.max(now, known.checkedAt))
    else if (version === 0) useRoutes(NO_ROUTES, now)
    else {
      const copy = await env.ROUTES.get(versionKey(version)).catch(() => null)
      const document = copy ?? (await object.read(version))?.document
      if (document === undefined) throw new Error(`version ${version} is announced, but nobody has it`)
      useRoutes(compiled(version, document), now)
    }
    failedAt = 0
  } catch (cause) {
    failed(now, cause instanceof Error ? cause.message : 'unknown')
  }
}

function failed(now: number, why: string): void {
  if (failedAt === 0)
    console.log(
      JSON.stringify({ level: 'error', message: `The routes cannot be asked for; the last good ones are used: ${why.slice(0, 500)}` }),
    )
  failedAt = now
}

/** A newcomer that cannot ask the object. KV's number may be a minute old. */
async function readCopy(env: Env): Promise<RouteTable> {
  try {
    const number = Number((await env.ROUTES.get(NUMBER_KEY)) ?? 0)
    const document = number > 0 ? await env.ROUTES.get(versionKey(number)) : null
    if (number > 0 && document === null) throw new Error(`KV has no ${versionKey(number)}`)
    useRoutes(document === null ? NO_ROUTES : compiled(number, document), 0)
  } catch (cause) {
    if (known === null)
      throw new GatewayError('gateway-unavailable', 'The routes of this gateway cannot be read just now. Nothing was sent; try again.', {
        cause,
        retryAfterMs: 1000,
      })
  }
  return known?.table ?? NO_ROUTES
}

/** It was checked when it was written. */
function compiled(version: number, document: string): RouteTable {
  return compileRoutes(version, JSON.parse(document) as RouteDocument)
}

async function atMost(ms: number, work: Promise<void>, later: (work: Promise<unknown>) => void): Promise<void> {
  const waited = Promise.withResolvers<void>()
  const timer = setTimeout(() => {
    failed(Date.now(), `no answer within ${ms} ms`)
    later(work)
    waited.resolve()
  }, ms)
  await Promise.race([work, waited.promise])
  clearTimeout(timer)
}
