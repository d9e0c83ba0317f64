// What a request leaves in the log: one line of facts. No prompt, no answer, no key, no message of a provider.

import type { Row } from '../core/account.ts'

export function logLine(row: Row): { readonly [name: string]: unknown } {
  return {
    request_id: row.id,
    key_id: row.keyId,
    ...(row.shadowOf === undefined ? {} : { shadow_of: row.shadowOf }),
    dialect: row.dialect,
    provider: row.provider,
    model: row.model,
    streamed: row.streamed,
    attempts: row.attempts.length,
    outcomes: row.attempts.map(({ outcome, unfit }) => (unfit === undefined ? outcome : `${outcome}:${unfit}`)),
    ended: row.ended,
    ...(row.errorCode === null ? {} : { error: row.errorCode }),
    ...(row.usage === null ? {} : { input: row.usage.input, cache_read: row.usage.cacheRead, output: row.usage.output }),
    usage_from: row.usageFrom,
    cost_nano_usd: row.costNanoUsd,
    first_event_ms: row.firstEventMs,
    total_ms: row.totalMs,
  }
}
