// How OpenRouter spells an answer in the shape of OpenAI's: who served it, what it thought item by item, and what it cost.

import type { JsonObject, Seal } from '../../core/canonical.ts'
import type { Intent, Served } from '../contract.ts'
import { detailsOf } from '../openai-chat/reasoning-details.ts'
import type { Members, Spelling } from '../openai-chat/spelling.ts'
import { formatOf } from '../openai-chat/wire.ts'
import { inChunk } from './error-writing.ts'
import { writeUsage } from './usage.ts'

/** `served: null`: nobody has answered, and only `failure` is asked. */
export function openrouterSpelling(intent: Intent, served: Served | null): Spelling {
  const head: Spelling['head'] = (object) => ({
    id: served?.requestId ?? `gen-${intent.nowSeconds}`,
    provider: served?.provider.name,
    model: served?.chosen ?? intent.model,
    object,
    created: intent.nowSeconds,
    // Required of a whole answer, and never null in a chunk.
    ...(object === 'chat.completion' ? { system_fingerprint: null } : {}),
  })
  const metadata = served?.metadata
  return {
    reasoning: intent.hidesReasoning === true ? null : 'reasoning',
    tellsUsage: true,
    ...(metadata === undefined ? {} : { last: { openrouter_metadata: metadata } }),
    head,
    choice: (native) => ({ native_finish_reason: native }),
    details: (text, seal, index) => (seal === undefined ? [thought(text, 'unknown', index)] : detailsOf(text, seal, index)),
    // No format before the seal tells who can open it: clients keep the first that they see.
    piece: (text, index) => [thought(text, undefined, index)],
    sealing,
    ofCall: (callId, seal, index) => ({ type: 'reasoning.encrypted', data: seal.value, id: callId, format: formatOf(seal.issuer), index }),
    usage: (usage) => writeUsage(usage, served),
    failure: (error): Members => ({
      ...head('chat.completion.chunk', '', ''),
      error: inChunk(error),
      choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error', native_finish_reason: null }],
      ...(metadata === undefined ? {} : { openrouter_metadata: metadata }),
    }),
  }
}

function thought(text: string, format: string | undefined, index: number): JsonObject {
  return { type: 'reasoning.text', text, ...(format === undefined ? {} : { format }), index }
}

/** The text has gone out in pieces: only what closes it is left to tell. */
function sealing(text: string, seal: Seal, index: number): readonly JsonObject[] {
  if (text === '' || seal.issuer === 'openai') return detailsOf('', seal, index)
  return [{ type: 'reasoning.text', signature: seal.value, format: formatOf(seal.issuer), index }]
}
