// Settings of a gateway on this machine: the environment over .dev.vars, and secrets that are made once and kept in the state folder.

import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { randomName } from '../../src/core/key.ts'
import { settingsOf } from '../../src/providers/configured.ts'
import { declaringSettings } from '../../src/providers/declared.ts'
import { PROVIDERS } from '../../src/providers/index.ts'

export type Settings = { readonly [name: string]: string }

const KEPT = 'secrets.json'

/** `SLUICE_STATE_DIR`, or `.sluice` in this folder; made when missing. */
export function stateFolder(): string {
  const folder = resolve(process.env['SLUICE_STATE_DIR'] ?? '.sluice')
  mkdirSync(folder, { recursive: true })
  return folder
}

/** What the Worker is given: `SLUICE_*`, the providers' own names, and those that declare a place. Nothing else of the environment. */
export function gatherSettings(state: string): Settings {
  const file = resolve('.dev.vars')
  const said: { readonly [name: string]: string | undefined } = {
    ...(existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {}),
    ...process.env,
  }
  const wanted = new Set([...PROVIDERS.flatMap(settingsOf), ...declaringSettings(Object.keys(said), (name) => said[name]?.trim() || null)])
  const settings: { [name: string]: string } = { SLUICE_DEMO: 'on' }
  for (const [name, value] of Object.entries(said))
    if (value !== undefined && value !== '' && (wanted.has(name) || name.startsWith('SLUICE_'))) settings[name] = value
  return { ...keptSecrets(state), ...settings }
}

function keptSecrets(state: string): Settings {
  const file = join(state, KEPT)
  const kept = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { [name: string]: string }) : {}
  const made = { SLUICE_KEY_SECRET: randomBytes(32).toString('base64url'), SLUICE_ADMIN_KEY: `sk-admin-${randomName(40)}`, ...kept }
  if (Object.keys(kept).length !== Object.keys(made).length) {
    writeFileSync(file, `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600 })
    chmodSync(file, 0o600)
  }
  return made
}
