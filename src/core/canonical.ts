// The one language every dialect translates through. Types only: nothing here runs.
import type { ErrorCode } from './errors.ts'

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject
export type JsonObject = { readonly [key: string]: JsonValue }

/** The name of a wire language, such as `anthropic-messages`. A place that speaks it is a provider. */
export type DialectId = string

/** Words a dialect said that the canonical form has no place for, kept under the name of the speaker. */
export type Extras = { readonly dialect: DialectId; readonly fields: JsonObject }

/** An opaque value only its issuer can open. A writer keeps it for the same issuer and drops it for any other. */
export type Seal = { readonly issuer: string; readonly value: string }

export type CacheMark = { readonly ttl: '5m' | '1h' }

export type MediaSource =
  | { readonly at: 'inline'; readonly base64: string }
  | { readonly at: 'url'; readonly url: string }
  | { readonly at: 'file'; readonly fileId: string; readonly provider: string }

/** A source that a span of text rests on. Offsets are UTF-16 code units in that part's text; `raw` is what the speaker said, for its own dialect. */
export type Citation = {
  readonly url: string | null
  readonly title: string | null
  readonly start: number | null
  readonly end: number | null
  readonly raw: JsonValue
}

export type Part =
  | {
      readonly kind: 'text'
      readonly text: string
      readonly citations?: readonly Citation[]
      readonly cache?: CacheMark
      readonly seal?: Seal
    }
  | { readonly kind: 'refusal'; readonly text: string }
  | { readonly kind: 'media'; readonly mediaType: string; readonly source: MediaSource; readonly cache?: CacheMark }
  | { readonly kind: 'reasoning'; readonly text: string; readonly seal?: Seal }
  | {
      readonly kind: 'tool-call'
      readonly id: string
      readonly name: string
      readonly arguments: string
      readonly seal?: Seal
      readonly cache?: CacheMark
    }
  | {
      readonly kind: 'tool-result'
      readonly callId: string
      readonly content: readonly Part[]
      readonly isError: boolean
      readonly cache?: CacheMark
    }
  | { readonly kind: 'native'; readonly dialect: DialectId; readonly value: JsonValue }

/** `at` is where the turn stands in the client's own body, such as `messages[3]`, for reports of what could not be said. */
export type Turn = { readonly role: 'system' | 'user' | 'assistant' | 'tool'; readonly parts: readonly Part[]; readonly at?: string }

/** Schemas are raw JSON text: a schema whose keys moved is another prompt to a provider's cache. */
export type Tool =
  | {
      readonly kind: 'function'
      readonly name: string
      readonly description?: string
      readonly schema: string
      readonly strict?: boolean
      readonly cache?: CacheMark
    }
  | { readonly kind: 'native'; readonly dialect: DialectId; readonly value: JsonObject }

export type ToolChoice = { readonly kind: 'auto' | 'none' | 'any' } | { readonly kind: 'one'; readonly name: string }

export type ReplyFormat =
  | { readonly kind: 'text' | 'json' }
  | { readonly kind: 'schema'; readonly name: string; readonly schema: string; readonly strict: boolean }

export type Sampling = {
  readonly maxOutputTokens?: number
  readonly temperature?: number
  readonly topP?: number
  readonly topK?: number
  readonly seed?: number
  readonly stop?: readonly string[]
  readonly presencePenalty?: number
  readonly frequencyPenalty?: number
}

export type ChatRequest = {
  readonly turns: readonly Turn[]
  readonly tools: readonly Tool[]
  readonly toolChoice?: ToolChoice
  readonly parallelToolCalls?: boolean
  readonly replyFormat?: ReplyFormat
  readonly reasoning?: { readonly effort: string } | { readonly budgetTokens: number } | { readonly off: true }
  readonly sampling: Sampling
  readonly endUserId?: string
  /** Log probabilities of the reply's tokens, with those of this many others at each place; `null`: not said how many. */
  readonly logprobs?: { readonly top: number | null }
  /** Which requests share a prompt cache, where a provider wants to be told. */
  readonly cacheKey?: string
  /** The client asks that the prompt be cached and leaves it to us where. A writer sets marks (`withBreakpoints`) or reports `cache` as dropped. */
  readonly cache?: CacheMark
  readonly extras: Extras
}

/**
 * Counts never overlap, so a cost is a plain sum. A kind that a provider does not tell apart is 0 and counted where the provider puts it.
 * A provider that said nothing at all is `usage: null` on the response, which is not zero.
 */
export type Usage = {
  readonly input: number
  readonly cacheRead: number
  readonly cacheWrite5m: number
  readonly cacheWrite1h: number
  readonly output: number
  readonly inputAudio: number
  /** Of pictures that were sent, where the provider tells them apart and prices them apart: told by the APIs that make pictures. */
  readonly inputImage?: number
  readonly outputAudio: number
  readonly outputImage: number
  /** Calls of tools that the provider ran and bills by the piece, such as web searches. */
  readonly paidToolCalls: number
  /** The part of `output` spent on reasoning; for display, never for cost. */
  readonly reasoning: number | null
  /** Billed beside what the provider tells as this reply's usage (Anthropic's compaction): part of the cost, never shown as the reply's counts. */
  readonly aside?: Usage
  /** What the bill counts, where a provider bills other counts than it tells as the reply's (Cohere leaves its own preamble out). The cost is of these alone. */
  readonly billed?: Usage
  /** What is billed by the piece rather than by the token. */
  readonly units?: Units
  /** The service tier that the provider says served it, where that is not its standard one: the rates depend on it. Never shown as a count. */
  readonly service?: string
}

/** Things that are billed by the piece: pictures made, milliseconds of sound heard or made, characters spoken, searches (Cohere's unit of reranking). Whole numbers. */
export type Units = {
  readonly images?: number
  readonly audioMs?: number
  readonly characters?: number
  readonly searches?: number
}

export type FinishReason = 'stop' | 'length' | 'tool-calls' | 'filtered' | 'paused' | 'other'

export type ChatResponse = {
  readonly id: string
  readonly model: string
  /** Raw JSON text in OpenAI's shape, where asked for and given. */
  readonly logprobs?: string
  readonly parts: readonly Part[]
  readonly finish: { readonly reason: FinishReason; readonly native: string | null }
  readonly usage: Usage | null
  readonly extras: Extras
}

export type Block =
  | { readonly kind: 'text' | 'refusal' | 'reasoning' }
  | { readonly kind: 'tool-call'; readonly id: string; readonly name: string }
  | { readonly kind: 'native'; readonly dialect: DialectId; readonly value: JsonValue }

/**
 * One step of a reply. A well-formed reply is
 * `start (block-start (block-delta | block-note | block-seal)* block-end)* usage* (finish | error)`,
 * with `ping` and `native` allowed anywhere after `start`.
 */
export type ChatEvent =
  | { readonly kind: 'start'; readonly id: string; readonly model: string }
  | { readonly kind: 'block-start'; readonly index: number; readonly block: Block }
  | { readonly kind: 'block-delta'; readonly index: number; readonly text: string }
  | { readonly kind: 'block-note'; readonly index: number; readonly citations?: readonly Citation[]; readonly logprobs?: string }
  | { readonly kind: 'block-seal'; readonly index: number; readonly seal: Seal }
  | { readonly kind: 'block-end'; readonly index: number }
  | { readonly kind: 'usage'; readonly usage: Usage }
  | { readonly kind: 'finish'; readonly reason: FinishReason; readonly native: string | null }
  | { readonly kind: 'error'; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: 'ping' }
  | { readonly kind: 'native'; readonly dialect: DialectId; readonly value: JsonValue }
