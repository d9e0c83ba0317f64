// Events of a ConverseStream reply to canonical events. Keeps the state of one reply; never throws.

import type { Block, ChatEvent, JsonObject, JsonValue } from '../../core/canonical.ts'
import { GATEWAY_NATIVE } from '../../core/collect.ts'
import type { ErrorCode } from '../../core/errors.ts'
import { sealOfThinking } from '../anthropic-messages/wire.ts'
import type { Frame, FrameReader } from '../contract.ts'
import { exceptionOf } from './error-reading.ts'
import { readImage } from './response-reading.ts'
import { BEDROCK_CONVERSE, dataOfRedacted, finishOf, ISSUER, isObject, objectOf, readCitation, readUsageOf, textOf } from './wire.ts'

type Open = { readonly kind: 'text' | 'reasoning' | 'tool-call'; readonly index: number; hasText: boolean; signature: string }

export class ConverseReader implements FrameReader {
  #out: ChatEvent[] = []
  #started = false
  #over = false
  #next = 0
  #calls = 0
  #stopReason: string | null = null
  /** By Bedrock's own index; `null` for a block that is passed over. Only tool calls stand open side by side. */
  readonly #open = new Map<JsonValue | undefined, Open | null>()

  read({ event = '', data }: Frame): readonly ChatEvent[] {
    if (this.#over || data === '') return []
    const body = parse(data)
    if (body === null) this.#fail('upstream-garbled', 'The provider sent an event that is not a JSON object.')
    else this.#event(event, body)
    return this.#take()
  }

  end(): readonly ChatEvent[] {
    if (this.#over) return []
    if (this.#stopReason === null) this.#fail('upstream-cut', 'The provider’s stream stopped before its end.')
    else this.#finish()
    return this.#take()
  }

  #take(): readonly ChatEvent[] {
    const events = this.#out
    this.#out = []
    return events
  }

  #event(event: string, body: JsonObject): void {
    const key = body['contentBlockIndex']
    switch (event) {
      case 'messageStart':
        return this.#begin()
      case 'contentBlockStart':
        return this.#startBlock(key, objectOf(body['start']))
      case 'contentBlockDelta':
        return this.#delta(key, objectOf(body['delta']))
      case 'contentBlockStop':
        return this.#close(key)
      case 'messageStop':
        this.#stopReason = textOf(body['stopReason']) ?? 'end_turn'
        return
      case 'metadata':
        return this.#metadata(body)
      default: {
        const exception = exceptionOf(event, body)
        if (exception !== null) this.#fail(exception.code, exception.message)
      }
    }
  }

  /** The last event; a reply without it ends with its stream. */
  #metadata(body: JsonObject): void {
    const usage = readUsageOf(body['usage'])
    this.#closeAll()
    if (usage !== null) {
      this.#begin()
      this.#out.push({ kind: 'usage', usage })
    }
    if (this.#stopReason !== null) this.#finish()
  }

  #startBlock(key: JsonValue | undefined, start: JsonObject): void {
    const use = start['toolUse']
    if (isObject(use) && use['type'] !== 'server_tool_use') {
      this.#calls++
      this.#start(key, 'tool-call', {
        kind: 'tool-call',
        id: textOf(use['toolUseId']) ?? `call_${this.#calls}`,
        name: textOf(use['name']) ?? '',
      })
      // Some hosts tell the whole input at once.
      if (isObject(use['input'])) this.#say(key, JSON.stringify(use['input']))
    } else if (Object.keys(start).length > 0) {
      this.#alone({ kind: 'native', dialect: BEDROCK_CONVERSE, value: start })
      this.#open.set(key, null)
    }
  }

  #delta(key: JsonValue | undefined, delta: JsonObject): void {
    const { text, toolUse, reasoningContent, citation, image } = delta
    if (typeof text === 'string') this.#speak(key, 'text', text)
    else if (isObject(toolUse)) {
      if (this.#open.get(key)?.kind === 'tool-call') this.#say(key, textOf(toolUse['input']))
    } else if (isObject(reasoningContent)) this.#think(key, reasoningContent)
    else if (isObject(citation)) {
      const open = this.#open.get(key)
      if (open?.kind === 'text') this.#out.push({ kind: 'block-note', index: open.index, citations: [readCitation(citation)] })
    } else if (isObject(image)) {
      const [part] = readImage(image)
      if (part?.kind === 'media' && part.source.at === 'inline') {
        const source = { at: 'inline', base64: part.source.base64 }
        this.#alone({ kind: 'native', dialect: GATEWAY_NATIVE, value: { part: { kind: 'media', mediaType: part.mediaType, source } } })
      }
    }
  }

  #think(key: JsonValue | undefined, content: JsonObject): void {
    const redacted = textOf(content['redactedContent'])
    if (redacted !== null) {
      this.#close(key)
      const { index } = this.#start(key, 'reasoning', { kind: 'reasoning' })
      this.#out.push({ kind: 'block-seal', index, seal: { issuer: ISSUER, value: dataOfRedacted(redacted) } })
      return this.#close(key)
    }
    this.#speak(key, 'reasoning', textOf(content['text']) ?? '')
    const open = this.#open.get(key)
    if (open?.kind === 'reasoning') open.signature += textOf(content['signature']) ?? ''
  }

  /** Text and reasoning have no start of their own: their first delta opens them. */
  #speak(key: JsonValue | undefined, kind: 'text' | 'reasoning', text: string): void {
    if (this.#open.get(key) === null) return
    if (this.#open.get(key)?.kind !== kind) this.#start(key, kind, { kind })
    this.#say(key, text)
  }

  #say(key: JsonValue | undefined, text: string | null): void {
    const open = this.#open.get(key)
    if (text === null || text === '' || open === undefined || open === null) return
    open.hasText = true
    this.#out.push({ kind: 'block-delta', index: open.index, text })
  }

  #start(key: JsonValue | undefined, kind: Open['kind'], block: Block): Open {
    this.#begin()
    this.#close(key)
    for (const [other, open] of this.#open) if (kind !== 'tool-call' || open?.kind !== 'tool-call') this.#close(other)
    const made: Open = { kind, index: this.#next++, hasText: false, signature: '' }
    this.#open.set(key, made)
    this.#out.push({ kind: 'block-start', index: made.index, block })
    return made
  }

  #alone(block: Block): void {
    this.#begin()
    this.#closeAll()
    const index = this.#next++
    this.#out.push({ kind: 'block-start', index, block }, { kind: 'block-end', index })
  }

  #close(key: JsonValue | undefined): void {
    const open = this.#open.get(key)
    this.#open.delete(key)
    if (open === undefined || open === null) return
    const { index, signature } = open
    if (signature !== '') this.#out.push({ kind: 'block-seal', index, seal: sealOfThinking(open.hasText ? ' ' : '', signature) })
    this.#out.push({ kind: 'block-end', index })
  }

  #closeAll(): void {
    for (const key of this.#open.keys()) this.#close(key)
  }

  #begin(): void {
    if (this.#started) return
    this.#started = true
    this.#out.push({ kind: 'start', id: '', model: '' })
  }

  #finish(): void {
    this.#begin()
    this.#closeAll()
    this.#over = true
    this.#out.push({ kind: 'finish', reason: finishOf(this.#stopReason, this.#calls > 0), native: this.#stopReason })
  }

  #fail(code: ErrorCode, message: string): void {
    this.#closeAll()
    this.#over = true
    this.#out.push({ kind: 'error', code, message })
  }
}

function parse(data: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(data)
    return isObject(value) ? value : null
  } catch {
    return null
  }
}
