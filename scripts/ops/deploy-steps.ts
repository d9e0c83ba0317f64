// The steps of a deployment, in order: log-in, database and namespace, migrations, secrets, the Worker, its first key. Each looks before
// it makes, so a second run changes nothing it need not. Knows the world only through `World`.

import type { Control } from './control.ts'
import { fingerprint, type Remembered } from './remote-state.ts'
import { ADMIN_KEY, KEY_SECRET, planSecrets } from './worker-secrets.ts'
import { forWorker, lacking, NO_DATABASE, NO_NAMESPACE, readConfig, withIds, type WorkerConfig } from './worker-config.ts'
import { databaseId, deployedUrl, namespaceId, readLogin, secretNames, wordsOf } from './wrangler-answers.ts'
import type { Ran, Wrangler } from './wrangler.ts'

export type World = {
  readonly wrangler: Wrangler
  readonly files: { read(name: string): string | null; write(name: string, text: string): void }
  readonly remembered: { get(worker: string): Remembered; set(worker: string, what: Remembered): void }
  /** From the environment over .dev.vars. */
  readonly settings: { readonly [name: string]: string }
  readonly make: { keySecret(): string; adminKey(): string }
  readonly say: (line: string) => void
  readonly ask: (question: string) => Promise<boolean>
  readonly control: (base: string, adminKey: string) => Control
  /** Resolves when the new address answers; `false`: not within the time that takes. */
  readonly answers: (url: string) => Promise<boolean>
}

/** What went wrong and what to do, for whoever deploys. */
export class DeployError extends Error {
  override readonly name = 'DeployError'
}

export const MODEL_CONFIG = 'wrangler.toml'

/** Every Worker has a file of its own, for it has a database and a namespace of its own. */
export function configFile(
  world: Pick<World, 'files'>,
  name: string | null,
): { readonly file: string; readonly text: string; readonly isNew: boolean } {
  const model = world.files.read(MODEL_CONFIG)
  if (model === null) throw new DeployError(`There is no ${MODEL_CONFIG} here. Run this in the folder of the checkout.`)
  if (name === null || name === readConfig(model).name) return { file: MODEL_CONFIG, text: model, isNew: false }
  const file = `wrangler.${name}.toml`
  const own = world.files.read(file)
  return { file, text: own ?? forWorker(model, name), isNew: own === null }
}

export async function deploy(world: World, name: string | null): Promise<void> {
  const { say } = world
  const { file, text, isNew } = configFile(world, name)
  const config = readConfig(text)
  const missing = lacking(config, readConfig(world.files.read(MODEL_CONFIG) ?? text))
  if (missing.length > 0) throw new DeployError(`${file} is older than ${MODEL_CONFIG}. Copy into it: ${missing.join('; ')}.`)
  say(`Log-in        ${await checkLogin(world, config)}`)
  if (isNew) world.files.write(file, text)
  const has = await secretsOf(world, file, config.name)
  await makeStores(world, file, config)
  await run(world, 'Migrations', ['d1', 'migrations', 'apply', 'DB', '--remote', '--config', file])
  say('Migrations    applied')
  const adminKey = await giveSecrets(world, file, config.name, has)
  say('Worker        uploading …')
  const ran = await run(world, 'The upload', ['deploy', '--config', file])
  const url = deployedUrl(ran)
  const { sent } = world.remembered.get(config.name)
  world.remembered.set(config.name, { url, sent })
  if (url === null) {
    say('Deployed. It has no address yet: set workers_dev = true or a route in the configuration, and deploy again.')
    return
  }
  say(`\nDeployed      ${url}   (${/^Total Upload: .*$/m.exec(ran.out)?.[0] ?? config.name})`)
  say(`              OpenAI SDK: baseURL ${url}/v1    Anthropic SDK: baseURL ${url}`)
  await firstKey(world, config.name, url, adminKey)
}

async function checkLogin(world: World, config: WorkerConfig): Promise<string> {
  const ran = await world.wrangler(['whoami', '--json'])
  const login = readLogin(ran)
  if (login === null) throw new DeployError(`wrangler could not say who is logged in: ${wordsOf(ran)}`)
  if (!login.loggedIn) {
    throw new DeployError(
      'wrangler is not logged in to Cloudflare. Run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN to a token that may edit Workers, D1 and KV (template "Edit Cloudflare Workers", and D1: Edit).',
    )
  }
  const chosen = config.accountId ?? world.settings['CLOUDFLARE_ACCOUNT_ID'] ?? null
  if (chosen === null && login.accounts.length > 1) {
    const list = login.accounts.map(({ id, name }) => `  ${id}  ${name}`).join('\n')
    throw new DeployError(
      `This log-in sees several accounts. Say which with CLOUDFLARE_ACCOUNT_ID, or account_id in the configuration:\n${list}`,
    )
  }
  const account = login.accounts.find(({ id }) => id === chosen) ?? login.accounts[0]
  return (
    [login.email, account === undefined ? chosen : `account ${account.name}`].filter((part) => part !== null).join(', ') || 'by API token'
  )
}

/** Writes each id as soon as it is known: what exists is never made twice. */
async function makeStores(world: World, file: string, config: WorkerConfig): Promise<void> {
  const edit = (ids: { readonly database?: string; readonly namespace?: string }): void =>
    world.files.write(file, withIds(world.files.read(file) ?? '', ids))
  const { database } = config
  if (database === null) throw new DeployError(`${file} has no [[d1_databases]] with binding = "DB".`)
  if (database.id === NO_DATABASE) {
    const look = async (): Promise<string | null> =>
      databaseId(await run(world, 'Listing the databases', ['d1', 'list', '--json']), database.name)
    const id = await found(world, `database ${database.name}`, look, ['d1', 'create', database.name])
    edit({ database: id })
    world.say(`Database      ${database.name} (${id}), written into ${file}`)
  } else world.say(`Database      ${database.name} (${database.id})`)
  const namespace = config.namespaces.find((one) => one.binding === 'ROUTES')
  if (namespace === undefined) throw new DeployError(`${file} has no [[kv_namespaces]] with binding = "ROUTES".`)
  if (namespace.id === NO_NAMESPACE) {
    const title = `${config.name}-routes`
    const look = async (): Promise<string | null> =>
      namespaceId(await run(world, 'Listing the namespaces', ['kv', 'namespace', 'list']), title)
    const id = await found(world, `namespace ${title}`, look, ['kv', 'namespace', 'create', title])
    edit({ namespace: id })
    world.say(`Namespace     ${title} (${id}), written into ${file}`)
  } else world.say(`Namespace     ${namespace.id}`)
}

async function found(world: World, what: string, look: () => Promise<string | null>, create: readonly string[]): Promise<string> {
  const existing = await look()
  if (existing !== null) return existing
  await run(world, `Making the ${what}`, create)
  const made = await look()
  if (made === null) throw new DeployError(`The ${what} was made, but is not in the list yet. Run this again in a minute.`)
  return made
}

/** The names of the secrets it has; a Worker of that name without ours may be somebody else's, which nobody wants replaced. */
async function secretsOf(world: World, file: string, worker: string): Promise<ReadonlySet<string>> {
  const names = secretNames(await world.wrangler(['secret', 'list', '--config', file]))
  if (names === null || names.has(KEY_SECRET)) return names ?? new Set()
  throw new DeployError(
    `A Worker named ${worker} exists in this account and does not look like Sluice: it would be replaced. Choose another name with --name; or, if it may go, npx wrangler secret put ${KEY_SECRET} --config ${file} first.`,
  )
}

/** Before the Worker: the first version that answers has them already. Gives the admin key if it is known here. */
async function giveSecrets(world: World, file: string, worker: string, has: ReadonlySet<string>): Promise<string | null> {
  const before = world.remembered.get(worker)
  const plan = planSecrets({ worker, has, sent: before.sent, settings: world.settings, make: world.make })
  const names = Object.keys(plan.send)
  if (names.length > 0) {
    await run(world, 'Setting the secrets', ['secret', 'bulk', '--config', file], JSON.stringify(plan.send))
    const sent = Object.fromEntries(Object.entries(plan.send).map(([name, value]) => [name, fingerprint(worker, name, value)]))
    world.remembered.set(worker, { ...before, sent: { ...before.sent, ...sent } })
  }
  world.say(`Secrets       ${names.length === 0 ? 'unchanged' : `set: ${names.join(', ')}`}`)
  for (const note of plan.notes) world.say(`              ${note}`)
  if (plan.newAdminKey !== null)
    world.say(
      `\nADMIN KEY     ${plan.newAdminKey}\n              Shown this once and kept nowhere else: put it where you keep passwords.\n`,
    )
  return plan.newAdminKey ?? world.settings[ADMIN_KEY] ?? null
}

async function firstKey(world: World, worker: string, url: string, adminKey: string | null): Promise<void> {
  const other = readConfig(world.files.read(MODEL_CONFIG) ?? '').name === worker ? '' : ` --worker ${worker}`
  const how = `npm run key -- create --remote${other} --name "my app" --limit 10`
  if (adminKey === null) return world.say(`Make a key    ${how}`)
  world.say('Waiting for the address to answer …')
  if (!(await world.answers(url))) return world.say(`It does not answer yet; a new address can take some minutes. Then make a key: ${how}`)
  const control = world.control(url, adminKey)
  if ((await control.list()).length > 0) return world.say(`Make a key    ${how}`)
  if (!(await world.ask('Make the first API key now?'))) return world.say(`Make a key    ${how}`)
  const { key } = await control.create({ name: 'first key' })
  world.say(`API KEY       ${key}   (shown this once)`)
}

async function run(world: World, what: string, args: readonly string[], input?: string): Promise<Ran> {
  const ran = await world.wrangler(args, input === undefined ? {} : { input })
  if (ran.code !== 0)
    throw new DeployError(`${what} failed: ${wordsOf(ran)}\nNothing before this step is lost: run it again when that is mended.`)
  return ran
}
