// A whole deployment by the real wrangler against a stand-in for Cloudflare's API on loopback: what it makes, in which order, and that a
// second run makes nothing again.

import { readdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { deploy, type World } from '../../scripts/ops/deploy-steps.ts'
import type { Remembered } from '../../scripts/ops/remote-state.ts'
import { wranglerIn } from '../../scripts/ops/wrangler.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const ACCOUNT = 'a'.repeat(32)
const DATABASE = '11111111-2222-4333-8444-555555555555'
const NAMESPACE = 'b'.repeat(32)

/** What the stand-in holds. */
const cloud = {
  databases: [] as { uuid: string; name: string }[],
  namespaces: [] as { id: string; title: string }[],
  migrations: [] as { id: number; name: string }[],
  secrets: new Map<string, string>(),
  scripts: [] as string[],
  changes: [] as string[],
}

let server: Server
let folder = ''

beforeAll(async () => {
  server = createServer((request, response) => {
    void textOf(request).then((body) => {
      const answer = reply(request.method ?? '', new URL(request.url ?? '/', 'http://x'), body)
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  vi.stubEnv('CLOUDFLARE_API_BASE_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}/client/v4`)
  vi.stubEnv('CLOUDFLARE_API_TOKEN', 'not-a-real-token-but-long-enough-to-be-one')
  vi.stubEnv('CLOUDFLARE_ACCOUNT_ID', '')
  vi.stubEnv('WRANGLER_SEND_METRICS', 'false')
  vi.stubEnv('CI', 'true')
  folder = mkdtempSync(join(tmpdir(), 'sluice-deploy-'))
  // Bundling the real Worker says nothing of a deployment: a small one with the same class stands for it.
  writeFileSync(
    join(folder, 'worker.js'),
    'import { DurableObject } from "cloudflare:workers"\nexport class KeyObject extends DurableObject {}\nexport class BudgetObject extends DurableObject {}\nexport class DrainObject extends DurableObject {}\nexport class RoutesObject extends DurableObject {}\nexport class HealthObject extends DurableObject {}\nexport class LearningObject extends DurableObject {}\nexport default { fetch: () => new Response("") }\n',
  )
  const config = readFileSync(join(root, 'wrangler.toml'), 'utf8')
    .replace('src/index.ts', 'worker.js')
    .replace('migrations_dir = "migrations"', `migrations_dir = ${JSON.stringify(join(root, 'migrations'))}`)
  writeFileSync(
    join(folder, 'wrangler.toml'),
    config
      .replace(/database_id = ".*"/, 'database_id = "00000000-0000-0000-0000-000000000000"')
      .replace(/^id = ".*"/m, `id = "${'0'.repeat(32)}"`),
  )
})

afterAll(() => {
  vi.unstubAllEnvs()
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('a deployment by the real wrangler', () => {
  const remembered = new Map<string, Remembered>()
  const lines: string[] = []
  const world = (): World => ({
    wrangler: wranglerIn(folder),
    files: { read: (name) => readFileSync(join(folder, name), 'utf8'), write: (name, text) => writeFileSync(join(folder, name), text) },
    remembered: {
      get: (worker) => remembered.get(worker) ?? { url: null, sent: {} },
      set: (worker, what) => void remembered.set(worker, what),
    },
    settings: { OPENAI_API_KEY: 'sk-the-operators-own' },
    make: { keySecret: () => 'made-key-secret', adminKey: () => 'sk-admin-made' },
    say: (line) => void lines.push(line),
    ask: () => Promise.resolve(false),
    control: () => {
      throw new Error('No gateway stands behind the stand-in.')
    },
    answers: () => Promise.resolve(false),
  })

  it('makes what is missing, gives the secrets before the code, and says where it answers', { timeout: 120_000 }, async () => {
    await deploy(world(), null)
    const files = readdirSync(join(root, 'migrations')).filter((file) => file.endsWith('.sql'))
    const migrations = files.map(() => 'migration')
    expect(cloud.changes).toEqual(['database sluice', 'namespace sluice-routes', ...migrations, 'draft sluice', 'secrets', 'script sluice'])
    expect(cloud.migrations.map(({ name }) => name)).toEqual(files.toSorted())
    expect(Object.fromEntries(cloud.secrets)).toEqual({
      SLUICE_KEY_SECRET: 'made-key-secret',
      SLUICE_ADMIN_KEY: 'sk-admin-made',
      OPENAI_API_KEY: 'sk-the-operators-own',
    })
    expect(readFileSync(join(folder, 'wrangler.toml'), 'utf8')).toContain(`database_id = "${DATABASE}"`)
    expect(readFileSync(join(folder, 'wrangler.toml'), 'utf8')).toContain(`id = "${NAMESPACE}"`)
    expect(remembered.get('sluice')?.url).toBe('https://sluice.example.workers.dev')
    expect(lines.join('\n')).toContain('sk-admin-made')
    expect(lines.join('\n')).not.toMatch(/made-key-secret|sk-the-operators-own/)
  })

  it('uploads only the code when it is run again', { timeout: 120_000 }, async () => {
    cloud.changes.length = 0
    await deploy(world(), null)
    expect(cloud.changes).toEqual(['script sluice'])
  })
})

type Reply = { readonly status: number; readonly body: object }

const done = (result: unknown, info: object = {}): Reply => ({
  status: 200,
  body: { success: true, errors: [], messages: [], result, ...info },
})
const gone = (code: number): Reply => ({
  status: 404,
  body: { success: false, errors: [{ code, message: 'not found' }], messages: [], result: null },
})
const page = (rows: readonly unknown[]): Reply =>
  done(rows, { result_info: { page: 1, per_page: 1000, count: rows.length, total_count: rows.length } })

function reply(method: string, url: URL, body: string): Reply {
  const path = url.pathname.replace('/client/v4', '').replace(`/accounts/${ACCOUNT}`, '')
  const at = `${method} ${path}`
  const later = Number(url.searchParams.get('page') ?? 1) > 1
  if (at === 'GET /user') return done({ email: 'operator@example.com' })
  if (at === 'GET /user/tokens/verify') return done({ id: 'token', status: 'active' })
  if (at === 'GET /memberships') return page(later ? [] : [{ id: 'm', account: { id: ACCOUNT, name: 'Example' }, roles: [] }])
  if (at === 'GET /accounts') return page(later ? [] : [{ id: ACCOUNT, name: 'Example' }])
  if (at === 'GET /d1/database') return page(later ? [] : cloud.databases)
  if (at === 'POST /d1/database') {
    const { name } = JSON.parse(body) as { name: string }
    cloud.databases.push({ uuid: DATABASE, name })
    cloud.changes.push(`database ${name}`)
    return done({ uuid: DATABASE, name })
  }
  if (at === `GET /d1/database/${DATABASE}`) return done({ uuid: DATABASE, name: 'sluice' })
  if (at === `POST /d1/database/${DATABASE}/query`) return done(query((JSON.parse(body) as { sql: string }).sql))
  if (at === 'GET /storage/kv/namespaces') return page(later ? [] : cloud.namespaces)
  if (at === 'POST /storage/kv/namespaces') {
    const { title } = JSON.parse(body) as { title: string }
    cloud.namespaces.push({ id: NAMESPACE, title })
    cloud.changes.push(`namespace ${title}`)
    return done({ id: NAMESPACE, title })
  }
  return worker(at, body)
}

function worker(at: string, body: string): Reply {
  const exists = cloud.scripts.length > 0
  if (at === 'GET /workers/scripts/sluice/secrets')
    return exists ? done([...cloud.secrets.keys()].map((name) => ({ name, type: 'secret_text' }))) : gone(10_007)
  if (at === 'PATCH /workers/scripts/sluice/secrets-bulk') {
    if (!exists) return gone(10_007)
    for (const [name, secret] of Object.entries((JSON.parse(body) as { secrets: { [name: string]: { text: string } } }).secrets))
      cloud.secrets.set(name, secret.text)
    cloud.changes.push('secrets')
    return done({})
  }
  if (at === 'PUT /workers/scripts/sluice' || at === 'POST /workers/scripts/sluice/versions') {
    cloud.changes.push(`${body.includes('KeyObject') ? 'script' : 'draft'} sluice`)
    cloud.scripts.push(body)
    return done({
      id: 'version',
      script: { tag: 'tag' },
      startup_time_ms: 1,
      deployment_id: 'deployment',
      tag: 'tag',
      etag: 'etag',
      resources: { script: { etag: 'etag' } },
    })
  }
  if (at === 'GET /workers/services/sluice') {
    const uploads = cloud.scripts.filter((text) => text.includes('KeyObject')).length
    return exists
      ? done({
          default_environment: { script: { tag: 'tag', last_deployed_from: 'api', ...(uploads > 0 ? { migration_tag: 'v1' } : {}) } },
        })
      : gone(10_090)
  }
  if (at === 'GET /workers/workers/sluice') return done({ subdomain: { enabled: true, previews_enabled: false } })
  if (at === 'GET /workers/subdomain') return done({ subdomain: 'example' })
  if (at.endsWith('/workers/scripts/sluice/subdomain')) return done({ enabled: true, previews_enabled: false })
  if (at.endsWith('/deployments')) return done({ deployments: [], versions: [] })
  return at.startsWith('GET') ? gone(10_007) : done({})
}

/** The few questions that `d1 migrations apply` asks of a database. */
function query(sql: string): readonly object[] {
  if (/^\s*select/i.test(sql)) return [{ results: cloud.migrations, success: true, meta: {} }]
  const name = /INSERT INTO "?d1_migrations"?[\s\S]*?'([^']+\.sql)'/i.exec(sql)?.[1]
  if (name !== undefined) {
    cloud.migrations.push({ id: cloud.migrations.length + 1, name })
    cloud.changes.push('migration')
  }
  return [{ results: [], success: true, meta: { duration: 1 } }]
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}
