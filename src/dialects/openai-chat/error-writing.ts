// How OpenAI's clients are told of a failure: `{error: {message, type, param, code}}`, with all four always there.

import type { JsonObject } from '../../core/canonical.ts'
import type { ErrorCode, GatewayError } from '../../core/errors.ts'
import { isObject, OPENAI_CHAT } from './wire.ts'

type Spelling = { readonly type: string; readonly code?: string }

/** OpenAI's own words where it has some; else our code is the code. */
const SPELLINGS: { readonly [code in ErrorCode]?: Spelling } = {
  'key-missing': { type: 'authentication_error', code: 'invalid_api_key' },
  'key-unknown': { type: 'authentication_error', code: 'invalid_api_key' },
  'key-disabled': { type: 'authentication_error', code: 'invalid_api_key' },
  'key-expired': { type: 'authentication_error', code: 'invalid_api_key' },
  'admin-required': { type: 'permission_error' },
  'key-forbidden-here': { type: 'permission_error' },
  'model-forbidden': { type: 'permission_error' },
  'model-unknown': { type: 'invalid_request_error', code: 'model_not_found' },
  'budget-exceeded': { type: 'insufficient_quota', code: 'insufficient_quota' },
  'rate-exceeded': { type: 'rate_limit_error', code: 'rate_limit_exceeded' },
  'upstream-limited': { type: 'rate_limit_error', code: 'rate_limit_exceeded' },
  'upstream-context-too-long': { type: 'invalid_request_error', code: 'context_length_exceeded' },
  'upstream-content-refused': { type: 'invalid_request_error', code: 'content_policy_violation' },
}

export function writeError(error: GatewayError): JsonObject {
  const fault = error.rule.fault
  const own = SPELLINGS[error.code]
  const said = fault === 'upstream' ? providersOwn(error) : null
  return {
    error: {
      message: wordsOf(error),
      type: said?.['type'] ?? own?.type ?? (error.status < 500 ? 'invalid_request_error' : 'api_error'),
      param: said === null ? (error.detail.at ?? null) : (said['param'] ?? null),
      code: said === null ? (own?.code ?? error.code) : (said['code'] ?? null),
    },
  }
}

/** What the provider itself said, for a client that speaks its language. Never of our own credential: that is not the client's key. */
function providersOwn(error: GatewayError): JsonObject | null {
  const { upstream } = error.detail
  const said = upstream?.dialect === OPENAI_CHAT ? upstream.body?.['error'] : undefined
  return isObject(said) ? said : null
}

/** An exhausted budget must never read like a rate limit, which clients wait for and repeat. */
export function wordsOf(error: GatewayError): string {
  return error.code === 'budget-exceeded' && !/budget/i.test(error.message) ? `The budget is exhausted. ${error.message}` : error.message
}
