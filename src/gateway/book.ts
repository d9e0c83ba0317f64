// Makes the ledger row of a request. What is booked, and where nobody can know, is core/bill.ts.

import type { Ending, Fidelity, Hold, Leg, Row } from '../core/account.ts'
import { booked, withLastCost, type Bill, type Before } from '../core/bill.ts'
import type { GatewayError } from '../core/errors.ts'
import { FREE } from '../core/recost.ts'
import type { Candidate } from './planning/candidate.ts'
import { answeredBy } from './planning/chosen.ts'
import { toldDecision } from './telling/decision-told.ts'
import { priceFor, serviceHeard } from './planning/candidates.ts'
import type { Job, Key } from './job.ts'
import { unseenTokens } from './meter.ts'
import { customerOf, tagsOf } from './said.ts'
import type { Tally } from './tally.ts'

/** How the request came out, for its row. `tally: null`: no target ever answered with content. */
export type Outcome = {
  readonly candidate: Candidate
  readonly tally: Tally | null
  readonly ending: Ending
  readonly error: GatewayError | null
  readonly legs: readonly Leg[]
  readonly dropped: readonly string[]
  /** Where a target answered. */
  readonly fidelity?: Fidelity | null
  /** What the legs before the last may be billed; `null`: unknown. */
  readonly owedNanoUsd?: number | null
  /** Another target had begun this answer: what it used, when its first content came, and how many bytes of it were sent along to the next. */
  readonly before?: Before & { readonly firstEventAt: number | null; readonly bytes: number }
  /** What all of it can cost at worst, where that is less than the hold. */
  readonly mostNanoUsd?: number
  /** Every event of it was counted, under an elastic hold that covers a part of the worst case. */
  readonly isMetered?: boolean
}

/** A row must fit D1 whatever a client calls its users. */
const LONGEST_USER = 512

export function rowOf(job: Job, key: Key, hold: Hold, outcome: Outcome): Row {
  const { candidate, tally } = outcome
  const bill = billOf(job, hold, outcome)
  const { usage, from, costNanoUsd } = booked(bill, {
    seen: tally,
    ending: outcome.ending,
    unbilled: isUnbilled(job, outcome.error),
  })
  const now = job.deps.now()
  const firstEventAt = outcome.before === undefined ? (tally?.firstEventAt ?? null) : outcome.before.firstEventAt
  const trace = traceOf(job.headers)
  const decision = toldDecision(job)
  return {
    id: job.id,
    keyId: key.id,
    period: hold.period,
    createdAt: job.startedAt,
    dialect: job.client.id,
    requestedModel: job.intent.model.slice(0, 256),
    provider: candidate.provider.id,
    model: candidate.model,
    streamed: job.intent.stream,
    usage,
    usageFrom: from,
    costNanoUsd,
    priceVersion: priceVersion(job, candidate),
    attempts: withLastCost(outcome.legs, bill, costNanoUsd),
    finish: outcome.ending === 'budget-stop' ? 'length' : (tally?.finish ?? null),
    ended: outcome.ending,
    errorCode: outcome.error?.code ?? null,
    firstEventMs: firstEventAt === null ? null : firstEventAt - job.startedAt,
    totalMs: now - job.startedAt,
    traceId: trace.traceId,
    parentSpan: trace.parentSpan,
    session: job.intent.session,
    endUser: customerOf(job)?.slice(0, LONGEST_USER) ?? null,
    tags: [...(job.arms ?? []), ...tagsOf(job.headers)],
    upstreamId: tally?.upstreamId ?? null,
    dropped: outcome.dropped,
    fidelity: outcome.fidelity ?? null,
    ...(job.shadowOf === undefined ? {} : { shadowOf: job.shadowOf }),
    ...(decision === null ? {} : { decision: decision.text }),
    ...(job.chosen === undefined ? {} : { router: answeredBy(job.chosen, candidate) }),
  }
}

/** A provider that answered with an error, or never got the request's end, has billed nothing. */
export function isUnbilled(job: Job, error: GatewayError | null): boolean {
  return error?.detail.upstream !== undefined || error?.detail.unbilled === true || (job.body.failure ?? null) !== null
}

/** Whose price it is; `null`: it had none. */
function priceVersion(job: Job, { entry }: Candidate): string | null {
  if (job.intent.free === true) return FREE
  return entry === null || entry.price === null ? null : entry.priceVersion
}

/** What is known of a request before its answer, of all that decides what it is booked at. */
export function billOf(
  job: Job,
  hold: Hold,
  {
    candidate,
    owedNanoUsd = 0,
    isMetered = false,
    before,
    mostNanoUsd,
  }: Pick<Outcome, 'candidate' | 'owedNanoUsd' | 'isMetered' | 'before' | 'mostNanoUsd'>,
): Bill {
  const { guess, units, likelyUnits, knownUnits } = job.intent
  return {
    rates: priceFor(job.intent, candidate),
    hold, // whole: an object that has forgotten it takes all of it from what a crash has lost
    ...(mostNanoUsd === undefined ? {} : { mostNanoUsd }),
    owedNanoUsd,
    before: before === undefined ? undefined : { usage: before.usage, from: before.from },
    stopsOnAbort: candidate.provider.stopsBillingOnAbort.answer === 'yes',
    bodyBytes: job.body.byteLength + (before?.bytes ?? 0),
    metered: isMetered ? { unseenTokens: unseenTokens(job) } : undefined,
    service: serviceHeard(job.intent, job.client.id, candidate),
    guess,
    units,
    likelyUnits,
    knownUnits,
  }
}

/** W3C trace context, where the client sent a valid one. */
function traceOf(headers: Headers): { readonly traceId: string | null; readonly parentSpan: string | null } {
  const match = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}/.exec(headers.get('traceparent') ?? '')
  return { traceId: match?.[1] ?? null, parentSpan: match?.[2] ?? null }
}
