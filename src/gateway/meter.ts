// What a running answer has cost so far under an elastic hold, and the asking for more before that reaches what is held.

import type { Extension, Hold } from '../core/account.ts'
import type { Counts } from '../core/bill.ts'
import { GatewayError } from '../core/errors.ts'
import type { Account } from '../ports.ts'
import type { Candidate } from './planning/candidate.ts'
import { candidateAsk } from './planning/candidates.ts'
import type { Job } from './job.ts'
import type { Tally } from './tally.ts'

/** Less than so many tokens more is not worth going on for, nor asking for. */
const LEAST_TOKENS = 64

export class Meter {
  readonly #account: Account
  readonly #tally: Tally
  readonly #inputNanoUsd: number
  readonly #outputPico: number
  readonly #unseenTokens: number
  #hold: Hold
  #asking: Promise<boolean> | null = null
  /** More was refused once: it is asked for again only when nothing is left. */
  #wasRefused = false

  constructor(job: Job, account: Account, hold: Hold, candidate: Candidate, tally: Tally) {
    this.#account = account
    this.#hold = hold
    this.#tally = tally
    const { worst, inputTokens } = candidateAsk(job, candidate)
    this.#outputPico = worst?.outputPico ?? 0
    this.#inputNanoUsd = Math.ceil(((inputTokens ?? 0) * (worst?.inputPico ?? 0)) / 1000) + (worst?.feesNanoUsd ?? 0)
    this.#unseenTokens = unseenTokens(job)
    this.counts = { bodyBytes: job.body.byteLength, metered: { unseenTokens: this.#unseenTokens } }
  }

  /** As it stands: it settles what was extended too. */
  get hold(): Hold {
    return this.#hold
  }

  /** What an estimate of its usage is made with, as it will be booked. */
  readonly counts: Counts

  /** Output tokens so far, those that may be thought unseen included. */
  get outputTokens(): number {
    return this.#tally.outputTokens + this.#unseenTokens
  }

  get ranNanoUsd(): number {
    return this.#inputNanoUsd + this.#costOf(this.outputTokens)
  }

  /**
   * Whether the answer may go on; what is a promise must be waited for before more is read. More is asked for, meanwhile, when half of what
   * is held is used, and each time as much as is held already: the calls are few.
   * @throws GatewayError `gateway-unavailable` from the promise when the key's books cannot be reached
   */
  mayGoOn(): true | Promise<boolean> {
    if (this.#isCovered) {
      const { nanoUsd } = this.#hold
      const half = this.#inputNanoUsd + (nanoUsd - this.#inputNanoUsd) / 2
      if (this.#asking === null && !this.#wasRefused && nanoUsd < this.#mostNanoUsd && this.ranNanoUsd >= half)
        this.#ask().catch(() => undefined) // it is asked again before it is needed
      return true
    }
    return this.#more()
  }

  get #mostNanoUsd(): number {
    return this.#hold.elastic?.mostNanoUsd ?? this.#hold.nanoUsd
  }

  /** A hold of the worst case covers whatever comes: the provider has the ceiling. */
  get #isCovered(): boolean {
    return this.#hold.nanoUsd >= this.#mostNanoUsd || this.ranNanoUsd < this.#hold.nanoUsd
  }

  async #more(): Promise<boolean> {
    await this.#asking?.catch(() => undefined)
    for (let failures = 0; !this.#isCovered;) {
      try {
        if (!(await this.#ask())) return false
      } catch (cause) {
        if (++failures > 1)
          throw new GatewayError('gateway-unavailable', "The key's books could not be reached, so this answer cannot go on.", { cause })
      }
    }
    return true
  }

  #ask(): Promise<boolean> {
    const { nanoUsd } = this.#hold
    const [ran, least] = [this.ranNanoUsd, this.#costOf(LEAST_TOKENS)]
    const used = Math.max(nanoUsd, ran)
    const extension: Extension = {
      ranNanoUsd: ran,
      leastNanoUsd: used + least,
      bestNanoUsd: used + Math.max(least, used - this.#inputNanoUsd),
    }
    const asking = this.#account.extend(this.#hold, extension).then((hold) => {
      this.#wasRefused = hold === null
      if (hold !== null) this.#hold = hold
      return hold !== null
    })
    const done = (): void => {
      if (this.#asking === asking) this.#asking = null
    }
    this.#asking = asking
    asking.then(done, done)
    return asking
  }

  #costOf(tokens: number): number {
    return Math.ceil((tokens * this.#outputPico) / 1000)
  }
}

/** Tokens that may be billed and never seen in the answer: a thinking budget, which the hold begins with. */
export function unseenTokens({ intent }: Job): number {
  return intent.reasoningTokens ?? 0
}
