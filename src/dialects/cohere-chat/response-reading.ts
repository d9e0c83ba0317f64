// A whole v2 chat answer to the canonical form.

import type { ChatResponse, JsonObject, Part, Usage } from '../../core/canonical.ts'
import { GatewayError } from '../../core/errors.ts'
import { parseKeepingRaw } from '../../core/json-raw.ts'
import { errorInEvent } from './error-reading.ts'
import {
  ANSWER_RAW,
  callIdOf,
  COHERE_CHAT,
  failureOf,
  finishOf,
  isObject,
  isOfText,
  objectOf,
  objectsOf,
  readCitation,
  readUsageOf,
  textOf,
} from './wire.ts'

/** @throws GatewayError `upstream-garbled`, or the error that the body holds */
export function readResponse(text: string): ChatResponse {
  const body = parseKeepingRaw(text, ANSWER_RAW)
  if (!isObject(body['message'])) {
    const words = errorInEvent(body)
    throw words === null ? new GatewayError('upstream-garbled', 'The answer has no message.') : new GatewayError('upstream-failed', words)
  }
  const native = textOf(body['finish_reason'])
  const failure = failureOf(native)
  if (failure !== null) throw new GatewayError(failure, textOf(body['error']) ?? 'The provider ended the reply with an error.')
  const id = textOf(body['id']) ?? ''
  const parts = readParts(body['message'], id)
  return {
    id,
    model: '',
    parts,
    finish: {
      reason: finishOf(
        native,
        parts.some((part) => part.kind === 'tool-call'),
      ),
      native,
    },
    usage: readUsageOf(body['usage']),
    extras: { dialect: COHERE_CHAT, fields: {} },
  }
}

/** Usage and Cohere's own reason. @throws GatewayError `upstream-garbled` when the text is no JSON object */
export function readUsage(text: string): { readonly usage: Usage | null; readonly finish: string | null } {
  const body = parseKeepingRaw(text, Object.create(null))
  return { usage: readUsageOf(body['usage']), finish: textOf(body['finish_reason']) }
}

/** The plan comes before the calls it plans; as in a stream, it is told as reasoning. */
function readParts(message: JsonObject, replyId: string): readonly Part[] {
  const plan = textOf(message['tool_plan'])
  const parts: Part[] = plan === null ? [] : [{ kind: 'reasoning', text: plan }]
  const content = textOf(message['content'])
  if (content !== null) parts.push({ kind: 'text', text: content })
  objectsOf(message['content']).forEach((part, i) => {
    const thinking = textOf(part['thinking'])
    const text = textOf(part['text'])
    if (thinking !== null) parts.push({ kind: 'reasoning', text: thinking })
    if (text === null) return
    const citations = objectsOf(message['citations'])
      .filter((citation) => isOfText(citation) && (citation['content_index'] ?? i) === i)
      .map(readCitation)
    parts.push({ kind: 'text', text, ...(citations.length === 0 ? {} : { citations }) })
  })
  objectsOf(message['tool_calls']).forEach((call, i) => {
    const made = objectOf(call['function'])
    parts.push({
      kind: 'tool-call',
      id: callIdOf(call['id'], replyId, i),
      name: textOf(made['name']) ?? '',
      arguments: textOf(made['arguments']) ?? '',
    })
  })
  return parts
}
