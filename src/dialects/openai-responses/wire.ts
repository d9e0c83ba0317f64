// Words of OpenAI's Responses language that both halves share: raw paths, endings, and seals as reasoning items carry them.

import type { FinishReason, JsonObject, Seal } from '../../core/canonical.ts'
import { rawPaths } from '../../core/json-raw.ts'
import { firstText, isObject } from '../openai-chat/wire.ts'

export const OPENAI_RESPONSES = 'openai-responses'

/** Whose seals `encrypted_content` holds unless it says otherwise. */
const ISSUER = 'openai'

/** Raw paths of a request body: schemas are never parsed and printed again. Arguments are JSON strings here, which arrive as their text. */
export const REQUEST_RAW = rawPaths('tools.*.parameters', 'text.format.schema')

/** Raw paths of an answer, whole or one event of a stream. */
export const ANSWER_RAW = rawPaths(
  'output.*.content.*.logprobs',
  'response.output.*.content.*.logprobs',
  'item.content.*.logprobs',
  'part.logprobs',
  'logprobs',
)

/** What an answer's status says. `native` is the reason of an incomplete one, else the status. */
export function readFinish(response: JsonObject, hasCalls: boolean): { readonly reason: FinishReason; readonly native: string | null } {
  const status = firstText(response['status'])
  if (status === '' || status === 'completed') return { reason: hasCalls ? 'tool-calls' : 'stop', native: status === '' ? null : status }
  const details = response['incomplete_details']
  const why = status === 'incomplete' && isObject(details) ? firstText(details['reason']) : ''
  return { reason: why === 'max_output_tokens' ? 'length' : why === 'content_filter' ? 'filtered' : 'other', native: why || status }
}

/** `incomplete_details.reason`, or `null` for an answer that is complete. */
export function incompleteReason(reason: FinishReason): 'max_output_tokens' | 'content_filter' | null {
  return reason === 'length' ? 'max_output_tokens' : reason === 'filtered' ? 'content_filter' : null
}

/** OpenAI's own seal: the encrypted reasoning and the id of the item it came in, which must go back together. */
export function ownSeal(id: string, encrypted: string): Seal {
  return { issuer: ISSUER, value: id === '' ? encrypted : JSON.stringify({ id, encrypted_content: encrypted }) }
}

/** The members of a reasoning item that hold a seal. A value without an id is another language's telling of the same seal. */
export function sealMembers({ value }: Seal): { readonly id?: string; readonly encrypted_content: string } {
  const told = objectIn(value)
  const id = firstText(told?.['id'])
  const encrypted = firstText(told?.['encrypted_content'])
  return id === '' || encrypted === '' ? { encrypted_content: value } : { id, encrypted_content: encrypted }
}

const FOREIGN = 'sluice:'

/** How ids of reasoning items that we made begin: no provider has such an item. */
export const OUR_REASONING = 'rs_sluice_'

/**
 * A seal of any reply that is told in this language without having come in it: it rides in `encrypted_content` under its issuer's name, so
 * that a client which sends its reasoning back returns it to the vendor. A call's seal has no member of its own: it rides in an item of
 * its own that names the call.
 */
export function writeEncrypted(seal: Seal, callId: string | null): string {
  return `${FOREIGN}${JSON.stringify({ issuer: seal.issuer, call: callId, value: seal.value })}`
}

/** The seal of a reasoning item, and the call it belongs to where it is a call's. `null`: there is none. */
export function readEncrypted(id: string, encrypted: string): { readonly seal: Seal; readonly callId: string | null } | null {
  if (encrypted === '') return null
  if (!encrypted.startsWith(FOREIGN)) return { seal: ownSeal(id, encrypted), callId: null }
  const told = objectIn(encrypted.slice(FOREIGN.length))
  const issuer = firstText(told?.['issuer'])
  const value = firstText(told?.['value'])
  if (issuer === '' || value === '') return null
  const call = told?.['call']
  return { seal: { issuer, value }, callId: typeof call === 'string' ? call : null }
}

function objectIn(text: string): JsonObject | null {
  if (!text.startsWith('{')) return null
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : null
  } catch {
    return null
  }
}
