// A conversation stays where it was: weighted rendezvous hashing, so that who is taken away moves only its own conversations.

import type { Strategy } from '../contract.ts'
import { ranked, shares } from '../ordering.ts'

export const sticky: Strategy = {
  id: 'sticky',
  order(options, view) {
    const score = shares(view.conversation, view.random)
    return ranked(options, (option) => score(option, option.weight), view.conversation === null ? 'no-conversation' : 'conversation')
  },
}
