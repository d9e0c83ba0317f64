// Grants to an account, one after the other inside its budget's object: what gives is in D1 before it can be spent, what takes back is
// out of reach before D1 says so. Half done fails, and is safe to repeat under the same id.

import { MOST_NANO } from '../core/money.ts'
import type { SharedBudget } from '../core/shared-budget.ts'
import { creditPolicy, findGrant, insertGrant, readCredit, type Grant } from './grants.ts'

export type Granted =
  | { readonly kind: 'granted'; readonly grant: Grant; readonly isNew: boolean }
  /** The id is another grant's. */
  | { readonly kind: 'taken' }
  /** So much can be taken back at most: the rest is spent, or held by requests that run. */
  | { readonly kind: 'short'; readonly availableNanoUsd: number; readonly spentNanoUsd: number; readonly leasedNanoUsd: number }
  /** The sum would be more than can be counted. */
  | { readonly kind: 'too-much' }

/** What it needs of the object. `keep`: on disk when it answers. */
export type Held = { readonly book: SharedBudget; readonly recall: () => Promise<void>; readonly keep: () => Promise<void> }

/** @throws what D1 throws; what may be half done only ever is less credit than D1 says */
export async function grantCredit(db: D1Database, { book, recall, keep }: Held, grant: Grant): Promise<Granted> {
  const { account, amountNanoUsd } = grant
  const [before, credit] = [await findGrant(db, grant.id), await readCredit(db, account)]
  if (before !== null) {
    if (before.account !== account || before.amountNanoUsd !== amountNanoUsd) return { kind: 'taken' }
    if (book.apply(credit)) await keep() // what was half done is whole now
    return { kind: 'granted', grant: before, isNew: false }
  }
  const sum = credit.limitNanoUsd ?? 0
  if (sum + amountNanoUsd > MOST_NANO) return { kind: 'too-much' }
  const next = creditPolicy(account, credit.version + 1, sum + amountNanoUsd)
  const apply = async (): Promise<void> => {
    if (!book.apply(next))
      throw new Error(`The object of ${next.scope} knows more grants than D1 does: D1 was restored to an earlier time.`)
    await keep()
  }
  if (amountNanoUsd > 0) {
    await insertGrant(db, grant)
    await apply()
  } else {
    await recall()
    // Nothing is awaited between this look and what it allows.
    const { spentNanoUsd, leasedNanoUsd } = book.view(grant.createdAt)
    const availableNanoUsd = Math.max(0, sum - spentNanoUsd - leasedNanoUsd)
    if (-amountNanoUsd > availableNanoUsd) return { kind: 'short', availableNanoUsd, spentNanoUsd, leasedNanoUsd }
    await apply()
    await insertGrant(db, grant)
  }
  return { kind: 'granted', grant, isNew: true }
}
