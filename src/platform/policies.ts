// A key's policy in D1: read for its object and for the keys API.

import type { HoldMode } from '../core/account.ts'
import type { ModelLimit } from '../core/model-limits.ts'
import { NO_ROUTER, routerOf, type OnDisconnect, type Policy, type RouterPolicy } from '../core/policy.ts'
import { EVERYTHING, PERMITS, type Permits } from '../core/permits.ts'
import { NO_LIMITS, type RateLimits } from '../core/rates.ts'
import { NO_NAMING, type Naming } from '../core/request-scopes.ts'

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
  /** How often the key's object has reported. */
  readonly reported: number
}

/** The policy that a stored key means. */
export function policyOf(stored: StoredKey): Policy {
  // As policyText wrote it.
  const {
    limits,
    modelLimits,
    scopes,
    naming,
    softNanoUsd = null,
    markupBasisPoints,
    onDisconnect,
    mode,
    leased,
    router,
    ...permits
  } = JSON.parse(stored.policy) as Partial<Permits> & {
    readonly limits?: Partial<RateLimits>
    readonly modelLimits?: readonly ModelLimit[]
    readonly scopes?: readonly string[]
    readonly markupBasisPoints?: number
    readonly onDisconnect?: OnDisconnect
    readonly naming?: Partial<Naming>
    readonly softNanoUsd?: number
    readonly mode?: HoldMode
    readonly leased?: boolean
    readonly router?: RouterPolicy
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
    softNanoUsd,
    ...EVERYTHING,
    ...permits,
    limits: { ...NO_LIMITS, ...limits },
    modelLimits: modelLimits ?? [],
    scopes: scopes ?? [],
    mode: mode ?? 'strict',
    ...(markupBasisPoints === undefined ? {} : { markupBasisPoints }),
    onDisconnect: onDisconnect ?? 'abort',
    naming: { ...NO_NAMING, ...naming },
    leased: leased === true,
    router: router ?? NO_ROUTER,
  }
}

/** The column `policy`: only what narrows. */
export function policyText(
  settings: Pick<
    Policy,
    | keyof Permits
    | 'limits'
    | 'scopes'
    | 'modelLimits'
    | 'naming'
    | 'softNanoUsd'
    | 'markupBasisPoints'
    | 'onDisconnect'
    | 'mode'
    | 'leased'
    | 'router'
  >,
): string {
  const limits = Object.fromEntries(Object.entries(settings.limits).filter(([, limit]) => limit !== null))
  return JSON.stringify({
    ...Object.fromEntries(PERMITS.map((name) => [name, settings[name]] as const).filter(([, list]) => list !== null)),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
    ...((settings.modelLimits ?? []).length === 0 ? {} : { modelLimits: settings.modelLimits }),
    ...(settings.scopes.length === 0 ? {} : { scopes: settings.scopes }),
    ...((settings.markupBasisPoints ?? 0) === 0 ? {} : { markupBasisPoints: settings.markupBasisPoints }),
    ...(settings.softNanoUsd == null ? {} : { softNanoUsd: settings.softNanoUsd }),
    ...(settings.naming?.customers === true || settings.naming?.tagBudgets === true ? { naming: settings.naming } : {}),
    ...(settings.onDisconnect === 'drain' ? { onDisconnect: 'drain' } : {}),
    ...(settings.leased ? { leased: true } : {}),
    ...(routerOf(settings) === null ? {} : { router: settings.router }),
    ...(settings.mode === 'elastic' ? { mode: settings.mode } : {}),
  })
}

/** Reads one key by its id, from the primary. `null`: there is none. */
export function readKey(db: D1Database, id: string): Promise<StoredKey | null> {
  return db.withSession('first-primary').prepare('SELECT * FROM keys WHERE id = ?1').bind(id).first<StoredKey>()
}

/** The id of the key with this secret, or with this one before it; of deleted keys too. `null`: there is none. */
export async function findKeyId(db: D1Database, hash: string): Promise<string | null> {
  const found = await db
    .withSession('first-primary')
    .prepare('SELECT id FROM keys WHERE hash = ?1 OR previous_hash = ?1')
    .bind(hash)
    .first<{ readonly id: string }>()
  return found?.id ?? null
}
