// What this very request is expected to cost: its prompt, cached tokens at the price of reading the cache, and its answer. Unpriced is not free.

import type { Strategy } from '../contract.ts'
import { cachedTokens, expectedPico, LAST, ranked } from '../ordering.ts'

export const cheapest: Strategy = {
  id: 'cheapest',
  order: (options, view) =>
    ranked(
      options,
      (option) => expectedPico(option, view, cachedTokens(option, view)) ?? LAST,
      (option) => (option.price === null ? 'unpriced' : cachedTokens(option, view) > 0 ? 'price-with-cache' : 'price'),
    ),
}
