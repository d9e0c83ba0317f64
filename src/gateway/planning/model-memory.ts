// Which model a conversation was given, as far as this isolate has seen, so that it stays there. Data only, bounded; of a prompt nothing is kept
// but its score.

import type { Verdict } from '../../classifier/contract.ts'
import type { Given, ModelName } from '../../routing/choosing/contract.ts'

/** Beyond them the one that was used longest ago is forgotten. */
const MOST_CONVERSATIONS = 5000
/** Whoever was silent for so long is met anew. */
const LIFE_MS = 3_600_000

/** `hardest`: of what it was judged as, for the newest turns of a long conversation are not among what is judged later. */
export type Remembered = { readonly given: Given; readonly hardest: Verdict | null }

/** One of each isolate. Names of conversations carry their key's id, so keys never meet here. */
export class ModelMemory {
  readonly #most: number
  /** In order of last use. */
  readonly #given = new Map<string, Remembered & { readonly at: number }>()

  constructor(most = MOST_CONVERSATIONS) {
    this.#most = most
  }

  at(conversation: string | null, now: number): Remembered | null {
    const known = conversation === null ? undefined : this.#given.get(conversation)
    return known === undefined || known.at + LIFE_MS <= now ? null : known
  }

  /** An answer came from `model`. While it is the same one, what it was chosen for stays what it was. */
  learn(conversation: string | null, model: ModelName, verdict: Verdict | null, now: number): void {
    if (conversation === null) return
    const before = this.at(conversation, now)
    const task = verdict === null || verdict.abstains ? null : verdict.taskType
    const isKept = before?.given.model === model && before.given.task !== null
    const given = isKept ? before.given : { model, score: verdict?.score ?? 0, task }
    this.#given.delete(conversation)
    this.#given.set(conversation, { given, hardest: harder(before?.hardest ?? null, verdict), at: now })
    for (const oldest of this.#given.keys()) {
      if (this.#given.size <= this.#most) return
      this.#given.delete(oldest)
    }
  }
}

/** The verdict with the higher score; one that abstains only where there is no other. Of a conversation that goes on nothing is missing any more. */
export function harder(before: Verdict | null, now: Verdict | null): Verdict | null {
  if (before === null || before.abstains) return now
  return now === null || now.abstains || now.score < before.score ? { ...before, needsInfo: null } : now
}
