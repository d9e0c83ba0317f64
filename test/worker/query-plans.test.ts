import { runDurableObjectAlarm } from 'cloudflare:test'
import { beforeAll, describe, expect, it } from 'vitest'
import { keepHouse } from '../../src/platform/retention.ts'
import type { Env } from '../../src/platform/env.ts'
import { ADMIN, bindings, call, echo, makeKey, heldFor } from './bindings.ts'
import { carry, corrects, fresh, rowOf } from './ledger-rows.ts'

declare global {
  interface ImportMeta {
    /** Vite's: the files' texts, put in when the test is built. */
    glob<Text>(pattern: string, how: { query: '?raw'; import: 'default'; eager: true }): Readonly<Record<string, Text>>
  }
}

const TABLES = ['requests', 'refusals', 'keys', 'hourly', 'budgets', 'prices', 'grants']

/** A table may be gone through where this is the reason. */
const GONE_THROUGH: readonly { readonly statement: string; readonly plan: RegExp; readonly because: string }[] = [
  {
    statement: 'SELECT * FROM keys WHERE deleted_at IS NULL AND (?3 OR disabled = 0) ORDER BY created_at, id LIMIT ?1 OFFSET ?2',
    plan: /^SCAN keys USING INDEX keys_created$/,
    because: 'a page of all keys, read in the order of its index',
  },
  {
    statement: 'SELECT * FROM budgets WHERE removed = 0 ORDER BY scope LIMIT ?1 OFFSET ?2',
    plan: /^SCAN budgets$/,
    because: 'a page of all budgets, read in the order of the table',
  },
  {
    statement: 'SELECT version, created_at, document FROM prices ORDER BY version DESC LIMIT 1',
    plan: /^SCAN prices$/,
    because: 'its last row, read from the end of the table',
  },
]

const sources = import.meta.glob<string>('../../src/{platform,admin}/**/*.ts', { query: '?raw', import: 'default', eager: true })
/** Statement → the files that prepare it. */
const statements = new Map<string, Set<string>>()

/** All that is asked of D1 in this isolate, by the Worker and by the objects. */
function listen(): void {
  for (const database of [bindings.DB, bindings.DB.withSession()]) {
    const type = Object.getPrototypeOf(database) as { prepare: (this: unknown, sql: string) => D1PreparedStatement }
    const { prepare } = type
    type.prepare = function (sql: string) {
      const file = /src\/((?:platform|admin)\/[\w-]+\.ts)/.exec(new Error('where').stack ?? '')?.[1]
      if (file !== undefined) statements.set(sql, (statements.get(sql) ?? new Set()).add(file))
      return prepare.call(this, sql)
    }
  }
}

async function plan(sql: string): Promise<readonly string[]> {
  const parameters = Math.max(0, ...[...sql.matchAll(/\?(\d+)/g)].map(([, number]) => Number(number)))
  const { results } = await bindings.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .bind(...Array.from({ length: parameters }, () => null))
    .all<{ readonly detail: string }>()
  return results.map(({ detail }) => detail)
}

beforeAll(async () => {
  listen()
  const get = (path: string): Promise<Response> => call('GET', path, ADMIN)
  const { key, hash, id } = await makeKey({ sluice: { team: 'plans', requests_per_minute: 2 } })
  const served = await call('POST', '/v1/chat/completions', key, echo('x'))
  const requestId = served.headers.get('x-sluice-request-id') ?? ''
  await bindings.KEYS.getByName(id).settle([])
  await call('POST', '/v1/chat/completions', key, echo('x'))
  const refused = await call('POST', '/v1/chat/completions', key, echo('x'))
  expect(refused.status).toBe(429)
  await call('GET', '/v1/key', key)
  await call('PATCH', `/api/v1/keys/${hash}`, ADMIN, { name: 'changed' })
  await call('PUT', '/api/v1/budgets/team/plans', ADMIN, { limit: 1 })
  for (const path of ['/keys', '/budgets', '/budgets/team/plans', '/credits', '/doctor', `/generation?id=${requestId}`])
    await get(`/api/v1${path}`)
  for (const path of ['generations', 'refusals']) await get(`/api/v1/${path}?api_key_hash=${hash}`)
  expect((await call('POST', '/v1/feedback', ADMIN, { id: requestId, score: 1 })).status).toBe(200)
  await get(`/api/v1/refusals?id=${refused.headers.get('x-sluice-request-id')}`)
  for (const group of ['key', 'team', 'user', 'organization', 'tag']) await get(`/api/v1/activity?group_by=${group}&scope=team:plans`)
  await get(`/api/v1/activity?api_key_hash=${hash}&group_by=tag`)
  await carry([[fresh(rowOf('gen-retiring', { keyId: id, provider: 'xai', model: 'grok-3', createdAt: Date.now() }))]])
  await get('/api/v1/models/retiring')
  const prices = 'catalogue'
  const span = { from: '1970-01-01T00:00:00Z', to: '2100-01-01T00:00:00Z' }
  await call('POST', '/api/v1/recost', ADMIN, { ...span, prices })
  await makeKey()
  await call('POST', '/api/v1/recost', ADMIN, { ...span, prices })
  await call('POST', '/api/v1/recost', ADMIN, { ...span, prices, api_key_hash: hash })
  await call('PUT', '/api/v1/prices', ADMIN, {})
  await call('POST', '/api/v1/keys/import', ADMIN, { name: 'imported', key: 'sk-or-v1-0123456789abcdef' })
  await get('/api/v1/prices?version=1')
  // A settle that nobody remembers, and a correction.
  const row = rowOf('gen-forgotten', { keyId: id })
  await bindings.KEYS.getByName(id).settle([{ hold: heldFor(row), row, answer: null }])
  await carry([[corrects({ ...row, id: 'gen-corrected' })]])
  await keepHouse(bindings as unknown as Env, Date.now())
  await call('POST', '/v1/chat/completions', 'sk-or-v1-nobody-knows-this-one', echo('x'))
  // A soft limit that is reached, and credit.
  const warned = await makeKey({ sluice: { soft_limit: 0.000000001, credit: 'plans' } })
  for (const grant of [{ amount: 1, id: 'plans-1' }, { amount: 1, id: 'plans-1' }, { amount: 1 }])
    await call('POST', '/api/v1/credits/plans/grants', ADMIN, grant)
  await get('/api/v1/credits/plans')
  await call('GET', '/v1/key', warned.key)
  const spent = rowOf('gen-soft', { keyId: warned.id })
  await bindings.KEYS.getByName(warned.id).settle([{ hold: heldFor(spent), row: spent, answer: null }])
  await bindings.KEYS.getByName(warned.id).flush()
  await runDurableObjectAlarm(bindings.KEYS.getByName(warned.id))
  await get('/api/v1/events')
  // D1 put back to an earlier time, noticed and mended.
  await bindings.DB.prepare('UPDATE keys SET reported = 0, version = 0 WHERE id = ?1').bind(id).run()
  await bindings.DB.prepare("UPDATE budgets SET version = 0 WHERE scope = 'team:plans'").run()
  await call('POST', '/api/v1/restores', ADMIN, { ids: [id] })
  await call('POST', '/api/v1/restores', ADMIN, {})
  await get('/api/v1/restores')
})

describe('what is asked of D1', () => {
  it('is all heard here', () => {
    for (const [path, text] of Object.entries(sources)) {
      const file = /(?:platform|admin)\/[\w-]+\.ts$/.exec(path)?.[0] ?? path
      const sites = text.match(/\.prepare\(/g)?.length ?? 0
      const heard = [...statements.values()].filter((from) => from.has(file)).length
      expect([file, heard >= sites ? 'all' : `${heard} of ${sites}`]).toEqual([file, 'all'])
    }
  })

  it('goes by indexes, and through a whole table only where that is meant', async () => {
    expect(statements.size).toBeGreaterThan(20)
    const scans = new RegExp(`\\bSCAN (${TABLES.join('|')})\\b`)
    const met = new Set<string>()
    for (const sql of statements.keys()) {
      for (const detail of (await plan(sql)).filter((line) => scans.test(line))) {
        const meant = GONE_THROUGH.find(({ statement }) => statement === sql)
        expect([sql, detail, meant?.plan.test(detail) ?? false]).toEqual([sql, detail, true])
        met.add(sql)
      }
    }
    expect([...met].toSorted()).toEqual(GONE_THROUGH.map(({ statement }) => statement).toSorted())
  })
})
