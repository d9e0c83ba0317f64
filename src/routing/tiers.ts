// Which model is a tier above another, for a request whose answer was no good.

import type { OptionPrice, View } from './contract.ts'
import { expectedPico } from './ordering.ts'

/** `model`: what all places call it, as far as that is known. */
export type Tier = { readonly model: string; readonly price: OptionPrice | null }

/** Another model, and dearer by what this request is expected to cost there. Of a model without a price nobody knows. */
export function isTierUp(from: Tier, to: Tier, view: Pick<View, 'promptTokens' | 'outputTokens'>): boolean {
  const before = expectedPico(from, view, 0)
  const after = expectedPico(to, view, 0)
  return from.model !== to.model && before !== null && after !== null && after > before
}
