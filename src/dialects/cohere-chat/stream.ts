// Events of a v2 chat stream to canonical events. Keeps the state of one reply; never throws.

import type { Block, ChatEvent, JsonObject, JsonValue } from '../../core/canonical.ts'
import { GatewayError, type ErrorCode } from '../../core/errors.ts'
import { parseKeepingRaw } from '../../core/json-raw.ts'
import type { Frame, FrameReader } from '../contract.ts'
import { errorInEvent } from './error-reading.ts'
import {
  callIdOf,
  EVENT_RAW,
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

type Open = { readonly kind: 'text' | 'reasoning' | 'tool-call'; readonly index: number }

export class CohereReader implements FrameReader {
  #out: ChatEvent[] = []
  #open: Open | null = null
  #started = false
  #over = false
  #id = ''
  #next = 0
  #calls = 0

  read({ data }: Frame): readonly ChatEvent[] {
    if (this.#over || data === '' || data === '[DONE]') return []
    const event = parse(data)
    if (event === null) this.#fail('upstream-garbled', 'The provider sent an event that is not a JSON object.')
    else this.#event(event)
    return this.#take()
  }

  end(): readonly ChatEvent[] {
    if (!this.#over) this.#fail('upstream-cut', 'The provider’s stream stopped before its end.')
    return this.#take()
  }

  #take(): readonly ChatEvent[] {
    const events = this.#out
    this.#out = []
    return events
  }

  #event(event: JsonObject): void {
    const delta = objectOf(event['delta'])
    const message = objectOf(delta['message'])
    const content = objectOf(message['content'])
    switch (event['type']) {
      case 'message-start':
        return this.#begin(textOf(event['id']) ?? '')
      case 'content-start':
        this.#close() // a new part, also of the same kind
        return this.#content(content)
      case 'content-delta':
        return this.#content(content)
      case 'tool-plan-delta':
        return this.#say('reasoning', message['tool_plan'])
      case 'tool-call-start':
        return this.#startCall(firstOf(message['tool_calls']))
      case 'tool-call-delta':
        if (this.#open?.kind === 'tool-call') this.#delta(objectOf(firstOf(message['tool_calls'])['function'])['arguments'])
        return
      case 'citation-start':
        return this.#cite(firstOf(message['citations']))
      case 'content-end':
      case 'tool-call-end':
        return this.#close()
      case 'message-end':
        return this.#finish(delta)
      default: {
        const words = errorInEvent(event)
        if (words !== null) this.#fail('upstream-failed', words)
      }
    }
  }

  #content(content: JsonObject): void {
    this.#say('reasoning', content['thinking'])
    this.#say('text', content['text'])
  }

  #say(kind: 'text' | 'reasoning', text: JsonValue | undefined): void {
    if (textOf(text) === null) return
    if (this.#open?.kind !== kind) this.#start(kind, { kind })
    this.#delta(text)
  }

  #startCall(call: JsonObject): void {
    const made = objectOf(call['function'])
    const id = callIdOf(call['id'], this.#id, this.#calls++)
    this.#start('tool-call', { kind: 'tool-call', id, name: textOf(made['name']) ?? '' })
    this.#delta(made['arguments'])
  }

  #cite(citation: JsonObject): void {
    if (this.#open?.kind !== 'text' || !isOfText(citation) || citation['start'] === undefined) return
    this.#out.push({ kind: 'block-note', index: this.#open.index, citations: [readCitation(citation)] })
  }

  #finish(delta: JsonObject): void {
    const native = textOf(delta['finish_reason'])
    const failure = failureOf(native)
    this.#begin('')
    this.#close()
    const usage = readUsageOf(delta['usage'])
    if (usage !== null) this.#out.push({ kind: 'usage', usage })
    if (failure !== null) return this.#fail(failure, textOf(delta['error']) ?? 'The provider ended the reply with an error.')
    this.#over = true
    this.#out.push({ kind: 'finish', reason: finishOf(native, this.#calls > 0), native })
  }

  #fail(code: ErrorCode, message: string): void {
    this.#close()
    this.#over = true
    this.#out.push({ kind: 'error', code, message })
  }

  #begin(id: string): void {
    if (this.#started) return
    this.#started = true
    this.#id = id
    this.#out.push({ kind: 'start', id, model: '' })
  }

  #start(kind: Open['kind'], block: Block): void {
    this.#begin('')
    this.#close()
    this.#open = { kind, index: this.#next++ }
    this.#out.push({ kind: 'block-start', index: this.#open.index, block })
  }

  #delta(text: JsonValue | undefined): void {
    const said = textOf(text)
    if (said !== null && this.#open !== null) this.#out.push({ kind: 'block-delta', index: this.#open.index, text: said })
  }

  #close(): void {
    if (this.#open === null) return
    this.#out.push({ kind: 'block-end', index: this.#open.index })
    this.#open = null
  }
}

/** `tool_calls` and `citations` of an event are one object, though named as lists; a list is taken, too. */
function firstOf(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : (objectsOf(value)[0] ?? {})
}

function parse(data: string): JsonObject | null {
  try {
    if (data.includes('"arguments"')) return parseKeepingRaw(data, EVENT_RAW)
    const event: unknown = JSON.parse(data)
    return isObject(event) ? event : null
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof GatewayError) return null
    throw error
  }
}
