// What a conversation is judged as: the hardest that its user has asked so far. It can only rise, and is the same in every isolate.

import type { Classifier, Subject, Verdict } from '../../classifier/contract.ts'

/** `null`: there is nothing to judge. Abstains only where each message is like nothing that was learnt from. */
export function judged(classifier: Classifier, subjects: readonly Subject[]): Verdict | null {
  const [only] = subjects
  if (only === undefined) return null
  if (subjects.length === 1) return classifier.classify(only)
  const all = subjects.map((subject) => classifier.classify(subject))
  const known = all.filter(({ abstains }) => !abstains)
  const hardest = (known.length === 0 ? all : known).reduce((most, one) => (one.score > most.score ? one : most))
  // What was missing at first has been said since, or was never needed.
  return { ...hardest, needsInfo: null }
}
