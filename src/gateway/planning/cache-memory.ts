// Which conversation was lately cached where, as far as this isolate has seen. Data only: nothing here waits or calls, and nothing of a prompt
// is kept but the name that conversation.ts made of it.

import type { Usage } from '../../core/canonical.ts'
import { CACHE_LIFETIMES, USUAL_CACHE } from '../../providers/cache-lifetimes.ts'

type Kept = { readonly tokens: number; readonly until: number; readonly lifeMs: number }

/** Conversations that are remembered; beyond them the one that was used longest ago is forgotten. */
const MOST_CONVERSATIONS = 5000
/** Targets of one conversation. */
const MOST_TARGETS = 4

/** One of each isolate. Names of conversations carry their key's id, so keys never meet here. */
export class CacheMemory {
  readonly #most: number
  /** In order of last use. */
  readonly #conversations = new Map<string, Map<string, Kept>>()

  constructor(most = MOST_CONVERSATIONS) {
    this.#most = most
  }

  get size(): number {
    return this.#conversations.size
  }

  /** Tokens of the conversation that are probably in the target's prompt cache, and until when; `null`: none. `target`: an option's id. */
  at(conversation: string | null, target: string, now: number): { readonly tokens: number; readonly until: number } | null {
    if (conversation === null) return null
    const kept = this.#conversations.get(conversation)?.get(target)
    return kept === undefined || kept.until <= now ? null : { tokens: kept.tokens, until: kept.until }
  }

  /** What an answered call tells. `sentAt`: when the call began, for that is where lifetimes count from. */
  learn(conversation: string | null, target: string, provider: string, usage: Usage, sentAt: number): void {
    if (conversation === null) return
    const targets = this.#conversations.get(conversation) ?? new Map<string, Kept>()
    const before = targets.get(target)
    this.#conversations.delete(conversation)
    targets.delete(target)
    const kept = keptOf(provider, usage, sentAt, before)
    if (kept !== null) targets.set(target, before !== undefined && before.until > kept.until ? { ...kept, until: before.until } : kept)
    if (targets.size > MOST_TARGETS) dropOldest(targets)
    if (targets.size === 0) return
    this.#conversations.set(conversation, targets)
    if (this.#conversations.size > this.#most) dropOldest(this.#conversations)
  }
}

function keptOf(provider: string, usage: Usage, sentAt: number, before: Kept | undefined): Kept | null {
  const { idleMs, longMs, itselfFrom } = CACHE_LIFETIMES.get(provider) ?? USUAL_CACHE
  const { input, cacheRead, cacheWrite5m, cacheWrite1h } = usage
  const told = cacheRead + cacheWrite5m + cacheWrite1h
  const tokens = itselfFrom !== undefined && told + input >= itselfFrom ? told + input : told
  if (tokens <= 0) return null
  // Parts of a prompt may be marked differently: the shortest life among them counts. A mere reading renews what there was.
  const lifeMs = cacheWrite5m > 0 || longMs === undefined ? idleMs : cacheWrite1h > 0 ? longMs : (before?.lifeMs ?? idleMs)
  return { tokens, until: sentAt + lifeMs, lifeMs }
}

function dropOldest(map: Map<string, unknown>): void {
  for (const oldest of map.keys()) {
    map.delete(oldest)
    return
  }
}
