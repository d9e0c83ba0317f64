// What the gateway needs of the world. Each port has one implementation in platform/ and one in test/fakes/.

import type { Catalogue } from './catalogue/index.ts'
import type { Admission, Ask, Extension, Hold, KeyView, Refusal, Row, Settlement } from './core/account.ts'
import type { Provider, Settings } from './providers/contract.ts'

/** The key's own object: policy, limits, holds and outbox under one owner. */
export interface Account {
  admit(ask: Ask): Promise<Admission>
  /** Keeps a hold alive; called well before `expiresAt`. `ranNanoUsd`: what an answer under an elastic hold has cost so far. */
  renew(hold: Hold, ranNanoUsd?: number): Promise<void>
  /** More for an answer that runs under an elastic hold: the hold as it stands then; `null`: there is no more. */
  extend(hold: Hold, extension: Extension): Promise<Hold | null>
  /** Idempotent by request id; a late settle after expiry corrects the booked row. */
  settle(settlement: Settlement): Promise<void>
  view(secretHash: string, clientIp: string | null): Promise<KeyView | Refusal>
  /** Carries what is settled to D1 now. */
  flush(): Promise<void>
  /** A row that has not reached D1 yet. */
  pending(requestId: string): Promise<Row | null>
}

/** Checks a key's tag without touching storage. @throws GatewayError `gateway-misconfigured` when the signing secret is missing */
export interface Keys {
  /** `null`: not a key of ours. */
  check(text: string): Promise<{ readonly id: string; readonly secretHash: string } | null>
}

export interface Ledger {
  find(id: string): Promise<Row | null>
}

export type Limits = {
  readonly bodyBytes: number
  /** Forms stream through, so they may be larger. */
  readonly formBytes: number
  readonly wholeAnswerBytes: number
  readonly headersMs: number
  readonly firstContentMs: number
  readonly idleMs: number
}

export interface Deps {
  readonly keys: Keys
  readonly account: (keyId: string) => Account
  readonly ledger: Ledger
  /** With the operator's overlay; synchronous once an isolate has it. */
  readonly catalogue: () => Promise<Catalogue>
  readonly providers: readonly Provider[]
  /** `null`: this place has no credentials here. */
  readonly settings: (provider: Provider) => Settings | null
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  /** An identity stream, native where the platform has one. */
  readonly pipe: () => { readonly readable: ReadableStream<Uint8Array>; readonly writable: WritableStream<Uint8Array> }
  /** A request body of known length from pieces, without a copy where the platform can. */
  readonly upload: (pieces: readonly Uint8Array[]) => ReadableStream<Uint8Array> | Uint8Array
  /** A request body that is still coming; `length` in bytes where it is known. */
  readonly uploadAsItComes: (pieces: AsyncIterable<Uint8Array>, length: number | null) => ReadableStream<Uint8Array>
  readonly now: () => number
  readonly random: () => number
  /** Keeps the request's context alive. Registered once, with the promise of the settle, before the first byte goes out. */
  readonly later: (work: Promise<unknown>) => void
  /** One redacted line for a request; not made where nobody keeps it. */
  readonly log: (line: () => { readonly [name: string]: unknown }) => void
  readonly limits: Limits
}
