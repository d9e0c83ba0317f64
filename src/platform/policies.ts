// A key's policy in D1: read for its object and for the keys API.

import type { Policy } from '../core/policy.ts'
import { EVERYTHING, type Permits } from '../core/permits.ts'
import { NO_LIMITS, type RateLimits } from '../core/rates.ts'

/** A row of `keys`. */
export type StoredKey = {
  readonly id: string
  readonly hash: string
  readonly previous_hash: string | null
  readonly previous_until: number | null
  readonly label: string
  readonly name: string
  readonly created_at: number
  readonly updated_at: number
  readonly version: number
  readonly disabled: number
  readonly deleted_at: number | null
  readonly expires_at: number | null
  readonly limit_nano_usd: number | null
  readonly limit_reset: string | null
  readonly policy: string
  readonly spend: string
}

/** The policy that a stored key means. */
export function policyOf(stored: StoredKey): Policy {
  // As policyText wrote it.
  const { limits, scopes, leased, ...permits } = JSON.parse(stored.policy) as Partial<Permits> & {
    readonly limits?: Partial<RateLimits>
    readonly scopes?: readonly string[]
    readonly leased?: boolean
  }
  return {
    keyId: stored.id,
    version: stored.version,
    label: stored.label,
    name: stored.name,
    createdAt: stored.created_at,
    secrets: [
      { hash: stored.hash, until: null },
      ...(stored.previous_hash === null ? [] : [{ hash: stored.previous_hash, until: stored.previous_until }]),
    ],
    disabled: stored.disabled === 1,
    deleted: stored.deleted_at !== null,
    expiresAt: stored.expires_at,
    limitNanoUsd: stored.limit_nano_usd,
    limitReset: stored.limit_reset,
    ...EVERYTHING,
    ...permits,
    limits: { ...NO_LIMITS, ...limits },
    scopes: scopes ?? [],
    leased: leased === true,
  }
}

/** Reads one key by its id, from the primary. `null`: there is none. */
export function readKey(db: D1Database, id: string): Promise<StoredKey | null> {
  return db.withSession('first-primary').prepare('SELECT * FROM keys WHERE id = ?1').bind(id).first<StoredKey>()
}
