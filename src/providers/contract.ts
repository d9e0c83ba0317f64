// What a place must provide: where it is, how it is paid, which languages it speaks, and when it stops billing.

import type { DialectId } from '../core/canonical.ts'
import type { Framing } from '../core/framing.ts'
import type { Edits, Path } from '../core/json-splice.ts'
import type { Habits } from '../dialects/contract.ts'

/** One thing that can be called. `credential` is the *name* of a secret, never the secret: targets are stored, logged and shown. */
export type Target = {
  readonly provider: string
  readonly model: string
  readonly credential: string | null
  readonly region: string | null
}

/** Sets of names of settings, one of which must be complete; the first is the one that is asked for. */
export type OneOf = readonly [readonly string[], ...(readonly string[])[]]

/** `needs`: the settings without which there is no address. `baseUrl` gives `null` when a value cannot stand in one. */
export type Address = {
  readonly needs: OneOf
  baseUrl(setting: (name: string) => string | null): string | null
}

/** Resolved at the last moment from the names a provider says it needs. */
export type Settings = {
  readonly secrets: { readonly [name: string]: string }
  readonly baseUrl: string | null
  readonly region: string | null
  /** Of the settings a provider `reads`, those that are set. No secrets. */
  readonly values?: { readonly [name: string]: string }
}

/** What a provider needs of the world to be authorised: some places hand out tokens. */
export type World = {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  readonly nowMs: number
}

/** One language as this place speaks it. */
export type Voice = {
  readonly dialect: DialectId
  readonly habits: Habits
  /** How its streams are framed; server-sent events unless said. */
  readonly framing?: Framing
  /** The client's own headers that go on when it speaks this language, where the place does not take all of the language's. */
  readonly passesOn?: readonly string[]
  /** Path and query below the base URL; `framing` of a stream, where the place has several. @throws GatewayError `model-unknown` for a name that cannot stand in a path */
  path(model: string, stream: boolean, framing?: 'sse' | 'json-array', settings?: Settings): string
}

/** One language for one operation as a place speaks it. */
export type OperationVoice = {
  readonly dialect: DialectId
  /** Where what is asked is a chat in disguise (a count of its tokens): as in the place's chat voice. */
  readonly habits?: Habits
  /** Path and query below the base URL. @throws GatewayError `model-unknown` for a name that cannot stand in a path */
  path(model: string, settings: Settings): string
}

export interface Provider {
  readonly id: string
  /** As a person would write it, such as `OpenAI`. */
  readonly name: string
  /** Names of the secrets it cannot do without, such as `OPENAI_API_KEY`. */
  readonly needs: readonly string[]
  /** Secrets of which one set must be there, where there are several ways to be authorised. */
  readonly needsOneOf?: OneOf
  /** Names of secrets it uses when they are set. */
  readonly takes?: readonly string[]
  /** The name of its base URL setting, such as `OPENAI_BASE_URL`; the URL is what the provider's own SDK takes. */
  readonly baseUrlSetting: string
  /** Where it is unless the setting says otherwise; `null`: there is no default (a self-hosted server). */
  readonly defaultBaseUrl: string | null
  /** A default address that other settings fill in; the base URL setting as given wins. */
  readonly address?: Address
  /** Names of the setting that says its region, the first that is set counts. */
  readonly regionSettings?: readonly string[]
  /** Names of further settings that are no secrets. */
  readonly reads?: readonly string[]
  /** In order of preference; the client's own dialect wins when it is listed. None: no chat is to be had there. */
  readonly voices: readonly Voice[]
  /** Where the language depends on the model: its voices, some of `voices`. */
  voicesFor?(model: string): readonly Voice[]
  /** What it can do beside chat, and in which languages; in order of preference, the client's own wins. */
  readonly operations?: readonly OperationVoice[]
  /** Does closing the connection end the bill? With its source; `unknown` counts as no. */
  readonly stopsBillingOnAbort: { readonly answer: 'yes' | 'no' | 'unknown'; readonly source: string }
  /** It bills nothing for an answer without output and finish, or that it ended itself in an error; with its source. Absent: it may. */
  readonly emptyIsFree?: { readonly source: string }
  /** Headers that authorise a request. Asynchronous because some places sign or fetch a token. */
  authorize(settings: Settings, world: World): { readonly [header: string]: string } | Promise<{ readonly [header: string]: string }>
  /** What `authorize` gives is a secret that no setting holds, to be kept out of answers and logs as one. */
  readonly fetchesToken?: true
  /** Headers that sign a request. Runs last, on the bytes that are sent, where a place wants its requests signed. */
  sign?(
    call: { readonly url: string; readonly headers: Headers; readonly bytes: Uint8Array },
    settings: Settings,
    nowMs: number,
  ): Promise<{ readonly [header: string]: string }>
  /** Members this host wants otherwise than the dialect says: renamed, fixed or left out. Both ways through; `headers` are those of a client that speaks the dialect itself. */
  quirks?(dialect: DialectId, member: (path: Path) => string | null, headers?: Headers): Edits
  /** Of such a client's headers, what this host is not told, by name. */
  leavesOut?(dialect: DialectId, headers: Headers): readonly string[]
  /** A place inside the Worker answers by itself; no network. */
  local?(request: Request): Promise<Response>
}
