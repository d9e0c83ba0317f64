// `/api/v1/keys/{hash}/learning`, for the admin key: what was learnt of a key's requests, and forgetting it.

import type { Env } from '../platform/env.ts'
import { learningObjectOf } from '../platform/learning.ts'
import { readTenant } from '../routing/choosing/tenant.ts'
import { quantile } from '../routing/choosing/score-histogram.ts'

type Json = { readonly [name: string]: unknown }

const SHARES = [0.1, 0.25, 0.5, 0.75, 0.9] as const

/** All that is kept of a key's requests. */
export async function learnt(env: Env, keyId: string): Promise<Json> {
  const { bins, lately, active, cells } = await learningObjectOf(env, keyId).view()
  const tenant = readTenant({
    bins,
    lately: [lately.decisions, lately.expensive],
    cells: cells ?? { models: [], cells: [] },
    active,
  })
  const { scores } = tenant
  return {
    scores: {
      total: Math.round(scores.total),
      bins: scores.bins,
      quantiles: scores.total === 0 ? null : Object.fromEntries(SHARES.map((share) => [String(share), quantile(scores, share)])),
    },
    lately: {
      decisions: Math.round(lately.decisions),
      expensive_share: lately.decisions === 0 ? null : lately.expensive / lately.decisions,
    },
    deciding_at: [...tenant.active],
    outcomes: [...tenant.cells.values()].map(({ task, model, good, bad, prior, led }) => ({
      task,
      model,
      good,
      bad,
      promised: prior?.value ?? null,
      by_table: led,
    })),
  }
}

export async function forgetLearnt(env: Env, keyId: string): Promise<void> {
  await learningObjectOf(env, keyId).forget()
}
