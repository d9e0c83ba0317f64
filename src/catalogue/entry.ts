// Owns what the catalogue says of one model. The orders of MODES and ABILITIES are the generated data's code: only append.

import type { Price } from '../core/price.ts'

export const MODES = [
  'chat',
  'responses',
  'completion',
  'embedding',
  'rerank',
  'image',
  'transcription',
  'speech',
  'realtime',
  'moderation',
] as const

/** What a model is called for. `responses`: chat that only OpenAI's Responses API serves. */
export type Mode = (typeof MODES)[number]

export const ABILITIES = [
  'tools',
  'parallel-tools',
  'schema',
  'reasoning',
  'image',
  'audio',
  'video',
  'file',
  'prompt-cache',
  'web-search',
  'image-output',
  'audio-output',
  'computer-use',
] as const

/** `image`, `audio`, `video` and `file` (PDF) are kinds of input; `schema` is a reply bound to a JSON schema. */
export type Ability = (typeof ABILITIES)[number]

export type ModelEntry = {
  /** Our provider id. */
  readonly provider: string
  /** The name that the provider takes. */
  readonly model: string
  /** For people. */
  readonly name?: string
  readonly mode: Mode
  /** `null`: unknown. */
  readonly contextTokens: number | null
  /** `null`: unknown. What the sources say, not a promise: put the bound into the request when money hangs on it. */
  readonly maxOutputTokens: number | null
  /** `null`: unknown, which is not zero. */
  readonly price: Price | null
  /** Which data the row is from: the base version, with `+<overlay version>` when the operator's overlay supplied it. */
  readonly priceVersion: string
  readonly abilities: ReadonlySet<Ability>
  /** `YYYY-MM-DD`. */
  readonly releasedOn?: string
  /** `YYYY-MM-DD`: the day the provider stops, or stopped, to serve it. */
  readonly deprecatedOn?: string
  /** `YYYY-MM-DD`: the day since which the provider advises against it. Only an operator's overlay says it. */
  readonly deprecatedSince?: string
  /** The `author/slug` under which OpenRouter lists the same model. */
  readonly openrouterId?: string
}
