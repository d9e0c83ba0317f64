// Leased keys in this isolate: the slices that it has of them, taken along with requests that their objects admit, and given back when their
// second is over. Data only: no request waits for another one's call. Whoever takes a slice stays awake to give it back.

import type { Admission, Ask } from '../core/account.ts'
import { SliceUse } from '../core/slice-use.ts'
import type { SliceEnd } from '../core/slices.ts'
import type { KeyObject } from './key-object.ts'

export type Later = (work: Promise<unknown>) => void

const MOST_KEYS = 1000
const RETRY_MS = [200, 1000, 4000]

const uses = new Map<string, SliceUse>()

/** `null`: as far as this isolate knows the key is not leased. */
export function useOf(keyId: string): SliceUse | null {
  return uses.get(keyId) ?? null
}

/** Asks the key's object; what there is to say of slices goes along. */
export async function admitExactly(
  object: Pick<KeyObject, 'admit' | 'endSlices'>,
  keyId: string,
  use: SliceUse | null,
  ask: Ask,
  later: Later,
): Promise<Admission> {
  const askedAt = Date.now()
  if (use === null) {
    const admission = await object.admit(ask)
    if (admission.kind === 'granted' && admission.leased !== undefined) remember(keyId, askedAt)
    return admission
  }
  const wish = use.wish(ask, `slice-${crypto.randomUUID()}`, askedAt)
  const ended = use.ends(askedAt, false)
  if (wish === null && ended.length === 0) return object.admit(ask)
  // Before anything is awaited: after its client has left a request can keep nothing awake.
  const afterwards = Promise.withResolvers<unknown>()
  later(afterwards.promise)
  let givingBack: Promise<void> | null = null
  try {
    const admission = await object.admit({ ...ask, slices: { wish, ended } })
    use.told(ended, true)
    const slice = (admission.kind === 'granted' ? admission.leased?.slice : null) ?? null
    if (wish !== null) use.take(wish, slice, askedAt)
    if (slice !== null) givingBack = giveBack(object, use, askedAt + slice.lifeMs)
    else if (admission.kind === 'granted' && admission.leased === undefined && use.isEmpty) uses.delete(keyId) // it is leased no more
    return admission
  } catch (cause) {
    use.told(ended, false)
    if (wish !== null) use.giveUp(wish)
    givingBack = giveBack(object, use, askedAt)
    throw cause
  } finally {
    afterwards.resolve(givingBack)
  }
}

/** Tells the object which slices are used no more. `all`: those too that have time left. `false`: there were none. */
export async function tellEnds(object: Pick<KeyObject, 'endSlices'>, use: SliceUse, all: boolean): Promise<boolean> {
  return tell(object, use, use.ends(Date.now(), all))
}

async function tell(object: Pick<KeyObject, 'endSlices'>, use: SliceUse, ended: readonly SliceEnd[]): Promise<boolean> {
  if (ended.length === 0) return false
  try {
    await object.endSlices(ended)
    use.told(ended, true)
    return true
  } catch (cause) {
    use.told(ended, false)
    throw cause
  }
}

/** What fails here goes along with the next request of this key; if none comes, the slice expires and is booked in full. */
async function giveBack(object: Pick<KeyObject, 'endSlices'>, use: SliceUse, at: number): Promise<void> {
  await sleep(Math.max(0, at - Date.now()))
  for (const wait of [...RETRY_MS, null]) {
    try {
      await tell(object, use, use.ends(Math.max(at, Date.now()), false)) // a timer may be early
      return
    } catch {
      if (wait !== null) await sleep(wait)
    }
  }
}

function remember(keyId: string, now: number): void {
  if (uses.size >= MOST_KEYS) for (const [id, use] of uses) if (use.isEmpty) uses.delete(id)
  if (uses.size < MOST_KEYS && !uses.has(keyId)) uses.set(keyId, new SliceUse(now))
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
