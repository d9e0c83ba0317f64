// What recorded counts of tokens hold: one number, under the name that each language has for it.

import { numberAt } from '../look.ts'
import type { HeldOperation } from '../operation-facts.ts'

export function countUnder(member: string): HeldOperation {
  return {
    told(body) {
      const inputTokens = numberAt(body, member)
      return inputTokens === null ? null : { kind: 'count-tokens', inputTokens }
    },
    // Nothing ran, so nothing was used.
    counts: () => ({}),
  }
}
