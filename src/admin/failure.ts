// Failures of the `/api/v1` mount, in OpenRouter's shape: an error with an integer code.

import { GatewayError } from '../core/errors.ts'
import { newRequestId } from '../gateway/job.ts'

export function apiFailure(cause: unknown): Response {
  const error =
    cause instanceof GatewayError
      ? cause
      : new GatewayError('gateway-unavailable', 'The books cannot be reached just now. It is safe to repeat this call.', {
          retryAfterMs: 1000,
        })
  if (!(cause instanceof GatewayError))
    console.log(JSON.stringify({ level: 'error', message: cause instanceof Error ? cause.message.slice(0, 500) : 'not an Error' }))
  const { status } = error
  const headers = new Headers({ 'content-type': 'application/json', 'cache-control': 'no-store', 'x-sluice-request-id': newRequestId() })
  if (error.detail.retryAfterMs !== undefined) headers.set('retry-after', String(Math.ceil(error.detail.retryAfterMs / 1000)))
  return new Response(
    JSON.stringify({
      error: {
        code: status,
        message: error.message,
        metadata: {
          error_type: error.code,
          ...(error.detail.at === undefined ? {} : { at: error.detail.at }),
          ...(error.detail.errors === undefined ? {} : { errors: error.detail.errors }),
        },
      },
    }),
    { status, headers },
  )
}
