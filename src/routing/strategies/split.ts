// An experiment: the same key, user or session always meets the same arm, in shares of the weights. Raising one arm's weight moves only those
// who go to it (rendezvous hashing).

import type { Strategy, StrategySettings, View } from '../contract.ts'
import { ranked, shares } from '../ordering.ts'

export const split: Strategy = {
  id: 'split',
  order(options, view, settings) {
    const { name, why } = identityOf(view, settings)
    const score = shares(name, view.random)
    return ranked(options, (option) => score(option, option.weight), why)
  },
}

/** Whose arm it is; where that is not known the next wider one, and `why` says so. */
function identityOf(view: View, settings: StrategySettings): { readonly name: string; readonly why: string } {
  const by = settings.by ?? 'key'
  if (by === 'user' && view.user !== null) return { name: `user ${view.user}`, why: 'split-by-user' }
  if (by !== 'key' && view.conversation !== null) {
    return { name: `session ${view.conversation}`, why: by === 'user' ? 'split-by-session-for-want-of-user' : 'split-by-session' }
  }
  return { name: `key ${view.key}`, why: by === 'key' ? 'split-by-key' : `split-by-key-for-want-of-${by}` }
}
