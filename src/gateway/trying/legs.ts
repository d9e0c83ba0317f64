// Keeps every leg of a request inside its hold: a call that was sent and never came to its answer may be billed all the same, so what it may
// cost stays reserved, and another target is called only if it fits beside that, or the hold can be made larger.

import type { Ending, Hold, Leg } from '../../core/account.ts'
import { booked, type Booked } from '../../core/bill.ts'
import type { Unfit } from '../../core/unfit.ts'
import type { GatewayError } from '../../core/errors.ts'
import type { Account } from '../../ports.ts'
import { billOf, isUnbilled } from '../book.ts'
import type { Candidate } from '../planning/candidate.ts'
import { jobFor } from '../planning/changes.ts'
import type { Job } from '../job.ts'
import type { Tally } from '../tally.ts'

/** A call that was sent, or is about to be. `mayCost`: at worst while it runs, as booked when it failed; `null`: nobody knows. */
type Sent = { mayCost: number | null; readonly candidate: Candidate }

export class Legs {
  readonly all: Leg[] = []
  readonly #job: Job
  readonly #account: Account
  #needs: ReadonlyMap<Candidate, number>
  /** Others are asked more than the hold was taken for. */
  #isGrown = false
  #hold: Hold
  readonly #sent: Sent[] = []
  /** Where in `all` the answers of calls stand. */
  readonly #answers = new Map<Call, number>()

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

  /** What the calls beside the one that is booked may be billed, in whole nano-dollars; `null`: nobody knows. */
  owedBeside(call: Call | null): number | null {
    return sumOf(this.#sent.filter((one) => one !== call))
  }

  /** One more call of a target, if it can be paid for beside all others; `null`: it cannot. */
  async begin(candidate: Candidate): Promise<Call | null> {
    const owed = sumOf(this.#sent)
    const need = this.#need(candidate)
    if (this.#isGrown && owed === null && this.#hold.budgeted) return null
    // An elastic hold begins with a part of the first call; whatever comes beside it is held whole.
    const isHeld = owed === null || !this.#hold.budgeted || (owed === 0 && this.#hold.elastic !== undefined)
    if (!isHeld && !(await this.#isCovered(owed, owed + need))) return null
    const call: Sent = { mayCost: need, candidate }
    this.#sent.push(call)
    return call
  }

  /** It was never sent, so it costs nothing. */
  unsent(call: Call): void {
    const at = this.#sent.indexOf(call as Sent)
    if (at >= 0) this.#sent.splice(at, 1)
  }

  committed(leg: Leg, call: Call): void {
    this.#answers.set(call, this.all.push(leg) - 1)
  }

  /** A call that was sent and failed, or was ended for another's sake (`client-gone`). */
  failed(leg: Leg, call: Call, error: GatewayError, ending: Ending = 'failed'): void {
    const { candidate } = call
    const job = jobFor(this.#job, candidate)
    const hold = { ...this.#hold, nanoUsd: this.#need(candidate) }
    const { costNanoUsd } = booked(billOf(job, hold, { candidate }), { seen: null, ending, unbilled: isUnbilled(job, error) })
    ;(call as Sent).mayCost = costNanoUsd
    this.all.push(costNanoUsd === 0 ? leg : { ...leg, costNanoUsd })
  }

  /**
   * A call whose answer had begun broke off, and others will be asked to go on, for as much as `needs` has. What it is booked at if they do,
   * alone; until then it is reserved.
   */
  broken(call: Call, tally: Tally, needs: ReadonlyMap<Candidate, number>): Booked {
    const own = this.#alone(call, tally, 'upstream-cut')
    this.#needs = needs
    this.#isGrown = true
    return own
  }

  /**
   * A call whose answer is whole, and another may be asked for a better one: what it is booked at, alone; from then on it is reserved for good,
   * whichever answer is given.
   */
  answered(call: Call, tally: Tally): Booked {
    return this.#alone(call, tally, 'complete')
  }

  /** A call whose answer broke off before the client had anything of it: what it is booked at, alone. */
  brokenOff(call: Call, tally: Tally, error: GatewayError): Booked {
    const own = this.#alone(call, tally, 'upstream-cut')
    this.continued(call, error)
    return own
  }

  #alone(call: Call, tally: Tally, ending: Ending): Booked {
    const { candidate } = call
    const hold = { ...this.#hold, nanoUsd: this.#need(candidate) }
    const bill = billOf(jobFor(this.#job, candidate), hold, { candidate })
    const own = booked(bill, { seen: tally, ending, unbilled: false })
    ;(call as Sent).mayCost = own.costNanoUsd
    return own
  }

  /** What is no good about an answer; `isGiven`: the client gets it all the same. */
  unfit(call: Call, unfit: Unfit, isGiven: boolean): void {
    const at = this.#answers.get(call)
    const leg = at === undefined ? undefined : this.all[at]
    if (at === undefined || leg === undefined) return
    const { mayCost } = call
    this.all[at] = isGiven ? { ...leg, unfit } : { ...leg, unfit, outcome: 'unfit', ...(mayCost === 0 ? {} : { costNanoUsd: mayCost }) }
  }

  /** Another has gone on where this one broke off, or is given instead. */
  continued(call: Call, error: GatewayError): void {
    const { mayCost } = call
    const at = this.#answers.get(call)
    const leg = at === undefined ? undefined : this.all[at]
    if (at !== undefined && leg !== undefined)
      this.all[at] = { ...leg, outcome: error.code, ...(mayCost === 0 ? {} : { costNanoUsd: mayCost }) }
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

/** One call of a target, for the books. */
export type Call = Readonly<Sent>

function sumOf(calls: readonly Call[]): number | null {
  let sum = 0
  for (const { mayCost } of calls) {
    if (mayCost === null) return null
    sum += mayCost
  }
  return sum
}
