// Writes a whole answer for an Anthropic client. Streams are written by stream-write.ts; both must say the same.

import type { ChatResponse, Part, Seal } from '../../core/canonical.ts'
import { asObjectText, printJson, Raw, type Writable } from '../../core/json-raw.ts'
import { writeCitations } from './citations.ts'
import { writeNative } from './native.ts'
import { plainId, ToolIds } from './tool-ids.ts'
import { writeUsage } from './usage.ts'
import { ANTHROPIC_MESSAGES, foreignSignature, ISSUER, omittedSignature, stopReasonOf } from './wire.ts'

export type AnswerBlock = { readonly type: string; readonly [member: string]: Writable }

export function writeResponse(response: ChatResponse): string {
  const ids = new ToolIds(`toolu_${response.id}`)
  const { parts, extras } = response
  const fields = extras.dialect === ANTHROPIC_MESSAGES ? extras.fields : {}
  return printJson({
    id: messageId(response.id),
    type: 'message',
    role: 'assistant',
    model: response.model,
    content: parts.flatMap((part) => writePart(part, ids)),
    stop_reason: stopReasonOf(response.finish, {
      calls: parts.some((part) => part.kind === 'tool-call'),
      refusal: parts.some((part) => part.kind === 'refusal'),
    }),
    stop_sequence: null,
    ...fields,
    usage: writeUsage(response.usage),
  })
}

/** Clients expect message ids to begin with `msg_`. */
export function messageId(id: string): string {
  return id.startsWith('msg_') ? id : `msg_${plainId(id)}`
}

/**
 * Thinking as its seal asks: withheld thinking has only a signature, redacted thinking only data, and another vendor's seal rides in the
 * signature. `null`: there is nothing to show.
 */
export function reasoningBlock(text: string, seal: Seal | undefined): AnswerBlock | null {
  if (seal === undefined) return text === '' ? null : { type: 'thinking', thinking: text, signature: '' }
  if (seal.issuer !== ISSUER) return { type: 'thinking', thinking: text, signature: foreignSignature(seal, 'reasoning') }
  const omitted = omittedSignature(seal.value)
  if (text === '' && omitted === null) return { type: 'redacted_thinking', data: seal.value }
  return { type: 'thinking', thinking: text, signature: omitted ?? seal.value }
}

/** A call's seal has no member of its own: it follows the call in a thinking block without text, which the request reader takes back. */
export function callSealBlock(seal: Seal): AnswerBlock {
  return { type: 'thinking', thinking: '', signature: foreignSignature(seal, 'call') }
}

function writePart(part: Part, ids: ToolIds): AnswerBlock[] {
  switch (part.kind) {
    case 'text': {
      const citations = writeCitations(part.citations)
      if (part.text === '' && citations.length === 0) return []
      return [{ type: 'text', text: part.text, citations: citations.length === 0 ? undefined : citations }]
    }
    case 'refusal':
      return part.text === '' ? [] : [{ type: 'text', text: part.text }]
    case 'reasoning': {
      const block = reasoningBlock(part.text, part.seal)
      return block === null ? [] : [block]
    }
    case 'tool-call':
      return [
        { type: 'tool_use', id: ids.call(part.id), name: part.name, input: new Raw(asObjectText(part.arguments)) },
        ...(part.seal === undefined ? [] : [callSealBlock(part.seal)]),
      ]
    case 'native':
      return part.dialect === ANTHROPIC_MESSAGES ? [writeNative(part.value) as AnswerBlock] : []
    case 'media':
    case 'tool-result':
      return [] // the API has no such block in an answer
    default:
      return part satisfies never
  }
}
