// `npm run deploy -- --dry-run`: says what a deployment would do and bundles the Worker. No account is needed; nothing is changed.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { configFile, DeployError, MODEL_CONFIG, type World } from './deploy-steps.ts'
import { planSecrets } from './worker-secrets.ts'
import { lacking, NO_DATABASE, NO_NAMESPACE, readConfig } from './worker-config.ts'
import { wordsOf } from './wrangler-answers.ts'

export async function rehearse(world: World, name: string | null): Promise<void> {
  const { say } = world
  const { file, text, isNew } = configFile(world, name)
  const config = readConfig(text)
  const missing = lacking(config, readConfig(world.files.read(MODEL_CONFIG) ?? text))
  if (missing.length > 0) throw new DeployError(`${file} is older than ${MODEL_CONFIG}. Copy into it: ${missing.join('; ')}.`)
  const { database, namespaces } = config
  const secrets = Object.keys(
    planSecrets({
      worker: config.name,
      has: new Set(),
      sent: {},
      settings: world.settings,
      make: { keySecret: () => 'x', adminKey: () => 'x' },
    }).send,
  )
  say(`Would deploy the Worker ${config.name} with ${file}${isNew ? ' (which it would write)' : ''}:`)
  say('  1. wrangler whoami --json')
  say(
    `  2. D1 database ${database?.name ?? ''}: ${database?.id === NO_DATABASE ? `find or make it, write its id into ${file}` : (database?.id ?? 'missing')}`,
  )
  const routes = namespaces.find((one) => one.binding === 'ROUTES')
  say(
    `  3. KV namespace ${config.name}-routes: ${routes?.id === NO_NAMESPACE ? `find or make it, write its id into ${file}` : (routes?.id ?? 'missing')}`,
  )
  say(`  4. wrangler d1 migrations apply DB --remote --config ${file}`)
  say(`  5. wrangler secret list, then secret bulk (on standard input) for what is missing or changed of: ${secrets.join(', ')}`)
  say(`  6. wrangler deploy --config ${file}`)
  say('  7. the first key, if there is none and you want one\n')
  if (isNew) return say(`Bundling is left out: ${file} does not exist yet.`)
  const outdir = mkdtempSync(join(tmpdir(), 'sluice-dry-run-'))
  try {
    const ran = await world.wrangler(['deploy', '--dry-run', '--outdir', outdir, '--config', file], { shown: true })
    if (ran.code !== 0) throw new DeployError(`The Worker cannot be bundled: ${wordsOf(ran)}`)
  } finally {
    rmSync(outdir, { recursive: true, force: true })
  }
  say('Nothing was changed.')
}
