// A deployment by a recorded wrangler: the order of its calls, what goes where, and what is told to whoever deploys.

import { describe, expect, it } from 'vitest'
import type { Control } from '../../scripts/ops/control.ts'
import { deploy, type World } from '../../scripts/ops/deploy-steps.ts'
import { fingerprint, type Remembered } from '../../scripts/ops/remote-state.ts'
import { forWorker, lacking, NO_DATABASE, NO_NAMESPACE, readConfig, withIds } from '../../scripts/ops/worker-config.ts'
import { planSecrets } from '../../scripts/ops/worker-secrets.ts'
import { databaseId, deployedUrl, namespaceId, readLogin, secretNames, wordsOf } from '../../scripts/ops/wrangler-answers.ts'
import type { Ran } from '../../scripts/ops/wrangler.ts'

const TOML = `# Sluice
name = "sluice"   # the Worker
compatibility_flags = ["enable_request_signal"]

[[d1_databases]]
binding = "OTHER"
database_id = "other"

[[d1_databases]]
binding = "DB" # the ledger
database_name = "sluice"
database_id = "${NO_DATABASE}" # filled in
migrations_dir = "migrations"

[[kv_namespaces]]
binding = "ROUTES"
id = "${NO_NAMESPACE}"

[[durable_objects.bindings]]
name = "KEYS"
class_name = "KeyObject"

[[migrations]]
tag = "v1"
new_sqlite_classes = ["KeyObject"]

[vars]
SLUICE_LOG = "on"
`

const ok = (out = ''): Ran => ({ code: 0, out, err: '' })
const failed = (err: string): Ran => ({ code: 1, out: '', err })
const LOGIN = JSON.stringify({ loggedIn: true, email: 'me@example.com', accounts: [{ id: 'a1', name: 'Mine' }] })
const NO_WORKER = failed('✘ [ERROR] Worker "sluice" not found.\n\nIf this is a new Worker, run `wrangler deploy` first to create it.\n')
const UPLOADED =
  'Total Upload: 9 KiB / gzip: 3 KiB\nUploaded sluice (1 sec)\nDeployed sluice triggers (1 sec)\n  https://sluice.me.workers.dev\nCurrent Version ID: v\n'

/** A wrangler that keeps what it was asked, and has the databases and namespaces that it was asked to make. */
function recorded(
  given: {
    readonly answers?: { readonly [command: string]: Ran }
    readonly settings?: World['settings']
    readonly toml?: string
    readonly yes?: boolean
    readonly keys?: number
  } = {},
) {
  const calls: string[] = []
  const inputs: string[] = []
  const lines: string[] = []
  const files = new Map([['wrangler.toml', given.toml ?? TOML]])
  const remembered = new Map<string, Remembered>()
  const made = new Set<string>()
  const world: World = {
    wrangler: (args, call = {}) => {
      const command = args.join(' ')
      calls.push(command)
      if (call.input !== undefined) inputs.push(call.input)
      const answer = Object.entries(given.answers ?? {}).find(([start]) => command.startsWith(start))?.[1]
      if (answer !== undefined) return Promise.resolve(answer)
      if (args[1] === 'create' || args[2] === 'create') made.add(args.at(-1) ?? '')
      if (command.startsWith('whoami')) return Promise.resolve(ok(LOGIN))
      if (command.startsWith('d1 list')) return Promise.resolve(ok(made.has('sluice') ? '[{"uuid":"db-id","name":"sluice"}]' : '[]'))
      if (command.startsWith('kv namespace list'))
        return Promise.resolve(ok(made.has('sluice-routes') ? '[\n{"id":"kv-id","title":"sluice-routes"}\n]' : '[]'))
      if (command.startsWith('secret list')) return Promise.resolve(NO_WORKER)
      return Promise.resolve(ok(command.startsWith('deploy') ? UPLOADED : ''))
    },
    files: { read: (name) => files.get(name) ?? null, write: (name, text) => void files.set(name, text) },
    remembered: {
      get: (worker) => remembered.get(worker) ?? { url: null, sent: {} },
      set: (worker, what) => void remembered.set(worker, what),
    },
    settings: given.settings ?? {},
    make: { keySecret: () => 'made-secret', adminKey: () => 'sk-admin-made' },
    say: (line) => void lines.push(line),
    ask: () => Promise.resolve(given.yes === true),
    control: () =>
      ({
        list: () => Promise.resolve(Array.from({ length: given.keys ?? 0 })),
        create: () => Promise.resolve({ row: {}, key: 'sk-sluice-first' }),
      }) as unknown as Control,
    answers: () => Promise.resolve(true),
  }
  return { world, calls, inputs, lines, files, remembered, said: () => lines.join('\n') }
}

describe('deploying', () => {
  it('looks before it makes, and gives the secrets before the code', async () => {
    const { world, calls, inputs, files, said } = recorded({ settings: { OPENAI_API_KEY: 'sk-o' }, yes: true })
    await deploy(world, null)
    expect(calls).toEqual([
      'whoami --json',
      'secret list --config wrangler.toml',
      'd1 list --json',
      'd1 create sluice',
      'd1 list --json',
      'kv namespace list',
      'kv namespace create sluice-routes',
      'kv namespace list',
      'd1 migrations apply DB --remote --config wrangler.toml',
      'secret bulk --config wrangler.toml',
      'deploy --config wrangler.toml',
    ])
    expect(inputs.map((text) => JSON.parse(text) as unknown)).toEqual([
      { SLUICE_KEY_SECRET: 'made-secret', SLUICE_ADMIN_KEY: 'sk-admin-made', OPENAI_API_KEY: 'sk-o' },
    ])
    expect(readConfig(files.get('wrangler.toml') ?? '')).toMatchObject({ database: { id: 'db-id' }, namespaces: [{ id: 'kv-id' }] })
    expect(said()).toContain('https://sluice.me.workers.dev')
    expect(said()).toContain('sk-sluice-first')
  })

  it('never puts a secret into an argument or a line, but the new admin key once', async () => {
    const { world, calls, said } = recorded({ settings: { OPENAI_API_KEY: 'sk-o-secret', SLUICE_KEY_SECRET: 'my-key-secret' } })
    await deploy(world, null)
    expect(calls.join('\n') + said()).not.toMatch(/sk-o-secret|my-key-secret|made-secret/)
    expect(said().match(/sk-admin-made/g)).toHaveLength(1)
  })

  it('makes nothing and sends no secret again the second time', async () => {
    const first = recorded({ settings: { OPENAI_API_KEY: 'sk-o' } })
    await deploy(first.world, null)
    const second = recorded({
      settings: { OPENAI_API_KEY: 'sk-o' },
      toml: first.files.get('wrangler.toml') ?? '',
      answers: { 'secret list': ok('[{"name":"SLUICE_KEY_SECRET"},{"name":"SLUICE_ADMIN_KEY"},{"name":"OPENAI_API_KEY"}]') },
    })
    const [[worker, what] = ['', { url: null, sent: {} }]] = first.remembered
    second.remembered.set(worker, what)
    await deploy(second.world, null)
    expect(second.calls).toEqual([
      'whoami --json',
      'secret list --config wrangler.toml',
      'd1 migrations apply DB --remote --config wrangler.toml',
      'deploy --config wrangler.toml',
    ])
    expect(second.files.get('wrangler.toml')).toBe(first.files.get('wrangler.toml'))
  })

  it('gives another Worker a file, a database and a namespace of its own', async () => {
    const { world, calls, files } = recorded({
      answers: {
        'd1 list': ok('[{"uuid":"db-2","name":"staging"},{"uuid":"db-1","name":"sluice"}]'),
        'kv namespace list': ok('[{"id":"kv-2","title":"staging-routes"}]'),
      },
    })
    await deploy(world, 'staging')
    expect(files.get('wrangler.toml')).toBe(TOML)
    expect(readConfig(files.get('wrangler.staging.toml') ?? '')).toMatchObject({
      name: 'staging',
      database: { name: 'staging', id: 'db-2' },
      namespaces: [{ id: 'kv-2' }],
    })
    expect(calls.at(-1)).toBe('deploy --config wrangler.staging.toml')
  })

  it.each([
    ['nobody is logged in', { whoami: failed(''), 'whoami --json': { code: 1, out: '{"loggedIn":false}', err: '' } }, /npx wrangler login/],
    [
      'there are several accounts',
      {
        whoami: ok(
          JSON.stringify({
            loggedIn: true,
            accounts: [
              { id: 'a1', name: 'One' },
              { id: 'a2', name: 'Two' },
            ],
          }),
        ),
      },
      /CLOUDFLARE_ACCOUNT_ID[\s\S]*a2 {2}Two/,
    ],
    ['a Worker of that name is not Sluice', { 'secret list': ok('[{"name":"STRIPE_KEY"}]') }, /does not look like Sluice/],
    [
      'the secrets cannot be read',
      { 'secret list': failed('[ERROR] A request to the Cloudflare API failed. Authentication error [code: 10000]') },
      /Authentication error/,
    ],
  ] as const)('stops before it makes anything when %s', async (_, answers, words) => {
    const { world, calls } = recorded({ answers: Object.fromEntries(Object.entries(answers).toReversed()) })
    await expect(deploy(world, null)).rejects.toThrow(words)
    expect(calls.some((call) => /create|apply|bulk|^deploy/.test(call))).toBe(false)
  })

  it('uploads no code when a migration fails, and keeps the ids that were made', async () => {
    const { world, calls, files } = recorded({ answers: { 'd1 migrations': failed('✘ [ERROR] near "CREAT": syntax error') } })
    await expect(deploy(world, null)).rejects.toThrow(/Migrations failed: near "CREAT"/)
    expect(calls.some((call) => call.startsWith('deploy') || call.startsWith('secret bulk'))).toBe(false)
    expect(files.get('wrangler.toml')).toContain('db-id')
  })
})

describe('the secrets of a Worker', () => {
  const plan = (has: readonly string[], settings: { readonly [name: string]: string }, sent = {}) =>
    planSecrets({ worker: 'w', has: new Set(has), sent, settings, make: { keySecret: () => 'k', adminKey: () => 'a' } })
  const OWN = ['SLUICE_KEY_SECRET', 'SLUICE_ADMIN_KEY']

  it('never replaces the secret that all keys hang on', () => {
    const { send, notes } = plan(OWN, { SLUICE_KEY_SECRET: 'another', SLUICE_ADMIN_KEY: 'another' })
    expect(send).toEqual({})
    expect(notes.join(' ')).toMatch(/SLUICE_KEY_SECRET stays/)
  })
  it('sends a provider key again only when it changed', () => {
    const has = [...OWN, 'OPENAI_API_KEY']
    expect(plan(has, { OPENAI_API_KEY: 'v' }, { OPENAI_API_KEY: fingerprint('w', 'OPENAI_API_KEY', 'v') }).send).toEqual({})
    expect(plan(has, { OPENAI_API_KEY: 'new' }, { OPENAI_API_KEY: fingerprint('w', 'OPENAI_API_KEY', 'v') }).send).toEqual({
      OPENAI_API_KEY: 'new',
    })
  })
  it('leaves out an address that only this machine has, and settings that are not the provider’s', () => {
    const { send, notes } = plan(OWN, {
      OLLAMA_BASE_URL: 'http://localhost:11434/v1',
      OPENAI_BASE_URL: 'https://eu.api.openai.com/v1',
      HOME: '/root',
      SLUICE_DEMO: 'on',
    })
    expect(send).toEqual({ OPENAI_BASE_URL: 'https://eu.api.openai.com/v1' })
    expect(notes.join(' ')).toContain('OLLAMA_BASE_URL')
  })
})

describe('wrangler.toml', () => {
  it('gets its ids in place: every other character stays', () => {
    expect(withIds(TOML, { database: 'D', namespace: 'N' })).toBe(
      TOML.replace(NO_DATABASE, 'D').replace(`id = "${NO_NAMESPACE}"`, 'id = "N"'),
    )
  })
  it('gets an id where the line is missing', () => {
    expect(readConfig(withIds(TOML.replace(/^id = .*\n/m, ''), { namespace: 'N' })).namespaces).toEqual([{ binding: 'ROUTES', id: 'N' }])
  })
  it('names what an older file of another Worker lacks', () => {
    const old = forWorker(TOML, 'staging').replace(/\[\[migrations\]\][\s\S]*$/, '')
    expect(lacking(readConfig(old), readConfig(TOML))).toEqual(['object migration v1'])
    expect(lacking(readConfig(forWorker(TOML, 'staging')), readConfig(TOML))).toEqual([])
    const timed = `${TOML}\n[triggers]\ncrons = ["17 * * * *"] # hourly\n`
    expect(readConfig(timed).crons).toEqual(['17 * * * *'])
    expect(lacking(readConfig(TOML), readConfig(timed))).toEqual(['[triggers] crons'])
    expect(lacking(readConfig(forWorker(timed, 'staging')), readConfig(timed))).toEqual([])
  })
})

describe('what wrangler says', () => {
  it('is read around its notices', () => {
    expect(databaseId(ok('▲ [WARNING] old\n\n[\n  {"uuid":"u","name":"sluice"}\n]\n\nCloudflare collects telemetry [x]\n'), 'sluice')).toBe(
      'u',
    )
    expect(namespaceId(ok('[]'), 'sluice-routes')).toBeNull()
    expect(readLogin(ok('nothing'))).toBeNull()
  })
  it('tells a Worker that does not exist from a failure', () => {
    expect(secretNames(NO_WORKER)).toBeNull()
    expect(() => secretNames(failed('✘ [ERROR] fetch failed'))).toThrow('fetch failed')
  })
  it('has the address', () => {
    expect(deployedUrl(ok(UPLOADED))).toBe('https://sluice.me.workers.dev')
    expect(deployedUrl(ok('Deployed sluice triggers (1 sec)\n  llm.example.com (custom domain)\n'))).toBe('https://llm.example.com')
    expect(deployedUrl(ok('No targets deployed for sluice'))).toBeNull()
  })
  it('has its words without colours and log files', () => {
    expect(
      wordsOf(
        failed(
          '\u001B[31m✘ \u001B[41;31m[\u001B[41;97mERROR\u001B[41;31m]\u001B[0m \u001B[1mIt broke.\u001B[0m\n\n🪵  Logs were written to "/root/x.log"\n',
        ),
      ),
    ).toBe('It broke.')
  })
})
