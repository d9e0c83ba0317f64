// Who calls the control plane: an administrator, or a key about itself. Credentials count in the Authorization header (or x-api-key and x-goog-api-key for a key) only.

import type { KeyView } from '../core/account.ts'
import { GatewayError } from '../core/errors.ts'
import { sameText } from '../core/key.ts'
import { clientIp } from '../gateway/client-ip.ts'
import { authenticate } from '../gateway/job.ts'
import { setting, type Env } from '../platform/env.ts'
import type { Account, Deps } from '../ports.ts'

/** `Authorization: Bearer …`; `null`: none of that form. */
export function bearerOf(headers: Headers): string | null {
  const match = /^Bearer +([^\s,]+) *$/i.exec(headers.get('authorization') ?? '')
  return match?.[1] ?? null
}

/** Is this the admin key? The comparison takes the same time wherever they differ. */
export function isAdmin(headers: Headers, env: Env): boolean {
  const adminKey = setting(env, 'SLUICE_ADMIN_KEY')
  const given = bearerOf(headers)
  return adminKey !== null && given !== null && sameText(given, adminKey)
}

/** @throws GatewayError `gateway-misconfigured`, `key-missing`, `admin-required` */
export function requireAdmin(headers: Headers, env: Env): void {
  if (setting(env, 'SLUICE_ADMIN_KEY') === null) {
    throw new GatewayError(
      'gateway-misconfigured',
      'The secret SLUICE_ADMIN_KEY is not set, so nothing can be administered. Set it with `npx wrangler secret put SLUICE_ADMIN_KEY`.',
    )
  }
  if (isAdmin(headers, env)) return
  if (bearerOf(headers) === null)
    throw new GatewayError('key-missing', 'The admin key is needed here: send it as `Authorization: Bearer …`.')
  throw new GatewayError('admin-required', 'The admin key is needed here; an ordinary key does not open this path.')
}

/** A key that works now, and what it may know of itself. @throws GatewayError as the key's state demands */
export async function requireKey(
  headers: Headers,
  deps: Deps,
): Promise<{ readonly account: Account; readonly view: KeyView; readonly secretHash: string }> {
  const key = await authenticate(bearerOf(headers) ?? headers.get('x-api-key') ?? headers.get('x-goog-api-key'), deps)
  const account = deps.account(key.id)
  const view = await account.view(key.secretHash, clientIp(headers))
  if ('kind' in view) throw new GatewayError(view.code, view.message)
  return { account, view, secretHash: key.secretHash }
}
