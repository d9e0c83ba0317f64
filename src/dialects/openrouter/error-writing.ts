// How OpenRouter's clients are told of a failure: `{error: {code, message, metadata: {error_type}}}`, the code being the HTTP status.
// Source: its openapi.yaml, ApiErrorType and the responses of /chat/completions.

import type { JsonObject } from '../../core/canonical.ts'
import type { ErrorCode, GatewayError } from '../../core/errors.ts'
import { wordsOf } from '../openai-chat/error-writing.ts'

/** Statuses that differ from the table's. */
const STATUSES: { readonly [code in ErrorCode]?: number } = {
  'budget-exceeded': 402,
  'upstream-overloaded': 529,
  'upstream-timeout': 524,
}

/** Where the status alone does not say it. */
const TYPES: { readonly [code in ErrorCode]?: string } = {
  'upstream-context-too-long': 'context_length_exceeded',
  'upstream-content-refused': 'content_policy_violation',
  'gateway-bug': 'server',
  'gateway-misconfigured': 'server',
  'gateway-unavailable': 'server',
}

const TYPE_OF_STATUS: { readonly [status: number]: string } = {
  400: 'invalid_request',
  401: 'authentication',
  402: 'payment_required',
  403: 'permission_denied',
  404: 'not_found',
  408: 'timeout',
  412: 'precondition_failed',
  413: 'payload_too_large',
  422: 'unprocessable',
  429: 'rate_limit_exceeded',
  500: 'server',
  502: 'provider_unavailable',
  503: 'provider_unavailable',
  524: 'timeout',
  529: 'provider_overloaded',
}

export function statusOf(error: GatewayError): number {
  return STATUSES[error.code] ?? error.status
}

export function writeError(error: GatewayError, provider?: { readonly name: string }): JsonObject {
  return { error: { ...inChunk(error), metadata: metadataOf(error, provider) } }
}

/** The error inside a chunk of a stream, which tells no more than the kind. */
export function inChunk(error: GatewayError): { readonly code: number; readonly message: string; readonly metadata: JsonObject } {
  return { code: statusOf(error), message: wordsOf(error), metadata: { error_type: typeOf(error) } }
}

function typeOf(error: GatewayError): string {
  const status = statusOf(error)
  return TYPES[error.code] ?? TYPE_OF_STATUS[status] ?? (status < 500 ? 'invalid_request' : 'unmapped')
}

function metadataOf(error: GatewayError, provider: { readonly name: string } | undefined): JsonObject {
  const { upstream, at } = error.detail
  // Never what a provider said of our own credential: it is not the client's.
  const raw = error.rule.fault === 'upstream' ? (upstream?.body ?? null) : null
  return {
    error_type: typeOf(error),
    ...(provider === undefined || error.rule.fault === 'client' ? {} : { provider_name: provider.name }),
    ...(raw === null ? {} : { raw: JSON.stringify(raw) }),
    ...(at === undefined ? {} : { at }),
    ...(error.code === 'budget-exceeded' ? { limit_source: 'openrouter_key_limit' } : {}),
  }
}
