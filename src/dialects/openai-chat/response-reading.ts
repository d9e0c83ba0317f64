// A whole chat completion to the canonical form, as all hosts of this language spell it.

import type { ChatResponse, Citation, JsonObject, JsonValue, Part, Usage } from '../../core/canonical.ts'
import { GatewayError } from '../../core/errors.ts'
import { parseKeepingRaw } from '../../core/json-raw.ts'
import { errorInside } from './error-reading.ts'
import { readDataUrl } from './media-reading.ts'
import { thinkingOf } from './message-reading.ts'
import { readReasoning } from './reasoning-details.ts'
import { readUsageOf } from './usage.ts'
import { ANSWER_RAW, argumentsIn, firstText, inventCallId, isArray, isObject, objectsOf, OPENAI_CHAT, readFinish, sealIn } from './wire.ts'

/** @throws GatewayError `upstream-garbled`, or the error that the body holds */
export function readResponse(text: string): ChatResponse {
  const body = parseKeepingRaw(text, ANSWER_RAW)
  const choice = firstChoice(body) ?? objectsOf(body['choices'])[0] ?? null
  if (choice === null) throw errorInside(body, 200) ?? new GatewayError('upstream-garbled', 'The answer has no choices.')
  const message = spokenIn(choice, 'message')
  const id = firstText(body['id'])
  const parts = readParts(message, id, readSources(body))
  const native = typeof choice['finish_reason'] === 'string' ? choice['finish_reason'] : null
  const logprobs = choice['logprobs']
  return {
    id,
    model: firstText(body['model']),
    ...(typeof logprobs === 'string' ? { logprobs } : {}),
    parts,
    finish: {
      reason: readFinish(
        native,
        parts.some((part) => part.kind === 'tool-call'),
      ),
      native,
    },
    usage: readUsageOf(body),
    extras: { dialect: OPENAI_CHAT, fields: {} },
  }
}

/** Usage and the raw reason of a whole body. @throws GatewayError `upstream-garbled` when it is no JSON object */
export function readUsageOfBody(text: string): { readonly usage: Usage | null; readonly finish: string | null } {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (cause) {
    throw new GatewayError('upstream-garbled', 'The answer is not valid JSON.', { cause })
  }
  if (!isObject(body)) throw new GatewayError('upstream-garbled', 'The answer is not a JSON object.')
  const finish = firstChoice(body)?.['finish_reason']
  return { usage: readUsageOf(body), finish: typeof finish === 'string' && finish !== '' ? finish : null }
}

/** The choice numbered 0, or the first: a translated reply has one. */
export function firstChoice(body: JsonObject): JsonObject | null {
  const choices = objectsOf(body['choices'])
  return choices.find((choice) => choice['index'] === 0) ?? choices.find((choice) => typeof choice['index'] !== 'number') ?? null
}

/** What a choice says, under the first of these names that is there; in the older language of completions a bare `text`. */
export function spokenIn(choice: JsonObject, ...names: readonly ('delta' | 'message')[]): JsonObject {
  for (const name of names) if (isObject(choice[name])) return choice[name]
  return typeof choice['text'] === 'string' ? { content: choice['text'] } : {}
}

function readParts(message: JsonObject, replyId: string, sources: readonly Citation[]): readonly Part[] {
  const calls = readCalls(message, replyId)
  const content = message['content']
  const spoken = firstText(message['reasoning_content'], message['reasoning']) || thoughtIn(content)
  const { parts: thoughts, ofCalls } = readReasoning(spoken, message['reasoning_details'], new Set(calls.map((call) => call.id)))
  const text = textIn(content)
  const refusal = firstText(message['refusal'])
  const citations = [...readAnnotations(message['annotations']), ...sources]
  const seal = sealIn(message['extra_content'])
  const parts: Part[] = [...thoughts]
  if (text !== '') {
    parts.push({ kind: 'text', text, ...(citations.length === 0 ? {} : { citations }), ...(seal === undefined ? {} : { seal }) })
  }
  if (refusal !== '') parts.push({ kind: 'refusal', text: refusal })
  parts.push(...readImages(message['images']))
  for (const call of calls) {
    const own = call.seal ?? ofCalls.get(call.id)
    parts.push(own === undefined ? call : { ...call, seal: own })
  }
  return parts
}

/** The text of `content`: a string, or a list of parts (Mistral). */
export function textIn(content: JsonValue | undefined): string {
  if (typeof content === 'string') return content
  if (!isArray(content)) return ''
  return content
    .map((part) => {
      if (typeof part === 'string') return part
      return isObject(part) && (part['type'] === 'text' || part['type'] === 'output_text') ? firstText(part['text']) : ''
    })
    .join('')
}

export function thoughtIn(content: JsonValue | undefined): string {
  return objectsOf(content)
    .map((part) => (part['type'] === 'thinking' ? thinkingOf(part['thinking']) : ''))
    .join('')
}

function readCalls(message: JsonObject, replyId: string): Extract<Part, { kind: 'tool-call' }>[] {
  const taken = new Set<string>()
  const said = objectsOf(message['tool_calls'])
  const legacy = message['function_call']
  const all = isObject(legacy) && firstText(legacy['name']) !== '' ? [...said, { function: legacy }] : said
  return all.map((call, index) => {
    const made = isObject(call['function']) ? call['function'] : {}
    const custom = isObject(call['custom']) ? call['custom'] : {}
    const seal = sealIn(call['extra_content'])
    return {
      kind: 'tool-call',
      id: distinctCallId(firstText(call['id']), replyId, index, taken),
      name: firstText(made['name'], custom['name']),
      arguments: argumentsIn(made['arguments'], custom['input']),
      ...(seal === undefined ? {} : { seal }),
    }
  })
}

/** The provider's own id unless there is none, or another call of the reply has it. */
export function distinctCallId(said: string, replyId: string, index: number, taken: Set<string>): string {
  const id = said === '' || taken.has(said) ? inventCallId(replyId, index) : said
  taken.add(id)
  return id
}

export function readAnnotations(annotations: JsonValue | undefined): readonly Citation[] {
  return objectsOf(annotations).flatMap((annotation) => {
    const cited = annotation['url_citation']
    if (!isObject(cited)) return []
    return [
      {
        url: textOrNull(cited['url']),
        title: textOrNull(cited['title']),
        start: place(cited['start_index']),
        end: place(cited['end_index']),
        raw: annotation,
      },
    ]
  })
}

/** Perplexity's and xAI's sources stand beside the choices, for the reply as a whole. */
export function readSources(body: JsonObject): readonly Citation[] {
  const results = objectsOf(body['search_results'])
  if (results.length > 0) {
    return results.map((raw) => ({ url: textOrNull(raw['url']), title: textOrNull(raw['title']), start: null, end: null, raw }))
  }
  const urls = body['citations']
  if (!isArray(urls)) return []
  return urls.filter((url) => typeof url === 'string').map((url) => ({ url, title: null, start: null, end: null, raw: url }))
}

/** Pictures that OpenRouter's image models give back. */
export function readImages(images: JsonValue | undefined): readonly Part[] {
  return objectsOf(images).flatMap((image): Part[] => {
    const said = image['image_url']
    const url = isObject(said) ? firstText(said['url']) : ''
    if (url === '') return []
    const inline = readDataUrl(url)
    if (inline === null) return [{ kind: 'media', mediaType: 'image/*', source: { at: 'url', url } }]
    return [{ kind: 'media', mediaType: inline.mediaType || 'image/png', source: { at: 'inline', base64: inline.base64 } }]
  })
}

function textOrNull(value: JsonValue | undefined): string | null {
  return typeof value === 'string' ? value : null
}

function place(value: JsonValue | undefined): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null
}
