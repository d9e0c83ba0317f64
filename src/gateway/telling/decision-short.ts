// Keeps a decision small: what it says first of all (who is asked, and what took the others out) goes last.

import type { Decision, DecisionTarget } from './decision.ts'

/** Of the JSON text, in bytes. */
export const MOST_BYTES = 24_576
/** Targets about whom everything is said. */
const WHOLE = 8

const encoder = new TextEncoder()

type Step = { readonly word: string; readonly cut: (decision: Decision) => Decision }

const STEPS: readonly Step[] = [
  { word: 'details', cut: (decision) => ({ ...decision, targets: decision.targets.map((one, i) => (i < WHOLE ? one : brief(one))) }) },
  {
    word: 'inputs',
    cut: (decision) => ({ ...decision, inputs: null, targets: decision.targets.map(unranked) }),
  },
  { word: 'health', cut: (decision) => ({ ...decision, targets: decision.targets.map((one) => ({ ...brief(one), health: null })) }) },
  { word: 'wishes', cut: (decision) => ({ ...decision, wishes: {} }) },
  ...[32, 16, 8, 2].map((most) => ({
    word: 'targets',
    cut: (decision: Decision): Decision => ({
      ...decision,
      targets: decision.targets.slice(0, most),
      omitted: decision.omitted + Math.max(0, decision.targets.length - most),
    }),
  })),
]

/** What can be said in so many bytes; `shortened` names what was left out. */
export function shortened(decision: Decision, mostBytes = MOST_BYTES): Decision {
  let now = decision
  for (const { word, cut } of STEPS) {
    if (encoder.encode(JSON.stringify(now)).length <= mostBytes) return now
    now = { ...cut(now), shortened: [...new Set([...(now.shortened ?? []), word])] }
  }
  return now
}

function unranked(target: DecisionTarget): DecisionTarget {
  const { rank: _, ...rest } = target
  return rest
}

/** Without what follows from the rest. */
function brief(target: DecisionTarget): DecisionTarget {
  const { condition: _, ...rest } = target
  return { ...rest, group: null, price: null, region: null }
}
