// What the row of a request says of a model that was chosen for it: of the model that answered, which after a failure is another one.

import type { Chosen } from '../../core/account.ts'
import type { Rates } from '../../core/price.ts'
import type { OptionPrice } from '../../routing/contract.ts'
import { modelName, type Candidate } from './candidate.ts'
import type { RequestChoosing } from './choosing.ts'

/** What the row says of the choice; nothing where no strategy judged the request. */
export function chosenBy(choosing: RequestChoosing | null, first: Candidate | undefined): { readonly chosen?: Chosen } {
  if (choosing === null || choosing.asked === undefined || first === undefined) return {}
  const verdict = choosing.asked === null || choosing.asked.abstains ? null : choosing.asked
  const model = modelName(first)
  const price = first.entry?.price ?? null
  const { learned } = choosing
  const task = verdict?.taskType ?? null
  const promised = task === null ? null : choosing.promised(model, task, price === null ? null : priceOf(price))
  return {
    chosen: {
      task,
      score: verdict === null ? null : Math.round(verdict.score * 1000) / 1000,
      model,
      prior: promised === null ? null : { value: promised.value, error: promised.error },
      led: task !== null && !(learned.isActiveAt?.(task) ?? learned.isActive),
      ...choosing.notedOf(model),
    },
  }
}

function priceOf({ input, output, cacheRead }: Pick<Rates, 'input' | 'output' | 'cacheRead'>): OptionPrice {
  return { inputPico: input, outputPico: output, cacheReadPico: cacheRead ?? null }
}

/** The promise was of the model that was chosen, and is of no other. */
export function answeredBy(chosen: Chosen, candidate: Parameters<typeof modelName>[0]): Chosen {
  const model = modelName(candidate)
  return model === chosen.model ? chosen : { ...chosen, model, prior: null, led: false }
}
