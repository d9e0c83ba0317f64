// A mistake of ours between a hold and its first call gives the hold back: nothing was sent, and what expires is booked in full.

import type { Hold } from '../core/account.ts'
import type { Account } from '../ports.ts'

/** `keep` gets the work that must still end. @throws what `make` throws */
export function orGiveBack<T>(account: Account, hold: Hold, keep: (work: Promise<unknown>) => void, make: () => T): T {
  try {
    return make()
  } catch (cause) {
    keep(account.settle({ hold, row: null, answer: null }))
    throw cause
  }
}
