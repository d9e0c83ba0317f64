// The wish for a prompt cache that is said in a header: `x-sluice-cache: auto`, or `auto; ttl=1h`.

import type { CacheMark } from '../core/canonical.ts'
import { GatewayError } from '../core/errors.ts'

const HEADER = 'x-sluice-cache'

/** @throws GatewayError `request-malformed` for a word that is none of ours */
export function cacheWish(headers: Headers): CacheMark | undefined {
  const said = headers.get(HEADER)
  if (said === null) return undefined
  switch (said.toLowerCase().replaceAll(' ', '')) {
    case 'auto':
    case 'auto;ttl=5m':
      return { ttl: '5m' }
    case 'auto;ttl=1h':
      return { ttl: '1h' }
    default:
      throw new GatewayError('request-malformed', `The header ${HEADER} must be "auto" or "auto; ttl=1h".`, { at: HEADER })
  }
}
