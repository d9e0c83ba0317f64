// Holds that grow while their answer runs. An extension is set aside as a hold of its own until every shared budget has leased it too, and
// then joins the one it extends: a refusal gives back the extension and nothing else. Pure.

import type { Extension, Hold } from './account.ts'
import type { Share } from './allowances.ts'

/** The id of an extension that waits; a request has one at a time. */
export function extensionId({ requestId }: Hold): string {
  return `${requestId}+`
}

/** How much more a hold gets, in whole nano-dollars; `null`: what is left is too little to go on with. */
export function moreFor(hold: Hold, { leastNanoUsd, bestNanoUsd, beside }: Extension, leftNanoUsd: number): number | null {
  if (beside === true && (hold.purses ?? []).length > 0) return null // a model limit holds for its own targets only
  const most = beside === true ? bestNanoUsd : (hold.elastic?.mostNanoUsd ?? hold.nanoUsd)
  const least = Math.min(leastNanoUsd, most) - hold.nanoUsd
  const more = Math.min(Math.min(bestNanoUsd, most) - hold.nanoUsd, leftNanoUsd)
  return more > 0 && more >= least ? more : null
}

/** The shares of a hold with those of an extension by so much; `null`: a shared budget's period ended meanwhile, and not all is held in the new one. */
export function joinShares(held: readonly Share[], more: readonly Share[], moreNanoUsd: number): readonly Share[] | null {
  const joined: Share[] = []
  for (const share of held) {
    const extra = more.find(({ scope }) => scope === share.scope)
    if (extra === undefined) joined.push(share)
    else if (extra.turn === share.turn) joined.push({ ...share, nanoUsd: share.nanoUsd + extra.nanoUsd })
    else if (extra.nanoUsd === share.nanoUsd + moreNanoUsd) joined.push(extra)
    else return null
  }
  return joined
}

/** What an expired hold is booked at: what its answer had cost when it was last told, else all of it. */
export function expiredCost(hold: Hold, ranNanoUsd: number | undefined): number {
  return hold.elastic === undefined || ranNanoUsd === undefined ? hold.nanoUsd : ranNanoUsd
}
