// What differs between a chat and everything else that can be asked: how it is read, sent, told and carried. The path is one (handle.ts).

import type { Mode } from '../catalogue/entry.ts'
import type { GatewayError } from '../core/errors.ts'
import type { Unfit } from '../core/unfit.ts'
import type { ClientFace } from '../dialects/contract.ts'
import type { Deps } from '../ports.ts'
import type { Provider } from '../providers/contract.ts'
import type { Cascade } from '../routing/contract.ts'
import type { Candidate } from './planning/candidate.ts'
import type { Delivery } from './carrier.ts'
import type { Continuation, Onward } from './trying/continuation.ts'
import type { Farewell } from './keep-alive.ts'
import type { Job } from './job.ts'
import type { Meter } from './meter.ts'
import type { Opened, Trace } from './send.ts'
import type { Tally } from './tally.ts'

/** A target's answer from which there is no way back. `whole`: it is all here; else it is carried to the client as it comes. */
export type Answered = { readonly kind: 'whole' | 'stream' | 'large'; readonly opened: Opened; readonly tally: Tally }

/** A whole answer as the client gets it. */
export type Told = { readonly body: string | Uint8Array; readonly contentType: string }

export type Judged<A> = {
  readonly answer: A
  readonly unfit: Unfit | null
  readonly wholeMs: number | null
  /** Why it broke off while it was held back; `null`: it did not. */
  readonly broken: GatewayError | null
}

export type Manner<J extends Job, A extends Answered> = {
  readonly client: ClientFace
  /** What the catalogue says that models are for which can be asked so. */
  readonly modes: ReadonlySet<Mode>
  /** It can have a shadow: its answers can be compared. */
  readonly casts?: true
  /** It does not run the model (a count of tokens): how it goes says nothing of the model's health, nor of what is cached. */
  readonly isAside?: true
  /** @throws GatewayError `request-malformed`, `body-too-large` */
  begin(request: Request, id: string, deps: Deps): Promise<J>
  /** Whether a place can do what is asked at all. */
  serves(job: J, provider: Provider): boolean
  /** One call, up to the point from which there is no way back. @throws GatewayError */
  open(job: J, candidate: Candidate, maxOutputTokens: number | null, trace: Trace): Promise<A>
  /**
   * What is verifiably no good about an answer of which the client has nothing yet; `answer` is the same one, perhaps read further. Absent:
   * nobody can tell. `ceiling`: output tokens to which we bound it; `null`: not we. `wholeMs`: from its first content to its end, of a stream
   * that was held back till then; `null`: it was not. Never throws.
   */
  judge?(job: J, answer: A, ceiling: number | null, cascade: Cascade): Promise<Judged<A>>
  /** Ends a stream of events to which words were said before anybody had answered. */
  readonly farewell?: Farewell<J>
  tell(job: J, answer: A): Told
  /** How others may carry an answer on that breaks off; `null`: not this one. */
  continuing?(job: J, answer: A, onward: Onward): Continuation | null
  /** `meter`: of an elastic hold, which may end the answer before it is whole. Never together with a continuation. */
  carry(
    job: J,
    answer: A,
    meter: Meter | null,
    continuation: Continuation | null,
  ): { readonly delivery: Delivery; readonly contentType: string }
}
