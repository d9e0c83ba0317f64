// Asks once more, a tier up, where an answer came and is verifiably no good, before the client has anything of it. Both calls are booked: the one
// that is not given is reserved at what it cost, the other must fit beside it. Where nobody is asked, or nothing better comes, the client gets
// what there was.

import type { Booked } from '../../core/bill.ts'
import type { Unfit } from '../../core/unfit.ts'
import { FAILURE_WEIGHTS, resultOf } from '../../routing/choosing/port.ts'
import type { Cascade } from '../../routing/contract.ts'
import { isTierUp, type Tier } from '../../routing/tiers.ts'
import { firstToCommit, type First, type Tries } from './attempts.ts'
import type { Outcome } from '../book.ts'
import type { Candidate } from '../planning/candidate.ts'
import { targetId } from '../planning/candidate.ts'
import { answeredBy } from '../planning/chosen.ts'
import { jobFor } from '../planning/changes.ts'
import type { Job } from '../job.ts'
import type { Call, Legs } from './legs.ts'
import type { Answered, Manner } from '../manner.ts'
import type { Choice } from '../planning/rank.ts'
import { ended, type Routed } from '../planning/route.ts'
import { mayFollow } from '../planning/tree.ts'

type Committed<A> = First<A> & { readonly kind: 'committed' }
type Kept<A> = Committed<A> & Pick<Given<A>, 'wholeMs'>

/** What became of it, for the client and for explain. `because`: why nothing better is given. */
export type CascadeTold = {
  readonly unfit: Unfit
  readonly given: 'first' | 'second'
  /** A fixed word, or the code of the second's error. */
  readonly because?: string
}

/** What the client is given, and what its row must know of the other answer. */
export type Given<A> = {
  readonly first: First<A>
  readonly books: Pick<Outcome, 'before' | 'mostNanoUsd'>
  /** What the other answer was booked at; absent: there is none. `null`: nobody knows. */
  readonly besideNanoUsd?: number | null
  /** How long the stream took that was held back; `null`: none was. */
  readonly wholeMs: number | null
  /** Absent: the answer was fine, as far as anybody looked. */
  readonly told?: CascadeTold
}

/** The one answer that was asked for so far is given, unless it is no good and another is better. */
export async function cascaded<J extends Job, A extends Answered>(
  manner: Pick<Manner<J, A>, 'open' | 'isAside' | 'judge'>,
  job: J,
  first: First<A>,
  route: Pick<Routed, 'cascade' | 'tries'>,
  legs: Legs,
): Promise<Given<A>> {
  const { cascade } = route
  if (first.kind === 'failed' || cascade === null || manner.judge === undefined || !mayCascade(job, legs))
    return { first, books: {}, wholeMs: null }
  const { answer, unfit, wholeMs } = await manner.judge(
    jobFor(job, first.choice.candidate),
    first.from,
    first.choice.ceiling,
    cascade.rules,
  )
  const kept: Kept<A> = { ...first, from: answer, wholeMs }
  if (unfit === null) return { first: kept, books: {}, wholeMs }
  aside(job, () => noted(job, unfit, first.choice.candidate))
  const choice = nextTier(kept, cascade)
  const why = choice === null ? 'no-target' : whyNot(job, route)
  if (choice === null || why !== null) return asItIs(kept, unfit, why ?? 'no-target', legs)
  const own = legs.answered(first.call, answer.tally)
  // A cost that nobody knows cannot be kept beside another.
  if (own.costNanoUsd === null && legs.hold.budgeted) return asItIs(kept, unfit, 'unpaid', legs)
  try {
    return await better(manner, job, { kept, unfit, own, choice }, cascade.rules, route.tries, legs)
  } catch (cause) {
    bugTold(job, cause)
    return withRest(asItIs(kept, unfit, 'gateway-bug', legs), legs)
  }
}

type Unhappy<A> = { readonly kept: Kept<A>; readonly unfit: Unfit; readonly own: Booked; readonly choice: Choice }

/** One more call, and which of the two answers is given. */
async function better<J extends Job, A extends Answered>(
  manner: Pick<Manner<J, A>, 'open' | 'isAside' | 'judge'>,
  job: J,
  { kept, unfit, own, choice }: Unhappy<A>,
  rules: Cascade,
  tries: Tries,
  legs: Legs,
): Promise<Given<A>> {
  const second = await firstToCommit(manner, job, [choice], legs, { ...tries, retries: 0, hedge: null })
  if (second.kind === 'failed') {
    if (second.error.code === 'client-gone' && second.choice !== null) {
      // Nobody hears either answer: what the second costs may still be learned.
      legs.unfit(kept.call, unfit, false)
      healthTold(manner, job, kept)
      return { first: second, books: beside(own, second.call, legs, null), wholeMs: null }
    }
    const because = second.choice === null && second.error.code === 'budget-exceeded' ? 'unpaid' : second.error.code
    return withRest(asItIs(kept, unfit, because, legs), legs)
  }
  const mine = jobFor(job, second.choice.candidate)
  const judged = await manner.judge?.(mine, second.from, second.choice.ceiling, rules)
  const other: Kept<A> = { ...second, from: judged?.answer ?? second.from, wholeMs: judged?.wholeMs ?? null }
  const broken = judged?.broken ?? null
  if (broken !== null && !job.signal.aborted) {
    const cut = legs.brokenOff(other.call, other.from.tally, broken)
    healthTold(manner, job, other, 'upstream-cut')
    const books = beside(cut, kept.call, legs, kept.from.tally.firstEventAt)
    return { ...asItIs(kept, unfit, broken.code, legs), books, besideNanoUsd: cut.costNanoUsd }
  }
  const fault = judged?.unfit ?? null
  if (fault === null) {
    legs.unfit(kept.call, unfit, false)
    healthTold(manner, job, kept)
    const books = beside(own, other.call, legs, other.from.tally.firstEventAt)
    return { first: other, books, besideNanoUsd: own.costNanoUsd, told: { unfit, given: 'second' }, wholeMs: other.wholeMs }
  }
  aside(job, () => noted(job, fault, other.choice.candidate))
  const others = legs.answered(other.call, other.from.tally)
  legs.unfit(other.call, fault, false)
  healthTold(manner, job, other)
  const books = beside(others, kept.call, legs, kept.from.tally.firstEventAt)
  return { ...asItIs(kept, unfit, `unfit:${fault}`, legs), books, besideNanoUsd: others.costNanoUsd }
}

/** What is counted while it runs is counted for one call, and a model's own limit is charged for that model alone. */
function mayCascade({ body, intent, headers, wishes }: Job, { hold }: Legs): boolean {
  if (hold.elastic !== undefined || hold.purses !== undefined) return false
  if (body.isSpent === true || intent.choices !== 1 || wishes.disablesFallbacks === true) return false
  return headers.get('x-sluice-cascade') !== 'false'
}

/** Whoever is named for it, else the next that could follow an outage and is a tier up. */
function nextTier<A>({ choice, rest }: Committed<A>, { rules, view }: NonNullable<Routed['cascade']>): Choice | null {
  const found =
    rules.target === null
      ? rest.find((one) => mayFollow(one.leaf, 'outage', null) && isTierUp(tierOf(choice.candidate), tierOf(one.candidate), view))
      : rest.find(({ leaf }) => mayFollow(leaf, 'unfit', null))
  if (found === undefined) return null
  const { leaf } = found
  const { onStatus: _, ...use } = leaf.use
  return { ...found, why: 'cascade', leaf: { ...leaf, use: { ...use, on: ['outage'] } } } // it is the first one now
}

function tierOf({ entry, model }: Candidate): Tier {
  const price = entry?.price ?? null
  return {
    model: entry?.openrouterId ?? model,
    price: price === null ? null : { inputPico: price.input, outputPico: price.output, cacheReadPico: price.cacheRead ?? null },
  }
}

/** `null`: it may go out. */
function whyNot({ signal, deps }: Job, { tries }: Pick<Routed, 'tries'>): string | null {
  if (signal.aborted) return 'client-gone'
  const now = deps.now()
  const isLate = [tries.deadlineAt, tries.firstContentAt].some((at) => at !== null && now >= at)
  return isLate ? 'late' : null
}

function asItIs<A>(first: Kept<A>, unfit: Unfit, because: string, legs: Legs): Given<A> & { readonly first: Committed<A> } {
  legs.unfit(first.call, unfit, true)
  return { first, books: {}, told: { unfit, given: 'first', because }, wholeMs: first.wholeMs }
}

/** Nothing of what was held for the second is the first one's. */
function withRest<A>(given: Given<A> & { readonly first: Committed<A> }, legs: Legs): Given<A> {
  const { call } = given.first
  const owed = legs.owedBeside(call)
  return owed === null || call.mayCost === null ? given : { ...given, books: { mostNanoUsd: owed + call.mayCost } }
}

/** For the row of the call that is given: what the other one used, which is owed. */
function beside(other: Booked, call: Call | null, legs: Legs, firstEventAt: number | null): Given<unknown>['books'] {
  return {
    before: { usage: other.usage, from: other.from, firstEventAt, bytes: 0 },
    mostNanoUsd: (legs.owedBeside(call) ?? 0) + (call?.mayCost ?? 0),
  }
}

/** Of an answer that is not given. A provider that answers badly is not ill. */
function healthTold<J extends Job, A extends Answered>(
  { isAside }: Pick<Manner<J, A>, 'isAside'>,
  job: J,
  { choice, from, ms, wholeMs }: Kept<A>,
  ending: 'complete' | 'upstream-cut' = 'complete',
): void {
  const { candidate } = choice
  if (isAside === true) return
  aside(job, () => ended(jobFor(job, candidate), candidate, from.tally, ending, from.kind === 'whole' ? ms : wholeMs))
}

/** What is only told of an answer never takes it away: it is paid for. */
function aside(job: Job, tell: () => void): void {
  try {
    tell()
  } catch (cause) {
    bugTold(job, cause)
  }
}

function bugTold({ id, deps }: Job, cause: unknown): void {
  const bug = cause instanceof Error ? (cause.stack ?? cause.message).slice(0, 2000) : 'not an Error'
  deps.log(() => ({ level: 'error', request_id: id, bug }))
}

/** Every failure that was verified, once: whoever learns from them hears it here. Facts only. */
function noted({ id, deps, chosen, learner }: Job, unfit: Unfit, candidate: Candidate): void {
  deps.log(() => ({ level: 'info', request_id: id, message: 'unfit answer', unfit, target: targetId(candidate) }))
  const result = chosen === undefined ? null : resultOf(answeredBy(chosen, candidate), FAILURE_WEIGHTS[unfit])
  if (result !== null && learner !== undefined) deps.learning.outcome(learner, result)
}

/** For the header: `schema; given=first; because=unpaid`. */
export function cascadeText({ unfit, given, because }: CascadeTold): string {
  return `${unfit}; given=${given}${because === undefined ? '' : `; because=${because}`}`
}
