// D1 restored to an earlier time, under /api/v1/restores: who has noticed it, and a walk that has every key and budget compare at once.

import { Hono } from 'hono'
import * as z from 'zod'
import { objectOf } from '../platform/account.ts'
import { budgetOf } from '../platform/budget-object.ts'
import { listBudgets } from '../platform/budgets.ts'
import type { Env } from '../platform/env.ts'
import type { Reached } from '../platform/mirror.ts'
import { listRestores } from '../platform/restores.ts'
import { check, readJson } from './key-input.ts'

export const restoresApi = new Hono<{ Bindings: Env }>()

const PAGE = 100
const walk = z.strictObject({
  /** Keys that are in no list any more: their objects know them. */
  ids: z.array(z.string().regex(/^[a-z2-9]{12}$/, 'must be ids of keys')).max(PAGE).optional(),
  /** Where the walk goes on, as the answer before told it. */
  after: z.string().max(200).optional(),
}) // prettier-ignore

type Found = Reached & { readonly id: string }

restoresApi.get('/', async (c) => {
  const offset = Number(c.req.query('offset') ?? 0)
  const restores = await listRestores(c.env.DB, PAGE, Number.isSafeInteger(offset) && offset >= 0 ? offset : 0)
  return c.json({
    data: restores.map(({ createdAt, kind, scope, detail }) => ({ noticed_at: new Date(createdAt).toISOString(), kind, scope, ...detail })),
  })
})

restoresApi.post('/', async (c) => {
  const { ids, after } = check(walk, await readJson(c.req.raw))
  const keys = ids === undefined ? await pageOf(c.env.DB, after ?? '') : await these(c.env.DB, ids)
  const mended = await Promise.all(keys.map(({ id, found }) => objectOf(c.env, id).reconcile(found)))
  const budgets = ids === undefined && after === undefined ? await allBudgets(c.env) : { checked: 0, behind: 0 }
  const last = ids === undefined && keys.length === PAGE ? keys.at(-1)?.id : undefined
  return c.json({
    data: { checked: keys.length + budgets.checked, behind: mended.filter(Boolean).length + budgets.behind, after: last ?? null },
  })
})

type Asked = readonly { readonly id: string; readonly found: Reached | null }[]

async function pageOf(db: D1Database, after: string): Promise<Asked> {
  const { results } = await db
    .prepare('SELECT id, version, reported FROM keys WHERE id > ?1 ORDER BY id LIMIT ?2')
    .bind(after, PAGE)
    .all<Found>()
  return results.map((found) => ({ id: found.id, found }))
}

async function these(db: D1Database, ids: readonly string[]): Promise<Asked> {
  const { results } = await db
    .prepare('SELECT id, version, reported FROM keys WHERE id IN (SELECT value FROM json_each(?1))')
    .bind(JSON.stringify(ids))
    .all<Found>()
  const byId = new Map(results.map((found) => [found.id, found]))
  return ids.map((id) => ({ id, found: byId.get(id) ?? null }))
}

async function allBudgets(env: Env): Promise<{ readonly checked: number; readonly behind: number }> {
  let checked = 0
  let behind = 0
  for (;;) {
    const page = await listBudgets(env.DB, PAGE, checked)
    const mended = await Promise.all(page.map((found) => budgetOf(env, found.scope).reconcile(found)))
    checked += page.length
    behind += mended.filter(Boolean).length
    if (page.length < PAGE) return { checked, behind }
  }
}
