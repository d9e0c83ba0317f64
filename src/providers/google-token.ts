// Access tokens of Google Cloud for a service account: a signed assertion for a token of an hour, kept by the isolate.
// Source: developers.google.com/identity/protocols/oauth2/service-account

import { importPKCS8, SignJWT } from 'jose'
import { GatewayError } from '../core/errors.ts'
import type { Settings, World } from './contract.ts'

/** Of a service account's key file. */
export type ServiceAccount = {
  readonly email: string
  readonly privateKey: string
  readonly privateKeyId: string | null
  readonly projectId: string | null
  readonly tokenUri: string
}

type Kept = { readonly token: string; readonly expiresAtMs: number; renewAtMs: number }

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform'
const TOKEN_URL = 'https://oauth2.googleapis.com/token'
const HOUR_SECONDS = 3600
/** Renewed this long before it ends, by one request, while the others go on with what there is. */
const EARLY_MS = 5 * 60_000
/** After this long another request may try to renew. */
const CLAIM_MS = 20_000
/** A token that ends sooner is not begun with. */
const LEAST_MS = 30_000

/** Data, never a promise: a request may not wait for another request's call. Requests that find nothing here fetch a token each. */
const tokens = new WeakMap<Settings, Kept>()

/** The key file's JSON. @throws GatewayError `credential-refused` when it is no service account's */
export function readServiceAccount(json: string): ServiceAccount {
  let file: unknown
  try {
    file = JSON.parse(json)
  } catch {
    throw unusable('is no JSON') // the cause would quote the key
  }
  const said = (name: string): string | null => {
    const value =
      typeof file === 'object' && file !== null && Object.hasOwn(file, name) ? (file as { [name: string]: unknown })[name] : null
    return typeof value === 'string' && value !== '' ? value : null
  }
  const email = said('client_email')
  const privateKey = said('private_key')
  if (email === null || privateKey === null) throw unusable('has no client_email or no private_key')
  return {
    email,
    privateKey,
    privateKeyId: said('private_key_id'),
    projectId: said('project_id'),
    tokenUri: said('token_uri') ?? TOKEN_URL,
  }
}

/** `tokenUrl`: the operator's own; the key file's counts only when it is Google's. @throws GatewayError `credential-refused`, `upstream-failed` */
export async function accessToken(settings: Settings, account: ServiceAccount, tokenUrl: string | null, world: World): Promise<string> {
  const kept = tokens.get(settings)
  const isGood = kept !== undefined && world.nowMs < kept.expiresAtMs - LEAST_MS
  if (isGood && world.nowMs < kept.renewAtMs) return kept.token
  if (isGood) kept.renewAtMs = world.nowMs + CLAIM_MS
  try {
    const fresh = await fetchToken(account, tokenUrl ?? googlesOwn(account.tokenUri), world)
    tokens.set(settings, fresh)
    return fresh.token
  } catch (cause) {
    if (isGood) return kept.token
    throw cause
  }
}

async function fetchToken(account: ServiceAccount, url: string, world: World): Promise<Kept> {
  let response: Response
  const assertion = await assertionOf(account, url, world.nowMs)
  try {
    response = await world.fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body: new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }).toString(),
      redirect: 'manual',
    })
  } catch (cause) {
    throw new GatewayError('upstream-failed', 'Google’s token endpoint could not be reached.', { cause })
  }
  const answer = await objectOf(response)
  const token = answer['access_token']
  if (response.ok && typeof token === 'string' && /^[\x21-\x7e]+$/.test(token)) {
    const seconds = typeof answer['expires_in'] === 'number' && answer['expires_in'] > 0 ? answer['expires_in'] : HOUR_SECONDS
    const expiresAtMs = world.nowMs + seconds * 1000
    return { token, expiresAtMs, renewAtMs: expiresAtMs - EARLY_MS }
  }
  // Only the error's name is told: its words may quote the assertion.
  const name = typeof answer['error'] === 'string' && /^[a-z_]{1,40}$/.test(answer['error']) ? `, ${answer['error']}` : ''
  const refused = response.status >= 400 && response.status < 500 && response.status !== 429
  throw new GatewayError(
    refused ? 'credential-refused' : 'upstream-failed',
    `Google’s token endpoint gave no token for the service account (status ${response.status}${name}).`,
  )
}

async function assertionOf(account: ServiceAccount, audience: string, nowMs: number): Promise<string> {
  const issuedAt = Math.floor(nowMs / 1000)
  try {
    const key = await importPKCS8(account.privateKey, 'RS256')
    return await new SignJWT({ scope: SCOPE })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', ...(account.privateKeyId === null ? {} : { kid: account.privateKeyId }) })
      .setIssuer(account.email)
      .setAudience(audience)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + HOUR_SECONDS)
      .sign(key)
  } catch {
    throw unusable('has a private_key that cannot sign') // the cause may quote the key
  }
}

/** A key file is an operator's, but it comes from elsewhere: an assertion made with it goes to Google only. */
function googlesOwn(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : null
  if (parsed !== null && parsed.protocol === 'https:' && parsed.host === 'oauth2.googleapis.com' && parsed.username === '') return url
  throw unusable('names a token_uri that is not Google’s (https://oauth2.googleapis.com)')
}

async function objectOf(response: Response): Promise<{ readonly [name: string]: unknown }> {
  try {
    const value: unknown = JSON.parse(await response.text())
    return typeof value === 'object' && value !== null ? (value as { readonly [name: string]: unknown }) : {}
  } catch {
    return {}
  }
}

function unusable(why: string): GatewayError {
  return new GatewayError('credential-refused', `The service account’s key file ${why}.`)
}
