// Which targets the client's own preferences leave: OpenRouter's `provider`, `:free`, and a schema that the reply must keep.

import { Body } from '../../core/body.ts'
import type { DialectId } from '../../core/canonical.ts'
import type { RouteTable } from '../../routing/contract.ts'
import { removedBy, thatKeepSchema } from '../../routing/filters.ts'
import { targetId } from './candidate.ts'
import type { Job } from '../job.ts'
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
  const isChosen = targets.length > 1 && targets.some(({ leaf }) => leaf.isChosen === true)
  const bindsTools = isChosen && job.intent.needs.has('tools')
  const bindsRuns = isChosen && job.intent.providerRuns !== undefined
  if (wish === null && !bindsSchema && !bindsTools && !bindsRuns && targets.every(({ leaf }) => leaf.isFree !== true)) return targets
  const { body } = job
  const reads = bindsSchema || bindsTools || wish?.requireParameters === true
  const used = body instanceof Body && reads ? usedParameters(body.member.bind(body)) : NONE
  const left = targets.flatMap((target) => {
    const facts = targetFacts(target.candidate, table.places)
    const by = removedBy(facts, wish, used, target.leaf.isFree === true)
    if (by !== null) removed.push({ target: targetId(target.candidate), by, leaf: target.leaf })
    return by === null ? [{ ...facts, target }] : []
  })
  // Of each model by itself: that another model's places keep schemas is no reason to leave the one that was asked for.
  const models = Map.groupBy(left, ({ target }) => target.leaf.named)
  const kept = new Set([...models.values()].flatMap((places) => thatKeepSchema(places, used)))
  for (const one of left)
    if (!kept.has(one)) removed.push({ target: targetId(one.target.candidate), by: 'structured_outputs', leaf: one.target.leaf })
  const inForm = left.filter((one) => kept.has(one))
  const withOwn = bindsTools ? withTools(inForm, removed, (one) => one.supports('tools')) : inForm
  const withTheirs = bindsRuns ? withTools(withOwn, removed, ({ target }) => speaks(target, job.client.id)) : withOwn
  return withTheirs.map(({ target }) => target)
}

type Found = { readonly target: Target; supports(parameter: string): boolean }

/** Where a strategy chooses the model, only those that take tools; all of them when nobody is known to. */
function withTools<F extends Found>(found: readonly F[], removed: Removed[], takes: (one: F) => boolean): readonly F[] {
  const isChosen = ({ target }: F): boolean => target.leaf.isChosen === true
  if (!found.some((one) => isChosen(one) && takes(one))) return found
  return found.filter((one) => {
    if (!isChosen(one) || takes(one)) return true
    removed.push({ target: targetId(one.target.candidate), by: 'tools', leaf: one.target.leaf })
    return false
  })
}

/** Tools that a provider runs are not translated: only its own language has them. */
function speaks({ candidate: { provider, model } }: Target, language: DialectId): boolean {
  const own = language === 'openrouter' ? 'openai-chat' : language
  return (provider.voicesFor?.(model) ?? provider.voices).some(({ dialect }) => dialect === own || dialect === language)
}
