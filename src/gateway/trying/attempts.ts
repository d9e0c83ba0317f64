// Calls the targets of a request one after the other, until one has begun its answer. What failed decides who is asked next: somebody else,
// the same once more, or nobody. Before the commit point a failure is another target's chance; after it, an event.

import type { Leg } from '../../core/account.ts'
import { GatewayError } from '../../core/errors.ts'
import type { LastingCall } from '../../ports.ts'
import type { Trouble } from '../../routing/contract.ts'
import { NO_HEALTH } from '../../routing/health.ts'
import { attemptLimits } from './attempt-limits.ts'
import { healthTarget } from '../planning/candidate.ts'
import { jobFor } from '../planning/changes.ts'
import type { Job } from '../job.ts'
import type { Call, Legs } from './legs.ts'
import type { Answered, Manner } from '../manner.ts'
import type { Choice } from '../planning/rank.ts'
import type { Trace } from '../send.ts'
import { mayFollow } from '../planning/tree.ts'
import { backoff, isWorthRepeating, NEUTRAL, outcomeOf, troubleOf } from './trouble.ts'

/** How a request may be tried, as its route and its client say. */
export type Tries = {
  /** Further calls of targets that failed. */
  readonly retries: number
  readonly learns: boolean
  readonly hedge: { readonly percentile: 50 | 75 | 90 | 99; readonly leastMs: number } | null
  /** Milliseconds since the epoch; `null`: none. */
  readonly deadlineAt: number | null
  readonly firstContentAt: number | null
}

export type First<A> =
  | {
      readonly kind: 'committed'
      readonly from: A
      readonly choice: Choice
      readonly call: Call
      readonly lasting: LastingCall | null
      /** Those that were not asked and could go on after an outage. */
      readonly rest: readonly Choice[]
      /** From sending to the point from which there is no way back, in milliseconds. */
      readonly ms: number
    }
  /** `call: null`: nothing was ever sent. `call` is the one that is booked. */
  | {
      readonly kind: 'failed'
      readonly error: GatewayError
      readonly choice: Choice | null
      readonly call: Call | null
      readonly lasting: LastingCall | null
    }

/** A call on its way. `entered`: after which trouble it was begun. */
type Running<A> = {
  readonly choice: Choice
  readonly call: Call
  /** Ends it for another's sake; `null`: nobody runs beside it. */
  readonly end: AbortController | null
  readonly entered: Trouble
  readonly ended: Promise<Ended<A>>
}

type Ended<A> = { readonly running: Running<A> } & (
  | { readonly kind: 'committed'; readonly from: A; readonly leg: Leg; readonly lasting: LastingCall | null }
  | { readonly kind: 'failed'; readonly error: GatewayError; readonly sent: boolean; readonly lasting: LastingCall | null }
)

/** A call that another target has overtaken ends at once; where it does not, it is not waited for. */
const MOST_ENDING_MS = 1000

export async function firstToCommit<J extends Job, A extends Answered>(
  manner: Pick<Manner<J, A>, 'open' | 'isAside'>,
  job: J,
  choices: readonly Choice[],
  legs: Legs,
  tries: Tries,
): Promise<First<A>> {
  const { deps } = job
  const waiting = [...choices]
  const running = new Set<Running<A>>()
  let retries = tries.retries
  let round = 0
  let failed: (Ended<A> & { kind: 'failed' }) | null = null
  let again: { readonly choice: Choice; readonly error: GatewayError; readonly entered: Trouble } | null = null
  let unpaid = false
  let isHedged = false // once a request: a second hedge would double the load again

  const begin = async (choice: Choice, entered: Trouble): Promise<boolean> => {
    const call = await legs.begin(choice.candidate)
    if (call === null) {
      unpaid = true
      return false
    }
    const others = waiting.some(({ leaf }) => mayFollow(leaf, 'outage', null))
    try {
      running.add(start(manner, job, choice, call, entered, legs, tries, others))
    } catch (cause) {
      legs.unsent(call)
      for (const { end } of running) end?.abort()
      throw cause
    }
    return true
  }
  /** Who came in for another trouble is followed by those who are there for the same. */
  const next = (trouble: Trouble, status: number | null, entered: Trouble): Choice | null => {
    const why = trouble === 'outage' ? entered : trouble
    const at = waiting.findIndex(({ leaf }) => mayFollow(leaf, why, status))
    return at < 0 ? null : (waiting.splice(at, 1)[0] ?? null)
  }

  for (let choice = next('outage', null, 'outage'); choice !== null; choice = next('outage', null, 'outage')) {
    if (!(await begin(choice, 'outage'))) continue
    break
  }
  while (running.size > 0) {
    const hedge = isHedged || !job.intent.stream ? null : hedgeAfter(running, waiting, tries) // when a whole answer began nobody sees
    const ended = await firstOf(running, hedge)
    if (ended === null) {
      isHedged = true
      if (job.body.isSpent === true) continue // what went out as it came cannot be sent to another
      const choice = next('outage', null, 'outage')
      // Who cannot be paid beside a call that runs may be when that has failed for nothing.
      if (choice !== null && !(await begin({ ...choice, why: 'hedge' }, 'outage'))) waiting.unshift(choice)
      continue
    }
    running.delete(ended.running)
    if (ended.kind === 'committed') {
      legs.committed(ended.leg, ended.running.call)
      await endAll(running, legs, job)
      const { from, lasting, leg, running: won } = ended
      // Who came in for another trouble is not followed by those who were passed over then.
      const rest = won.entered === 'outage' ? waiting : []
      return { kind: 'committed', from, choice: won.choice, call: won.call, lasting, ms: leg.ms, rest }
    }
    const { error } = ended
    if (ended.sent || failed === null || !failed.sent) failed = ended
    const trouble = troubleOf(error, ended.sent)
    if (trouble === null || job.signal.aborted || job.body.isSpent === true) {
      await endAll(running, legs, job)
      break
    }
    if (trouble === 'outage' && isWorthRepeating(error)) again ??= { choice: ended.running.choice, error, entered: ended.running.entered }
    if (running.size > 0) continue
    const late = deadlineOf(tries)
    if (late !== null && deps.now() >= late) break
    let begun = false
    const status = error.detail.upstream?.status ?? null
    const { entered } = ended.running
    for (let choice = next(trouble, status, entered); choice !== null && !begun;) {
      begun = await begin(choice, trouble === 'outage' ? entered : trouble)
      if (!begun) choice = next(trouble, status, entered)
    }
    if (begun || trouble !== 'outage' || again === null || retries <= 0) continue
    const wait = backoff(again.error, round++, deps.random())
    if (wait === null || (late !== null && deps.now() + wait >= late) || !deps.retryBudget.spend(again.choice.candidate.provider.id))
      continue
    retries--
    if (!(await waited(wait, job.signal))) break
    const once = again
    again = null
    await begin({ ...once.choice, why: 'retry' }, once.entered)
  }
  if (failed === null) {
    const error = unpaid
      ? new GatewayError('budget-exceeded', 'What is left of the budget does not pay for a call of any target.')
      : new GatewayError('no-target-left', 'No target that this key may use can serve this request.')
    return { kind: 'failed', error, choice: null, call: null, lasting: null }
  }
  const { sent, error, lasting, running: at } = failed
  return { kind: 'failed', error, choice: sent ? at.choice : null, call: sent ? at.call : null, lasting }
}

function start<J extends Job, A extends Answered>(
  manner: Pick<Manner<J, A>, 'open' | 'isAside'>,
  job: J,
  choice: Choice,
  call: Call,
  entered: Trouble,
  legs: Legs,
  tries: Tries,
  others: boolean,
): Running<A> {
  const { deps } = job
  const { candidate, health, probe } = choice
  const target = healthTarget(candidate)
  const heard = manner.isAside === true ? NO_HEALTH : deps.health
  const end = tries.hedge === null ? null : new AbortController()
  const began = deps.now()
  const mine = jobFor(job, candidate)
  const pace = { ...tries, timeouts: candidate.timeouts ?? NO_TIMEOUTS, health, probe, streams: mine.intent.stream, others }
  const { limits, hurried } = attemptLimits(deps.limits, pace, deps.now)
  const signal = end === null ? job.signal : AbortSignal.any([job.signal, end.signal])
  const attempt: J = { ...mine, signal, deps: { ...deps, limits } }
  const trace: Trace = { sent: false, lasting: null }
  if (choice.why !== 'retry') deps.retryBudget.earn(candidate.provider.id)
  heard.begin(target, probe, mine.intent.inputBound === null ? 0 : Math.ceil(mine.intent.inputBound / BYTES_A_TOKEN))
  const legOf = (outcome: Leg['outcome'], status: number | null): Leg => ({
    provider: candidate.provider.id,
    model: candidate.model,
    outcome,
    status,
    ms: deps.now() - began,
  })
  const open = async (): Promise<Ended<A>> => {
    try {
      const from = await manner.open(attempt, candidate, choice.ceiling, trace)
      heard.report(target, { kind: 'good', firstContentMs: mine.intent.stream ? deps.now() - began : null })
      return { kind: 'committed', running, from, leg: legOf('committed', from.opened.response.status), lasting: trace.lasting }
    } catch (cause) {
      const error =
        cause instanceof GatewayError ? cause : new GatewayError('gateway-bug', 'Sluice failed while it called the provider.', { cause })
      const waitedMs = deps.now() - began
      const lost = end?.signal.aborted === true && !job.signal.aborted
      heard.report(target, lost ? NEUTRAL : outcomeOf(error, hurried && waitedMs < 2 * (health.firstContentMs?.p90 ?? Infinity)))
      if (trace.sent) legs.failed(legOf(error.code, error.detail.upstream?.status ?? null), call, error, lost ? 'client-gone' : 'failed')
      else legs.unsent(call)
      return { kind: 'failed', running, error, sent: trace.sent, lasting: trace.lasting }
    }
  }
  const running: Running<A> = { choice, call, end, entered, ended: Promise.resolve().then(open) }
  return running
}

const BYTES_A_TOKEN = 4
const NO_TIMEOUTS = {}

function deadlineOf({ deadlineAt, firstContentAt }: Tries): number | null {
  if (deadlineAt === null) return firstContentAt
  return firstContentAt === null ? deadlineAt : Math.min(deadlineAt, firstContentAt)
}

/** `false`: the client left meanwhile. */
function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve(!signal.aborted)
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
    if (signal.aborted) done()
  })
}

/** How long until a second target is asked too; `null`: never. */
function hedgeAfter<A>(running: ReadonlySet<Running<A>>, waiting: readonly Choice[], { hedge }: Tries): number | null {
  const [only] = running
  if (hedge === null || only === undefined || running.size !== 1 || waiting.length === 0) return null
  const known = only.choice.health.firstContentMs
  const p = `p${hedge.percentile}` as const
  if (known === null && hedge.leastMs === 0) return null
  return Math.max(hedge.leastMs, known === null ? 0 : known[p])
}

/** The first that ends; `null`: none has within the time. */
async function firstOf<A>(running: ReadonlySet<Running<A>>, hedgeMs: number | null): Promise<Ended<A> | null> {
  const ends = [...running].map(({ ended }) => ended)
  const [only] = ends
  if (hedgeMs === null) return only !== undefined && ends.length === 1 ? only : Promise.race(ends)
  const over = Promise.withResolvers<null>()
  const timer = setTimeout(() => over.resolve(null), hedgeMs)
  try {
    return await Promise.race([...ends, over.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** Ends the losers of a race and waits until it is known what they may cost. One that had won too late is given up like the others. */
async function endAll<A extends Answered>(running: ReadonlySet<Running<A>>, legs: Legs, job: Job): Promise<void> {
  for (const { end } of running) end?.abort()
  for (const one of running) {
    const over = one.ended.then((ended) => {
      if (ended.kind === 'committed') giveUp(ended, legs, job)
    })
    await within(over, MOST_ENDING_MS) // one that does not end stays reserved at its worst
  }
}

function giveUp<A extends Answered>({ from, leg, running }: Ended<A> & { kind: 'committed' }, legs: Legs, job: Job): void {
  const gone = new GatewayError('client-gone', 'Another target was faster.')
  from.opened.stop(gone)
  job.deps.health.end(healthTarget(running.choice.candidate), { ill: false, outputTokens: null, ms: 0 })
  legs.failed({ ...leg, outcome: gone.code }, running.call, gone, 'client-gone')
}

/** Whether it ends within the time or not; no timer is left behind. */
async function within(work: Promise<void>, ms: number): Promise<void> {
  const over = Promise.withResolvers<void>()
  const timer = setTimeout(over.resolve, ms)
  try {
    await Promise.race([work, over.promise])
  } finally {
    clearTimeout(timer)
  }
}
