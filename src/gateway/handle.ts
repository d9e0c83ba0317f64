// The path of one request, top to bottom. It decides the order of things and nothing else.

import type { Admission, KeptAnswer, Leg, Row } from '../core/account.ts'
import { isOpen } from '../core/estate.ts'
import { GatewayError } from '../core/errors.ts'
import type { Account, Deps, LastingCall } from '../ports.ts'
import { Afterwards } from './afterwards.ts'
import { billOf, rowOf, type Outcome } from './book.ts'
import type { Candidate } from './candidate.ts'
import { ask, candidates } from './candidates.ts'
import { isCountable } from './countable.ts'
import { authenticate, newRequestId, type Job, type Key } from './job.ts'
import { keptAwake } from './keep-alive.ts'
import { Legs } from './legs.ts'
import { logLine } from './log-line.ts'
import { Meter } from './meter.ts'
import type { Answered, Manner } from './manner.ts'
import { markedUp } from './markup.ts'
import { admittedHeaders, costHeader, keptAnswer, refuse, replay, servedHeaders } from './respond.ts'
import type { Trace } from './send.ts'
import { renewing } from './renew.ts'

/** Where a request last went, for the headers of its refusal. */
type Place = { candidate: Candidate | null }
type Granted = Admission & { readonly kind: 'granted' }

export async function handle<J extends Job, A extends Answered>(request: Request, manner: Manner<J, A>, deps: Deps): Promise<Response> {
  const { client } = manner
  const requestId = newRequestId()
  const at: Place = { candidate: null }
  let afterwards: Afterwards | null = null
  try {
    const key = await authenticate(client.credential(request.headers, new URL(request.url)), deps) // before the body: a made-up key costs nothing
    const job = await manner.begin(request, requestId, deps)
    const targets = await candidates(job, manner.modes, (provider) => manner.serves(job, provider))
    const account = deps.account(key.id)
    const question = await ask(job, key, targets)
    afterwards = new Afterwards(deps.later)
    const admission = await account.admit(question)
    if (admission.kind === 'refused') throw new GatewayError(admission.code, admission.message, refusalDetail(admission))
    if (admission.kind === 'replay') return replay(admission)
    const allowed = admission.allowed.map((index) => markedUp(targets[index] as Candidate, admission.markupBasisPoints))
    const needs = new Map(allowed.flatMap((candidate, i) => needOf(admission, i, candidate)))
    return await keptAwake(
      job,
      afterwards,
      (kept, then) =>
        serve(manner, admission.drains === true ? { ...kept, drains: true } : kept, key, account, admission, allowed, needs, at, then),
      manner.farewell,
      at,
      () => admittedHeaders(job, admission),
    )
  } catch (error) {
    return refuse(error, client, requestId, deps.log, at.candidate)
  } finally {
    afterwards?.end()
  }
}

/** From the hold to its settle: whatever happens in here, the hold ends. */
async function serve<J extends Job, A extends Answered>(
  manner: Manner<J, A>,
  job: J,
  key: Key,
  account: Account,
  admission: Granted,
  targets: readonly Candidate[],
  needs: ReadonlyMap<Candidate, number>,
  at: Place,
  afterwards: Afterwards,
): Promise<Response> {
  const legs = new Legs(job, account, admission.hold, needs)
  const settle = (row: Row | null, answer: KeptAnswer | null = null): Promise<void> => {
    if (row !== null) job.deps.log(() => logLine(row))
    return account.settle({ hold: meter?.hold ?? legs.hold, row, answer })
  }
  let meter: Meter | null = null
  const book = (outcome: Outcome): Row => rowOf(job, key, meter?.hold ?? legs.hold, outcome)
  /** When the client has left: what can still be learned of the answer is learned by whoever reads it to its end. */
  const leave = async (outcome: Outcome, lasting: LastingCall | null): Promise<void> => {
    const row = book(outcome)
    if (lasting !== null && isOpen(row) && (await lasting.takeOver({ row, bill: billOf(job, meter?.hold ?? legs.hold, outcome) }))) return
    await settle(row)
  }
  const first = await firstToCommit(manner, job, targets, admission.maxOutputTokens, legs)
  const { hold, owedNanoUsd } = legs
  if (first.kind === 'failed') {
    const { candidate, error, lasting } = first
    at.candidate = candidate
    const ending = error.code === 'client-gone' ? 'client-gone' : 'failed'
    afterwards.until(
      candidate === null
        ? settle(null)
        : leave({ candidate, tally: null, ending, error, legs: legs.all, owedNanoUsd, dropped: [] }, lasting),
    )
    throw error
  }
  const { from, lasting } = first
  const { candidate, dropped, fidelity } = from.opened
  const outcome = { candidate, tally: from.tally, legs: legs.all, owedNanoUsd, dropped, fidelity }
  const headers = servedHeaders(job, from.opened, admission)

  if (from.kind === 'whole') {
    const row = book({ ...outcome, ending: 'complete', error: null })
    costHeader(headers, row.costNanoUsd)
    try {
      const { body, contentType } = manner.tell(job, from)
      headers.set('content-type', contentType)
      const response = new Response(body as BodyInit, { headers })
      const kept = job.headers.has('idempotency-key') ? keptAnswer(response, body) : null
      afterwards.until(settle(row, kept))
      return response
    } catch (error) {
      afterwards.until(settle(row)) // it was served and will be billed, though it could not be told
      throw error
    }
  }

  if (hold.elastic !== undefined && owedNanoUsd === 0 && from.kind === 'stream' && isCountable(job, candidate))
    meter = new Meter(job, account, hold, candidate, from.tally)
  const { delivery, contentType } = manner.carry(job, from, meter)
  const stopRenewing = renewing(job, account, hold, meter)
  afterwards.until(
    delivery.done.then(({ ending, error }) => {
      stopRenewing()
      return leave({ ...outcome, ending, error, isMetered: meter !== null }, lasting)
    }),
  )
  headers.set('content-type', contentType)
  return new Response(delivery.readable, { headers })
}

type First<A> =
  | { readonly kind: 'committed'; readonly from: A; readonly lasting: LastingCall | null }
  /** `candidate: null`: nothing was ever sent. */
  | { readonly kind: 'failed'; readonly error: GatewayError; readonly candidate: Candidate | null; readonly lasting: LastingCall | null }

/** Before the commit point a failure is another target's chance; after it, an event. */
async function firstToCommit<J extends Job, A extends Answered>(
  manner: Manner<J, A>,
  job: J,
  targets: readonly Candidate[],
  maxOutputTokens: number | null,
  legs: Legs,
): Promise<First<A>> {
  let last: GatewayError | null = null // made only when it is needed: an Error's stack is dear
  let sentTo: Candidate | null = null
  let lasting: LastingCall | null = null
  for (const candidate of targets) {
    if (!(await legs.fits(candidate))) break
    const began = job.deps.now()
    const trace: Trace = { sent: false, lasting: null }
    const leg = (outcome: Leg['outcome'], status: number | null): Leg => ({
      provider: candidate.provider.id,
      model: candidate.model,
      outcome,
      status,
      ms: job.deps.now() - began,
    })
    try {
      const from = await manner.open(job, candidate, maxOutputTokens, trace)
      legs.committed(leg('committed', from.opened.response.status))
      return { kind: 'committed', from, lasting: trace.lasting }
    } catch (cause) {
      last =
        cause instanceof GatewayError ? cause : new GatewayError('gateway-bug', 'Sluice failed while it called the provider.', { cause })
      if (trace.sent) {
        sentTo = candidate
        lasting = trace.lasting
        legs.failed(leg(last.code, last.detail.upstream?.status ?? null), candidate, last)
      }
      if (last.rule.next === 'stop' || job.signal.aborted || job.body.isSpent === true) break
    }
  }
  last ??= new GatewayError('no-target-left', 'No target that this key may use can serve this request.')
  return { kind: 'failed', error: last, candidate: sentTo, lasting }
}

function needOf({ allowed, needs }: Granted, i: number, candidate: Candidate): readonly (readonly [Candidate, number])[] {
  const need = needs?.[allowed[i] ?? -1]
  return need === undefined ? [] : [[candidate, need]]
}

function refusalDetail(admission: Admission & { readonly kind: 'refused' }): ConstructorParameters<typeof GatewayError>[2] {
  return {
    ...(admission.money === undefined ? {} : { money: admission.money }),
    ...(admission.rates === undefined ? {} : { rates: admission.rates }),
    ...(admission.warnings === undefined ? {} : { warnings: admission.warnings }),
    ...(admission.retryAfterMs === undefined ? {} : { retryAfterMs: admission.retryAfterMs }),
  }
}
