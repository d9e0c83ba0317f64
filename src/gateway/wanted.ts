// Which targets the client's own preferences leave: OpenRouter's `provider`, `:free`, and a schema that the reply must keep.

import { Body } from '../core/body.ts'
import type { RouteTable } from '../routing/contract.ts'
import { removedBy, thatKeepSchema } from '../routing/filters.ts'
import { targetId } from './candidate.ts'
import type { Job } from './job.ts'
import { usedParameters } from './parameters.ts'
import type { Target } from './plan.ts'
import { targetFacts } from './target-facts.ts'
import type { Leaf } from './tree.ts'

/** A target that a filter took out, and the filter's word. */
export type Removed = { readonly target: string; readonly by: string; readonly leaf: Leaf }

const NONE: readonly string[] = []

/** `removed` gets what is taken out. */
export function wanted(targets: readonly Target[], job: Job, table: RouteTable, removed: Removed[]): readonly Target[] {
  const wish = job.wishes.provider
  const bindsSchema = targets.length > 1 && job.intent.needs.has('schema')
  if (wish === null && !bindsSchema && targets.every(({ leaf }) => leaf.isFree !== true)) return targets
  const { body } = job
  const used = body instanceof Body && (bindsSchema || wish?.requireParameters === true) ? usedParameters(body.member.bind(body)) : NONE
  const left = targets.flatMap((target) => {
    const facts = targetFacts(target.candidate, table.places)
    const by = removedBy(facts, wish, used, target.leaf.isFree === true)
    if (by !== null) removed.push({ target: targetId(target.candidate), by, leaf: target.leaf })
    return by === null ? [{ ...facts, target }] : []
  })
  const kept = thatKeepSchema(left, used)
  if (kept.length < left.length)
    for (const one of left)
      if (!kept.includes(one)) removed.push({ target: targetId(one.target.candidate), by: 'structured_outputs', leaf: one.target.leaf })
  return kept.map(({ target }) => target)
}
