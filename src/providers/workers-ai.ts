// Workers AI by its binding: no key, no network hop of ours. The binding takes a model and an object and answers with what the model's own
// server says, which is OpenAI's chat shape for newer models and `{response, tool_calls, usage}` for the others: those are told in OpenAI's.
// The binding only works against Cloudflare's network, so it is tested with a stand-in. What passes through it is parsed and printed again
// by the runtime: numbers in tool schemas beyond 2^53 do not survive it (over REST they do).
// Source: developers.cloudflare.com/workers-ai/configuration/bindings and the runtime's own code of the binding (workerd, ai-api.ts)

import type { JsonObject, JsonValue } from '../core/canonical.ts'
import { parseKeepingRaw, rawPaths } from '../core/json-raw.ts'
import { frameText, SseReader } from '../core/sse.ts'
import type { Frame } from '../dialects/contract.ts'
import type { Provider } from './contract.ts'

/** As much of the binding as is used. */
export type WorkersAi = {
  run(model: string, inputs: JsonObject, options: { readonly returnRawResponse: true; readonly signal: AbortSignal }): Promise<Response>
}

const NATIVE_RAW = rawPaths('tool_calls.*.arguments', 'tool_calls.*.function.arguments', 'response')

/** The place, called through the binding: it needs no setting. */
export function boundTo(ai: WorkersAi, place: Provider): Provider {
  const { address: _address, ...rest } = place
  return {
    ...rest,
    needs: [],
    // Never called: `local` answers. A reserved name, so that a mistake reaches nobody.
    defaultBaseUrl: 'https://workers-ai.invalid/v1',
    authorize: () => ({}),
    local: (request) => answer(ai, request),
  }
}

/** Whether a binding is one of Workers AI, as far as can be seen. */
export function isWorkersAi(value: unknown): value is WorkersAi {
  return typeof value === 'object' && value !== null && typeof (value as { readonly run?: unknown }).run === 'function'
}

async function answer(ai: WorkersAi, request: Request): Promise<Response> {
  const { model, ...inputs } = JSON.parse(await request.text()) as JsonObject
  const name = typeof model === 'string' ? model : ''
  const response = await ai.run(name, inputs, { returnRawResponse: true, signal: request.signal })
  if (!response.ok) return new Response(refusal(await response.text()), { status: response.status, headers: JSON_TYPE })
  const head: Head = { id: `chatcmpl-${crypto.randomUUID()}`, created: Math.floor(Date.now() / 1000), model: name }
  const ceiling = ceilingOf(inputs)
  if ((response.headers.get('content-type') ?? '').includes('text/event-stream') && response.body !== null)
    return new Response(asChunks(response.body, head, ceiling), { headers: { 'content-type': 'text/event-stream; charset=utf-8' } })
  return new Response(asChat(await response.text(), head, ceiling), { headers: JSON_TYPE })
}

const JSON_TYPE = { 'content-type': 'application/json' }

type Head = { readonly id: string; readonly created: number; readonly model: string }

/** A whole answer; one that is in OpenAI's shape stays the text it is. */
function asChat(text: string, head: Head, ceiling: number): string {
  const native = parseKeepingRaw(text, NATIVE_RAW)
  if (Array.isArray(native['choices'])) return text
  const calls = callsOf(native)
  const message = { role: 'assistant', content: textOf(native['response']), ...(calls.length === 0 ? {} : { tool_calls: calls }) }
  return JSON.stringify({
    ...head,
    object: 'chat.completion',
    choices: [{ index: 0, message, finish_reason: finishOf(native, calls.length > 0, ceiling) }],
    ...(isObject(native['usage']) ? { usage: native['usage'] } : {}),
  })
}

/** Frame for frame; those in OpenAI's shape pass. The finish stands in a chunk of its own, for no frame of the native shape tells it. */
function asChunks(body: ReadableStream<Uint8Array>, head: Head, ceiling: number): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  const source = new SseReader()
  let calls = 0
  let isNative = false
  const frame = (rest: JsonObject): string => frameText({ data: JSON.stringify({ ...head, object: 'chat.completion.chunk', ...rest }) })
  const choice = (delta: JsonObject, finish: string | null): JsonObject => ({ choices: [{ index: 0, delta, finish_reason: finish }] })
  let last: JsonObject = {}
  const told = (one: Frame): string => {
    if (one.data === '[DONE]') {
      const end = isNative ? frame({ ...choice({}, finishOf(last, calls > 0, ceiling)), ...usageOf(last) }) : ''
      return end + frameText(one)
    }
    const native = parseKeepingRaw(one.data, NATIVE_RAW)
    if (Array.isArray(native['choices']) || native['error'] !== undefined || native['errors'] !== undefined) return frameText(one)
    isNative = true
    last = { ...last, ...native }
    const text = textOf(native['response'])
    const added = callsOf(native).map((call, i) => ({ index: calls + i, ...call }))
    calls += added.length
    return (
      (text === '' ? '' : frame(choice({ content: text }, null))) + (added.length === 0 ? '' : frame(choice({ tool_calls: added }, null)))
    )
  }
  const write = (frames: readonly Frame[]): Uint8Array => encoder.encode(frames.map(told).join(''))
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform: (bytes, out) => out.enqueue(write(source.push(bytes))),
      flush: (out) => out.enqueue(write(source.end())),
    }),
  )
}

/** Calls, whole each, in the native spelling (`name`, `arguments`) or in OpenAI's. */
function callsOf(native: JsonObject): readonly JsonObject[] {
  const list = native['tool_calls']
  if (!Array.isArray(list)) return []
  return list.filter(isObject).map((call: JsonObject) => {
    const named = isObject(call['function']) ? call['function'] : call
    const said = named['arguments']
    return {
      id: typeof call['id'] === 'string' ? call['id'] : `call_${crypto.randomUUID()}`,
      type: 'function',
      function: { name: named['name'] ?? '', arguments: typeof said === 'string' ? said : '{}' },
    }
  })
}

/** JSON mode answers with a value where others have a text; it arrives as the text it was. */
function textOf(response: JsonValue | undefined): string {
  return typeof response === 'string' ? response : ''
}

/** The native shape has no finish: an answer as long as was allowed was cut. */
function finishOf(native: JsonObject, hasCalls: boolean, ceiling: number): string {
  if (hasCalls) return 'tool_calls'
  const usage = native['usage']
  const written = isObject(usage) ? usage['completion_tokens'] : null
  return typeof written === 'number' && written >= ceiling ? 'length' : 'stop'
}

function usageOf(native: JsonObject): JsonObject {
  return isObject(native['usage']) ? { usage: native['usage'] } : {}
}

function ceilingOf(inputs: JsonObject): number {
  const said = inputs['max_completion_tokens'] ?? inputs['max_tokens']
  return typeof said === 'number' && said > 0 ? said : Number.POSITIVE_INFINITY
}

/** `{internalCode, description}` or `{errors: [{code, message}]}` in the shape of the language. */
function refusal(text: string): string {
  let said: JsonValue = null
  try {
    said = JSON.parse(text) as JsonValue
  } catch {
    // plain text
  }
  const listed = isObject(said) && Array.isArray(said['errors']) ? said['errors'][0] : undefined
  const own = isObject(listed) ? listed : isObject(said) ? said : {}
  const message = [own['description'], own['message']].find((words) => typeof words === 'string') ?? text
  return JSON.stringify({ error: { message, type: own['name'] ?? null, code: own['internalCode'] ?? own['code'] ?? null, param: null } })
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
