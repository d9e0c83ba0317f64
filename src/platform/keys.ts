// Checks key texts at the edge. The checked ones are remembered in the isolate, by id, so that hashing is done once.

import { GatewayError } from '../core/errors.ts'
import { hashKey, importSigning, isGenuine, isOurs, parseKey, sameText } from '../core/key.ts'
import type { Keys } from '../ports.ts'
import type { ForeignKeys } from './foreign-keys.ts'

const MOST_REMEMBERED = 10_000

/** `signingSecrets`: the newest first; older ones still verify. */
export function edgeKeys(signingSecrets: readonly string[], foreign: ForeignKeys): Keys {
  const remembered = new Map<string, { readonly text: string; readonly secretHash: string }>()
  let signing: readonly CryptoKey[] | null = null
  return {
    async check(text) {
      if (signingSecrets.length === 0) {
        throw new GatewayError(
          'gateway-misconfigured',
          'The secret SLUICE_KEY_SECRET is not set, so no key can be checked. Set it with `npx wrangler secret put SLUICE_KEY_SECRET`, or run `npm run deploy`.',
        )
      }
      if (!isOurs(text)) return foreign.find(text)
      const parts = parseKey(text)
      if (parts === null) return null
      const known = remembered.get(parts.id)
      if (known !== undefined && sameText(known.text, text)) return { id: parts.id, secretHash: known.secretHash }
      signing ??= await Promise.all(signingSecrets.map(importSigning))
      if (!(await isGenuine(parts, signing))) return null
      const secretHash = await hashKey(text)
      if (remembered.size >= MOST_REMEMBERED) remembered.clear()
      remembered.set(parts.id, { text, secretHash })
      return { id: parts.id, secretHash }
    },
  }
}
