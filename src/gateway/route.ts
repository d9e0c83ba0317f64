// From what admission allows to the order in which targets are called, and how they may be tried.

import type { Admission, Ending } from '../core/account.ts'
import { Body } from '../core/body.ts'
import { outputTokens } from '../core/price.ts'
import type { Tries } from './attempts.ts'
import { healthTarget, targetId, type Candidate } from './candidate.ts'
import { conversationOf } from './conversation.ts'
import type { Job, Key } from './job.ts'
import { hash32 } from '../core/hash.ts'
import { markedUp } from './markup.ts'
import type { Plan } from './plan.ts'
import { rank, type Choice, type Knowledge } from './rank.ts'
import type { Tally } from './tally.ts'
import type { Leaf } from './tree.ts'

type Granted = Admission & { readonly kind: 'granted' }

export type Routed = {
  readonly choices: readonly Choice[]
  /** What each target may cost at worst, in whole nano-dollars. */
  readonly needs: ReadonlyMap<Candidate, number>
  readonly tries: Tries
  /** What the request's job gains by it. */
  readonly terms: Pick<Job, 'deadlineAt' | 'conversation'>
}

/** Further calls of targets that failed, where nobody says how many. */
const RETRIES = 2
const BYTES_A_TOKEN = 4
const LIKELY_OUTPUT = 1024

export function routed(plan: Plan, admission: Granted, job: Job, key: Key): Routed {
  const { deps, intent, wishes, inquiry } = job
  const now = deps.now()
  const needs = new Map<Candidate, number>()
  const candidates = new Map<Leaf, Candidate>()
  for (const index of admission.allowed) {
    const target = plan.targets[index]
    if (target === undefined) continue
    const candidate = markedUp(target.candidate, admission.markupBasisPoints)
    candidates.set(target.leaf, candidate)
    const need = admission.needs?.[index]
    if (need !== undefined) needs.set(candidate, need)
  }
  const conversation = conversationFor(job, key, candidates.size)
  const budgetUsed = admission.budgetUsed ?? 0
  const known: Knowledge = {
    view: {
      now,
      random: deps.random,
      conversation: hashed(conversation),
      key: key.id,
      user: hashed(intent.endUserId),
      promptTokens: Math.ceil((intent.inputBound ?? job.body.byteLength) / BYTES_A_TOKEN),
      outputTokens: Math.min(intent.maxOutputTokens ?? LIKELY_OUTPUT, LIKELY_OUTPUT),
      ...inquiry?.view,
    },
    candidate: (leaf) => candidates.get(leaf) ?? null,
    health: (candidate) => deps.health.view(healthTarget(candidate)),
    holds: (condition, candidate, health) => plan.conditions.holdsAt(condition, candidate, health, budgetUsed),
    cached: (candidate) => deps.cacheMemory.at(conversation, targetId(candidate), now),
    wish: wishes.provider,
  }
  const choices = rank(plan.tree, inquiry?.decides === true ? inquiry.watching(known, plan.conditions, budgetUsed) : known)
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
      if (!candidates.has(leaf)) inquiry.out.set(leaf, { word: whys.get(index) ?? 'not-permitted' })
    })
    inquiry.ranking = { tree: plan.tree, known, admission, needs, tries, choices }
  }
  return { choices, needs, tries, terms: { deadlineAt, conversation } }
}

/** Names are hashed: what is told of a decision can be made again, and names nobody. */
function hashed(name: string | null): string | null {
  return name === null ? null : HASHES.map((seed) => hash32(name, seed).toString(16).padStart(8, '0')).join('')
}

const HASHES = [0x2545f491, 0x1b56c4e9]

/** With one target to go to nobody need know. */
function conversationFor({ intent, body }: Job, key: Key, targets: number): string | null {
  if (targets < 2 || !(body instanceof Body)) return null
  return conversationOf({ keyId: key.id, session: intent.session, body })
}

/** How an answer that had begun came to its end, for its target's health. */
export function ended(job: Job, candidate: Candidate, tally: Tally, ending: Ending): void {
  const ill = ending === 'upstream-cut' || ending === 'failed'
  const ms = job.deps.now() - (tally.firstEventAt ?? job.startedAt)
  const tokens = tally.usage === null || ending !== 'complete' ? null : outputTokens(tally.usage)
  if (tally.usage !== null && ending === 'complete')
    job.deps.cacheMemory.learn(job.conversation ?? null, targetId(candidate), candidate.provider.id, tally.usage, job.startedAt)
  job.deps.health.end(healthTarget(candidate), { ill, outputTokens: tokens, ms })
}
