// `npm run deploy`: puts Sluice on Cloudflare with wrangler, for the first time or again.

import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { randomName } from '../src/core/key.ts'
import { stateFolder } from './local/settings.ts'
import { controlOf } from './ops/control.ts'
import { deploy, DeployError, type World } from './ops/deploy-steps.ts'
import { rehearse } from './ops/dry-run.ts'
import { readRemote, writeRemote } from './ops/remote-state.ts'
import { saidSettings } from './ops/said-settings.ts'
import { askYesNo, canAsk } from './ops/terminal.ts'
import { wranglerIn } from './ops/wrangler.ts'

const HELP = `npm run deploy [-- --name NAME] [--yes] [--dry-run]

Puts Sluice on Cloudflare, or brings what is there up to date:
  1. checks that wrangler is logged in (npx wrangler login, or CLOUDFLARE_API_TOKEN)
  2. makes the D1 database and the KV namespace if wrangler.toml has no ids yet, and writes the ids
     into wrangler.toml in place: commit that
  3. applies the migrations
  4. sets secrets: SLUICE_KEY_SECRET and SLUICE_ADMIN_KEY if the Worker has none (the admin key is
     shown once), and the providers' settings found in the environment or in .dev.vars
  5. uploads the Worker and says where it answers
  6. makes the first key, if you want

  --name NAME   another Worker, with a database, a namespace and a file of its own: wrangler.NAME.toml
  --yes         make the first key without asking
  --dry-run     say what would be done and bundle the Worker; needs no account, changes nothing

CLOUDFLARE_ACCOUNT_ID chooses the account where the log-in sees several.`

const WAIT_MS = 90_000
const folder = fileURLToPath(new URL('..', import.meta.url))

try {
  const { values } = parseArgs({
    options: {
      name: { type: 'string' },
      yes: { type: 'boolean', short: 'y' },
      'dry-run': { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const name = values.name ?? null
  if (name !== null && !/^[a-z0-9](?:[a-z0-9-]{0,52}[a-z0-9])?$/.test(name))
    throw new DeployError('--name: a Worker is named by small letters, digits and dashes, at most 54 of them.')
  if (values.help === true) console.log(HELP)
  else await (values['dry-run'] === true ? rehearse : deploy)(worldOf(values.yes === true), name)
} catch (error) {
  console.error(`\nNot deployed: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}

function worldOf(yes: boolean): World {
  const state = stateFolder()
  const at = (file: string): string => `${folder}${file}`
  return {
    wrangler: wranglerIn(folder),
    files: {
      read: (file) => (existsSync(at(file)) ? readFileSync(at(file), 'utf8') : null),
      write: (file, text) => writeFileSync(at(file), text),
    },
    remembered: {
      get: (worker) => readRemote(state)[worker] ?? { url: null, sent: {} },
      set: (worker, what) => writeRemote(state, worker, what),
    },
    settings: saidSettings(),
    make: { keySecret: () => randomBytes(32).toString('base64url'), adminKey: () => `sk-admin-${randomName(40)}` },
    say: (line) => console.log(line),
    ask: (question) => (yes ? Promise.resolve(true) : canAsk() ? askYesNo(question) : Promise.resolve(false)),
    control: controlOf,
    answers,
  }
}

/** A new workers.dev address takes up to a minute or so until it has a certificate. */
async function answers(url: string): Promise<boolean> {
  for (const end = Date.now() + WAIT_MS; Date.now() < end; await sleep(2000)) {
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(10_000) }).catch(() => null)
    if (response?.status === 200) return true
  }
  return false
}
