// Leases what an admitted request still lacks of the budgets that its key shares: from all of them at once, and again where another
// request was faster. What it gets is the book's; this only carries.

import type { CandidateAsk, Hold, Refusal } from '../core/account.ts'
import type { Book } from '../core/book.ts'
import { providerOf } from '../core/provider-shares.ts'
import { refuseMoney } from '../core/refusing.ts'
import type { LeaseAnswer, LeaseAsk } from '../core/shared-budget.ts'

/** A budget is asked no more often for one request. */
const MOST_ASKED = 100

/** What was reserved, and the targets (by their index) that may use it; an extension of a hold has none to choose from. */
export type Reserved = { readonly hold: Hold; readonly allowed: readonly number[]; readonly candidates: readonly CandidateAsk[] }

/**
 * What was reserved, perhaps for fewer targets; or a refusal, with all of it given back. `ask` reaches a budget.
 * @throws what `ask` throws, with all given back too
 */
export async function leaseAll(
  book: Book,
  { candidates, ...reserved }: Reserved,
  ask: (scope: string, ask: LeaseAsk) => Promise<LeaseAnswer>,
): Promise<Refusal | { readonly kind: 'leased'; readonly hold: Hold; readonly allowed: readonly number[] }> {
  let { allowed, hold } = reserved
  const { requestId } = hold
  try {
    for (let lacking = book.allLacking(requestId), asked = 0; lacking.length > 0; lacking = book.allLacking(requestId), asked++) {
      if (asked > MOST_ASKED) throw new Error(`The budget of ${lacking[0]?.scope ?? ''} could not be leased.`)
      // All are waited for, whatever becomes of one: what was granted must be known here.
      const answers = await Promise.allSettled(
        lacking.map(async ({ scope, ask: wanted }) => {
          const answer = await ask(scope, wanted)
          if (answer.kind === 'leased') book.fund(requestId, scope, answer)
          return { scope, answer }
        }),
      )
      for (const outcome of answers) {
        if (outcome.status === 'rejected') throw outcome.reason
        const { scope, answer } = outcome.value
        if (answer.kind === 'leased') continue
        const provider = providerOf(scope)
        // A place that is short loses its targets; the request goes on while another is left.
        const left = provider === null ? [] : allowed.filter((index) => candidates[index]?.provider !== provider)
        if (left.length === 0) {
          book.cancel(requestId, Date.now())
          return refuseMoney({ spentNanoUsd: answer.spent, heldNanoUsd: answer.leased, limitNanoUsd: answer.limit, scope })
        }
        allowed = left
        hold = { ...hold, scopes: (hold.scopes ?? []).filter((one) => one !== scope) }
        book.giveBack(requestId, scope)
      }
    }
    if (!book.isHeld(requestId)) throw new Error('The hold ended before its budgets had answered.')
  } catch (cause) {
    book.cancel(requestId, Date.now())
    throw cause
  }
  return { kind: 'leased', allowed, hold }
}
