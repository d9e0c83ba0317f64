// Who answered a request, as a client dialect may tell it.

import type { Usage } from '../core/canonical.ts'
import { costNanoUsd } from '../core/price.ts'
import type { Served } from '../dialects/contract.ts'
import { modelName, type Candidate } from './planning/candidate.ts'
import type { Job } from './job.ts'
import { routerMetadata } from './telling/router-metadata.ts'

export function servedBy(job: Job, candidate: Candidate): Served {
  const price = candidate.entry?.price ?? null
  const metadata = routerMetadata(job, candidate)
  const { besideNanoUsd: beside = 0 } = job
  const own = (usage: Usage): number | null => (price === null ? null : costNanoUsd(usage, price))
  const sum = (cost: number | null): number | null => (cost === null || beside === null ? null : cost + beside)
  return {
    requestId: job.id,
    provider: { id: candidate.provider.id, name: candidate.provider.name },
    model: candidate.model,
    ...(isChosen(job) ? { chosen: modelName(candidate) } : {}),
    ...(metadata === null ? {} : { metadata }),
    costNanoUsd: (usage) => (usage === null ? null : sum(own(usage))),
  }
}

/**
 * A reply whose language tells neither id nor model (Bedrock's, Cohere's) gets the request's id and the model's name as it was asked for; of a
 * model that was chosen, its own.
 */
export function named<Told extends { readonly id: string; readonly model: string }>(told: Told, job: Job, candidate: Candidate): Told {
  if (told.id !== '' && told.model !== '') return told
  return { ...told, id: told.id || job.id, model: told.model || (isChosen(job) ? candidate.model : job.intent.model) }
}

/** The name that the client used is no model's. */
function isChosen({ choosing = null }: Job): boolean {
  return choosing !== null
}
