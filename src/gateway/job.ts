// One client request, from its first byte to its row: who asks, what is asked, when it began.

import type { Body } from '../core/body.ts'
import type { Chosen, Row } from '../core/account.ts'
import { GatewayError } from '../core/errors.ts'
import { randomName } from '../core/key.ts'
import type { ClientDialect, ClientFace, Intent } from '../dialects/contract.ts'
import type { Deps } from '../ports.ts'
import { NO_WISHES, type Wishes } from '../routing/wishes.ts'
import { askedOf } from './asked.ts'
import type { RequestChoosing } from './planning/choosing.ts'
import type { Ear } from './trying/overhear.ts'
import { inquiryFor, type Inquiry } from './telling/inquiry.ts'
import { readBytes } from './read-bytes.ts'

export type Key = { readonly id: string; readonly secretHash: string }

/** `signal` fires when the client leaves. */
export type Job = {
  readonly id: string
  readonly startedAt: number
  readonly headers: Headers
  /** Of the URL, without its query. */
  readonly path: string
  readonly body: RequestBody
  readonly intent: Intent
  readonly client: ClientFace
  /** The client asked for a refusal where something could not be said to the provider. */
  readonly strict: boolean
  /** When the client leaves, what cannot be stopped for free is read to its end. */
  readonly drains?: true
  readonly signal: AbortSignal
  readonly deps: Deps
  /** What it asks of routing. */
  readonly wishes: Wishes
  /** What must know the request anew when a route has changed its body; absent: it cannot be changed. */
  readonly reread?: (body: Body) => Intent
  /** When its answer must be whole, milliseconds since the epoch; absent or `null`: no deadline. */
  readonly deadlineAt?: number | null
  /** What is the same for all requests of its conversation, where it could go to several targets. */
  readonly conversation?: string | null
  /** Tags that say which arms of experiments it is of. */
  readonly arms?: readonly string[]
  /** Its model was chosen: what its row says of that. */
  readonly chosen?: Chosen
  /** The key whose learning hears how the choice turned out. */
  readonly learner?: string
  /** What it was judged as, where a strategy chose its model. */
  readonly choosing?: RequestChoosing | null
  /** It has a shadow, or is one: its answer is compared with the other's. */
  readonly companion?: Companion
  /** What another answer cost that was not given to the client, whole nano-dollars; `null`: nobody knows. */
  readonly besideNanoUsd?: number | null
  /** It is the shadow of the request with this id. */
  readonly shadowOf?: string
  /** Its client asks why it goes where it goes. */
  readonly inquiry?: Inquiry | undefined
}

/** What listens to an answer for a comparison. `booked`: what it is booked as, which is what is given back; `null`: it was never sent. */
export type Companion = { readonly ear: Ear; booked(row: Row | null): Promise<Row | null> }

/** `bytes: null`: they are not all here. `isSpent`: they went out as they came and cannot be sent again. `failure`: why they never came to their end there. */
export type RequestBody = {
  readonly byteLength: number
  readonly bytes: Uint8Array | null
  readonly isSpent?: boolean
  readonly failure?: GatewayError | null
}

/** A job that is a chat. */
export type ChatJob = Job & { readonly body: Body; readonly client: ClientDialect }

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
const REFUSED_HEADERS = ['x-portkey-custom-host', 'x-portkey-virtual-key'] as const

/** @throws GatewayError `request-unsupported` for a header that must not be ignored */
export function refuseHeaders(headers: Headers): void {
  for (const name of REFUSED_HEADERS) {
    if (headers.has(name))
      throw new GatewayError('request-unsupported', `The header ${name} is not supported here, and is not ignored: leave it out.`, {
        at: name,
      })
  }
}

/** What every job has, whatever is asked. */
export function jobOf<Client extends ClientFace, Sent extends RequestBody>(
  request: Request,
  id: string,
  startedAt: number,
  client: Client,
  body: Sent,
  intent: Intent,
  deps: Deps,
  asked: Pick<Job, 'wishes' | 'reread'> = { wishes: NO_WISHES },
): Job & { readonly client: Client; readonly body: Sent } {
  return {
    id,
    startedAt,
    headers: request.headers,
    path: new URL(request.url).pathname,
    body,
    intent,
    client,
    strict: request.headers.get('x-sluice-strict') === 'true',
    signal: request.signal,
    deps,
    ...asked,
    ...inquiryFor(request.headers, client),
  }
}

/** Reads the body of a chat and what the gateway must know of it. @throws GatewayError `request-malformed`, `body-too-large` */
export async function beginChat(request: Request, id: string, client: ClientDialect, deps: Deps): Promise<ChatJob> {
  const startedAt = deps.now()
  refuseHeaders(request.headers)
  const url = new URL(request.url)
  const { seen, body, wishes } = askedOf(await readBytes(request, deps.limits.bodyBytes), request.headers, client, url.pathname)
  const about = { path: url.pathname, query: url.searchParams, headers: request.headers, nowSeconds: Math.floor(startedAt / 1000) }
  const reread = (changed: Body): Intent => client.intent({ ...about, body: changed })
  return jobOf(request, id, startedAt, client, body, client.intent({ ...about, body: seen }), deps, { wishes, reread })
}
