// What D1 says of a key, and whether its secret may be used now and from where somebody asks.

import type { HoldMode, Refusal } from './account.ts'
import { sameText } from './key.ts'
import type { ModelLimit } from './model-limits.ts'
import { mayComeFrom, type Permits } from './permits.ts'
import type { RateLimits } from './rates.ts'
import { refuse } from './refusing.ts'
import type { Naming } from './request-scopes.ts'

/** What becomes of a call whose client leaves, where leaving does not end its bill: broken off, or read to its end for its exact usage. */
export const ON_DISCONNECT = ['abort', 'drain'] as const
export type OnDisconnect = (typeof ON_DISCONNECT)[number]

/** How the models of a key's requests may be chosen, where they are to be (routing/choosing). */
export type RouterPolicy = {
  /** Outcomes of its requests are kept, and decide too where they fall short of what the table of abilities promises. */
  readonly learning: boolean
  /** The most of its choices (0 to 1) that may go to an expensive model; `null`: the key says nothing. */
  readonly expensiveShare: number | null
}

export const NO_ROUTER: RouterPolicy = { learning: false, expensiveShare: null }

/** `null`: it says nothing. */
export function routerOf({ router }: { readonly router?: RouterPolicy }): RouterPolicy | null {
  return router === undefined || (!router.learning && router.expensiveShare === null) ? null : router
}

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
  /** Absent or `null`: none. */
  readonly softNanoUsd?: number | null
  readonly limits: RateLimits
  /** Limits for some models only; missing: none. */
  readonly modelLimits?: readonly ModelLimit[]
  /** Absent: strict. */
  readonly mode?: HoldMode
  /** Added on top of every price, in holds and in what is booked; absent: nothing is. */
  readonly markupBasisPoints?: number
  /** Where nothing is said: `abort`. */
  readonly onDisconnect?: OnDisconnect
  /** Budgets it shares with other keys: `team:blue`, `user:ann`, `organization:acme`, `tag:night`. */
  readonly scopes: readonly string[]
  /** Isolates admit by slices (slices.ts): faster, and exact to a second. */
  readonly leased?: boolean
  /** Absent: what a request says of itself names no budget. */
  readonly naming?: Naming
  /** Absent: nothing is learnt or capped. */
  readonly router?: RouterPolicy
}

/** Whether a stream that runs may still be given more: a key that is out of use gets nothing further. */
export function mayGoOn({ deleted, disabled, expiresAt }: Policy, now: number): boolean {
  return !deleted && !disabled && (expiresAt === null || expiresAt > now)
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

/** Do they say the same, whatever the order of their members? */
export function samePolicy(a: Policy, b: Policy): boolean {
  return canonical(a) === canonical(b)
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([x], [y]) => (x < y ? -1 : 1)))
      : inner,
  )
}
