// What turns arriving bytes into sent ones: the seam between the two ways through and whatever carries them.

import type { Usage } from '../core/canonical.ts'
import type { Ending } from '../core/account.ts'
import type { GatewayError } from '../core/errors.ts'

/** What one step of the reply brings: bytes for the client, whether there was content in it, and the error it ended in. */
export type Step = { readonly bytes: Uint8Array; readonly progress: boolean; readonly failure: GatewayError | null }

/** Turns what arrives into what is sent. `fail` ends a broken reply in the client's dialect; nothing: it cannot be told. */
export type Carrier = {
  /** What was held until the target was committed. */
  begin(): Step
  take(bytes: Uint8Array): Step
  end(): Step
  /** Instead of `end`, of an answer that broke off: what its reader knows and has not told yet, for the books. */
  cut(): void
  fail(error: GatewayError): Uint8Array
}

/** One that can be ended early as if the output limit were reached; `null`: the answer has said how it ends already. */
export type StoppableCarrier = Carrier & { stop(usage: Usage): Uint8Array | null }

export const NO_BYTES = new Uint8Array(0)

/** An answer on its way to the client. `done` never rejects. */
export type Delivery = {
  readonly readable: ReadableStream<Uint8Array>
  readonly done: Promise<{ readonly ending: Ending; readonly error: GatewayError | null }>
}
