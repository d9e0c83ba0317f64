// A request in OpenRouter's language to the canonical form: OpenAI's reading, and what OpenRouter means by its own members.

import type { CacheMark, ChatRequest, JsonValue, Part, Turn } from '../../core/canonical.ts'
import type { ClientBody } from '../contract.ts'
import { markOf } from '../openai-chat/message-reading.ts'
import { readRequest as readOpenaiRequest } from '../openai-chat/request-reading.ts'
import { REQUEST_RAW } from '../openai-chat/wire.ts'
import { reasoningIn } from './reasoning.ts'
import { OF_THE_GATEWAY } from './wire.ts'

/** @throws GatewayError `request-malformed`, `request-unsupported` */
export function readRequest(body: ClientBody): ChatRequest {
  const { reasoning: _, ...request } = readOpenaiRequest(body)
  const said = body.parsed(REQUEST_RAW)
  const { wish } = reasoningIn(said)
  const mark = markOf(said)
  return {
    ...request,
    ...(wish === undefined ? {} : { reasoning: wish }),
    turns: mark === undefined ? request.turns : markedAtEnd(request.turns, mark),
    extras: { ...request.extras, fields: fieldsOf(request.extras.fields) },
  }
}

function fieldsOf(fields: { readonly [name: string]: JsonValue }): { readonly [name: string]: JsonValue } {
  const kept = Object.entries(fields).filter(([name]) => !OF_THE_GATEWAY.has(name))
  // OpenRouter's second name for it.
  return Object.fromEntries(kept.map(([name, value]) => [name, name === 'service_tier' && value === 'fast' ? 'priority' : value]))
}

/** A mark on the request itself is one on the last part that can hold one: all before it is to be cached. */
function markedAtEnd(turns: readonly Turn[], cache: CacheMark): readonly Turn[] {
  const at = turns.findLastIndex((turn) => turn.parts.some(canBeMarked))
  return turns.map((turn, i) => (i === at ? { ...turn, parts: markedLast(turn.parts, cache) } : turn))
}

function markedLast(parts: readonly Part[], cache: CacheMark): readonly Part[] {
  const at = parts.findLastIndex(canBeMarked)
  return parts.map((part, i) => (i === at && canBeMarked(part) ? { ...part, cache: part.cache ?? cache } : part))
}

function canBeMarked(part: Part): part is Extract<Part, { kind: 'text' | 'media' | 'tool-result' }> {
  return part.kind === 'text' || part.kind === 'media' || part.kind === 'tool-result'
}
