// The first API key of a new state folder.

import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Settings } from './settings.ts'

/** Makes it on the first run and gives its text; `null` when there are keys already. */
export async function makeFirstKey(base: string, settings: Settings, state: string): Promise<string | null> {
  const mark = join(state, 'first-key-made')
  if (existsSync(mark)) return null
  const response = await fetch(`${base}/api/v1/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${settings['SLUICE_ADMIN_KEY'] ?? ''}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'first key' }),
  })
  const body = (await response.json()) as { readonly key?: string; readonly error?: { readonly message: string } }
  if (body.key === undefined) throw new Error(`The first key could not be made: ${body.error?.message ?? response.status}`)
  writeFileSync(mark, `${new Date().toISOString()}\n`)
  return body.key
}
