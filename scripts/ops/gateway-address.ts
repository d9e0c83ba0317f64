// Which gateway a script speaks to, and with which admin key: the one on this machine, or a deployed one.

import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { stateFolder } from '../local/settings.ts'
import { controlOf, type Control, ControlError } from './control.ts'
import { MODEL_CONFIG } from './deploy-steps.ts'
import { readRemote } from './remote-state.ts'
import { saidSettings } from './said-settings.ts'
import { askHidden, canAsk } from './terminal.ts'
import { ADMIN_KEY } from './worker-secrets.ts'
import { readConfig } from './worker-config.ts'

export type Where = { readonly remote: boolean; readonly url?: string | undefined; readonly worker?: string | undefined }

/** For whoever runs a script: what is not set, and how to set it. */
export class AddressError extends Error {
  override readonly name = 'AddressError'
}

export function addressOf({ remote, url, worker }: Where): string {
  const said = saidSettings()
  const given = url ?? (remote ? (worker === undefined ? said['SLUICE_URL'] : undefined) : undefined)
  if (given !== undefined) {
    if (!URL.canParse(given) || !/^https?:$/.test(new URL(given).protocol))
      throw new AddressError(`${JSON.stringify(given)} is not an address such as https://sluice.example.workers.dev.`)
    const { protocol, hostname } = new URL(given)
    const here = ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
    if (protocol === 'http:' && !here)
      throw new AddressError(`${given} is not encrypted: the admin key would go through the network in the clear. Use https.`)
    return given.replace(/\/+$/, '')
  }
  if (!remote) return `http://127.0.0.1:${said['PORT'] ?? '8787'}`
  const name = worker ?? (existsSync(MODEL_CONFIG) ? readConfig(readFileSync(MODEL_CONFIG, 'utf8')).name : 'sluice')
  const known = readRemote(stateFolder())[name]?.url
  if (typeof known === 'string') return known
  throw new AddressError(
    `No deployment of ${name} is known in this folder. Deploy with npm run deploy, or say --url https://… (or set SLUICE_URL).`,
  )
}

/** The control plane of that gateway. Asks for the admin key where it is not set and somebody can answer. */
export async function openControl(where: Where): Promise<Control> {
  const base = addressOf(where)
  return controlOf(base, await adminKeyOf(where, base))
}

/** An error's words, with what to do about it. */
export function explain(error: unknown, where: Where): string {
  if (!(error instanceof ControlError)) return error instanceof Error ? error.message : String(error)
  const local = !where.remote && where.url === undefined
  if (error.status === 0 && local)
    return `${error.message}\nStart the gateway first: npm start   (on another port: PORT=… for both). For a deployed one: --remote.`
  if (error.status === 401 || error.status === 403) {
    return `${error.message}\nThe admin key is not the gateway's. ${local ? `It is read from ${ADMIN_KEY}, .dev.vars or secrets.json in the state folder (SLUICE_STATE_DIR).` : `It is read from ${ADMIN_KEY}; lost? npx wrangler secret put ${ADMIN_KEY} sets a new one.`}`
  }
  return error.message
}

async function adminKeyOf(where: Where, base: string): Promise<string> {
  const said = saidSettings()[ADMIN_KEY]
  if (said !== undefined) return said
  const local = !where.remote && where.url === undefined
  const kept = local ? keptAdminKey() : null
  if (kept !== null) return kept
  if (local) throw new AddressError(`No admin key is known yet. npm start makes one and keeps it in ${stateName()}; or set ${ADMIN_KEY}.`)
  if (!canAsk()) throw new AddressError(`Set ${ADMIN_KEY} to the admin key of ${base}.`)
  const typed = await askHidden(`Admin key of ${base}: `)
  if (typed === '') throw new AddressError('No admin key was given.')
  return typed
}

/** Looked for without making anything. */
function keptAdminKey(): string | null {
  const file = join(stateName(), 'secrets.json')
  if (!existsSync(file)) return null
  const kept = JSON.parse(readFileSync(file, 'utf8')) as { readonly [name: string]: unknown }
  const key = kept[ADMIN_KEY]
  return typeof key === 'string' ? key : null
}

function stateName(): string {
  return resolve(process.env['SLUICE_STATE_DIR'] ?? '.sluice')
}
