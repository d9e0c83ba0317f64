// From what admission allows to the order in which targets are called, and how they may be tried.

import type { Admission, Ending } from '../../core/account.ts'
import { Body } from '../../core/body.ts'
import { outputTokens } from '../../core/price.ts'
import type { Tries } from '../trying/attempts.ts'
import { healthTarget, modelName, targetId, type Candidate } from './candidate.ts'
import { chosenBy } from './chosen.ts'
import { choosingFor, type RequestChoosing } from './choosing.ts'
import { conversationOf } from './conversation.ts'
import type { Job, Key } from '../job.ts'
import { hash32 } from '../../core/hash.ts'
import { markedUp } from '../markup.ts'
import type { Plan } from './plan.ts'
import { Draws } from './draws.ts'
import { rank, type Choice, type Knowledge } from './rank.ts'
import { customerOf } from '../said.ts'
import type { Tally } from '../tally.ts'
import { ruleFor } from './target-facts.ts'
import { mayFollow, type Leaf } from './tree.ts'
import type { Cascade, View } from '../../routing/contract.ts'

type Granted = Admission & { readonly kind: 'granted' }

export type Routed = {
  readonly choices: readonly Choice[]
  /** What each target may cost at worst, in whole nano-dollars. */
  readonly needs: ReadonlyMap<Candidate, number>
  readonly tries: Tries
  /** A stream that breaks off may be carried on by another target. */
  readonly continues: boolean
  /** An answer that is no good is asked for once more; `null`: it is not looked at. `view`: what tells who is a tier up. */
  readonly cascade: { readonly rules: Cascade; readonly view: Pick<View, 'promptTokens' | 'outputTokens'> } | null
  /** What the request's job gains by it. */
  readonly terms: Pick<Job, 'deadlineAt' | 'conversation' | 'arms' | 'choosing' | 'chosen' | 'learner'>
}

/** Further calls of targets that failed, where nobody says how many. */
const RETRIES = 2
const BYTES_A_TOKEN = 4
const LIKELY_OUTPUT = 1024
const NOBODY: ReadonlySet<Leaf> = new Set()

/**
 * The plan with its targets in the order in which they would be called as far as anybody knows before admission, so that the hold is for the
 * first of them.
 */
export function foreseen(plan: Plan, job: Job, key: Key): Plan {
  if (plan.targets.length < 2) return plan
  const draws = new Draws(job.deps.random)
  const byLeaf = new Map(plan.targets.map((target) => [target.leaf, target]))
  const known = knowledge(plan, job, key, draws, 0, (leaf) => byLeaf.get(leaf)?.candidate ?? null)
  const { choices } = rank(plan.tree, known)
  const first = choices.flatMap(({ leaf }) => byLeaf.get(leaf) ?? [])
  const targets = new Set([...first, ...plan.targets])
  return { ...plan, targets: [...targets], draws, conversation: known.view.conversation, choosing: known.choosing }
}

export function routed(plan: Plan, admission: Granted, job: Job, key: Key): Routed {
  const { deps, wishes, inquiry } = job
  const needs = new Map<Candidate, number>()
  const ceilings = new Map<Candidate, number | null>()
  const candidates = new Map<Leaf, Candidate>()
  for (const index of admission.allowed) {
    const target = plan.targets[index]
    if (target === undefined) continue
    const candidate = markedUp(target.candidate, admission.markupBasisPoints)
    candidates.set(target.leaf, candidate)
    const need = admission.needs?.[index]
    if (need !== undefined) needs.set(candidate, need)
    ceilings.set(candidate, admission.ceilings === undefined ? admission.maxOutputTokens : (admission.ceilings[index] ?? null))
  }
  const short = plan.choosing == null ? NOBODY : tooShort(candidates, (candidate) => ceilings.get(candidate) ?? null, job)
  for (const leaf of short) candidates.delete(leaf)
  const draws = plan.draws ?? new Draws(deps.random)
  draws.again()
  const budgetUsed = admission.budgetUsed ?? 0
  deps.learning.heard(key.id, admission.router ?? null)
  plan.choosing?.relearn(deps.learning.of(key.id))
  const known = {
    ...knowledge(plan, job, key, draws, budgetUsed, (leaf) => candidates.get(leaf) ?? null),
    ceiling: (candidate: Candidate) => ceilings.get(candidate) ?? null,
  }
  const { choices, arms } = rank(plan.tree, inquiry?.decides === true ? inquiry.watching(known, plan.conditions, budgetUsed) : known)
  const deadlineMs = wishes.deadlineMs ?? plan.route?.deadlineMs ?? null
  const deadlineAt = deadlineMs === null ? null : job.startedAt + deadlineMs
  const tries: Tries = {
    retries: wishes.retries ?? plan.route?.retries ?? RETRIES,
    learns: plan.route?.learnsTimeouts === true,
    hedge: plan.route?.hedge ?? null,
    deadlineAt,
    firstContentAt: wishes.firstContentMs === null ? null : job.startedAt + wishes.firstContentMs,
  }
  if (inquiry !== undefined) {
    const whys = new Map(admission.leftOut)
    plan.targets.forEach(({ leaf }, index) => {
      if (!candidates.has(leaf)) inquiry.out.set(leaf, { word: short.has(leaf) ? 'cut-short' : (whys.get(index) ?? 'not-permitted') })
    })
    const cascade = plan.route?.cascade
    inquiry.ranking = { tree: plan.tree, known, admission, needs, tries, choices, ...(cascade === undefined ? {} : { cascade }) }
  }
  const first = choices.find(({ leaf }) => mayFollow(leaf, 'outage', null)) // whoever is there for other troubles is not asked first
  const choosing = first?.leaf.isChosen === true ? known.choosing : null // else a router only stands behind what the client names
  return {
    choices: plan.route === null ? boundedly(choices) : choices,
    needs,
    tries,
    continues: mayContinue(job, plan),
    cascade: plan.route?.cascade === undefined ? null : { rules: plan.route.cascade, view: known.view },
    terms: {
      deadlineAt,
      conversation: known.view.conversation,
      arms: arms.map((arm) => armTag(plan.route?.name ?? job.intent.model, arm)),
      choosing,
      ...chosenBy(choosing, first?.candidate),
      learner: key.id,
    },
  }
}

/** So many targets of a router's pool are tried for one request: where all are down, another twenty calls help nobody. */
const MOST_TRIED = 8

/** A route's own targets are all tried: its operator has listed them. */
function boundedly(choices: readonly Choice[]): readonly Choice[] {
  let chosen = 0
  return choices.filter(({ leaf }) => leaf.isChosen !== true || ++chosen <= MOST_TRIED)
}

/**
 * Where a strategy chooses between models: those whose answer the budget would cut short, while others are left that can say all of it. A hard
 * question is not worth half an answer of the dearest.
 */
function tooShort(
  candidates: ReadonlyMap<Leaf, Candidate>,
  ceiling: (candidate: Candidate) => number | null,
  { intent }: Job,
): ReadonlySet<Leaf> {
  const wanted = intent.maxOutputTokens ?? LIKELY_OUTPUT
  const chosen = [...candidates].filter(([leaf]) => leaf.isChosen === true)
  const short = chosen.filter(
    ([, candidate]) => (ceiling(candidate) ?? wanted) < Math.min(wanted, candidate.entry?.maxOutputTokens ?? wanted),
  )
  return new Set(short.length === chosen.length ? [] : short.map(([leaf]) => leaf))
}

/** What ranking may look at. `budgetUsed`: 0 to 1. */
function knowledge(
  plan: Plan,
  job: Job,
  key: Key,
  draws: Draws,
  budgetUsed: number,
  candidate: (leaf: Leaf) => Candidate | null,
): Knowledge & { readonly choosing: RequestChoosing | null } {
  const { deps, intent, wishes, inquiry } = job
  const now = deps.now()
  const { conversation = inquiry?.view?.conversation ?? hashed(conversationFor(job, key, plan.targets.length)) } = plan
  const { choosing = choosingFor(job, key.id, plan.tree, conversation) } = plan
  return {
    choosing,
    view: {
      now,
      random: () => draws.next(),
      conversation,
      key: key.id,
      user: hashed(customerOf(job)),
      promptTokens: Math.ceil((intent.inputBound ?? job.body.byteLength) / BYTES_A_TOKEN),
      outputTokens: Math.min(intent.maxOutputTokens ?? LIKELY_OUTPUT, LIKELY_OUTPUT),
      choosing,
      ...inquiry?.view,
    },
    candidate,
    ceiling: () => null,
    health: (one) => deps.health.view(healthTarget(one)),
    holds: (condition, one, health) => plan.conditions.holdsAt(condition, one, health, budgetUsed),
    cached: (one) => deps.cacheMemory.at(conversation, targetId(one), now),
    wish: wishes.provider,
    rule: ({ provider, model }) => ruleFor(plan.places, provider.id, model),
  }
}

const LONGEST_TAG = 128

/** Whose arm of an experiment a request is, for its record: whoever answered. */
function armTag(route: string, arm: string): string {
  return `split:${route}=${arm}`.slice(0, LONGEST_TAG)
}
/** Names are hashed: what is told of a decision can be made again, and names nobody. */
function hashed(name: string | null): string | null {
  return name === null ? null : HASHES.map((seed) => hash32(name, seed).toString(16).padStart(8, '0')).join('')
}

const HASHES = [0x2545f491, 0x1b56c4e9]

/** The client's own word comes before its route's. */
function mayContinue({ headers }: Job, { route }: Plan): boolean {
  const said = headers.get('x-sluice-continue')
  return said === 'true' || (said !== 'false' && route?.continues === true)
}

/** With one target to go to nobody need know. */
function conversationFor({ intent, body }: Job, key: Key, targets: number): string | null {
  if (targets < 2 || !(body instanceof Body)) return null
  return conversationOf({ keyId: key.id, session: intent.session, body })
}

/** How an answer that had begun came to its end, for its target's health. `wholeMs`: what one took that came all at once; `null`: it streamed. */
export function ended(job: Job, candidate: Candidate, tally: Tally, ending: Ending, wholeMs: number | null): void {
  const ill = ending === 'upstream-cut' || ending === 'failed'
  const ms = wholeMs ?? job.deps.now() - (tally.firstEventAt ?? job.startedAt)
  const tokens = tally.usage === null || ending !== 'complete' ? null : outputTokens(tally.usage)
  if (tally.usage !== null && ending === 'complete')
    job.deps.cacheMemory.learn(job.conversation ?? null, targetId(candidate), candidate.provider.id, tally.usage, job.startedAt)
  if (ending === 'complete' && job.choosing != null)
    job.deps.modelMemory.learn(job.conversation ?? null, modelName(candidate), job.choosing.asked ?? null, job.startedAt)
  job.deps.health.end(healthTarget(candidate), { ill, outputTokens: tokens, ms })
}
