// Every way a request can fail, in one table. A dialect decides status and spelling on the wire; nothing else may.

import type { DialectId, JsonObject } from './canonical.ts'
import type { RatesView } from './rates.ts'
import type { Warning } from './soft-limit.ts'

/** What to do with the other targets. `context` and `content`: only targets the route lists for that case. */
export type Next = 'stop' | 'same' | 'next' | 'context' | 'content'
export type Fault = 'client' | 'gateway' | 'upstream'
type Rule = {
  readonly status: number
  readonly fault: Fault
  readonly next: Next
  readonly clientMayRetry: boolean
}

const client = (status: number): Rule => ({ status, fault: 'client', next: 'stop', clientMayRetry: false })
const upstream = (status: number, next: Next): Rule => ({
  status,
  fault: 'upstream',
  next,
  clientMayRetry: next === 'next',
})
const gateway = (status: number, next: Next, clientMayRetry: boolean): Rule => ({
  status,
  fault: 'gateway',
  next,
  clientMayRetry,
})

/** `status` is the default; a client dialect may differ (an exhausted budget is 402 for OpenRouter, 429 for the rest). */
export const ERRORS = {
  'request-malformed': client(400),
  'request-unsupported': client(400),
  'request-unboundable': client(400), // strict: no worst case can be computed (a remote file, an uncapped server tool)
  'request-duplicate': client(409), // the same Idempotency-Key is still running
  'path-unknown': client(404),
  'method-not-allowed': client(405),
  'key-missing': client(401),
  'key-unknown': client(401),
  'key-disabled': client(401),
  'key-expired': client(401),
  'key-forbidden-here': client(403), // its policy names other client addresses
  'admin-required': client(403),
  'model-forbidden': client(403),
  'model-unknown': client(404),
  'model-unpriced': client(400),
  'record-unknown': client(404),
  'record-exists': client(409),
  'record-changed': client(412), // it is no longer what the client has seen (If-Match)
  'no-target-left': client(404),
  'body-too-large': client(413),
  'rate-exceeded': { ...client(429), clientMayRetry: true },
  'budget-exceeded': client(429),
  'client-gone': client(499),
  'upstream-refused': upstream(400, 'stop'),
  'upstream-context-too-long': upstream(400, 'context'),
  'upstream-content-refused': upstream(400, 'content'),
  'upstream-limited': upstream(429, 'next'),
  'upstream-overloaded': upstream(503, 'next'),
  'upstream-failed': upstream(502, 'next'),
  'upstream-timeout': upstream(504, 'next'),
  'upstream-garbled': upstream(502, 'next'),
  'upstream-cut': upstream(502, 'next'), // before the commit point; after it, an event
  'credential-missing': gateway(400, 'next', false), // the client named a place that is not set up here; trying again does not help
  'credential-refused': gateway(502, 'next', false),
  'gateway-unavailable': gateway(503, 'stop', true),
  'gateway-misconfigured': gateway(503, 'stop', false),
  'gateway-bug': gateway(500, 'stop', false),
} as const satisfies Record<string, Rule>

export type ErrorCode = keyof typeof ERRORS

export type ErrorDetail = {
  readonly cause?: unknown
  readonly retryAfterMs?: number
  /** Where in the request, such as `messages[3].content`. Never a value. */
  readonly at?: string
  /** All that is wrong with a document, each at its place. Never a value. */
  readonly errors?: readonly { readonly path: string; readonly message: string }[]
  /** Both counters, when money was the reason. Whole nano-dollars. */
  readonly money?: {
    readonly spentNanoUsd: number
    readonly heldNanoUsd: number
    readonly limitNanoUsd: number
    readonly scope: string
  }
  /** What is left of the key's limits. */
  readonly rates?: RatesView
  /** Soft limits that are reached. */
  readonly warnings?: readonly Warning[]
  /** What the provider itself answered: its status, and its body (credentials taken out) for a client of the same dialect. */
  readonly upstream?: { readonly status: number; readonly dialect: DialectId; readonly body: JsonObject | null }
  /** The provider bills nothing for an answer that ended so. */
  readonly unbilled?: true
}

/** A failure with a code of the table. `message` says what was wrong and what to do; never a key, a prompt or a header. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly code: ErrorCode
  readonly detail: ErrorDetail

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause })
    this.code = code
    this.detail = detail
  }

  get rule(): Rule {
    return ERRORS[this.code]
  }

  /** The provider's own 4xx where it answered one that is the client's fault (404, 413, 422 …), else the table's. */
  get status(): number {
    const said = this.detail.upstream?.status
    const rule = this.rule
    return rule.fault === 'upstream' && rule.status === 400 && said !== undefined && said >= 400 && said < 500 ? said : rule.status
  }
}
