// How ledger rows stand in D1: one spelling for the writer and the readers.

import type { Chosen, Fidelity, Row } from '../core/account.ts'
import type { Comparison } from '../core/shadow.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { Units, Usage } from '../core/canonical.ts'

const COLUMNS = [
  'id', 'key_id', 'created_at', 'period', 'dialect', 'requested_model', 'provider', 'model', 'streamed', 'input', 'cache_read', 'cache_write_5m',
  'cache_write_1h', 'output', 'input_audio', 'output_audio', 'output_image', 'paid_tool_calls', 'reasoning', 'usage_from', 'cost_nano_usd',
  'price_version', 'attempts', 'finish', 'ended', 'error_code', 'first_event_ms', 'total_ms', 'trace_id', 'parent_span', 'session', 'end_user',
  'tags', 'upstream_id', 'dropped', 'fidelity', 'units', 'input_image',
  'scopes', 'service', 'usage_more', 'shadow_of', 'comparison', 'decision', 'router',
] as const // prettier-ignore

type Column = (typeof COLUMNS)[number]
/** `feedback` is never written with a row: it comes later, and a row that is corrected keeps it. */
export type Stored = { readonly [column in Column]: string | number | null } & { readonly feedback?: string | null }

const values = COLUMNS.map((_, i) => `json_extract(value, '$[${i}]')`).join(', ')
const INSERT = `INSERT INTO requests (${COLUMNS.join(', ')}) SELECT ${values} FROM json_each(?1) WHERE true ON CONFLICT (id)`

/** Many rows in one statement with one parameter: D1 takes 100 parameters a statement, and a repeated batch must count once. */
export const INSERT_ROWS = `${INSERT} DO NOTHING`
/** For rows that correct one booked when its hold expired. */
export const CORRECT_ROWS = `${INSERT} DO UPDATE SET ${COLUMNS.filter((c) => c !== 'id' && c !== 'key_id')
  .map((c) => `${c} = excluded.${c}`)
  .join(', ')}`

/** The parameter of those statements. */
export function rowsParameter(rows: readonly Row[]): string {
  return JSON.stringify(
    rows.map((row) => {
      const stored = toStored(row)
      return COLUMNS.map((column) => stored[column])
    }),
  )
}

function toStored(row: Row): Stored {
  const u = row.usage
  return {
    id: row.id,
    key_id: row.keyId,
    created_at: row.createdAt,
    period: row.period,
    dialect: row.dialect,
    requested_model: row.requestedModel,
    provider: row.provider,
    model: row.model,
    streamed: row.streamed ? 1 : 0,
    input: u?.input ?? null,
    cache_read: u?.cacheRead ?? null,
    cache_write_5m: u?.cacheWrite5m ?? null,
    cache_write_1h: u?.cacheWrite1h ?? null,
    output: u?.output ?? null,
    input_audio: u?.inputAudio ?? null,
    output_audio: u?.outputAudio ?? null,
    output_image: u?.outputImage ?? null,
    paid_tool_calls: u?.paidToolCalls ?? null,
    reasoning: u?.reasoning ?? null,
    usage_from: row.usageFrom,
    cost_nano_usd: row.costNanoUsd,
    price_version: row.priceVersion,
    attempts: JSON.stringify(row.attempts),
    finish: row.finish,
    ended: row.ended,
    error_code: row.errorCode,
    first_event_ms: row.firstEventMs,
    total_ms: row.totalMs,
    trace_id: row.traceId,
    parent_span: row.parentSpan,
    session: row.session,
    end_user: row.endUser,
    tags: JSON.stringify(row.tags),
    upstream_id: row.upstreamId,
    dropped: JSON.stringify(row.dropped),
    fidelity: row.fidelity === null ? null : JSON.stringify({ ...row.fidelity, dropped: undefined }),
    units: u?.units === undefined ? null : JSON.stringify(u.units),
    input_image: u?.inputImage ?? null,
    scopes: JSON.stringify((row.scopes ?? []).toSorted()),
    service: u?.service ?? null,
    shadow_of: row.shadowOf ?? null,
    comparison: row.comparison === undefined ? null : JSON.stringify(row.comparison),
    usage_more:
      u?.billed === undefined && u?.aside === undefined
        ? null
        : JSON.stringify({ billed: u.billed, aside: u.aside } satisfies { [part in keyof More]: More[part] | undefined }),
    decision: row.decision ?? null,
    router: row.router === undefined ? null : JSON.stringify(row.router),
  }
}

/** Counts beside those of the answer. */
type More = Pick<Usage, 'billed' | 'aside'>

/** A stored row as the ledger speaks of it. */
export function fromStored(stored: Stored): Row {
  const text = (column: Column): string | null => (typeof stored[column] === 'string' ? stored[column] : null)
  const count = (column: Column): number => Number(stored[column] ?? 0)
  const orNull = (column: Column): number | null => (stored[column] === null ? null : Number(stored[column]))
  const units = stored.units == null ? null : (JSON.parse(String(stored.units)) as Units) // as we wrote it
  const usage: Usage | null =
    stored.input === null
      ? null
      : {
          input: count('input'),
          cacheRead: count('cache_read'),
          cacheWrite5m: count('cache_write_5m'),
          cacheWrite1h: count('cache_write_1h'),
          output: count('output'),
          inputAudio: count('input_audio'),
          outputAudio: count('output_audio'),
          outputImage: count('output_image'),
          paidToolCalls: count('paid_tool_calls'),
          reasoning: orNull('reasoning'),
          ...(stored.input_image == null ? {} : { inputImage: count('input_image') }),
          ...(units === null ? {} : { units }),
          ...(text('service') === null ? {} : { service: text('service') ?? '' }),
          ...(JSON.parse(text('usage_more') ?? '{}') as More), // as we wrote it
        }
  const dropped = JSON.parse(text('dropped') ?? '[]') as string[]
  const fidelity = text('fidelity')
  const decision = text('decision')
  return {
    id: text('id') ?? '',
    keyId: text('key_id') ?? '',
    period: text('period') ?? '',
    createdAt: count('created_at'),
    dialect: text('dialect') ?? '',
    requestedModel: text('requested_model') ?? '',
    provider: text('provider'),
    model: text('model'),
    streamed: count('streamed') === 1,
    usage,
    usageFrom: (text('usage_from') ?? 'none') as Row['usageFrom'],
    costNanoUsd: orNull('cost_nano_usd'),
    priceVersion: text('price_version'),
    attempts: JSON.parse(text('attempts') ?? '[]') as Row['attempts'],
    finish: text('finish'),
    ended: (text('ended') ?? 'failed') as Row['ended'],
    errorCode: text('error_code') as ErrorCode | null,
    firstEventMs: orNull('first_event_ms'),
    totalMs: count('total_ms'),
    traceId: text('trace_id'),
    parentSpan: text('parent_span'),
    session: text('session'),
    endUser: text('end_user'),
    tags: JSON.parse(text('tags') ?? '[]') as string[],
    upstreamId: text('upstream_id'),
    dropped,
    scopes: JSON.parse(text('scopes') ?? '[]') as string[],
    ...(text('shadow_of') === null ? {} : { shadowOf: text('shadow_of') ?? '' }),
    ...(text('comparison') === null ? {} : { comparison: JSON.parse(text('comparison') ?? '') as Comparison }), // as we wrote it
    fidelity: fidelity === null ? null : { ...(JSON.parse(fidelity) as Omit<Fidelity, 'dropped'>), dropped },
    ...(decision === null ? {} : { decision }),
    ...(text('router') === null ? {} : { router: JSON.parse(text('router') ?? '') as Chosen }), // as we wrote it
    ...(stored.feedback == null ? {} : { feedback: stored.feedback }),
  }
}
