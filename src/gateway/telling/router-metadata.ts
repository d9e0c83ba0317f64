// OpenRouter's `openrouter_metadata`: what its router would say of this request. Only where the client opted in.

import type { Verdict } from '../../classifier/contract.ts'
import type { JsonObject } from '../../core/canonical.ts'
import { ROUTER_NAMES } from '../../routing/choosing/router-names.ts'
import type { Candidate } from '../planning/candidate.ts'
import type { Job } from '../job.ts'
import type { Leaf } from '../planning/tree.ts'
import { wishesTold } from './wishes-told.ts'

const MOST_TOLD = 64

/** `candidate`: who answered, or was asked last; `null`: nobody. `null`: it is not wanted, or nothing was planned. */
export function routerMetadata(job: Job, candidate: Candidate | null): JsonObject | null {
  const { inquiry } = job
  if (inquiry === undefined || !inquiry.tells || inquiry.found === null) return null
  const { found, ranking, legs } = inquiry
  const available = ranking === null ? found.leaves.filter((leaf) => !inquiry.out.has(leaf)) : ranking.choices.map(({ leaf }) => leaf)
  const told = available.slice(0, MOST_TOLD).flatMap((leaf): JsonObject[] => {
    const one = inquiry.candidates.get(leaf)
    return one === undefined ? [] : [{ provider: one.provider.name, model: modelOf(one), selected: isSame(one, candidate) }]
  })
  const fallback = legs.length > 1 || (candidate !== null && isStandIn(candidate, job, available))
  const { provider } = wishesTold(job.wishes)
  return {
    requested: job.intent.model,
    strategy: fallback ? 'fallback' : found.isAlias ? 'alias' : (routerKind(job.intent.model) ?? 'direct'),
    region: null,
    summary: `available=${available.length}, selected=${candidate?.provider.name ?? 'none'}`,
    attempt: Math.max(1, legs.length),
    attempts: legs.slice(-MOST_TOLD).map(({ provider: id, model, status, outcome }) => ({
      provider: job.deps.providers.find((one) => one.id === id)?.name ?? id,
      model,
      status: status ?? (outcome === 'committed' ? 200 : 0),
    })),
    is_byok: false,
    endpoints: { total: found.leaves.length, available: told },
    // As the client said it: numbers, words and lists of them.
    ...(provider === undefined ? {} : { params: provider as JsonObject }),
    pipeline: pipelineOf(ranking?.known.choosing?.asked ?? null, candidate),
  }
}

/** OpenRouter's own words for its two. */
function routerKind(name: string): 'auto' | 'free' | null {
  const router = ROUTER_NAMES.get(name)
  return router === undefined ? null : router.pool === 'free' ? 'free' : 'auto'
}

/** What the request was judged as, where its model was chosen. */
function pipelineOf(verdict: Verdict | null, candidate: Candidate | null): JsonObject[] {
  if (verdict === null) return []
  const { taskType, difficulty, needsInfo, abstains } = verdict
  return [
    {
      type: 'plugin',
      name: 'auto-router',
      summary: `task_type=${taskType}, difficulty=${difficulty}`,
      data: {
        task_type: taskType,
        difficulty,
        ...(needsInfo === null ? {} : { needs_info: needsInfo }),
        ...(abstains ? { abstains } : {}),
        ...(candidate === null ? {} : { model: modelOf(candidate) }),
      },
    },
  ]
}

function modelOf({ entry, model }: Candidate): string {
  return entry?.openrouterId ?? model
}

function isSame(one: Candidate, other: Candidate | null): boolean {
  return other !== null && one.provider.id === other.provider.id && one.model === other.model && one.credential === other.credential
}

/** It was reached by another name than the first that was looked up. */
function isStandIn(candidate: Candidate, { inquiry }: Job, available: readonly Leaf[]): boolean {
  const [first] = inquiry?.found?.leaves ?? []
  const at = available.find((leaf) => {
    const one = inquiry?.candidates.get(leaf)
    return one !== undefined && isSame(one, candidate)
  })
  return first !== undefined && at !== undefined && at.named !== first.named
}
