// A whole reply as OpenAI's chat completion, with the members for reasoning and seals that its clients have learned to send back.

import type { ChatResponse, Citation, JsonObject, Part, Seal } from '../../core/canonical.ts'
import { printJson, Raw, type Writable } from '../../core/json-raw.ts'
import { distinctCallId } from './response-reading.ts'
import type { Spelling } from './spelling.ts'
import { writeFinish } from './wire.ts'

export function writeResponse(response: ChatResponse, spelling: Spelling): string {
  return printJson({
    ...spelling.head('chat.completion', response.id, response.model),
    choices: [
      {
        index: 0,
        message: writeMessage(response, spelling),
        logprobs: response.logprobs === undefined ? null : new Raw(response.logprobs),
        finish_reason: writeFinish(response.finish.reason),
        ...spelling.choice(response.finish.native),
      },
    ],
    usage: response.usage === null ? undefined : spelling.usage(response.usage),
    ...spelling.last,
  })
}

function writeMessage({ id: replyId, parts }: ChatResponse, spelling: Spelling): Writable {
  const taken = new Set<string>()
  const calls: Writable[] = []
  const details: JsonObject[] = []
  const annotations: JsonObject[] = []
  const images: JsonObject[] = []
  let text: string | null = null
  let refusal: string | null = null
  let reasoning = ''
  let seal: Seal | undefined
  for (const part of parts) {
    switch (part.kind) {
      case 'text':
        annotations.push(...(part.citations ?? []).map((citation) => writeCitation(citation, text?.length ?? 0)))
        text = (text ?? '') + part.text
        seal = part.seal ?? seal
        break
      case 'refusal':
        refusal = (refusal ?? '') + part.text
        break
      case 'reasoning':
        if (spelling.reasoning === null) break
        reasoning += part.text
        details.push(...spelling.details(part.text, part.seal, details.length))
        break
      case 'tool-call': {
        const id = distinctCallId(part.id, replyId, calls.length, taken)
        const detail = part.seal === undefined ? null : spelling.ofCall(id, part.seal, details.length)
        if (detail !== null) details.push(detail)
        const extra = detail === null ? writeSeal(part.seal) : undefined
        calls.push({ id, type: 'function', function: { name: part.name, arguments: argumentsOf(part.arguments) }, extra_content: extra })
        break
      }
      case 'media':
        images.push(...writeImage(part))
        break
      case 'tool-result':
      case 'native':
        break // what a provider ran by itself is no part of this language
      default:
        part satisfies never
    }
  }
  return {
    role: 'assistant',
    content: text ?? (calls.length > 0 || refusal !== null ? null : ''),
    refusal,
    ...(reasoning === '' || spelling.reasoning === null ? {} : { [spelling.reasoning]: reasoning }),
    reasoning_details: details.length === 0 ? undefined : details,
    tool_calls: calls.length === 0 ? undefined : calls,
    annotations: annotations.length === 0 ? undefined : annotations,
    images: images.length === 0 ? undefined : images,
    extra_content: writeSeal(seal),
  }
}

/** A call without arguments still is one of a JSON object to OpenAI's clients. */
export function argumentsOf(text: string): string {
  return text === '' ? '{}' : text
}

/** The seal of a text or a call, where Gemini's OpenAI surface has it. */
export function writeSeal(seal: Seal | undefined): JsonObject | undefined {
  return seal === undefined ? undefined : { [seal.issuer]: { thought_signature: seal.value } }
}

/** `before` is how much text stands before the part: a citation counts within its part, an annotation within the message. */
export function writeCitation({ url, title, start, end }: Citation, before: number): JsonObject {
  const startIndex = before + (start ?? 0)
  const cited = { url: url ?? '', title: title ?? '', start_index: startIndex, end_index: end === null ? startIndex : before + end }
  return { type: 'url_citation', url_citation: cited }
}

export function writeImage({ mediaType, source }: Extract<Part, { kind: 'media' }>): readonly JsonObject[] {
  if (source.at === 'file' || !mediaType.startsWith('image/')) return []
  const url = source.at === 'url' ? source.url : `data:${mediaType};base64,${source.base64}`
  return [{ type: 'image_url', image_url: { url } }]
}
