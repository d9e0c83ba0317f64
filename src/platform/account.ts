// The account port over a key's object. Settlements of one key that end close together travel in one call: written one by one they
// cost as much as the whole rest of the path.

import type { Settlement } from '../core/account.ts'
import { GatewayError } from '../core/errors.ts'
import type { Account } from '../ports.ts'
import type { Env } from './env.ts'
import type { KeyObject } from './key-object.ts'

const GATHER_MS = 60
const RETRY_MS = [200, 1000, 4000]

/** Settlements waiting in this isolate, by key. Data only: each request waits on its own timer and takes what it finds. */
const waiting = new Map<string, Settlement[]>()

/** @throws GatewayError `gateway-unavailable` from any call when the object cannot be reached */
export function accountOf(env: Env, keyId: string): Account {
  const object = objectOf(env, keyId)
  return {
    admit: (ask) =>
      reach(async () => {
        const admission = await object.admit(ask)
        // What has ended here and is not told yet may be just what is missing.
        if (admission.kind !== 'refused' || !WAITS.has(admission.code) || !(await tellNow(object, keyId))) return admission
        return object.admit(ask)
      }),
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

/** Settles what waits in this isolate for this key. `false`: nothing did. */
async function tellNow(object: Reached, keyId: string): Promise<boolean> {
  const told = waiting.get(keyId)
  if (told === undefined) return false
  waiting.delete(keyId)
  try {
    await object.settle(told)
    return true
  } catch (cause) {
    waiting.set(keyId, [...told, ...(waiting.get(keyId) ?? [])])
    throw cause
  }
}

/** A key's object as its methods are written; the platform's own type of a stub wraps every answer once more. */
type Reached = Pick<
  KeyObject,
  'admit' | 'renew' | 'extend' | 'view' | 'flush' | 'pending' | 'settle' | 'apply' | 'reconcile' | 'modelLimits'
>

/** The object of a key, named by the key's id. */
export function objectOf(env: Env, keyId: string): Reached {
  return env.KEYS.getByName(keyId) as unknown as Reached
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
