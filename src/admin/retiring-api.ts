// `GET /api/v1/models/retiring`: models that are about to end or have ended and were still called in the last 30 days, by whom, and what may
// take their place. For the admin key only.

import { Hono } from 'hono'
import type { Catalogue } from '../catalogue/index.ts'
import { lifeOf, substituteFor, type Life } from '../catalogue/life.ts'
import { makeDeps } from '../deps.ts'
import { calledSince, callersOf, type Called, type Caller } from '../platform/callers.ts'
import type { Env } from '../platform/env.ts'

export const retiringApi = new Hono<{ Bindings: Env }>()

const DAY_MS = 86_400_000
const DAYS = 30
/** Rows of keys and models; `truncated` says that there are more. */
const MOST_CALLERS = 1000

retiringApi.get('/', async (c) => {
  const now = Date.now()
  const since = now - DAYS * DAY_MS
  const catalogue = await makeDeps(c.env, c.executionCtx).catalogue()
  const ending = (await calledSince(c.env.DB, since)).flatMap((target) => {
    const entry = catalogue.lookUp(target.provider, target.model)
    const life = entry === null ? null : lifeOf(entry, now)
    return life === null ? [] : [{ target, life }]
  })
  const callers = await callersOf(
    c.env.DB,
    ending.map(({ target }) => target),
    since,
    MOST_CALLERS + 1,
  )
  const shown = callers.slice(0, MOST_CALLERS)
  const data = ending
    .toSorted((a, b) => a.life.sunset.getTime() - b.life.sunset.getTime())
    .map(({ target, life }) => row(target, life, catalogue, shown, now))
  return c.json({ data, days: DAYS, truncated: callers.length > shown.length })
})

function row(
  target: Called,
  life: Life,
  catalogue: Catalogue,
  callers: readonly Caller[],
  now: number,
): { readonly [name: string]: unknown } {
  const entry = catalogue.lookUp(target.provider, target.model)
  return {
    model: `${target.provider}/${target.model}`,
    deprecated_since: life.deprecation === null ? null : isoDay(life.deprecation),
    sunset: isoDay(life.sunset),
    days_left: Math.ceil((life.sunset.getTime() - now) / DAY_MS),
    substitute: entry === null ? null : substituteFor(entry, catalogue),
    callers: callers
      .filter(({ provider, model }) => provider === target.provider && model === target.model)
      .map(({ keyId, hash, name, requests, lastHour }) => ({
        key_id: keyId,
        api_key_hash: hash,
        name,
        requests,
        last_called_at: new Date(lastHour).toISOString(),
      })),
  }
}

function isoDay(date: Date): string {
  return date.toISOString().slice(0, 10)
}
