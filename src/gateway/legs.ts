// Keeps every leg of a request inside its hold: a call that was sent and never came to its answer may be billed all the same, so what it may
// cost stays reserved, and the next target is called only if it fits beside that, or the hold can be made larger.

import type { Hold, Leg } from '../core/account.ts'
import { booked } from '../core/bill.ts'
import type { GatewayError } from '../core/errors.ts'
import type { Account } from '../ports.ts'
import { billOf, isUnbilled } from './book.ts'
import type { Candidate } from './candidate.ts'
import type { Job } from './job.ts'

export class Legs {
  readonly all: Leg[] = []
  readonly #job: Job
  readonly #account: Account
  readonly #needs: ReadonlyMap<Candidate, number>
  #hold: Hold
  #owed: number | null = 0
  #lastMayCost: number | null = 0

  /** `needs`: what each target may cost at worst, in whole nano-dollars; of one that is not in it, all that is held. */
  constructor(job: Job, account: Account, hold: Hold, needs: ReadonlyMap<Candidate, number>) {
    this.#job = job
    this.#account = account
    this.#hold = hold
    this.#needs = needs
  }

  get hold(): Hold {
    return this.#hold
  }

  /** What the legs before the last may be billed, in whole nano-dollars; `null`: nobody knows. */
  get owedNanoUsd(): number | null {
    return this.#owed
  }

  /** Whether one more target can be paid for beside those before it. If so it is the last one now. */
  async fits(candidate: Candidate): Promise<boolean> {
    const owed = this.#owed === null || this.#lastMayCost === null ? null : this.#owed + this.#lastMayCost
    if (owed !== 0 && owed !== null && this.#hold.budgeted && !(await this.#isCovered(owed, owed + this.#need(candidate)))) return false
    this.#owed = owed
    this.#lastMayCost = 0
    return true
  }

  committed(leg: Leg): void {
    this.all.push(leg)
  }

  /** A leg that was sent and failed. As long as it is the last one it is booked as such. */
  failed(leg: Leg, candidate: Candidate, error: GatewayError): void {
    const hold = { ...this.#hold, nanoUsd: this.#need(candidate) }
    const unbilled = isUnbilled(this.#job, error)
    const { costNanoUsd } = booked(billOf(this.#job, hold, { candidate }), { seen: null, ending: 'failed', unbilled })
    this.#lastMayCost = costNanoUsd
    this.all.push(costNanoUsd === 0 ? leg : { ...leg, costNanoUsd })
  }

  async #isCovered(ranNanoUsd: number, nanoUsd: number): Promise<boolean> {
    if (nanoUsd <= this.#hold.nanoUsd) return true
    const extension = { ranNanoUsd, leastNanoUsd: nanoUsd, bestNanoUsd: nanoUsd, beside: true } as const
    const larger = await this.#account.extend(this.#hold, extension).catch(() => null) // what cannot be asked is not granted
    if (larger !== null) this.#hold = larger
    return larger !== null
  }

  #need(candidate: Candidate): number {
    return this.#hold.elastic?.mostNanoUsd ?? this.#needs.get(candidate) ?? this.#hold.nanoUsd
  }
}
