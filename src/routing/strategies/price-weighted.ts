// Shares by weight ÷ price²: most requests where it is cheap, some elsewhere, so that others are known to work. A conversation stays where its
// hash puts it.

import type { Option, Strategy, View } from '../contract.ts'
import { expectedPico, LAST, ranked, shares } from '../ordering.ts'

/** Input tokens for each output token in the price by which conversations are spread: a growing prompt must not move them. */
const USUAL_INPUT = 3

export const priceWeighted: Strategy = {
  id: 'price-weighted',
  order(options, view) {
    const draw = shares(view.conversation, view.random)
    const prices = options.map((option) => blended(option, view))
    // relative to the cheapest, so that squares of tiny and huge prices stay numbers
    const least = prices.reduce<number>((low, price) => (price !== null && price > 0 && price < low ? price : low), LAST)
    return ranked(
      options,
      (option, index) => {
        const price = prices[index] ?? null
        // Free ones among themselves by weight, below 0; unpriced ones likewise, above whatever has a price.
        if (price === null) return (LAST / 2) * (2 - 1 / (1 + draw(option, option.weight)))
        if (price === 0) return -1 / (1 + draw(option, option.weight))
        return Math.min(draw(option, option.weight / (price / least) ** 2), LAST / 4)
      },
      (option) => (option.price === null ? 'unpriced' : blended(option, view) === 0 ? 'free' : 'price-share'),
    )
  },
}

/** Pico-dollars: of this request, or for a conversation of the usual mix. */
function blended(option: Option, view: View): number | null {
  if (view.conversation === null || option.price === null) return expectedPico(option, view, 0)
  return option.price.inputPico * USUAL_INPUT + option.price.outputPico
}
