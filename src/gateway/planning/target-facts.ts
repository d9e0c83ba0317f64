// What a request's preferences are held against, gathered for one target: the same facts for the planner and for the listings.

import { handlingOf } from '../../catalogue/data-policy.ts'
import { quantizationOf } from '../../catalogue/quantization.ts'
import type { PlaceRule, RouteTable } from '../../routing/contract.ts'
import type { TargetFacts } from '../../routing/filters.ts'
import type { Candidate } from './candidate.ts'
import { supportsParameter } from './parameters.ts'

/** `entry` as the operator prices it (`priced`). `places`: the route table's. */
export function targetFacts(
  {
    provider,
    settings,
    model,
    entry,
  }: Pick<Candidate, 'provider' | 'model' | 'entry'> & { readonly settings: Pick<Candidate['settings'], 'region'> },
  places: RouteTable['places'],
): TargetFacts {
  const quantization = quantizationOf(model)
  const tags = [...(quantization === 'unknown' ? [] : [quantization]), ...(settings.region === null ? [] : [settings.region])]
  return {
    provider: provider.id,
    tags,
    price: entry?.price ?? null,
    quantization,
    ...handlingOf(provider.id, model, ruleFor(places, provider.id, model)),
    // No source that we have says of any model that others may learn from its answers.
    distillable: false,
    supports: (parameter) => supportsParameter(provider, model, entry, parameter),
  }
}

/** What the operator says of a model there, and of its provider where he says nothing of the model. */
export function ruleFor(places: RouteTable['places'], provider: string, model: string): PlaceRule {
  return { ...places.get(provider), ...places.get(`${provider}/${model}`) }
}
