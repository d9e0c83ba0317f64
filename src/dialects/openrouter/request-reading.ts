// A request in OpenRouter's language to the canonical form: OpenAI's reading, and what OpenRouter means by its own members.

import type { ChatRequest, JsonValue } from '../../core/canonical.ts'
import type { ClientBody } from '../contract.ts'
import { readRequest as readOpenaiRequest } from '../openai-chat/request-reading.ts'
import { REQUEST_RAW } from '../openai-chat/wire.ts'
import { reasoningIn } from './reasoning.ts'
import { OF_THE_GATEWAY } from './wire.ts'

/** @throws GatewayError `request-malformed`, `request-unsupported` */
export function readRequest(body: ClientBody): ChatRequest {
  const { reasoning: _, ...request } = readOpenaiRequest(body)
  const said = body.parsed(REQUEST_RAW)
  const { wish } = reasoningIn(said)
  return {
    ...request,
    ...(wish === undefined ? {} : { reasoning: wish }),
    extras: { ...request.extras, fields: fieldsOf(request.extras.fields) },
  }
}

function fieldsOf(fields: { readonly [name: string]: JsonValue }): { readonly [name: string]: JsonValue } {
  const kept = Object.entries(fields).filter(([name]) => !OF_THE_GATEWAY.has(name))
  // OpenRouter's second name for it.
  return Object.fromEntries(kept.map(([name, value]) => [name, name === 'service_tier' && value === 'fast' ? 'priority' : value]))
}
