// What a wire language must provide. Text in, text out: no network, no clock, no Cloudflare.

import type { CacheMark, ChatEvent, ChatRequest, ChatResponse, DialectId, JsonObject, Units, Usage } from '../core/canonical.ts'
import type { GatewayError } from '../core/errors.ts'
import type { Picture } from '../core/price.ts'
import type { RawPaths } from '../core/json-raw.ts'
import type { Edits, Path } from '../core/json-splice.ts'

/** One frame of a stream after the framing (SSE, AWS event stream) is taken off. `data` may be empty. */
export type Frame = { readonly event?: string; readonly data: string }

/**
 * Keeps the state of one reply. `end` reports a reply that stopped before its finish as an `error` event with code `upstream-cut`,
 * and gives nothing for a reply that was whole. A frame that cannot be read becomes an `error` event with code `upstream-garbled`:
 * a reader never throws.
 */
export interface FrameReader {
  read(frame: Frame): readonly ChatEvent[]
  end(): readonly ChatEvent[]
}

/** `fail` ends a committed stream in this dialect's own way; `end` writes what closes a good one (`[DONE]`). */
export interface FrameWriter {
  write(event: ChatEvent): readonly Frame[]
  fail(error: GatewayError): readonly Frame[]
  end(): readonly Frame[]
}

/**
 * Watches a forwarded stream frame by frame, so that it can be ended early as if its output limit were reached. `cut` gives the frames that do
 * so, behind a whole frame; `null`: it has said how it ends already. `usage`: as far as it was counted.
 */
export interface StreamCutter {
  see(frame: Frame): void
  cut(usage: Usage | null): readonly Frame[] | null
}

/** What can be asked of a target. */
export type Need = 'tools' | 'schema' | 'reasoning' | 'image' | 'audio' | 'file' | 'logprobs' | 'many'

/** What the gateway must know before it has understood the request, by a scan of the text, not a parse. */
export type Intent = {
  readonly model: string
  readonly stream: boolean
  /** How a stream's pieces are told apart; server-sent events where nothing is said. */
  readonly framing?: 'sse' | 'json-array'
  /** Did the client ask for the usage chunk of an OpenAI chat stream? Dialects that always tell usage say true. */
  readonly wantsUsage: boolean
  readonly maxOutputTokens: number | null
  readonly reasoningTokens: number | null
  readonly choices: number
  readonly needs: ReadonlySet<Need>
  /** Bytes of the body, an upper bound of its tokens. `null`: a remote file or a tool the provider runs, so the context window is the bound. */
  readonly inputBound: number | null
  /**
   * Tools that the provider runs: after each call it reads everything anew, and may bill the call. `calls`: at most so many; `null`: nobody
   * said. `said`: the member that says it, or would.
   */
  readonly providerRuns?: { readonly calls: number | null; readonly said: string }
  readonly endUserId: string | null
  readonly session: string | null
  /** The client wants the model to think, and not to be told what it thought. */
  readonly hidesReasoning?: boolean
  /** When the request came, seconds since the epoch: `created` of an answer. */
  readonly nowSeconds: number
  /** The most that can be billed by the piece; a chat has none. */
  readonly units?: Units
  /** What is probably billed by the piece, where `units` is only a bound: booked when nobody tells. */
  readonly likelyUnits?: Units
  /** What of `units` the request alone settles, whatever comes back: characters to be spoken. */
  readonly knownUnits?: Units
  /**
   * For answers in which nothing can be counted (sound, pictures): what was probably used. Booked when nobody tells; under a budget the
   * hold is, unless `knownUnits` are all that is billed.
   */
  readonly guess?: Usage
  /** Pictures may be priced by their kind. */
  readonly picture?: Picture
  /** `maxOutputTokens` cannot be put into the request: it is held whole, or the request is refused. */
  readonly isCeilingFixed?: boolean
  /** Nobody bills it: tokens that are only counted. */
  readonly free?: boolean
  /** The service tier that is asked for, by its name in the client's language; Anthropic's `speed: fast` is `fast`. */
  readonly service?: string | null
}

/** A request body as it arrived: the bytes are never rebuilt, the object is parsed on first use. Valid JSON, an object, no repeated top-level member. */
export interface ClientBody {
  readonly byteLength: number
  /** Raw JSON text of a member, or `null` when it is absent. Objects only. */
  member(path: Path): string | null
  /** The body as an object; values at the raw paths arrive as the text they were (see `parseKeepingRaw`). @throws GatewayError `request-malformed` */
  parsed(raw: RawPaths): JsonObject
  /** Values of every member named `type`, anywhere in the body (`image_url`, `input_audio`, `document` …). */
  readonly types: ReadonlySet<string>
  /** A member names something that is not in the body: an http(s) URL under `url`, `image_url`, `file_uri` …, or a file by id. */
  readonly refersOutside: boolean
}

/** `path` is the URL's path as it was sent, still percent-encoded; `query` what follows it. `nowSeconds`: the clock, for dialects that stamp their answers. */
export type Incoming = {
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: Headers
  readonly body: ClientBody
  readonly nowSeconds: number
}

/**
 * `dropped` names what could not be said, `approximated` what was said otherwise. Never in silence. A name begins with the canonical
 * member (`seed`, `topK`, `replyFormat`, `tools[2].strict`, `cache`), with a turn's `at` (`messages[3].content[1]`), or is a member of
 * `extras` (`logit_bias`); the client dialect's `names` turn the canonical ones into the client's own.
 */
export type Written = { readonly text: string; readonly dropped: readonly string[]; readonly approximated: readonly string[] }

/** Edits that take out of a forwarded conversation what its place cannot open; named as in `Written`. */
export type Unsealed = { readonly edits: Edits; readonly dropped: readonly string[]; readonly approximated: readonly string[] }

/** How a place speaks a dialect where places differ. Both ways through follow it. */
export type Habits = {
  /** The issuer whose seals (signatures, encrypted reasoning) this place can open. */
  readonly issuer: string
  /** OpenAI chat: the member for the output ceiling. Default `max_tokens`. */
  readonly ceilingMember?: 'max_tokens' | 'max_completion_tokens'
  /** OpenAI chat: whether a stream tells usage only to those who ask by `stream_options` (default), or always and refuses the member. */
  readonly usageByRequest?: boolean
  /** OpenAI chat: sampling members this place refuses, by wire name; they are dropped and reported. */
  readonly refuses?: ReadonlySet<string>
  /** Messages: `cache_control` on the request itself, where the place caches by itself. OpenAI chat: members beyond OpenAI's own that this place takes: `top_k`, `min_p`, `cache_control`, `reasoning_content`, `reasoning_details` … */
  readonly accepts?: ReadonlySet<string>
}

/** What admission and routing decided about the request, to be written by either way through. */
export type Orders = {
  readonly model: string
  /** The output ceiling to enforce instead of the client's; `null`: leave the client's as it is. */
  readonly maxOutputTokens: number | null
  readonly habits: Habits
  /** Asked for beside the body: cache the prompt as far as this place needs to be told. Both ways through. */
  readonly cache?: CacheMark
}

/** Who answers, for languages that tell it. `costNanoUsd` is exact for a usage; `null`: unknown. */
export type Served = {
  readonly requestId: string
  readonly provider: { readonly id: string; readonly name: string }
  readonly model: string
  /** The model by OpenRouter's name for it, where it was chosen and not named by the client. */
  readonly chosen?: string
  /** OpenRouter's language: how the request was routed, where the client opted in. */
  readonly metadata?: JsonObject
  costNanoUsd(usage: Usage | null): number | null
}

/** What every language of our clients has, whatever is asked in it. */
export interface ClientFace {
  readonly id: DialectId
  readonly paths: readonly string[]
  /** Where several languages share a path: whether a call there is in this one. The one that claims nothing takes the rest. */
  claims?(path: string): boolean
  /** What a model's name means: `places` (default), a place and its model; `openrouter`, an `author/slug` that any place may serve. */
  readonly modelNames?: 'places' | 'openrouter'
  /** The model's name, where it stands in the path and not in the body. @throws GatewayError `request-malformed` */
  modelInPath?(path: string): string
  /** A comment for streams in which nothing is said for a while, also before anybody has answered: it fixes status 200 and the headers. */
  readonly keepAlive?: { readonly comment: string; readonly everyMs: number }
  /** A comment in a stream breaks its SDKs. */
  readonly takesNoComments?: true
  /** The client's key; in the query only where the language itself has it there. */
  credential(headers: Headers, url: URL): string | null
  /** Canonical member → this dialect's name for it (`maxOutputTokens` → `max_tokens`, `replyFormat` → `response_format`), for reports. */
  readonly names: { readonly [canonical: string]: string }
  /** Chat: what this dialect calls that by which something is asked of a target (`many` → `n`), for refusals. */
  readonly needs?: { readonly [need in Need]?: string }
  status(error: GatewayError): number
  /** `provider`: who was asked last, for languages that tell it. */
  writeError(error: GatewayError, requestId: string | null, provider?: { readonly name: string }): JsonObject
}

/** The half of a chat dialect that faces our clients. */
export interface ClientDialect extends ClientFace {
  readonly needs: { readonly [need in Need]?: string }
  /** The raw paths of a request body in this dialect. */
  readonly raw: RawPaths
  /** @throws GatewayError `request-malformed` for members of a wrong type that the gateway itself relies on */
  intent(incoming: Incoming): Intent
  /** @throws GatewayError `request-malformed`, `request-unsupported` */
  read(body: ClientBody): ChatRequest
  write(response: ChatResponse, intent: Intent, served: Served): string
  /** `served: null` where nobody has answered: only `fail` is called then. */
  writer(intent: Intent, served: Served | null): FrameWriter
  /** For streams that are forwarded to a client of this dialect. */
  cutter(intent: Intent): StreamCutter
}

/** The half of a dialect that faces providers. */
export interface UpstreamDialect {
  readonly id: DialectId
  /** Canonical member → this dialect's name for it, for reports. */
  readonly names: { readonly [canonical: string]: string }
  /** It takes a bare text: it serves its own clients, and nobody else is translated into it. */
  readonly promptsOnly?: true
  /** The few members that must differ when the client already speaks this dialect; may be nested. All else stays. */
  edits(intent: Intent, orders: Orders, member: (path: Path) => string | null): Edits
  /** Forward only: a conversation may carry seals of others, which we wrapped for the client. `null`: it carries none; cheap to find out. */
  withoutForeignSeals?(body: ClientBody, orders: Orders): Unsealed | null
  write(request: ChatRequest, intent: Intent, orders: Orders): Written
  /** A whole answer. @throws GatewayError `upstream-garbled` */
  read(text: string): ChatResponse
  /** Usage of a whole body, without reading the rest: for the forward way. `null`: not told. @throws GatewayError `upstream-garbled` when it is no JSON object */
  readUsage(text: string): { readonly usage: Usage | null; readonly finish: string | null }
  reader(): FrameReader
  /** Whether a frame may hold usage, a finish or an error: an observer of forwarded bytes skips the rest unparsed. Cheap, no parse. */
  worthReading(data: string): boolean
  /** Forward only: whether this frame must be kept from a client that did not ask for usage. */
  isUsageOnly(frame: Frame): boolean
  /** An error, also one that came with status 200. `null`: not an error. `text` has no credentials left in it. */
  readError(status: number, headers: Headers, text: string): GatewayError | null
}
