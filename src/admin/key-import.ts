// Keys that were made elsewhere and go on working here: their text, or its SHA-256, becomes the secret of a new key. Never shown, never kept as text.

import * as z from 'zod'
import { GatewayError } from '../core/errors.ts'
import { hashKey, importedLabel, isOurs, newKeyId, sameText } from '../core/key.ts'
import { setting, type Env } from '../platform/env.ts'
import { foreignKeysOf, LONGEST_FOREIGN, SHORTEST_FOREIGN } from '../platform/foreign-keys.ts'
import { check, createShape, settingsSaid } from './key-input.ts'
import { insertKeys, readBack, type Kept, type Settings } from './key-store.ts'

export type Imported = { readonly hash: string; readonly settings: Settings }

const MOST = 100

const text = z
  .string()
  .min(SHORTEST_FOREIGN, `must have ${SHORTEST_FOREIGN} characters or more: a shorter one can be guessed`)
  .max(LONGEST_FOREIGN)
  .regex(/^[!-+\--~]*$/, 'must be visible ASCII characters without a comma')
const hash = z.string().regex(/^[0-9a-f]{64}$/, 'must be the SHA-256 of the key in 64 lower-case hexadecimal digits')
const shape = createShape
  .extend({ key: text.optional(), hash: hash.optional() })
  .refine((said) => (said.key === undefined) !== (said.hash === undefined), { message: 'must name either key or hash' })

/** One key or up to 100 of them. @throws GatewayError `request-malformed`, which says nothing of a key's text */
export async function readImport(value: unknown, env: Env): Promise<readonly Imported[]> {
  const said = Array.isArray(value) ? check(z.array(shape).min(1).max(MOST), value) : [check(shape, value)]
  const at = (index: number, member: string): string => (Array.isArray(value) ? `${index}.${member}` : member)
  const admin = setting(env, 'SLUICE_ADMIN_KEY')
  const adminHash = admin === null ? null : await hashKey(admin)
  const seen = new Set<string>()
  const imported: Imported[] = []
  for (const [index, { key, hash: given, ...settings }] of said.entries()) {
    const member = key === undefined ? 'hash' : 'key'
    const secret = given ?? (await hashKey(key ?? ''))
    if (key !== undefined && isOurs(key))
      throw refused(at(index, member), 'is in the format of keys that are made here; one of another deployment needs its SLUICE_KEY_SECRET')
    if (adminHash !== null && sameText(secret, adminHash)) throw refused(at(index, member), 'is the admin key, which calls no models')
    if (seen.has(secret)) throw refused(at(index, member), 'is named twice')
    seen.add(secret)
    imported.push({ hash: secret, settings: settingsSaid(settings) })
  }
  return imported
}

/**
 * All of them, or none.
 * @throws GatewayError `record-exists` when a key has, or had, one of these secrets
 */
export async function importKeys(env: Env, imported: readonly Imported[], now: number): Promise<readonly Kept[]> {
  const made = imported.map(({ hash: secret, settings }) => ({
    id: newKeyId(),
    hash: secret,
    label: importedLabel(secret),
    imported: true,
    settings,
  }))
  const hashes = made.map((key) => key.hash)
  await refuseKnown(env, hashes)
  try {
    await insertKeys(env, made, now)
  } catch (cause) {
    await refuseKnown(env, hashes) // another call came between
    throw cause
  }
  for (const key of made) foreignKeysOf(env).imported(key.hash, key.id)
  return readBack(env, made.map((key) => key.id)) // prettier-ignore
}

async function refuseKnown(env: Env, hashes: readonly string[]): Promise<void> {
  const { results } = await env.DB.prepare(
    'SELECT hash, previous_hash FROM keys WHERE hash IN (SELECT value FROM json_each(?1)) OR previous_hash IN (SELECT value FROM json_each(?1))',
  )
    .bind(JSON.stringify(hashes))
    .all<{ readonly hash: string; readonly previous_hash: string | null }>()
  const known = new Set(results.flatMap((one) => [one.hash, one.previous_hash]))
  const index = hashes.findIndex((one) => known.has(one))
  if (index < 0) return
  throw new GatewayError(
    'record-exists',
    `A key with the secret of hash ${hashes[index] ?? ''} exists here, or did: one that was deleted stays deleted. Nothing was imported.`,
    hashes.length === 1 ? {} : { at: String(index) },
  )
}

function refused(at: string, why: string): GatewayError {
  return new GatewayError('request-malformed', `${at}: ${why}.`, { at })
}
