// What the row of a request says of a model that was chosen for it: of the model that answered, which after a failure is another one.

import type { Chosen } from '../core/account.ts'
import type { ModelName } from '../routing/choosing/contract.ts'
import type { Candidate } from './candidate.ts'

/** As the capability table names it. */
export function modelNameOf({
  entry,
  provider,
  model,
}: Pick<Candidate, 'entry' | 'model'> & { readonly provider: { readonly id: string } }): ModelName {
  return entry?.openrouterId ?? `${provider.id}/${model}`
}

/** The promise was of the model that was chosen, and is of no other. */
export function answeredBy(chosen: Chosen, candidate: Parameters<typeof modelNameOf>[0]): Chosen {
  const model = modelNameOf(candidate)
  return model === chosen.model ? chosen : { ...chosen, model, prior: null, led: false }
}
