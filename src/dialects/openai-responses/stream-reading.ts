// Events of a Responses stream to canonical events; a whole answer is read as the stream of its items.

import type { ChatEvent, ChatResponse, JsonObject, JsonValue, Usage } from '../../core/canonical.ts'
import { collect } from '../../core/collect.ts'
import { GatewayError } from '../../core/errors.ts'
import { parseKeepingRaw } from '../../core/json-raw.ts'
import type { Frame, FrameReader } from '../contract.ts'
import { firstText, isArray, isObject, objectsOf } from '../openai-chat/wire.ts'
import { errorInside } from './error-reading.ts'
import { OutputReader } from './output-reading.ts'
import { readUsageOf } from './usage.ts'
import { ANSWER_RAW, readFinish } from './wire.ts'

export class ResponsesStreamReader implements FrameReader {
  #events: ChatEvent[] = []
  #started = false
  #over = false
  readonly #output = new OutputReader((event) => void this.#events.push(event))

  read({ event, data }: Frame): readonly ChatEvent[] {
    const text = data.trim()
    if (!this.#over && text !== '' && text !== '[DONE]') this.#readData(event, text)
    return this.#take()
  }

  end(): readonly ChatEvent[] {
    if (!this.#over) this.#fail(new GatewayError('upstream-cut', 'The provider’s stream stopped before its end.'))
    return this.#take()
  }

  /** A response object as a whole. */
  readWhole(response: JsonObject): readonly ChatEvent[] {
    this.#begin(response)
    this.#conclude(response)
    return this.#take()
  }

  #take(): readonly ChatEvent[] {
    const events = this.#events
    this.#events = []
    return events
  }

  #readData(name: string | undefined, text: string): void {
    const said = parseEvent(text)
    if (said === null) return this.#fail(new GatewayError('upstream-garbled', 'The provider sent an event that is not a JSON object.'))
    const error = errorInside(name === 'error' && said['type'] === undefined ? { ...said, type: 'error' } : said)
    if (error !== null) return this.#fail(error)
    try {
      this.#readEvent(firstText(said['type'], name), said)
    } catch (cause) {
      if (!(cause instanceof GatewayError)) throw cause
      this.#fail(cause)
    }
  }

  #readEvent(type: string, said: JsonObject): void {
    const part = `content ${numberOf(said['content_index'])}`
    switch (type) {
      case 'response.created':
      case 'response.queued':
      case 'response.in_progress':
        return this.#begin(responseIn(said))
      case 'response.output_item.added':
        this.#begin({})
        return isObject(said['item']) ? this.#output.begin(said, said['item']) : undefined
      case 'response.output_item.done':
        this.#begin({})
        return isObject(said['item']) ? this.#output.settle(said['output_index'], said['item']) : undefined
      case 'response.output_text.delta':
        return this.#say(said, 'text', part)
      case 'response.refusal.delta':
        return this.#say(said, 'refusal', part)
      case 'response.reasoning_summary_text.delta':
        return this.#say(said, 'reasoning', `summary ${numberOf(said['summary_index'])}`)
      case 'response.reasoning_text.delta':
        return this.#say(said, 'reasoning', part)
      case 'response.function_call_arguments.delta':
      case 'response.custom_tool_call_input.delta':
        return this.#say(said, 'tool-call', '')
      case 'response.output_text.annotation.added':
        return this.#output.annotate(said, part)
      case 'response.completed':
      case 'response.incomplete':
        this.#begin(responseIn(said))
        return this.#conclude(responseIn(said))
      case 'keepalive':
        return void this.#events.push({ kind: 'ping' })
      default:
        return // what the done events say comes once more with the item
    }
  }

  #say(said: JsonObject, kind: 'text' | 'refusal' | 'reasoning' | 'tool-call', key: string): void {
    this.#begin({})
    this.#output.say(said, kind, key, firstText(said['delta']), said['logprobs'])
  }

  #begin(response: JsonObject): void {
    if (this.#started) return
    this.#started = true
    const id = firstText(response['id'])
    this.#output.replyId = id
    this.#events.push({ kind: 'start', id, model: firstText(response['model']) })
  }

  #conclude(response: JsonObject): void {
    objectsOf(response['output']).forEach((item, i) => this.#output.settle(i, item))
    this.#output.closeAll()
    const usage = readUsageOf(response, this.#output.searches)
    if (usage !== null) this.#events.push({ kind: 'usage', usage })
    this.#over = true
    this.#events.push({ kind: 'finish', ...readFinish(response, this.#output.hasCalls) })
  }

  #fail({ code, message }: GatewayError): void {
    this.#output.closeAll()
    this.#over = true
    this.#events.push({ kind: 'error', code, message })
  }
}

/** @throws GatewayError `upstream-garbled`, or the error that the body holds */
export function readResponse(text: string): ChatResponse {
  const body = parseKeepingRaw(text, ANSWER_RAW)
  const error = errorInside(body)
  if (error !== null) throw error
  if (!isArray(body['output'])) throw new GatewayError('upstream-garbled', 'The answer has no output.')
  return collect(new ResponsesStreamReader().readWhole(body))
}

/** Usage and the raw ending of a whole body. @throws GatewayError `upstream-garbled` when it is no JSON object */
export function readUsageOfBody(text: string): { readonly usage: Usage | null; readonly finish: string | null } {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (cause) {
    throw new GatewayError('upstream-garbled', 'The answer is not valid JSON.', { cause })
  }
  if (!isObject(body)) throw new GatewayError('upstream-garbled', 'The answer is not a JSON object.')
  return { usage: readUsageOf(body), finish: readFinish(body, false).native }
}

function numberOf(value: JsonValue | undefined): number {
  return typeof value === 'number' ? value : 0
}

function responseIn(said: JsonObject): JsonObject {
  const response = said['response']
  return isObject(response) ? response : {}
}

/** Raw texts are kept only where there are some: the scan costs as much as the parse. */
function parseEvent(text: string): JsonObject | null {
  try {
    if (text.includes('"logprobs"')) return parseKeepingRaw(text, ANSWER_RAW)
    const said: unknown = JSON.parse(text)
    return isObject(said) ? said : null
  } catch {
    return null
  }
}
