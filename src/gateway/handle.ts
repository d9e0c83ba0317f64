// The path of one request, top to bottom. It decides the order of things and nothing else.

import type { Admission, Ending, Hold, KeptAnswer, Row } from '../core/account.ts'
import { isOpen } from '../core/estate.ts'
import { GatewayError } from '../core/errors.ts'
import type { Account, Deps, LastingCall } from '../ports.ts'
import { Afterwards } from './afterwards.ts'
import { firstToCommit } from './trying/attempts.ts'
import { billOf, rowOf, type Outcome } from './book.ts'
import type { Candidate } from './planning/candidate.ts'
import { cascaded, cascadeText } from './trying/cascade.ts'
import { ask } from './planning/candidates.ts'
import { jobFor } from './planning/changes.ts'
import type { Onward } from './trying/continuation.ts'
import { isCountable } from './countable.ts'
import { authenticate, newRequestId, type Job, type Key } from './job.ts'
import { keptAwake } from './keep-alive.ts'
import { orGiveBack } from './give-back.ts'
import { Legs } from './trying/legs.ts'
import { logLine } from './log-line.ts'
import type { Answered, Manner } from './manner.ts'
import { Meter } from './meter.ts'
import { planned } from './planning/plan.ts'
import { renewing } from './renew.ts'
import { admittedHeaders, costHeader, keptAnswer, refuse, replay, servedHeaders } from './respond.ts'
import { toldOfEnd } from './planning/retirement.ts'
import { ended, foreseen, routed, type Routed } from './planning/route.ts'
import { castShadow } from './trying/shadow.ts'

/** Where a request last went, for the headers of its refusal. */
type Place = { candidate: Candidate | null; job: Job | null }
type Granted = Admission & { readonly kind: 'granted' }

export async function handle<J extends Job, A extends Answered>(request: Request, manner: Manner<J, A>, deps: Deps): Promise<Response> {
  const { client } = manner
  const requestId = newRequestId()
  const at: Place = { candidate: null, job: null }
  let afterwards: Afterwards | null = null
  try {
    const key = await authenticate(client.credential(request.headers, new URL(request.url)), deps) // before the body: a made-up key costs nothing
    const job = await manner.begin(request, requestId, deps)
    at.job = job
    const plan = foreseen(await planned(job, key, manner.modes, (provider) => manner.serves(job, provider)), job, key)
    const account = deps.account(key.id)
    const question = await ask(
      job,
      key,
      plan.targets.map(({ candidate }) => candidate),
    )
    afterwards = new Afterwards(deps.later)
    const admission = await account.admit(question)
    if (admission.kind === 'refused') throw refusedBy(admission)
    if (admission.kind === 'replay') return replay(admission)
    const ending = afterwards
    const route = orGiveBack(
      account,
      admission.hold,
      (work) => ending.until(work),
      () => {
        const found = routed(plan, admission, job, key)
        const { chosen, ...terms } = found.terms
        if (chosen === undefined) return found
        if (manner.isAside === true) return { ...found, terms } // nobody answers: there is nothing to learn of the choice
        deps.learning.decided(key.id, chosen)
        return found
      },
    )
    const cast = admission.repeated ? null : castShadow(manner, job, key, plan.route)
    cast?.send((shadow, books, granted, way, then) => serve(manner, shadow, key, books, granted, way, { candidate: null, job: null }, then))
    return await keptAwake(
      job,
      afterwards,
      (kept, then) =>
        serve(
          manner,
          {
            ...kept,
            ...route.terms,
            ...(admission.drains === true ? { drains: true } : {}),
            ...(cast === null ? {} : { companion: cast.main }),
          },
          key,
          account,
          admission,
          route,
          at,
          then,
        ),
      manner.farewell,
      at,
      () => admittedHeaders(job, admission),
    )
  } catch (error) {
    return refuse(error, client, requestId, deps.log, at.candidate, at.job)
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
  route: Routed,
  at: Place,
  afterwards: Afterwards,
): Promise<Response> {
  const legs = new Legs(job, account, admission.hold, route.needs)
  if (job.inquiry !== undefined) job.inquiry.legs = legs.all
  let meter: Meter | null = null
  const hold = (): Hold => meter?.hold ?? legs.hold
  const stopRenewing = renewing(job, account, hold, () => meter)
  const settle = (row: Row | null, answer: KeptAnswer | null = null): Promise<void> =>
    job.companion === undefined ? settleAs(row, answer) : job.companion.booked(row).then((told) => settleAs(told, answer))
  const settleAs = (row: Row | null, answer: KeptAnswer | null): Promise<void> => {
    stopRenewing()
    if (row !== null) job.deps.log(() => logLine(row))
    return account.settle({ hold: hold(), row, answer })
  }
  const book = (outcome: Outcome): Row => rowOf(jobFor(job, outcome.candidate), key, hold(), outcome)
  /** When the client has left: what can still be learned of the answer is learned by whoever reads it to its end. */
  const leave = async (outcome: Outcome, lasting: LastingCall | null): Promise<void> => {
    const row = book(outcome)
    const bill = billOf(jobFor(job, outcome.candidate), hold(), outcome)
    if (lasting !== null && isOpen(row) && (await lasting.takeOver({ row, bill }))) {
      await job.companion?.booked(row)
      return stopRenewing()
    }
    await settle(row)
  }
  const givenUp = (cause: unknown): never => {
    if (legs.owedBeside(null) === 0) afterwards.until(settle(null))
    else stopRenewing() // what was sent may be billed: the hold is booked when it expires
    throw cause
  }
  const asked = await firstToCommit(manner, job, route.choices, legs, route.tries).catch(givenUp)
  const { first, books, told, besideNanoUsd, wholeMs } = await cascaded(manner, job, asked, route, legs).catch(givenUp)
  if (told !== undefined && job.inquiry !== undefined) {
    job.inquiry.cascade = told
    job.inquiry.told = null // what was told before it came to this
  }
  const owedNanoUsd = legs.owedBeside(first.call)
  if (first.kind === 'failed') {
    const { choice, error, lasting } = first
    at.candidate = choice?.candidate ?? null
    const ending = error.code === 'client-gone' ? 'client-gone' : 'failed'
    afterwards.until(
      choice === null
        ? settle(null)
        : leave({ candidate: choice.candidate, tally: null, ending, error, legs: legs.all, owedNanoUsd, ...books, dropped: [] }, lasting),
    )
    throw choice === null ? error : toldOfEnd(error, choice.candidate, job.startedAt)
  }
  const { from, lasting } = first
  const { candidate, dropped, fidelity } = from.opened
  const mine = { ...jobFor(job, candidate), ...(besideNanoUsd === undefined ? {} : { besideNanoUsd }) }
  const outcome = { candidate, tally: from.tally, legs: legs.all, owedNanoUsd, ...books, dropped, fidelity }
  const headers = servedHeaders(
    mine,
    from.opened,
    { ...admission, maxOutputTokens: first.choice.ceiling, clamped: first.choice.ceiling !== null },
    legs.all,
  )
  if (told !== undefined) headers.set('x-sluice-cascade', cascadeText(told))
  const health = (ending: Ending): void => {
    if (manner.isAside !== true) ended(mine, candidate, from.tally, ending, from.kind === 'whole' ? first.ms : wholeMs)
  }

  if (from.kind === 'whole') {
    const row = book({ ...outcome, ending: 'complete', error: null })
    costHeader(headers, row.costNanoUsd)
    try {
      health('complete')
      const { body, contentType } = manner.tell(mine, from)
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

  if (legs.hold.elastic !== undefined && owedNanoUsd === 0 && from.kind === 'stream' && isCountable(mine, candidate))
    meter = new Meter(mine, account, legs.hold, candidate, from.tally)
  // What is counted while it runs is counted for one call, and a model's own limit is charged for that model alone.
  const mayContinue = route.continues && told === undefined && legs.hold.elastic === undefined && legs.hold.purses === undefined
  const onward: Onward = { choices: first.rest, call: first.call, legs, tries: route.tries, ceiling: first.choice.ceiling }
  const continuation = mayContinue ? (manner.continuing?.(job, from, onward) ?? null) : null
  if (continuation !== null) headers.set('x-sluice-continues', 'on')
  const { delivery, contentType } = manner.carry(mine, from, meter, continuation)
  afterwards.until(
    delivery.done.then(({ ending, error }) => {
      const told: Outcome = { ...outcome, ending, error, isMetered: meter !== null }
      const whole = continuation?.concluded(told, lasting) ?? { outcome: told, lasting }
      const left = leave(whole.outcome, whole.lasting)
      if (continuation === null) health(ending)
      else continuation.tellHealth(ending)
      return left
    }),
  )
  headers.set('content-type', contentType)
  return new Response(delivery.readable, { headers })
}

/** As the client is told. */
export function refusedBy(admission: Admission & { readonly kind: 'refused' }): GatewayError {
  return new GatewayError(admission.code, admission.message, {
    ...(admission.money === undefined ? {} : { money: admission.money }),
    ...(admission.rates === undefined ? {} : { rates: admission.rates }),
    ...(admission.warnings === undefined ? {} : { warnings: admission.warnings }),
    ...(admission.retryAfterMs === undefined ? {} : { retryAfterMs: admission.retryAfterMs }),
  })
}
