// A place inside the Worker that costs nothing: the model `echo` answers in OpenAI's chat language. No network, no key.

import type { JsonObject, JsonValue } from '../core/canonical.ts'
import type { Provider } from './contract.ts'
import { chatVoice } from './openai-compatible.ts'
import { settingName } from './setting-name.ts'

export const demo: Provider = {
  id: 'demo',
  name: 'Demo',
  needs: [],
  baseUrlSetting: settingName('demo', 'BASE_URL'),
  // Never called: `local` answers. A reserved name, so that a mistake reaches nobody.
  defaultBaseUrl: 'https://demo.invalid/v1',
  voices: [chatVoice({ issuer: 'demo' })],
  stopsBillingOnAbort: { answer: 'yes', source: 'costs nothing' },
  authorize: () => ({}),
  local: answer,
}

async function answer(request: Request): Promise<Response> {
  const body = await bodyOf(request)
  if (body === null) return refusal(400, 'The body is not a JSON object.', 'invalid_request_error', null)
  const { model, messages } = body
  if (model !== 'echo') return refusal(404, `The model \`${nameOf(model)}\` does not exist.`, 'invalid_request_error', 'model_not_found')
  if (!Array.isArray(messages)) return refusal(400, 'messages must be a list.', 'invalid_request_error', null)
  const said = messages.filter(isObject)
  const question = said.findLast((message) => message['role'] === 'user')
  const words = wordsOf(`You said: ${question === undefined ? '' : textOf(question['content'])}`)
  const ceiling = ceilingOf(body)
  const kept = words.slice(0, ceiling)
  const reply: Reply = {
    head: { id: `chatcmpl-demo-${crypto.randomUUID()}`, created: Math.floor(Date.now() / 1000), model: 'echo' },
    words: kept,
    finish: kept.length < words.length ? 'length' : 'stop',
    usage: usageOf(
      said.reduce((sum, message) => sum + wordsOf(textOf(message['content'])).length, 0),
      kept.length,
    ),
  }
  return body['stream'] === true
    ? streamed(reply, isObject(body['stream_options']) && body['stream_options']['include_usage'] === true)
    : whole(reply)
}

type Reply = {
  readonly head: { readonly id: string; readonly created: number; readonly model: string }
  readonly words: readonly string[]
  readonly finish: 'stop' | 'length'
  readonly usage: JsonObject
}

function whole({ head, words, finish, usage }: Reply): Response {
  const message = { role: 'assistant', content: words.join(''), refusal: null }
  return Response.json({
    ...head,
    object: 'chat.completion',
    choices: [{ index: 0, message, logprobs: null, finish_reason: finish }],
    usage,
  })
}

/** A frame for each pull: as fast as the reader reads, and no faster. */
function streamed({ head, words, finish, usage }: Reply, wantsUsage: boolean): Response {
  const chunk = (choices: readonly JsonValue[], counted: JsonObject | null) =>
    `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices, ...(wantsUsage ? { usage: counted } : {}) })}\n\n`
  const choice = (delta: JsonObject, reason: string | null) => chunk([{ index: 0, delta, logprobs: null, finish_reason: reason }], null)
  const encoder = new TextEncoder()
  const frames = [
    choice({ role: 'assistant', content: '', refusal: null }, null),
    ...words.map((word) => choice({ content: word }, null)),
    choice({}, finish),
    ...(wantsUsage ? [chunk([], usage)] : []),
    'data: [DONE]\n\n',
  ].values()
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      const next = frames.next()
      if (next.done === true) controller.close()
      else controller.enqueue(encoder.encode(next.value))
    },
  })
  return new Response(stream, { headers: { 'content-type': 'text/event-stream; charset=utf-8' } })
}

function refusal(status: number, message: string, type: string, code: string | null): Response {
  return Response.json({ error: { message, type, param: null, code } }, { status })
}

/** Each word with the white space before it, so that joined they are the text. */
function wordsOf(text: string): readonly string[] {
  return text.match(/\s*\S+/g) ?? []
}

function textOf(content: JsonValue | undefined): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content.map((part: JsonValue) => (isObject(part) && typeof part['text'] === 'string' ? part['text'] : '')).join('')
}

function ceilingOf(body: JsonObject): number {
  const said = body['max_completion_tokens'] ?? body['max_tokens']
  return typeof said === 'number' && said >= 0 ? said : Number.POSITIVE_INFINITY
}

function usageOf(input: number, output: number): JsonObject {
  return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output }
}

function nameOf(model: JsonValue | undefined): string {
  return typeof model === 'string' ? model.slice(0, 100) : ''
}

async function bodyOf(request: Request): Promise<JsonObject | null> {
  try {
    const value = JSON.parse(await request.text()) as JsonValue
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
