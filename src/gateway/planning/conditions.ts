// The conditions of routes and targets, judged by what is known when: the request at once, its budget and its targets after admission.

import { Body } from '../../core/body.ts'
import { requestFacts, targetFacts, type Facts } from '../../routing/condition-facts.ts'
import { compileCondition, judgeCondition, type Verdict } from '../../routing/conditions.ts'
import type { HealthView } from '../../routing/contract.ts'
import type { Candidate } from './candidate.ts'
import type { Job, Key } from '../job.ts'
import { customerOf, tagsOf } from '../said.ts'

const BYTES_A_TOKEN = 4

export type Conditions = {
  /** Whether it can be judged by the request alone. */
  readonly isEarly: (condition: string) => boolean
  /** By the request alone. */
  readonly holds: (condition: string) => boolean
  /** By all that is known of a target. */
  readonly holdsAt: (condition: string, candidate: Candidate, health: HealthView, budgetUsed: number | null) => boolean
  /** The same two with the reason, for whoever asks why. */
  readonly verdict: (condition: string) => Verdict
  readonly verdictAt: (condition: string, candidate: Candidate, health: HealthView, budgetUsed: number | null) => Verdict
}

/** What the request says is only looked at when a condition asks. */
export function conditionsOf(job: Job, key: Key): Conditions {
  let early: Facts | null = null
  let late: { readonly facts: Facts; readonly budgetUsed: number | null } | null = null
  const lateFacts = (budgetUsed: number | null): Facts => {
    if (late === null || late.budgetUsed !== budgetUsed) late = { facts: factsOf(job, key, budgetUsed), budgetUsed }
    return late.facts
  }
  const verdict: Conditions['verdict'] = (condition) => judgeCondition(condition, (early ??= factsOf(job, key, null)))
  const verdictAt: Conditions['verdictAt'] = (condition, { provider, model, settings, credential }, health, budgetUsed) => {
    const about = { provider: provider.id, model, region: settings.region, credential: credential ?? null, health }
    return judgeCondition(condition, targetFacts(lateFacts(budgetUsed), about))
  }
  return {
    isEarly: (condition) => stageOf(condition) === 'request',
    holds: (condition) => verdict(condition) === 'holds',
    holdsAt: (condition, candidate, health, budgetUsed) => verdictAt(condition, candidate, health, budgetUsed) === 'holds',
    verdict,
    verdictAt,
  }
}

/** A text that is no condition never holds, whenever it is asked. */
function stageOf(condition: string): 'request' | 'budget' | 'target' {
  try {
    return compileCondition(condition).stage
  } catch {
    return 'request'
  }
}

function factsOf(job: Job, key: Key, budgetUsed: number | null): Facts {
  const { body, intent, headers } = job
  const member = (name: string): string | null => (body instanceof Body ? body.member([name]) : null)
  return requestFacts({
    model: intent.model,
    path: job.path,
    member,
    headers: () => headers,
    metadata: metadataOf(member('metadata')),
    tags: tagsOf(headers),
    user: customerOf(job),
    session: intent.session,
    keyId: key.id,
    promptTokens: Math.ceil(job.body.byteLength / BYTES_A_TOKEN),
    maxTokens: intent.maxOutputTokens,
    stream: intent.stream,
    budgetUsed,
    now: job.deps.now(),
  })
}

function metadataOf(text: string | null): { readonly [name: string]: unknown } | null {
  if (text === null || !text.startsWith('{')) return null
  return JSON.parse(text) as { readonly [name: string]: unknown } // the body was valid JSON, and this is an object of it
}
