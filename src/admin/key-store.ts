// Keys as administrators make and change them: D1 and the key's object, in the order that never leaves a revoked key alive.
// Tightening goes to the object first, durably, then to D1; loosening the other way round. Half done is 503, and safe to repeat.

import type { HoldMode } from '../core/account.ts'
import { NO_ROUTER, type OnDisconnect, type Policy, type RouterPolicy } from '../core/policy.ts'
import { GatewayError } from '../core/errors.ts'
import { hashKey, importSigning, keyLabel, keyText, makeKey } from '../core/key.ts'
import { PERMITS, type Permits } from '../core/permits.ts'
import { narrowsModels, type ModelLimit } from '../core/model-limits.ts'
import { narrowsRates, type RateLimits } from '../core/rates.ts'
import { NO_NAMING, type Naming } from '../core/request-scopes.ts'
import { readSpend, type Spend } from '../core/spend.ts'
import { objectOf } from '../platform/account.ts'
import { setting, type Env } from '../platform/env.ts'
import { policyOf, policyText, type StoredKey } from '../platform/policies.ts'

export type Settings = Permits & {
  readonly name: string
  readonly disabled: boolean
  readonly limitNanoUsd: number | null
  readonly limitReset: string | null
  readonly softNanoUsd: number | null
  readonly expiresAt: number | null
  readonly limits: RateLimits
  readonly modelLimits: readonly ModelLimit[]
  readonly scopes: readonly string[]
  readonly mode?: HoldMode
  /** Zero: nothing is added on top. */
  readonly markupBasisPoints: number
  readonly onDisconnect: OnDisconnect
  readonly naming: Naming
  readonly leased: boolean
  readonly router: RouterPolicy
}

/** What is not named stays; of the limits too. */
export type Change = Partial<Omit<Settings, 'limits' | 'modelLimits' | 'scopes' | 'naming' | 'router'>> & {
  readonly limits?: Partial<RateLimits>
  readonly naming?: Partial<Naming>
  readonly router?: Partial<RouterPolicy>
  readonly modelLimitsFrom?: (before: readonly ModelLimit[]) => readonly ModelLimit[]
  readonly scopesFrom?: (before: readonly string[]) => readonly string[]
}

export type Kept = { readonly policy: Policy; readonly spend: Spend; readonly updatedAt: number; readonly reported: number }

/** Makes a key; its text is told here and never again. */
export async function createKey(env: Env, settings: Settings, now: number): Promise<{ readonly text: string; readonly kept: Kept }> {
  const { text, id } = await makeKey(await signing(env))
  await insertKeys(env, [{ id, hash: await hashKey(text), label: keyLabel(text), imported: false, settings }], now)
  return { text, kept: await must(env, id) }
}

export type NewKey = {
  readonly id: string
  readonly hash: string
  readonly label: string
  readonly imported: boolean
  readonly settings: Settings
}

/** Writes new keys, all or none, in one statement: how many there may be in one call is limited. */
export async function insertKeys(env: Env, keys: readonly NewKey[], now: number): Promise<void> {
  const rows = keys.map(({ id, hash, label, imported, settings: s }) => [
    id, hash, label, s.name, s.disabled ? 1 : 0, s.expiresAt, s.limitNanoUsd, s.limitReset, policyText(s), imported ? 1 : 0,
  ]) // prettier-ignore
  const values = Array.from({ length: 10 }, (_, i) => `json_extract(value, '$[${i}]')`).join(', ')
  await env.DB.prepare(
    `INSERT INTO keys (id, hash, label, name, disabled, expires_at, limit_nano_usd, limit_reset, policy, imported, created_at, updated_at, version) SELECT ${values}, ?2, ?2, 1 FROM json_each(?1)`,
  )
    .bind(JSON.stringify(rows), now)
    .run()
}

/** By the hash of its newest secret, or of the one before. `null`: no such key. */
export async function findKey(env: Env, hash: string): Promise<Kept | null> {
  const stored = await env.DB.withSession('first-primary')
    .prepare('SELECT * FROM keys WHERE (hash = ?1 OR previous_hash = ?1) AND deleted_at IS NULL')
    .bind(hash)
    .first<StoredKey>()
  return stored === null ? null : keptOf(stored)
}

/** A page of keys, oldest first. */
export async function listKeys(env: Env, offset: number, limit: number, includeDisabled: boolean): Promise<readonly Kept[]> {
  const found = await env.DB.prepare(
    'SELECT * FROM keys WHERE deleted_at IS NULL AND (?3 OR disabled = 0) ORDER BY created_at, id LIMIT ?1 OFFSET ?2',
  )
    .bind(limit, offset, includeDisabled ? 1 : 0)
    .all<StoredKey>()
  return found.results.map(keptOf)
}

/** Changes settings. @throws GatewayError `gateway-unavailable` when it is half done, or another change came between: repeat it */
export async function changeKey(env: Env, kept: Kept, { modelLimitsFrom, scopesFrom, ...change }: Change, now: number): Promise<Kept> {
  const { policy } = await upToDate(env, kept)
  const settings: Settings = {
    ...settingsOf(policy),
    ...change,
    limits: { ...policy.limits, ...change.limits },
    modelLimits: modelLimitsFrom?.(policy.modelLimits ?? []) ?? policy.modelLimits ?? [],
    scopes: scopesFrom?.(policy.scopes) ?? policy.scopes,
    naming: { ...(policy.naming ?? NO_NAMING), ...change.naming },
    router: { ...(policy.router ?? NO_ROUTER), ...change.router },
  }
  const next: Policy = { ...policy, ...settings, version: policy.version + 1 }
  const write = (): Promise<void> =>
    update(env, policy, 'name = ?3, disabled = ?4, expires_at = ?5, limit_nano_usd = ?6, limit_reset = ?7, policy = ?8, updated_at = ?9', [
      settings.name, settings.disabled ? 1 : 0, settings.expiresAt, settings.limitNanoUsd, settings.limitReset, policyText(settings), now,
    ]) // prettier-ignore
  await inOrder(env, next, tightens(policy, next), write)
  return must(env, policy.keyId)
}

/** Takes a key out of use for good. Its rows stay. */
export async function deleteKey(env: Env, kept: Kept, now: number): Promise<void> {
  const { policy } = await upToDate(env, kept)
  const next: Policy = { ...policy, deleted: true, version: policy.version + 1 }
  await inOrder(env, next, true, () => update(env, policy, 'deleted_at = ?3, updated_at = ?3', [now]))
}

/** Gives a key a new secret; the old one works for `graceMs` more. Budget and spend go on. */
export async function rotateKey(
  env: Env,
  kept: Kept,
  graceMs: number,
  now: number,
): Promise<{ readonly text: string; readonly kept: Kept }> {
  const { policy } = await upToDate(env, kept)
  const text = await keyText(await signing(env), policy.keyId)
  const hash = await hashKey(text)
  const old = policy.secrets[0]?.hash ?? ''
  const next: Policy = {
    ...policy,
    label: keyLabel(text),
    version: policy.version + 1,
    secrets: [
      { hash, until: null },
      { hash: old, until: now + graceMs },
    ],
  }
  await inOrder(env, next, true, () =>
    update(env, policy, 'hash = ?3, previous_hash = ?4, previous_until = ?5, label = ?6, updated_at = ?7', [
      hash,
      old,
      now + graceMs,
      next.label,
      now,
    ]),
  )
  return { text, kept: await must(env, policy.keyId) }
}

/** What the key's object knows beyond D1 comes first: D1 may have been put back, and a change on top of that would undo later ones. */
async function upToDate(env: Env, kept: Kept): Promise<Kept> {
  const { keyId, version } = kept.policy
  if (!(await objectOf(env, keyId).reconcile({ version, reported: kept.reported }))) return kept
  const again = await must(env, keyId)
  if (again.policy.deleted) throw new GatewayError('record-unknown', 'This key was deleted; D1 was restored to an earlier time.')
  return again
}

/** The object is told once more when D1 has it: of two who change a key at once, what D1 took is what counts there too. */
async function inOrder(env: Env, next: Policy, objectFirst: boolean, write: () => Promise<void>): Promise<void> {
  const apply = async (inD1: boolean): Promise<void> => {
    if (await objectOf(env, next.keyId).apply(next, inD1)) return
    throw new GatewayError('gateway-unavailable', 'This key was changed by somebody else meanwhile. Look at it and repeat the change.', {
      retryAfterMs: 1000,
    })
  }
  if (objectFirst) await apply(false)
  await write()
  await apply(true)
}

async function update(env: Env, policy: Policy, assignments: string, values: readonly (string | number | null)[]): Promise<void> {
  const result = await env.DB.prepare(`UPDATE keys SET ${assignments}, version = ?2 + 1 WHERE id = ?1 AND version = ?2`)
    .bind(policy.keyId, policy.version, ...values)
    .run()
  if (result.meta.changes === 0)
    throw new GatewayError('gateway-unavailable', 'This key was changed by somebody else meanwhile. Look at it and repeat the change.', {
      retryAfterMs: 1000,
    })
}

/** May less after than before, in any respect? */
function tightens(before: Policy, after: Policy): boolean {
  const limit = (p: Policy): number => p.limitNanoUsd ?? Number.POSITIVE_INFINITY
  const end = (p: Policy): number => p.expiresAt ?? Number.POSITIVE_INFINITY
  return (
    (after.disabled && !before.disabled) ||
    limit(after) < limit(before) ||
    end(after) < end(before) ||
    after.limitReset !== before.limitReset ||
    (after.mode !== 'elastic' && before.mode === 'elastic') ||
    (after.markupBasisPoints ?? 0) > (before.markupBasisPoints ?? 0) ||
    (before.leased && !after.leased) ||
    (before.router?.learning === true && after.router?.learning !== true) ||
    (after.router?.expensiveShare ?? 1) < (before.router?.expensiveShare ?? 1) ||
    after.scopes.some((scope) => !before.scopes.includes(scope)) ||
    narrowsRates(before.limits, after.limits) ||
    narrowsModels(before.modelLimits ?? [], after.modelLimits ?? []) ||
    JSON.stringify(after.naming) !== JSON.stringify(before.naming) ||
    PERMITS.some((name) => after[name] !== null && JSON.stringify(after[name]) !== JSON.stringify(before[name]))
  )
}

function settingsOf(policy: Policy): Settings {
  const { name, disabled, limitNanoUsd, limitReset, softNanoUsd = null, expiresAt, models, providers, regions, ips, limits } = policy
  const {
    modelLimits = [],
    scopes,
    naming = NO_NAMING,
    markupBasisPoints = 0,
    onDisconnect = 'abort',
    mode = 'strict',
    leased = false,
    router = NO_ROUTER,
  } = policy
  const permits = { models, providers, regions, ips }
  const money = { limitNanoUsd, limitReset, softNanoUsd, markupBasisPoints }
  return { name, disabled, expiresAt, ...permits, ...money, limits, modelLimits, scopes, naming, onDisconnect, mode, leased, router }
}

/** Keys that were written, in this order. */
export async function readBack(env: Env, ids: readonly string[]): Promise<readonly Kept[]> {
  const found = await env.DB.withSession('first-primary')
    .prepare('SELECT * FROM keys WHERE id IN (SELECT value FROM json_each(?1))')
    .bind(JSON.stringify(ids))
    .all<StoredKey>()
  const byId = new Map(found.results.map((stored) => [stored.id, keptOf(stored)]))
  return ids.map((id) => byId.get(id) ?? unreadable())
}

async function must(env: Env, id: string): Promise<Kept> {
  const stored = await env.DB.withSession('first-primary').prepare('SELECT * FROM keys WHERE id = ?1').bind(id).first<StoredKey>()
  return stored === null ? unreadable() : keptOf(stored)
}

function unreadable(): never {
  throw new GatewayError('gateway-unavailable', 'The key was written but cannot be read back yet. Repeat the call.', { retryAfterMs: 1000 })
}

function keptOf(stored: StoredKey): Kept {
  return { policy: policyOf(stored), spend: readSpend(stored.spend), updatedAt: stored.updated_at, reported: stored.reported }
}

function signing(env: Env): Promise<CryptoKey> {
  const newest = (setting(env, 'SLUICE_KEY_SECRET') ?? '').split(',')[0]
  if (newest === undefined || newest === '')
    throw new GatewayError('gateway-misconfigured', 'The secret SLUICE_KEY_SECRET is not set, so no key can be made.')
  return importSigning(newest)
}
