// What D1 says of a key, and whether its secret may be used now and from where somebody asks.

import type { Refusal } from './account.ts'
import { sameText } from './key.ts'
import { mayComeFrom, type Permits } from './permits.ts'
import type { RateLimits } from './rates.ts'
import { refuse } from './refusing.ts'

/** An older version never replaces a newer one. */
export type Policy = Permits & {
  readonly keyId: string
  readonly version: number
  readonly label: string
  readonly name: string
  readonly createdAt: number
  /** Newest first; an older secret works until `until`. */
  readonly secrets: readonly { readonly hash: string; readonly until: number | null }[]
  readonly disabled: boolean
  readonly deleted: boolean
  readonly expiresAt: number | null
  readonly limitNanoUsd: number | null
  readonly limitReset: string | null
  readonly limits: RateLimits
  /** Budgets it shares with other keys: `team:blue`, `user:ann`, `organization:acme`. */
  readonly scopes: readonly string[]
  /** Isolates admit by slices (slices.ts): faster, and exact to a second. */
  readonly leased: boolean
}

/** `null`: it may. A wrong secret learns nothing of the key. */
export function refuseSecret(policy: Policy | null, secretHash: string, clientIp: string | null, now: number): Refusal | null {
  if (policy === null || policy.deleted) return refuse('key-unknown', 'This key is not known here. It may have been deleted.')
  let known = false
  for (const secret of policy.secrets) if (sameText(secret.hash, secretHash) && (secret.until === null || secret.until > now)) known = true
  if (!known) return refuse('key-unknown', 'This key is not known here. It may have been replaced.')
  if (policy.disabled) return refuse('key-disabled', 'This key is disabled.')
  if (policy.expiresAt !== null && policy.expiresAt <= now) return refuse('key-expired', 'This key has expired.')
  if (mayComeFrom(policy, clientIp)) return null
  return refuse(
    'key-forbidden-here',
    clientIp === null
      ? "This key may be used from the addresses among its `ips` only, and this client's address is not known."
      : "This key may not be used from this client's address: it is not among its `ips`.",
  )
}
