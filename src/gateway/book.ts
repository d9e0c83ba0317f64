// Makes the ledger row of a request: what it used, what that costs, and what is booked where nobody can know.

import type { Ending, Fidelity, Hold, Leg, Row, UsageFrom } from '../core/account.ts'
import type { Units, Usage } from '../core/canonical.ts'
import type { GatewayError } from '../core/errors.ts'
import { costNanoUsd, DEARER_SERVICES } from '../core/price.ts'
import { usageOf } from '../core/usage.ts'
import type { Candidate } from './candidate.ts'
import { priceFor, serviceHeard } from './candidates.ts'
import type { Job, Key } from './job.ts'
import { unseenTokens } from './meter.ts'
import { BYTES_A_TOKEN, type Tally } from './tally.ts'

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
  /** Every event of it was counted, under an elastic hold that covers a part of the worst case. */
  readonly isMetered?: boolean
}

export function rowOf(job: Job, key: Key, hold: Hold, outcome: Outcome): Row {
  const { candidate, tally } = outcome
  const booked = price(job, hold, outcome)
  const now = job.deps.now()
  const trace = traceOf(job.headers)
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
    usage: booked.usage,
    usageFrom: booked.from,
    costNanoUsd: booked.costNanoUsd,
    priceVersion: candidate.entry === null || candidate.entry.price === null ? null : candidate.entry.priceVersion,
    attempts: outcome.legs,
    finish: outcome.ending === 'budget-stop' ? 'length' : (tally?.finish ?? null),
    ended: outcome.ending,
    errorCode: outcome.error?.code ?? null,
    firstEventMs: tally?.firstEventAt == null ? null : tally.firstEventAt - job.startedAt,
    totalMs: now - job.startedAt,
    traceId: trace.traceId,
    parentSpan: trace.parentSpan,
    session: job.intent.session,
    endUser: job.intent.endUserId,
    tags: tagsOf(job.headers),
    upstreamId: tally?.upstreamId ?? null,
    dropped: outcome.dropped,
    fidelity: outcome.fidelity ?? null,
  }
}

type Booked = { readonly usage: Usage | null; readonly from: UsageFrom; readonly costNanoUsd: number | null }

function price(job: Job, hold: Hold, outcome: Outcome): Booked {
  const { candidate, tally, ending, error } = outcome
  const rates = priceFor(job.intent, candidate)
  const cost = (usage: Usage): number | null => (rates === null ? null : costNanoUsd(usage, rates))
  const told = (usage: Usage): Booked => {
    const nanoUsd = cost(usage)
    // A dearer service tier than was asked for, without a price: unknown is not zero to a budget.
    if (nanoUsd === null && rates !== null && hold.budgeted) return { usage, from: 'hold', costNanoUsd: hold.nanoUsd }
    return { usage, from: 'provider', costNanoUsd: nanoUsd }
  }
  if (ending === 'complete' && tally !== null && tally.usage !== null && !saysTooLittle(job, tally.usage, cost)) return told(tally.usage)
  // A provider that answered with an error status, or never got the request's end, has billed nothing.
  if (tally === null && (error?.detail.upstream !== undefined || (job.body.failure ?? null) !== null))
    return { usage: null, from: 'none', costNanoUsd: 0 }
  const { isMetered = false } = outcome
  if (rates !== null && costsNothing(cost)) return { usage: counted(job, tally, isMetered), from: 'counted', costNanoUsd: 0 }
  // Usage told by a stream that then broke off is told all the same, where its finish was there.
  if (tally !== null && tally.usage !== null && tally.finish !== null) return told(tally.usage)
  const unseen = job.intent.guess !== undefined && !costsNothing(cost, job.intent.knownUnits)
  const stops = (ending === 'client-gone' || ending === 'budget-stop') && candidate.provider.stopsBillingOnAbort.answer === 'yes'
  const untold = tally === null || tally.usage === null
  const usage = { ...counted(job, tally, isMetered), ...(untold ? serviceAsked(job, candidate) : {}) }
  const nanoUsd = cost(usage)
  // An elastic hold is not the worst case: what was counted may be more.
  if (hold.budgeted && !stops && (unseen || ending !== 'complete'))
    return isMetered && nanoUsd !== null && nanoUsd > hold.nanoUsd
      ? { usage, from: 'counted', costNanoUsd: nanoUsd }
      : { usage, from: 'hold', costNanoUsd: hold.nanoUsd }
  if (nanoUsd === null && rates !== null && hold.budgeted) return { usage, from: 'hold', costNanoUsd: hold.nanoUsd }
  return {
    usage,
    from: 'counted',
    costNanoUsd:
      nanoUsd === null || !hold.budgeted ? nanoUsd : Math.min(nanoUsd, (isMetered ? hold.elastic?.mostNanoUsd : undefined) ?? hold.nanoUsd),
  }
}

/** Where nobody told the service tier, a dearer one that was asked for counts as given. */
function serviceAsked(job: Job, candidate: Candidate): Pick<Usage, 'service'> {
  const asked = serviceHeard(job.intent, job.client.id, candidate)
  return asked !== null && DEARER_SERVICES.has(asked) ? { service: asked } : {}
}

/** Whether the price is zero for whatever may be used, `but` for these pieces. */
function costsNothing(cost: (usage: Usage) => number | null, but: Units = {}): boolean {
  const many = 1_000_000
  const pieces = { images: many, audioMs: many, characters: many, searches: many }
  const units: Units = { ...pieces, ...Object.fromEntries(Object.keys(but).map((name) => [name, 0])) }
  const tokens = { input: many, cacheWrite1h: many, inputAudio: many, inputImage: many, output: many, outputAudio: many, outputImage: many }
  return cost(usageOf({ ...tokens, units })) === 0
}

/** Counts of another kind than the bill's (seconds where tokens are billed): a price of nothing would come out, and nothing is not what it costs. */
function saysTooLittle(job: Job, told: Usage, cost: (usage: Usage) => number | null): boolean {
  return job.intent.guess !== undefined && cost(told) === 0 && !costsNothing(cost)
}

/** What was used as far as anybody saw: the provider's own counts where it told some, else an estimate from the text. */
export function counted(job: Job, tally: Tally | null, isMetered: boolean): Usage {
  const told = tally?.usage ?? null
  const { guess, units: most, likelyUnits: units = most } = job.intent
  if (guess !== undefined) return guess
  const seen = isMetered ? (tally?.outputTokens ?? 0) + unseenTokens(job) : Math.ceil((tally?.contentLength ?? 0) / BYTES_A_TOKEN)
  const output = Math.max(told?.output ?? 0, seen)
  return told === null
    ? usageOf({ input: Math.ceil(job.body.byteLength / BYTES_A_TOKEN), output, ...(units === undefined ? {} : { units }) })
    : { ...told, output }
}

/** W3C trace context, where the client sent a valid one. */
function traceOf(headers: Headers): { readonly traceId: string | null; readonly parentSpan: string | null } {
  const match = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}/.exec(headers.get('traceparent') ?? '')
  return { traceId: match?.[1] ?? null, parentSpan: match?.[2] ?? null }
}

function tagsOf(headers: Headers): readonly string[] {
  const text = headers.get('x-sluice-tags') ?? headers.get('x-litellm-tags') ?? ''
  return text
    .split(',')
    .map((tag) => tag.trim().slice(0, 64))
    .filter((tag) => tag !== '')
    .slice(0, 20)
}
