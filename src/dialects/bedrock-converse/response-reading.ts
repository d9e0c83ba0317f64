// A whole Converse answer to the canonical form.

import type { ChatResponse, JsonObject, Part, Usage } from '../../core/canonical.ts'
import { GatewayError } from '../../core/errors.ts'
import { parseKeepingRaw } from '../../core/json-raw.ts'
import {
  ANSWER_RAW,
  BEDROCK_CONVERSE,
  dataOfRedacted,
  finishOf,
  ISSUER,
  isObject,
  objectOf,
  objectsOf,
  readCitation,
  readUsageOf,
  textOf,
} from './wire.ts'
import { sealOfThinking } from '../anthropic-messages/wire.ts'

/** @throws GatewayError `upstream-garbled` */
export function readResponse(text: string): ChatResponse {
  const body = parseKeepingRaw(text, ANSWER_RAW)
  const message = objectOf(body['output'])['message']
  if (!isObject(message)) throw new GatewayError('upstream-garbled', 'The answer has no message.')
  const parts = objectsOf(message['content']).flatMap(readBlock)
  const native = textOf(body['stopReason'])
  const hasCalls = parts.some((part) => part.kind === 'tool-call')
  return {
    id: '',
    model: '',
    parts,
    finish: { reason: finishOf(native, hasCalls), native },
    usage: readUsageOf(body['usage']),
    extras: { dialect: BEDROCK_CONVERSE, fields: {} },
  }
}

/** Usage and Bedrock's own reason. @throws GatewayError `upstream-garbled` when the text is no JSON object */
export function readUsage(text: string): { readonly usage: Usage | null; readonly finish: string | null } {
  const body = parseKeepingRaw(text, ANSWER_RAW)
  return { usage: readUsageOf(body['usage']), finish: textOf(body['stopReason']) }
}

function readBlock(block: JsonObject): readonly Part[] {
  const text = textOf(block['text'])
  if (text !== null) return [{ kind: 'text', text }]
  if (isObject(block['toolUse'])) {
    const { toolUseId, name, input, type } = block['toolUse']
    if (type === 'server_tool_use') return [{ kind: 'native', dialect: BEDROCK_CONVERSE, value: block }]
    return [
      { kind: 'tool-call', id: textOf(toolUseId) ?? '', name: textOf(name) ?? '', arguments: typeof input === 'string' ? input : '{}' },
    ]
  }
  if (isObject(block['reasoningContent'])) return readReasoning(block['reasoningContent'])
  if (isObject(block['citationsContent'])) {
    const { content, citations } = block['citationsContent']
    const said = objectsOf(content)
      .map((part) => textOf(part['text']) ?? '')
      .join('')
    return said === '' ? [] : [{ kind: 'text', text: said, citations: objectsOf(citations).map(readCitation) }]
  }
  if (isObject(block['image'])) return readImage(block['image'])
  return Object.keys(block).length === 0 || block['text'] === '' ? [] : [{ kind: 'native', dialect: BEDROCK_CONVERSE, value: block }]
}

function readReasoning(content: JsonObject): readonly Part[] {
  const redacted = textOf(content['redactedContent'])
  if (redacted !== null) return [{ kind: 'reasoning', text: '', seal: { issuer: ISSUER, value: dataOfRedacted(redacted) } }]
  const said = objectOf(content['reasoningText'])
  const text = textOf(said['text']) ?? ''
  const signature = textOf(said['signature'])
  if (text === '' && signature === null) return []
  return [{ kind: 'reasoning', text, ...(signature === null ? {} : { seal: sealOfThinking(text, signature) }) }]
}

export function readImage(image: JsonObject): readonly Part[] {
  const base64 = textOf(objectOf(image['source'])['bytes'])
  if (base64 === null) return []
  return [{ kind: 'media', mediaType: `image/${textOf(image['format']) ?? 'png'}`, source: { at: 'inline', base64 } }]
}
