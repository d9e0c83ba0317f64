// What must be so at every moment of a history, and in its end, whatever has failed.

import { expect } from 'vitest'
import { isUnder, type ModelLimit } from '../../src/core/model-limits.ts'
import { alwaysOf, limitOf, type Setting } from './settings.ts'
import type { Request, World } from './world.ts'

/** What may be spent of the credit: what was begun to be given, less what was surely taken back. */
export type Credit = { most: number }

/** Cheap where it is so: most of the time of a history goes into looking. */
function atMost(what: string, count: number, most: number | null): void {
  if (most !== null && count > most) expect(count, what).toBeLessThanOrEqual(most)
}

/** What was let through: what it cost where that is known, else all that is held for it. */
function exposed(requests: readonly Request[]): number {
  return requests.reduce((sum, { hold, cost }) => sum + (hold === null ? 0 : (cost ?? hold.nanoUsd)), 0)
}

/** The same of each shared budget. Of providers only the one that was used costs, once that is known. */
export function exposedByScope(requests: readonly Request[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>()
  for (const { hold, cost, place, scopes } of requests) {
    if (hold === null) continue
    for (const scope of scopes) {
      const isElsewhere = cost !== null && scope.startsWith('provider:') && scope !== `provider:${place?.provider ?? ''}`
      sums.set(scope, (sums.get(scope) ?? 0) + (isElsewhere ? 0 : (cost ?? hold.nanoUsd)))
    }
  }
  return sums
}

/** The same of a key's purse. Its number is its place in the key's limits, which never change here. */
export function exposedUnder(own: readonly Request[], number: number, { glob }: ModelLimit): number {
  let sum = 0
  for (const { hold, cost, place } of own) {
    const held = hold?.purses?.find(({ purse }) => purse === number)
    if (cost === null) sum += held?.nanoUsd ?? 0
    else if (place !== null && isUnder(glob, { model: `${place.provider}/${place.model}` })) sum += cost
  }
  return sum
}

export function mustHold(world: World, keys: readonly string[], setting: Setting, holdMs: number, credit: Credit): void {
  for (const [scope, sum] of exposedByScope(world.requests)) {
    atMost(`the budget of ${scope}`, sum, scope === 'credit:a' ? credit.most : limitOf(setting, scope))
  }
  for (const key of keys) {
    const own = world.requests.filter((one) => one.key === key && one.hold !== null)
    mustHoldOf(own, setting, holdMs)
    if (setting.customers === undefined && setting.providers === undefined) continue
    const always = alwaysOf(setting)
    for (const { scopes } of own) {
      if (!always.every((scope) => scopes.includes(scope))) expect(scopes, 'the budgets that it must fit').toEqual(always)
      const named = scopes.filter((scope) => scope.startsWith('customer:'))
      if (named.length !== (setting.customers === undefined ? 0 : 1)) expect(named, 'the customers of a request').toHaveLength(1)
    }
  }
}

function mustHoldOf(own: readonly Request[], { limit, parallel, perMinute, models }: Setting, holdMs: number): void {
  if (limit !== null) {
    const periods = new Map<string, number>()
    for (const one of own) periods.set(one.hold?.period ?? '', (periods.get(one.hold?.period ?? '') ?? 0) + exposed([one]))
    for (const [period, sum] of periods) atMost(`the budget in ${period}`, sum, limit)
  }
  const now = Date.now()
  const live = own.filter(({ state, renewedAt }) => state === 'running' && now - renewedAt < holdMs)
  atMost('at once', live.length, parallel)
  if (perMinute !== null) mustBeSeldom(own, perMinute)
  for (const [i, model] of (models ?? []).entries()) {
    const { glob, limitNanoUsd, limits } = model
    const under = own.filter(({ hold }) => hold?.purses?.some(({ purse }) => purse === i + 1))
    atMost(`the limit of ${glob}`, exposedUnder(own, i + 1, model), limitNanoUsd)
    atMost(`${glob} at once`, under.filter((one) => live.includes(one)).length, limits.parallelRequests)
    // What another target served in the end is not counted here.
    const served = under.filter(({ place }) => place === null || isUnder(glob, { model: `${place.provider}/${place.model}` }))
    if (limits.requestsPerMinute !== null) mustBeSeldom(served, limits.requestsPerMinute)
  }
}

function mustBeSeldom(requests: readonly Request[], perMinute: number): void {
  const taken = requests.filter(({ unsent }) => !unsent).map(({ hold }) => hold?.takenAt ?? 0)
  for (const from of taken) atMost('in a minute', taken.filter((at) => at >= from && at < from + 60_000).length, perMinute)
}
