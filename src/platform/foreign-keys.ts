// Keys that were made elsewhere: found by the hash of their text, in D1. A guess costs little: nothing is asked of D1 where no key was
// imported, an unknown hash is remembered, and unknown ones are looked up at a bounded rate. No object is named by a guess.

import { GatewayError } from '../core/errors.ts'
import { hashKey } from '../core/key.ts'
import type { Env } from './env.ts'

export type FoundKey = { readonly id: string; readonly secretHash: string }

export interface ForeignKeys {
  /** `null`: no such key. @throws GatewayError `gateway-unavailable` when that cannot be told now */
  find(text: string): Promise<FoundKey | null>
  /** This isolate has imported a key: it works here at once. */
  imported(hash: string, id: string): void
}

/** A shorter text could be guessed; a longer one is no key. */
export const SHORTEST_FOREIGN = 16
export const LONGEST_FOREIGN = 512

/** How long "no key was imported" and "no such hash" are believed. */
const NONE_MS = 30_000
const UNKNOWN_MS = 60_000
const MOST_UNKNOWN = 5000
const MOST_KNOWN = 10_000
/** Of hashes that this isolate does not know, and of reads of one of them while it is asked about. */
const HASHES_A_SECOND = 20
const READS_OF_ONE = 50

const LOOK_UP = `SELECT EXISTS (SELECT 1 FROM keys WHERE imported = 1 AND deleted_at IS NULL) AS some,
(SELECT id FROM keys WHERE (hash = ?1 OR previous_hash = ?1) AND deleted_at IS NULL) AS id`

export function foreignKeys(db: D1Database, now: () => number = Date.now): ForeignKeys {
  /** Hash → id. May be kept: whether the secret is still good is for the key's object to say. */
  const known = new Map<string, string>()
  /** Hash → until when it is taken for unknown. */
  const unknown = new Map<string, number>()
  let noneUntil = 0
  let second = 0
  let reads = new Map<string, number>()

  const mayRead = (hash: string): boolean => {
    const present = Math.floor(now() / 1000)
    if (present !== second) {
      second = present
      reads = new Map()
    }
    const before = reads.get(hash) ?? 0
    if (before >= READS_OF_ONE || (before === 0 && reads.size >= HASHES_A_SECOND)) return false
    reads.set(hash, before + 1)
    return true
  }

  const remember = (hash: string, id: string): void => {
    unknown.delete(hash)
    if (known.size >= MOST_KNOWN) known.clear()
    known.set(hash, id)
  }

  const forget = (hash: string): void => {
    const at = now()
    if (unknown.size >= MOST_UNKNOWN)
      for (const [other, until] of unknown) if (until <= at || unknown.size >= MOST_UNKNOWN) unknown.delete(other)
    unknown.set(hash, at + UNKNOWN_MS)
  }

  return {
    async find(text) {
      if (text.length < SHORTEST_FOREIGN || text.length > LONGEST_FOREIGN || now() < noneUntil) return null
      const secretHash = await hashKey(text)
      const id = known.get(secretHash)
      if (id !== undefined) return { id, secretHash }
      if ((unknown.get(secretHash) ?? 0) > now()) return null
      if (!mayRead(secretHash))
        throw unavailable('Too many unknown API keys are tried just now, so this one could not be looked up. Try again.')
      const asked = now()
      const found = await lookUp(db, secretHash)
      if (found.id !== null) {
        remember(secretHash, found.id)
        return { id: found.id, secretHash }
      }
      const imported = known.get(secretHash) // imported here while D1 was asked
      if (imported !== undefined) return { id: imported, secretHash }
      if (!found.some && known.size === 0) noneUntil = asked + NONE_MS
      else forget(secretHash)
      return null
    },
    imported(hash, id) {
      noneUntil = 0
      remember(hash, id)
    },
  }
}

async function lookUp(db: D1Database, hash: string): Promise<{ readonly some: boolean; readonly id: string | null }> {
  try {
    const found = await db
      .withSession('first-primary')
      .prepare(LOOK_UP)
      .bind(hash)
      .first<{ readonly some: number; readonly id: string | null }>()
    return { some: found?.some === 1, id: found?.id ?? null }
  } catch (cause) {
    throw unavailable('This API key cannot be looked up just now. Nothing was sent; try again.', cause)
  }
}

function unavailable(message: string, cause?: unknown): GatewayError {
  return new GatewayError('gateway-unavailable', message, { cause, retryAfterMs: 1000 })
}

const byEnv = new WeakMap<Env, ForeignKeys>()

/** What this isolate knows of them, for these bindings. */
export function foreignKeysOf(env: Env): ForeignKeys {
  const before = byEnv.get(env)
  if (before !== undefined) return before
  const made = foreignKeys(env.DB)
  byEnv.set(env, made)
  return made
}
