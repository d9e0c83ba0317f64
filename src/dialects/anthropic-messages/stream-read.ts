// Reads the events of a Messages stream. Keeps the state of one reply; never throws.

import type { ChatEvent, JsonObject, JsonValue } from '../../core/canonical.ts'
import { extrasEvent } from '../../core/collect.ts'
import { GatewayError } from '../../core/errors.ts'
import { parseKeepingRaw } from '../../core/json-raw.ts'
import type { Frame, FrameReader } from '../contract.ts'
import { readCitation } from './citations.ts'
import { errorCodeOf, errorWords } from './errors-read.ts'
import { nativeInput } from './native.ts'
import { extrasFields, readBlock } from './response-read.ts'
import { mergeUsage, readUsage } from './usage.ts'
import { ANTHROPIC_MESSAGES, EVENT_RAW, isArray, isObject, parseObject, readFinish, sealOfThinking, textOr } from './wire.ts'

/** Whether a frame may hold usage, a finish or an error; the rest is content. */
export function worthReading(data: string): boolean {
  return data.includes('"message_') || data.includes('"error"')
}

type Open =
  | { readonly kind: 'text'; readonly index: number }
  | { readonly kind: 'thinking'; readonly index: number; hasText: boolean; signature: string }
  | { readonly kind: 'tool'; readonly index: number; readonly initial: string; hasText: boolean }
  /** Held back until its stop, so that the canonical block carries the whole value. */
  | { readonly kind: 'native'; value: JsonObject; input: string | null }

export class AnthropicReader implements FrameReader {
  private started = false
  private done = false
  private stopReason: string | null = null
  private usage: JsonObject = {}
  private extras: JsonObject = {}
  private nextIndex = 0
  private readonly open = new Map<JsonValue | undefined, Open>()

  read(frame: Frame): readonly ChatEvent[] {
    if (this.done || frame.data === '' || frame.data === '[DONE]') return []
    const event = this.parse(frame.data)
    if (event === null) {
      this.done = true
      return [{ kind: 'error', code: 'upstream-garbled', message: 'The provider sent an event that is not JSON.' }]
    }
    const out: ChatEvent[] = []
    this.take(event, out)
    return out
  }

  end(): readonly ChatEvent[] {
    if (this.done) return []
    const out: ChatEvent[] = []
    if (this.stopReason !== null) this.finish(out)
    else {
      this.done = true
      this.tellUsage(out)
      out.push({ kind: 'error', code: 'upstream-cut', message: 'The provider stopped before the end of its answer.' })
    }
    return out
  }

  private parse(data: string): JsonObject | null {
    // Only these two carry raw JSON; a scan of every delta would cost more than its parse.
    if (!data.includes('content_block_start') && !data.includes('message_start')) return parseObject(data)
    try {
      return parseKeepingRaw(data, EVENT_RAW)
    } catch (error) {
      if (error instanceof GatewayError) return null
      throw error
    }
  }

  private take(event: JsonObject, out: ChatEvent[]): void {
    switch (event['type']) {
      case 'message_start':
        return this.start(event['message'], out)
      case 'content_block_start':
        if (isObject(event['content_block'])) this.openBlock(event['index'], event['content_block'], out)
        return
      case 'content_block_delta':
        if (isObject(event['delta'])) this.delta(event['index'], event['delta'], out)
        return
      case 'content_block_stop':
        return this.close(event['index'], out)
      case 'message_delta':
        if (isObject(event['delta'])) {
          const said = event['delta']['stop_reason']
          if (typeof said === 'string') this.stopReason = said
          this.extras = { ...this.extras, ...extrasFields(event['delta']) }
        }
        this.extras = { ...this.extras, ...extrasFields(event) }
        this.usage = mergeUsage(this.usage, event['usage'])
        return
      case 'message_stop':
        return this.finish(out)
      case 'ping':
        if (this.started) out.push({ kind: 'ping' })
        return
      case 'error':
        return this.fail(event, out)
      default:
        // Some hosts put a bare `{"error": …}` into the stream.
        if (event['error'] !== undefined && event['error'] !== null) return this.fail(event, out)
        if (this.started) out.push({ kind: 'native', dialect: ANTHROPIC_MESSAGES, value: event })
    }
  }

  private start(message: JsonValue | undefined, out: ChatEvent[]): void {
    if (this.started) return
    this.started = true
    const said = isObject(message) ? message : {}
    out.push({ kind: 'start', id: textOr(said['id'], ''), model: textOr(said['model'], '') })
    this.usage = mergeUsage(this.usage, said['usage'])
    this.extras = extrasFields(said)
    // Told at once: a reply that is cut later has still cost its input.
    this.tellUsage(out)
    if (isArray(said['content']))
      for (const block of said['content'])
        if (isObject(block)) {
          this.openBlock(block, block, out)
          this.close(block, out)
        }
  }

  private openBlock(key: JsonValue | undefined, block: JsonObject, out: ChatEvent[]): void {
    if (!this.started) this.start(undefined, out)
    this.close(key, out)
    const part = readBlock(block)
    // A host that leaves a stop out: only tool calls may stand open, and only beside each other or a native block.
    const besideTools = part.kind === 'tool-call' || part.kind === 'native'
    for (const [other, open] of this.open) if (open.kind !== 'tool' || !besideTools) this.close(other, out)
    if (part.kind === 'native') {
      this.open.set(key, { kind: 'native', value: block, input: null })
      return
    }
    const index = this.nextIndex++
    if (part.kind === 'tool-call') {
      out.push({ kind: 'block-start', index, block: { kind: 'tool-call', id: part.id, name: part.name } })
      this.open.set(key, { kind: 'tool', index, initial: part.arguments, hasText: false })
    } else if (part.kind === 'reasoning') {
      out.push({ kind: 'block-start', index, block: { kind: 'reasoning' } })
      if (part.text !== '') out.push({ kind: 'block-delta', index, text: part.text })
      if (block['type'] === 'redacted_thinking') {
        if (part.seal !== undefined) out.push({ kind: 'block-seal', index, seal: part.seal })
        this.open.set(key, { kind: 'text', index })
      } else
        this.open.set(key, {
          kind: 'thinking',
          index,
          hasText: part.text !== '',
          signature: textOr(block['signature'], ''),
        })
    } else if (part.kind === 'text') {
      out.push({ kind: 'block-start', index, block: { kind: 'text' } })
      if (part.text !== '') out.push({ kind: 'block-delta', index, text: part.text })
      if (part.citations !== undefined) out.push({ kind: 'block-note', index, citations: part.citations })
      this.open.set(key, { kind: 'text', index })
    }
  }

  private delta(key: JsonValue | undefined, delta: JsonObject, out: ChatEvent[]): void {
    const kind = delta['type']
    // Lenient: a host that leaves the block's start out still said the words.
    if (!this.open.has(key) && kind === 'text_delta') this.openBlock(key, { type: 'text' }, out)
    if (!this.open.has(key) && kind === 'thinking_delta') this.openBlock(key, { type: 'thinking' }, out)
    const open = this.open.get(key)
    if (open === undefined) return
    if (open.kind === 'native') {
      if (kind === 'input_json_delta') open.input = (open.input ?? '') + textOr(delta['partial_json'], '')
      else {
        const { type: _type, ...members } = delta
        open.value = { ...open.value, ...members } // compaction_delta tells its members whole
      }
      return
    }
    const { index } = open
    const text =
      kind === 'text_delta'
        ? textOr(delta['text'], '')
        : kind === 'thinking_delta'
          ? textOr(delta['thinking'], '')
          : kind === 'input_json_delta'
            ? textOr(delta['partial_json'], '')
            : ''
    if (text !== '') {
      if (open.kind !== 'text') open.hasText = true
      out.push({ kind: 'block-delta', index, text })
    } else if (kind === 'signature_delta' && open.kind === 'thinking') open.signature = textOr(delta['signature'], '')
    else if (kind === 'citations_delta' && delta['citation'] !== undefined)
      out.push({ kind: 'block-note', index, citations: [readCitation(delta['citation'])] })
  }

  private close(key: JsonValue | undefined, out: ChatEvent[]): void {
    const open = this.open.get(key)
    if (open === undefined) return
    this.open.delete(key)
    if (open.kind === 'native') {
      const index = this.nextIndex++
      const input = open.input === null || open.input === '' ? nativeInput(open.value) : open.input
      const value = input === null ? open.value : { ...open.value, input }
      out.push({ kind: 'block-start', index, block: { kind: 'native', dialect: ANTHROPIC_MESSAGES, value } })
      out.push({ kind: 'block-end', index })
      return
    }
    const { index } = open
    // Some hosts tell the whole input in the block's start.
    if (open.kind === 'tool' && !open.hasText && open.initial !== '') out.push({ kind: 'block-delta', index, text: open.initial })
    if (open.kind === 'thinking' && open.signature !== '')
      out.push({ kind: 'block-seal', index, seal: sealOfThinking(open.hasText ? ' ' : '', open.signature) })
    out.push({ kind: 'block-end', index })
  }

  private finish(out: ChatEvent[]): void {
    this.done = true
    if (!this.started) this.start(undefined, out)
    for (const key of this.open.keys()) this.close(key, out)
    if (Object.keys(this.extras).length > 0) out.push(extrasEvent({ dialect: ANTHROPIC_MESSAGES, fields: this.extras }))
    this.tellUsage(out)
    out.push({ kind: 'finish', reason: readFinish(this.stopReason), native: this.stopReason })
  }

  private fail(event: JsonObject, out: ChatEvent[]): void {
    this.done = true
    this.tellUsage(out)
    const error = isObject(event['error']) ? event['error'] : {}
    const message = errorWords(event) ?? 'The provider reported an error without words.'
    out.push({ kind: 'error', code: errorCodeOf(textOr(error['type'], ''), message), message })
  }

  private tellUsage(out: ChatEvent[]): void {
    const usage = readUsage(this.usage)
    if (usage !== null && this.started) out.push({ kind: 'usage', usage })
  }
}
