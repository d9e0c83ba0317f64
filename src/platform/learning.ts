// The learning port of one request: this isolate's slates, and the exchange with the keys' objects, which no request waits for. Each exchange
// is one call that tells what was gathered and hears the newest; it runs in the context of the request that began it.

import type { Learned } from '../routing/choosing/contract.ts'
import type { Decided, Learning, Result } from '../routing/choosing/port.ts'
import type { RouterPolicy } from '../core/policy.ts'
import type { Env } from './env.ts'
import type { Heard, LearningObject, Telling } from './learning-object.ts'
import { Slates, type Slate } from './learning-slate.ts'

type Later = (work: Promise<unknown>) => void

/** Between two exchanges of one key: where there is something to tell, and where it is only looked at. */
const TELL_MS = 2000
const LOOK_MS = 10_000
/** An object that is away is left alone for so long. */
const AWAY_MS = 5000
/** What was to be sent and was not, because its request was ended, is sent by another. */
const OVERDUE_MS = 500

const isolate = new Slates()

/** For one request. `later` keeps its context alive. */
export function learningOf(env: Env, later: Later, slates: Slates = isolate): Learning {
  const exchange = (slate: Slate, ms: number): void => {
    const now = Date.now()
    const at = Math.max(now, slate.askedAt + ms, slate.awayUntil)
    const isDue = slate.dueAt !== 0 && now <= slate.dueAt + OVERDUE_MS && slate.dueAt <= at
    if (isDue || (ms === LOOK_MS && at > now)) return
    slate.dueAt = at
    later(talk(env, slate, at, now))
  }
  return {
    of(keyId): Learned {
      const slate = slates.of(keyId)
      exchange(slate, LOOK_MS)
      return slate.learned
    },
    heard(keyId, policy: RouterPolicy | null) {
      // Of most keys no model is ever chosen: nothing is begun for them.
      const slate = policy === null ? slates.known(keyId) : slates.of(keyId)
      if (slate !== null) slate.heardPolicy = policy
    },
    decided(keyId, decision: Decided) {
      const slate = slates.of(keyId)
      slate.decided(decision)
      exchange(slate, TELL_MS)
    },
    outcome(keyId, result: Result) {
      const slate = slates.of(keyId)
      slate.outcome(result)
      if (slate.hasNews) exchange(slate, TELL_MS)
    },
  }
}

async function talk(env: Env, slate: Slate, at: number, now: number): Promise<void> {
  let due = at
  for (let wait = at - now; wait > 0; wait = due - Date.now()) {
    await new Promise((resolve) => setTimeout(resolve, wait))
    if (slate.dueAt !== due) return // another request was faster
    if (slate.awayUntil > due) due = slate.dueAt = slate.awayUntil
  }
  slate.dueAt = 0
  slate.askedAt = Date.now()
  const telling = slate.take()
  try {
    slate.hear(await learningObjectOf(env, slate.keyId).tell(telling))
  } catch {
    // It is away: what was gathered waits. Whether it was counted nobody knows, so at worst it counts twice.
    slate.putBack(telling)
    slate.awayUntil = Date.now() + AWAY_MS
  }
}

/** The object's methods as they are written; the platform's own type of a stub wraps every answer once more. */
type Asked = {
  tell(telling: Telling): Promise<Heard>
  view(): Promise<Heard>
  forget(): Promise<void>
} & { readonly [method in keyof Pick<LearningObject, 'tell' | 'view' | 'forget'>]: unknown }

/** The object of a key, named by the key's id. */
export function learningObjectOf(env: Env, keyId: string): Asked {
  return env.LEARNING.getByName(keyId) as unknown as Asked
}
