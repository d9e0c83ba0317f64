// Where the languages that share the shape of OpenAI's chat answers part from each other: which members stand beside the shared ones.

import type { JsonObject, Seal, Usage } from '../../core/canonical.ts'
import type { GatewayError } from '../../core/errors.ts'
import type { Writable } from '../../core/json-raw.ts'
import type { Intent } from '../contract.ts'
import { writeError } from './error-writing.ts'
import { detailsOf } from './reasoning-details.ts'
import { writeUsage } from './usage.ts'

export type Members = { readonly [name: string]: Writable }

/** How one answer spells what differs. Made for each request, for it tells who asked for what. */
export interface Spelling {
  /** The member that holds reasoning as plain text; `null`: the client does not want to see any. */
  readonly reasoning: 'reasoning_content' | 'reasoning' | null
  /** Whether a stream ends with its usage. */
  readonly tellsUsage: boolean
  /** What stands at the end of a whole answer, and in the last chunk of a stream. */
  readonly last?: Members
  /** What stands before `choices`. `replyId` and `model` are the provider's, and may be empty. */
  head(object: 'chat.completion' | 'chat.completion.chunk', replyId: string, model: string): Members
  /** What stands beside `finish_reason`; `native` is the provider's own word, `null` before the end. */
  choice(native: string | null): Members
  /** `reasoning_details` of a whole thought. */
  details(text: string, seal: Seal | undefined, index: number): readonly JsonObject[]
  /** The same of a piece of a thought in a stream, whose seal is not known yet. */
  piece(text: string, index: number): readonly JsonObject[]
  /** The same of the seal that ends a thought in a stream. */
  sealing(text: string, seal: Seal, index: number): readonly JsonObject[]
  /** The same of a tool call's seal; `null`: it stands in the call's own `extra_content`. */
  ofCall(callId: string, seal: Seal, index: number): JsonObject | null
  usage(usage: Usage): JsonObject
  /** The chunk that ends a broken stream. */
  failure(error: GatewayError): Members
}

/** As OpenAI's own clients, and those of the hosts that copied it, know it. */
export function openaiSpelling(intent: Intent): Spelling {
  const { nowSeconds } = intent
  return {
    reasoning: 'reasoning_content',
    tellsUsage: intent.wantsUsage,
    head: (object, replyId, model) => ({
      id: replyId === '' ? `chatcmpl-${nowSeconds}` : replyId,
      object,
      created: nowSeconds,
      model: model === '' ? intent.model : model,
    }),
    choice: () => ({}),
    details: detailsOf,
    piece: () => [],
    // The whole thought once more, beside its seal: a client that keeps only these items sends back what the vendor must see.
    sealing: detailsOf,
    ofCall: () => null,
    usage: writeUsage,
    failure: writeError,
  }
}
