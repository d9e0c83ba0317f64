// What this folder remembers of deployed Workers, in `remote.json` of the state folder: where they answer, and which values they were
// given, as fingerprints. No secret stands in it.

import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export type Remembered = {
  readonly url: string | null
  /** By the secret's name. */
  readonly sent: { readonly [name: string]: string }
}

export type RemoteState = { readonly [worker: string]: Remembered }

const FILE = 'remote.json'

/** A file that cannot be read counts as none: at worst every secret is sent once more. */
export function readRemote(state: string): RemoteState {
  const file = join(state, FILE)
  if (!existsSync(file)) return {}
  try {
    const said = JSON.parse(readFileSync(file, 'utf8')) as unknown
    return typeof said === 'object' && said !== null
      ? Object.fromEntries(Object.entries(said).map(([worker, one]) => [worker, remembered(one)]))
      : {}
  } catch {
    return {}
  }
}

export function writeRemote(state: string, worker: string, what: Remembered): void {
  writeFileSync(join(state, FILE), `${JSON.stringify({ ...readRemote(state), [worker]: what }, null, 2)}\n`, { mode: 0o600 })
}

/** Tells whether a value changed, and nothing else of it: provider keys have far too many bits to be guessed from this. */
export function fingerprint(worker: string, name: string, value: string): string {
  return createHash('sha256').update(`sluice\n${worker}\n${name}\n${value}`).digest('hex').slice(0, 16)
}

function remembered(value: unknown): Remembered {
  const said = (typeof value === 'object' && value !== null ? value : {}) as { readonly url?: unknown; readonly sent?: unknown }
  const sent =
    typeof said.sent === 'object' && said.sent !== null
      ? Object.entries(said.sent).filter((pair): pair is [string, string] => typeof pair[1] === 'string')
      : []
  return { url: typeof said.url === 'string' ? said.url : null, sent: Object.fromEntries(sent) }
}
