// Spells errors for an Anthropic client. Shapes: https://platform.claude.com/docs/en/api/errors

import type { JsonObject } from '../../core/canonical.ts'
import type { GatewayError } from '../../core/errors.ts'
import { ANTHROPIC_MESSAGES, isObject, THREAD } from './wire.ts'

const OVERLOADED = 529

/** The API says 529 where others say 503. */
export function statusOf(error: GatewayError): number {
  return error.code === 'upstream-overloaded' ? OVERLOADED : error.status
}

/** What the provider itself said stands, where it speaks this dialect and the fault is not our credential's. */
export function writeError(error: GatewayError, requestId: string | null): JsonObject {
  const { upstream } = error.detail
  const said = upstream?.dialect === ANTHROPIC_MESSAGES && error.rule.fault === 'upstream' ? upstream.body?.['error'] : undefined
  const own = isObject(said) && typeof said['type'] === 'string' && typeof said['message'] === 'string' ? said : null
  return {
    type: 'error',
    error: own ?? { type: typeOf(error), message: error.message, ...detailsOf(error) },
    ...(requestId === null ? {} : { request_id: requestId }),
  }
}

/** The SDK's tool runner goes on without a thread, all messages sent, when it is told so in these words. */
function detailsOf({ code, detail }: GatewayError): JsonObject {
  if (code !== 'request-unsupported' || detail.at !== THREAD) return {}
  return { details: { error_code: 'thread_unsupported_request', unsupported: null } }
}

function typeOf(error: GatewayError): string {
  // An exhausted budget is no rate limit: waiting a minute does not help.
  if (error.code === 'budget-exceeded') return 'billing_error'
  const status = statusOf(error)
  switch (status) {
    case 401:
      return 'authentication_error'
    case 402:
      return 'billing_error'
    case 403:
      return 'permission_error'
    case 404:
      return 'not_found_error'
    case 413:
      return 'request_too_large'
    case 429:
      return 'rate_limit_error'
    case 504:
      return 'timeout_error'
    case OVERLOADED:
      return 'overloaded_error'
    default:
      return status >= 500 ? 'api_error' : 'invalid_request_error'
  }
}
