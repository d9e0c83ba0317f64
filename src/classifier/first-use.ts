// A classifier that is made when something is first judged: most requests never ask, and must not pay for its decoding.

import type { Classifier } from './contract.ts'

/** Plain members, no getter: whoever copies what it is a member of makes nothing. */
export function onFirstUse(version: string, make: () => Classifier): Classifier {
  let made: Classifier | null = null
  return {
    version,
    classify(subject) {
      made ??= make()
      return made.classify(subject)
    },
  }
}
