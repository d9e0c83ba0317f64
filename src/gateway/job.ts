// One client request, from its first byte to its row: who asks, what is asked, when it began.

import { Body } from '../core/body.ts'
import { GatewayError } from '../core/errors.ts'
import { randomName } from '../core/key.ts'
import type { ClientDialect, Intent } from '../dialects/contract.ts'
import type { Deps } from '../ports.ts'
import { readBytes } from './read-bytes.ts'

export type Key = { readonly id: string; readonly secretHash: string }

/** `signal` fires when the client leaves. */
export type Job = {
  readonly id: string
  readonly startedAt: number
  readonly headers: Headers
  readonly body: Body
  readonly intent: Intent
  readonly client: ClientDialect
  /** The client asked for a refusal where something could not be said to the provider. */
  readonly strict: boolean
  readonly signal: AbortSignal
  readonly deps: Deps
}

/** Ids of requests: sortable by nothing, guessable by nobody. */
export function newRequestId(): string {
  return `gen-${randomName(24)}`
}

/**
 * Who asks. Before the body is read: a made-up key costs nothing.
 * @throws GatewayError `key-missing`, `key-unknown`
 */
export async function authenticate(credential: string | null, deps: Deps): Promise<Key> {
  if (credential === null || credential === '') {
    throw new GatewayError(
      'key-missing',
      'No API key was sent. Send a Sluice key the way this API expects it, such as `Authorization: Bearer sk-sluice-…`.',
    )
  }
  const key = await deps.keys.check(credential)
  if (key === null) throw new GatewayError('key-unknown', 'This API key is not valid here. Check that the whole key was sent.')
  return key
}

/** They would change where a request goes, or on whose account; a request that relies on them must not be served otherwise. */
const REFUSED_HEADERS = ['x-portkey-config', 'x-portkey-custom-host', 'x-portkey-virtual-key'] as const

/** Reads the body and what the gateway must know of it. @throws GatewayError `request-malformed`, `body-too-large` */
export async function begin(request: Request, id: string, client: ClientDialect, deps: Deps): Promise<Job> {
  const startedAt = deps.now()
  for (const name of REFUSED_HEADERS) {
    if (request.headers.has(name))
      throw new GatewayError('request-unsupported', `The header ${name} is not supported here, and is not ignored: leave it out.`, {
        at: name,
      })
  }
  const url = new URL(request.url)
  const body = new Body(await readBytes(request, deps.limits.bodyBytes))
  const intent = client.intent({
    path: url.pathname,
    query: url.searchParams,
    headers: request.headers,
    body,
    nowSeconds: Math.floor(startedAt / 1000),
  })
  return {
    id,
    startedAt,
    headers: request.headers,
    body,
    intent,
    client,
    strict: request.headers.get('x-sluice-strict') === 'true',
    signal: request.signal,
    deps,
  }
}
