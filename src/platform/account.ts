// The account port over a key's object. Settlements of one key that end close together travel in one call: written one by one they
// cost as much as the whole rest of the path.

import type { Admission, Ask, Settlement } from '../core/account.ts'
import type { SliceUse } from '../core/slice-use.ts'
import { GatewayError } from '../core/errors.ts'
import type { Account } from '../ports.ts'
import type { Env } from './env.ts'
import type { KeyObject } from './key-object.ts'
import { admitExactly, tellEnds, useOf, type Later } from './leased.ts'

const GATHER_MS = 60
const RETRY_MS = [200, 1000, 4000]
/** A slice that another request has asked for is here by then. */
const SLICE_WAIT_MS = 100

/** Settlements waiting in this isolate, by key. Data only: each request waits on its own timer and takes what it finds. */
const waiting = new Map<string, Settlement[]>()

/**
 * `later` keeps the request's context alive until what it is given is done.
 * @throws GatewayError `gateway-unavailable` from any call when the object cannot be reached
 */
export function accountOf(env: Env, keyId: string, later: Later): Account {
  const object = objectOf(env, keyId)
  return {
    admit: (ask) => {
      const use = useOf(keyId)
      // Out of a slice of this isolate, with nobody asked.
      const admission = use?.admit(ask, Date.now()) ?? null
      return admission === null ? reach(() => admit(object, keyId, use, ask, later)) : Promise.resolve(admission)
    },
    renew: (hold, ranNanoUsd) => reach(() => object.renew(hold, ranNanoUsd)),
    extend: (hold, extension) =>
      reach(async () => {
        const extended = await object.extend(hold, extension)
        return extended === null && (await tellNow(object, keyId)) ? object.extend(hold, extension) : extended
      }),
    // What this isolate has not told yet is told first: whoever asks after an answer sees it booked.
    view: (secretHash, clientIp) =>
      reach(async () => {
        await tellNow(object, keyId)
        return object.view(secretHash, clientIp)
      }),
    flush: () => reach(() => object.flush()),
    pending: (requestId) => reach(() => object.pending(requestId)),
    settle: (settlement) => settle(env, keyId, settlement),
  }
}

const WAITS: ReadonlySet<string> = new Set(['rate-exceeded', 'budget-exceeded'])

async function admit(object: Reached, keyId: string, use: SliceUse | null, ask: Ask, later: Later): Promise<Admission> {
  const admission = await admitExactly(object, keyId, use, ask, later)
  if (admission.kind !== 'refused' || !WAITS.has(admission.code)) return admission
  // What has ended here and is not told yet, or is lent to this isolate, may be just what is missing.
  if (use?.isWaiting === true) {
    await new Promise((resolve) => setTimeout(resolve, SLICE_WAIT_MS))
    const own = use.admit(ask, Date.now())
    if (own !== null) return own
  }
  const told = await tellNow(object, keyId)
  const ended = use === null ? false : await tellEnds(object, use, true)
  return told || ended ? object.admit(ask) : admission
}

/** Settles what waits in this isolate for this key. `false`: nothing did. */
async function tellNow(object: Reached, keyId: string): Promise<boolean> {
  const told = waiting.get(keyId)
  if (told === undefined) return false
  waiting.delete(keyId)
  try {
    await object.settle(told)
    confirmed(keyId, told)
    return true
  } catch (cause) {
    waiting.set(keyId, [...told, ...(waiting.get(keyId) ?? [])])
    throw cause
  }
}

/** A key's object as its methods are written; the platform's own type of a stub wraps every answer once more. */
export type Reached = Pick<
  KeyObject,
  'admit' | 'preview' | 'renew' | 'extend' | 'view' | 'flush' | 'pending' | 'settle' | 'endSlices' | 'apply' | 'reconcile' | 'modelLimits'
>

/** The object of a key, named by the key's id. */
export function objectOf(env: Env, keyId: string): Reached {
  return env.KEYS.getByName(keyId) as unknown as Reached
}

function confirmed(keyId: string, told: readonly Settlement[]): void {
  const use = useOf(keyId)
  if (use !== null) for (const settlement of told) use.settled(settlement)
}

async function reach<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  try {
    return await call()
  } catch (cause) {
    throw new GatewayError('gateway-unavailable', "The key's books cannot be reached just now. Nothing was sent; try again.", {
      cause,
      retryAfterMs: 1000,
    })
  }
}

async function settle(env: Env, keyId: string, settlement: Settlement): Promise<void> {
  useOf(keyId)?.over(settlement)
  const queue = waiting.get(keyId) ?? []
  queue.push(settlement)
  waiting.set(keyId, queue)
  await new Promise((resolve) => setTimeout(resolve, GATHER_MS))
  if (!(waiting.get(keyId)?.includes(settlement) ?? false)) return // another request took it along
  const taken = waiting.get(keyId) ?? []
  waiting.delete(keyId)
  for (let attempt = 0; ; attempt++) {
    try {
      await objectOf(env, keyId).settle(taken)
      confirmed(keyId, taken)
      return
    } catch (cause) {
      const wait = RETRY_MS[attempt]
      if (wait === undefined) {
        // Left for the next request of this key in this isolate; if none comes, the holds expire and are booked in full.
        waiting.set(keyId, [...taken, ...(waiting.get(keyId) ?? [])])
        throw cause
      }
      await new Promise((resolve) => setTimeout(resolve, wait))
    }
  }
}
