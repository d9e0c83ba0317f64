// How a Gemini client is told of a failure: google.rpc.Status, `{error: {code, message, status, details}}`. Source: google/rpc/code.proto, error_details.proto

import type { JsonObject } from '../../core/canonical.ts'
import type { GatewayError } from '../../core/errors.ts'
import { DIALECT, isObject } from './wire.ts'

const WORDS: ReadonlyMap<number, string> = new Map([
  [401, 'UNAUTHENTICATED'],
  [403, 'PERMISSION_DENIED'],
  [404, 'NOT_FOUND'],
  [405, 'UNIMPLEMENTED'],
  [409, 'ABORTED'],
  [429, 'RESOURCE_EXHAUSTED'],
  [499, 'CANCELLED'],
  [503, 'UNAVAILABLE'],
  [504, 'DEADLINE_EXCEEDED'],
])

export function writeError(error: GatewayError, requestId: string | null): JsonObject {
  return { error: providersOwn(error) ?? ownWords(error, requestId) }
}

/** What Google itself said. Never of our own credential: that is not the client's key. */
function providersOwn(error: GatewayError): JsonObject | null {
  const { upstream } = error.detail
  const said = upstream?.dialect === DIALECT && error.rule.fault === 'upstream' ? upstream.body?.['error'] : undefined
  if (!isObject(said)) return null
  const isStatus = said['code'] === error.status && typeof said['message'] === 'string' && typeof said['status'] === 'string'
  return isStatus && said['message'] !== '' ? said : null
}

function ownWords(error: GatewayError, requestId: string | null): JsonObject {
  const { code, status, detail } = error
  const details: JsonObject[] = [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: reasonOf(code), domain: 'sluice' }]
  if (detail.at !== undefined) {
    details.push({
      '@type': 'type.googleapis.com/google.rpc.BadRequest',
      fieldViolations: [{ field: detail.at, description: error.message }],
    })
  }
  if (detail.retryAfterMs !== undefined) {
    details.push({ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${Math.ceil(detail.retryAfterMs / 1000)}s` })
  }
  if (requestId !== null) details.push({ '@type': 'type.googleapis.com/google.rpc.RequestInfo', requestId })
  return {
    code: status,
    message: wordsOf(error),
    status: WORDS.get(status) ?? (status < 500 ? 'INVALID_ARGUMENT' : 'INTERNAL'),
    details,
  }
}

/** `budget-exceeded` → `BUDGET_EXCEEDED`, as Google spells reasons. */
function reasonOf(code: string): string {
  return code.toUpperCase().replaceAll('-', '_')
}

/** An exhausted budget must never read like a rate limit, which clients wait for and repeat. */
function wordsOf(error: GatewayError): string {
  if (error.message === '') return 'The request failed.'
  return error.code === 'budget-exceeded' && !/budget/i.test(error.message) ? `The budget is exhausted. ${error.message}` : error.message
}
