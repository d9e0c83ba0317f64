// Extends the hold of a running answer under the same rules as an admission: the key's own limit, what it shares, and the write-ahead ceiling.

import type { Extension, Hold } from '../core/account.ts'
import type { Book } from '../core/book.ts'
import type { Journal } from './journal.ts'
import type { leaseAll } from './leasing.ts'

/** What of a key's object it takes. `lease`: of the shared budgets; a refusal has given the extension back. */
export type Books = {
  readonly book: Book
  readonly journal: Journal
  readonly lease: (more: Hold) => ReturnType<typeof leaseAll>
}

/** The hold as it stands afterwards; `null`: no more is to be had. */
export async function extend({ book, journal, lease }: Books, hold: Hold, asked: Extension): Promise<Hold | null> {
  let extension = asked
  for (;;) {
    const id = book.extend(hold, extension, Date.now())
    if (id === null) return null
    if (book.lacking(id) === null) {
      const taken = book.taken(id)
      const joined = book.join(id, Date.now())
      if (joined !== null) await journal.admitted(taken)
      return joined
    }
    const answer = await lease({ ...hold, requestId: id })
    if (answer.kind === 'leased') {
      const joined = book.join(id, Date.now())
      await journal.together() // or a restart would take it for one that nobody was told of
      return joined
    }
    // As much as the shared budget has left, once: then no other is asked.
    const { money } = answer
    const left = money === undefined ? 0 : money.limitNanoUsd - money.spentNanoUsd - money.heldNanoUsd
    const best = hold.nanoUsd + left
    if (best < extension.leastNanoUsd || best >= extension.bestNanoUsd) return null
    extension = { ...extension, bestNanoUsd: best }
  }
}
