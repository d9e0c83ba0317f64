// Judges every recording of a folder; a checker that fails at one is that recording's failure, never the end of the run.

import { CHECKERS } from './checkers.ts'
import type { Exchange } from './exchange.ts'
import type { Verdict } from './verdict.ts'

export function judge(exchange: Exchange): Verdict {
  const { id, provider, api } = exchange
  const checker = Object.hasOwn(CHECKERS, api) ? CHECKERS[api] : undefined
  if (checker === undefined) return { id, provider, api, outcome: 'not judged', reasons: [`no reader for ${api} yet`], notes: [] }
  try {
    const { faults, notes, unjudged } = checker(exchange)
    if (unjudged !== undefined) return { id, provider, api, outcome: 'not judged', reasons: [unjudged], notes }
    return { id, provider, api, outcome: faults.length === 0 ? 'pass' : 'fail', reasons: faults, notes }
  } catch (error) {
    const stack = error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 3).join(' ') : String(error)
    return { id, provider, api, outcome: 'fail', reasons: [`judging it throws: ${stack}`], notes: [] }
  }
}
