// The output items of an answer, as a whole answer and the end of each streamed item have them, and ids for what had none here.

import type { Citation, Seal } from '../../core/canonical.ts'
import { GatewayError } from '../../core/errors.ts'
import { parseKeepingRaw, Raw, rawPaths, type Writable } from '../../core/json-raw.ts'
import { distinctCallId } from '../openai-chat/response-reading.ts'
import { writeAnnotations } from './annotations.ts'
import { OUR_REASONING, writeEncrypted } from './wire.ts'

/** A part of a message while it grows; `logprobs` are raw JSON texts in the shape of OpenAI's chat language. */
export type Content = {
  readonly kind: 'text' | 'refusal'
  readonly text: string
  readonly citations: readonly Citation[]
  readonly logprobs: readonly string[]
}

/** Ids that are the same whenever the same reply is written. */
export class ItemIds {
  readonly responseId: string
  readonly #tail: string
  readonly #said: string
  readonly #taken = new Set<string>()
  #items = 0

  constructor(replyId: string, nowSeconds: number) {
    this.#said = replyId
    const plain = replyId.replaceAll(/[^A-Za-z0-9]/g, '').slice(-40)
    this.#tail = plain === '' ? String(nowSeconds) : plain
    this.responseId = /^resp_[A-Za-z0-9_-]+$/.test(replyId) ? replyId : `resp_${this.#tail}`
  }

  item(prefix: 'msg' | 'rs' | 'fc' | 'ig'): string {
    const mark = prefix === 'rs' ? OUR_REASONING : `${prefix}_`
    return `${mark}${this.#tail}_${this.#items++}`
  }

  call(said: string): string {
    return distinctCallId(said, this.#said, this.#taken.size, this.#taken)
  }
}

export function contentPart({ kind, text, citations, logprobs }: Content): Writable {
  if (kind === 'refusal') return { type: 'refusal', refusal: text }
  return { type: 'output_text', text, annotations: writeAnnotations(citations), logprobs: writeLogprobs(logprobs) }
}

export function messageItem(id: string, contents: readonly Content[], status: 'in_progress' | 'completed' | 'incomplete'): Writable {
  return { id, type: 'message', status, role: 'assistant', content: contents.map(contentPart) }
}

export function reasoningItem(id: string, text: string, seal: Seal | undefined, status: 'in_progress' | 'completed'): Writable {
  return {
    id,
    type: 'reasoning',
    status,
    summary: text === '' ? [] : [{ type: 'summary_text', text }],
    encrypted_content: seal === undefined ? undefined : writeEncrypted(seal, null),
  }
}

export type Call = { readonly id: string; readonly callId: string; readonly name: string }

export function callItem({ id, callId, name }: Call, args: string, status: 'in_progress' | 'completed'): Writable {
  return { id, type: 'function_call', status, call_id: callId, name, arguments: args }
}

/** A call's seal has no member of its own: it follows the call in an item without text, which the request reader takes back. */
export function callSealItem(id: string, callId: string, seal: Seal): Writable {
  return { id, type: 'reasoning', status: 'completed', summary: [], encrypted_content: writeEncrypted(seal, callId) }
}

export function imageItem(id: string, mediaType: string, base64: string): Writable {
  return { id, type: 'image_generation_call', status: 'completed', output_format: mediaType.slice('image/'.length), result: base64 }
}

/** A call without arguments still is one of a JSON object to clients. */
export function argumentsOf(text: string): string {
  return text === '' ? '{}' : text
}

const CONTENT = rawPaths('content')

/** The tokens' own texts, one list of all. */
export function writeLogprobs(logprobs: readonly string[]): Writable {
  const lists = logprobs.flatMap((text) => {
    try {
      const list = parseKeepingRaw(text, CONTENT)['content']
      return typeof list === 'string' && list.startsWith('[') ? [list.slice(1, -1)] : []
    } catch (error) {
      if (error instanceof GatewayError) return []
      throw error
    }
  })
  return new Raw(`[${lists.filter((list) => list.trim() !== '').join(',')}]`)
}
