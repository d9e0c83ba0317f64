// Asks once more, a tier up, where an answer came and is verifiably no good, before the client has anything of it. Both calls are booked: the one
// that is not given is reserved at what it cost, the other must fit beside it. Where nobody is asked, or nothing better comes, the client gets
// what there was.

import type { Booked } from '../core/bill.ts'
import type { Unfit } from '../core/unfit.ts'
import { isTierUp, type Tier } from '../routing/tiers.ts'
import type { Deps } from '../ports.ts'
import { firstToCommit, type First } from './attempts.ts'
import type { Outcome } from './book.ts'
import type { Candidate } from './candidate.ts'
import { targetId } from './candidate.ts'
import { jobFor } from './changes.ts'
import type { Job } from './job.ts'
import type { Call, Legs } from './legs.ts'
import type { Answered, Manner } from './manner.ts'
import type { Choice } from './rank.ts'
import { ended, type Routed } from './route.ts'
import type { Tally } from './tally.ts'
import { mayFollow } from './tree.ts'

type Committed<A> = First<A> & { readonly kind: 'committed' }

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
  if (first.kind === 'failed' || cascade === null || manner.judge === undefined || !mayCascade(job, legs)) return { first, books: {} }
  const { answer, unfit } = await manner.judge(jobFor(job, first.choice.candidate), first.from, first.choice.ceiling, cascade.rules)
  const kept: Committed<A> = { ...first, from: answer }
  if (unfit === null) return { first: kept, books: {} }
  noted(job.deps, job.id, unfit, first.choice.candidate)
  const choice = nextTier(kept, cascade)
  const why = choice === null ? 'no-target' : whyNot(job, route)
  if (choice === null || why !== null) return asItIs(kept, unfit, why ?? 'no-target', legs)
  const own = legs.answered(first.call, answer.tally)
  const tries = { ...route.tries, retries: 0, hedge: null }
  const second = await firstToCommit(manner, job, [choice], legs, tries).catch((cause: unknown) => {
    logged(job, cause)
    return null
  })
  if (second === null) return withRest(asItIs(kept, unfit, 'gateway-bug', legs), legs)
  if (second.kind === 'failed') {
    if (second.error.code === 'client-gone' && second.choice !== null) {
      // Nobody hears either answer: what the second costs may still be learned.
      legs.unfit(first.call, unfit, false)
      healthTold(manner, job, kept)
      return { first: second, books: beside(own, second.call, legs, null) }
    }
    const because = second.choice === null && second.error.code === 'budget-exceeded' ? 'unpaid' : second.error.code
    return withRest(asItIs(kept, unfit, because, legs), legs)
  }
  const other = await manner.judge(jobFor(job, second.choice.candidate), second.from, second.choice.ceiling, cascade.rules)
  if (other.unfit === null) {
    legs.unfit(first.call, unfit, false)
    healthTold(manner, job, kept)
    const books = beside(own, second.call, legs, other.answer.tally.firstEventAt)
    return { first: { ...second, from: other.answer }, books, besideNanoUsd: own.costNanoUsd, told: { unfit, given: 'second' } }
  }
  noted(job.deps, job.id, other.unfit, second.choice.candidate)
  const others = legs.answered(second.call, other.answer.tally)
  legs.unfit(second.call, other.unfit, false)
  healthTold(manner, job, { ...second, from: other.answer })
  const given = asItIs(kept, unfit, `unfit:${other.unfit}`, legs)
  return { ...given, books: beside(others, first.call, legs, answer.tally.firstEventAt), besideNanoUsd: others.costNanoUsd }
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

function asItIs<A>(first: Committed<A>, unfit: Unfit, because: string, legs: Legs): Given<A> & { readonly first: Committed<A> } {
  legs.unfit(first.call, unfit, true)
  return { first, books: {}, told: { unfit, given: 'first', because } }
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

/** Of an answer that came whole and is not given: a provider that answers badly is not ill. */
function healthTold<J extends Job, A extends Answered>(
  { isAside }: Pick<Manner<J, A>, 'isAside'>,
  job: J,
  { choice, from, ms }: Pick<Committed<A>, 'choice' | 'from' | 'ms'>,
): void {
  const tally: Tally = from.tally
  if (isAside !== true) ended(jobFor(job, choice.candidate), choice.candidate, tally, 'complete', from.kind === 'whole' ? ms : null)
}

/** Every failure that was verified, once: whoever learns from them hears it here. Facts only. */
function noted({ log }: Pick<Deps, 'log'>, requestId: string, unfit: Unfit, candidate: Candidate): void {
  log(() => ({ level: 'info', request_id: requestId, message: 'unfit answer', unfit, target: targetId(candidate) }))
}

function logged({ id, deps }: Job, cause: unknown): void {
  const bug = cause instanceof Error ? (cause.stack ?? cause.message).slice(0, 2000) : 'not an Error'
  deps.log(() => ({ level: 'error', request_id: id, bug }))
}

/** For the header: `schema; given=first; because=unpaid`. */
export function cascadeText({ unfit, given, because }: CascadeTold): string {
  return `${unfit}; given=${given}${because === undefined ? '' : `; because=${because}`}`
}
