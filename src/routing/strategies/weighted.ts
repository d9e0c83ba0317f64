// By chance, in shares of the weights; who is next is drawn among the rest in the same way.

import type { Strategy } from '../contract.ts'
import { ranked, shares } from '../ordering.ts'

export const weighted: Strategy = {
  id: 'weighted',
  order(options, view) {
    const score = shares(null, view.random)
    return ranked(options, (option) => score(option, option.weight), 'weight')
  },
}
