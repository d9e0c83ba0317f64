// The names of what an admission takes, for the write-ahead ceiling (ahead.ts): written when it is taken, read when a crash has lost it.
// `money`, `requests` and `tokens` are the key's; `kind:rest` is a purse's where the kind is one of its own, else a shared budget's scope.

import type { Taken } from './ahead.ts'

/** What is taken of one purse (model-purses.ts). */
export type PurseTaken = { readonly nanoUsd: number; readonly requests: number; readonly tokens: number }

/** No scope's kind has a dash, and none is called `model`: teams, users and the like are. */
const MONEY = 'model:'
const REQUESTS = 'model-requests:'
const TOKENS = 'model-tokens:'

export function purseTaken(glob: string, nanoUsd: number, tokens: number): Taken {
  return [
    [`${MONEY}${glob}`, nanoUsd],
    [`${REQUESTS}${glob}`, 1],
    [`${TOKENS}${glob}`, tokens],
  ]
}

/** The purse whose money this is; `null`: it is something else. */
export function purseOfMoney(of: string): string | null {
  return of.startsWith(MONEY) ? of.slice(MONEY.length) : null
}

/** Requests and tokens, of the key or of a purse: no money. */
export function isCount(of: string): boolean {
  return of === 'requests' || of === 'tokens' || of.startsWith(REQUESTS) || of.startsWith(TOKENS)
}

export type Lots = PurseTaken & {
  readonly scopes: readonly (readonly [scope: string, nanoUsd: number])[]
  readonly purses: ReadonlyMap<string, PurseTaken>
}

/** Sorts what was taken by what it was taken of. */
export function lotsOf(taken: Taken): Lots {
  const own = { nanoUsd: 0, requests: 0, tokens: 0 }
  const scopes: (readonly [string, number])[] = []
  const purses = new Map<string, { nanoUsd: number; requests: number; tokens: number }>()
  const purse = (glob: string): { nanoUsd: number; requests: number; tokens: number } => {
    const found = purses.get(glob) ?? { nanoUsd: 0, requests: 0, tokens: 0 }
    purses.set(glob, found)
    return found
  }
  for (const [of, amount] of taken) {
    if (of === 'money') own.nanoUsd += amount
    else if (of === 'requests') own.requests += amount
    else if (of === 'tokens') own.tokens += amount
    else if (of.startsWith(MONEY)) purse(of.slice(MONEY.length)).nanoUsd += amount
    else if (of.startsWith(REQUESTS)) purse(of.slice(REQUESTS.length)).requests += amount
    else if (of.startsWith(TOKENS)) purse(of.slice(TOKENS.length)).tokens += amount
    else scopes.push([of, amount])
  }
  return { ...own, scopes, purses }
}
