// Events of a reply as OpenAI's chat completion chunks.

import type { ChatEvent, Citation, Seal, Usage } from '../../core/canonical.ts'
import { GATEWAY_NATIVE } from '../../core/collect.ts'
import { GatewayError } from '../../core/errors.ts'
import { printJson, Raw, type Writable } from '../../core/json-raw.ts'
import type { Frame, FrameWriter, Intent } from '../contract.ts'
import { writeError } from './error-writing.ts'
import { detailsOf } from './reasoning-details.ts'
import { distinctCallId } from './response-reading.ts'
import { writeCitation, writeImage, writeSeal } from './response-writing.ts'
import { writeUsage } from './usage.ts'
import { isObject, writeFinish } from './wire.ts'

type Open =
  | { readonly kind: 'text' | 'refusal'; readonly before: number }
  | { readonly kind: 'reasoning'; text: string }
  | { readonly kind: 'tool-call'; readonly call: number; hasArguments: boolean }

export class ChatStreamWriter implements FrameWriter {
  readonly #intent: Intent
  readonly #open = new Map<number, Open>()
  readonly #taken = new Set<string>()
  #head = ''
  #replyId = ''
  #calls = 0
  #details = 0
  #textLength = 0
  #usage: Usage | null = null
  #failed = false

  constructor(intent: Intent) {
    this.#intent = intent
  }

  write(event: ChatEvent): readonly Frame[] {
    if (this.#failed) return []
    switch (event.kind) {
      case 'start':
        return this.#begin(event.id, event.model)
      case 'block-start':
        return this.#startBlock(event)
      case 'block-delta':
        return this.#writeDelta(event.index, event.text)
      case 'block-note':
        return this.#writeNote(event.index, event.citations ?? [], event.logprobs)
      case 'block-seal':
        return this.#writeSeal(event.index, event.seal)
      case 'block-end':
        return this.#endBlock(event.index)
      case 'usage':
        this.#usage = event.usage
        return []
      case 'finish':
        return [this.#chunk({}, writeFinish(event.reason))]
      case 'error':
        return this.fail(new GatewayError(event.code, event.message))
      case 'ping':
      case 'native':
        return []
      default:
        return event satisfies never
    }
  }

  /** No `[DONE]` comes after an error: clients take it for a good end. */
  fail(error: GatewayError): readonly Frame[] {
    this.#failed = true
    return [{ data: printJson(writeError(error)) }]
  }

  end(): readonly Frame[] {
    if (this.#failed) return []
    const done = { data: '[DONE]' }
    if (!this.#intent.wantsUsage || this.#usage === null) return [done]
    return [{ data: `${this.#headText()}"choices":[],"usage":${printJson(writeUsage(this.#usage))}}` }, done]
  }

  #begin(id: string, model: string): readonly Frame[] {
    this.#replyId = id
    const { nowSeconds } = this.#intent
    const head = {
      id: id === '' ? `chatcmpl-${nowSeconds}` : id,
      object: 'chat.completion.chunk',
      created: nowSeconds,
      model: model || this.#intent.model,
    }
    this.#head = `${printJson(head).slice(0, -1)},`
    return [this.#chunk({ role: 'assistant', content: '', refusal: null })]
  }

  #startBlock({ index, block }: Extract<ChatEvent, { kind: 'block-start' }>): readonly Frame[] {
    switch (block.kind) {
      case 'text':
        this.#open.set(index, { kind: 'text', before: this.#textLength })
        return []
      case 'refusal':
        this.#open.set(index, { kind: 'refusal', before: 0 })
        return []
      case 'reasoning':
        this.#open.set(index, { kind: 'reasoning', text: '' })
        return []
      case 'tool-call': {
        const call = this.#calls++
        const id = distinctCallId(block.id, this.#replyId, call, this.#taken)
        this.#open.set(index, { kind: 'tool-call', call, hasArguments: false })
        return [this.#callChunk(call, { id, type: 'function', function: { name: block.name, arguments: '' } })]
      }
      case 'native':
        return this.#writeNative(block.dialect, block.value)
      default:
        return block satisfies never
    }
  }

  #writeDelta(index: number, text: string): readonly Frame[] {
    const open = this.#open.get(index)
    if (open === undefined || text === '') return []
    switch (open.kind) {
      case 'text':
        this.#textLength += text.length
        return [this.#chunk({ content: text })]
      case 'refusal':
        return [this.#chunk({ refusal: text })]
      case 'reasoning':
        open.text += text
        return [this.#chunk({ reasoning_content: text })]
      case 'tool-call':
        open.hasArguments = true
        return [this.#callChunk(open.call, { function: { arguments: text } })]
      default:
        return open satisfies never
    }
  }

  #writeNote(index: number, citations: readonly Citation[], logprobs: string | undefined): readonly Frame[] {
    const open = this.#open.get(index)
    const before = open?.kind === 'text' ? open.before : 0
    const frames: Frame[] = []
    if (citations.length > 0) frames.push(this.#chunk({ annotations: citations.map((citation) => writeCitation(citation, before)) }))
    if (logprobs !== undefined) frames.push(this.#chunk({}, null, logprobs))
    return frames
  }

  #writeSeal(index: number, seal: Seal): readonly Frame[] {
    const open = this.#open.get(index)
    if (open === undefined) return []
    if (open.kind === 'tool-call') return [this.#callChunk(open.call, { extra_content: writeSeal(seal) })]
    if (open.kind !== 'reasoning') return [this.#chunk({ extra_content: writeSeal(seal) })]
    // The whole thought once more, beside its seal: a client that keeps only these items sends back what the vendor must see.
    const details = detailsOf(open.text, seal, this.#details)
    this.#details += details.length
    return [this.#chunk({ reasoning_details: details })]
  }

  #endBlock(index: number): readonly Frame[] {
    const open = this.#open.get(index)
    this.#open.delete(index)
    if (open?.kind !== 'tool-call' || open.hasArguments) return []
    return [this.#callChunk(open.call, { function: { arguments: '{}' } })]
  }

  /** Pictures travel in the gateway's own native block. */
  #writeNative(dialect: string, value: unknown): readonly Frame[] {
    const part = dialect === GATEWAY_NATIVE && isObject(value) ? value['part'] : undefined
    if (!isObject(part) || part['kind'] !== 'media' || !isObject(part['source']) || typeof part['mediaType'] !== 'string') return []
    const { url, base64 } = part['source']
    const source =
      typeof url === 'string' ? ({ at: 'url', url } as const) : typeof base64 === 'string' ? ({ at: 'inline', base64 } as const) : null
    if (source === null) return []
    const images = writeImage({ kind: 'media', mediaType: part['mediaType'], source })
    return images.length === 0 ? [] : [this.#chunk({ images })]
  }

  #callChunk(call: number, members: { readonly [name: string]: Writable }): Frame {
    return this.#chunk({ tool_calls: [{ index: call, ...members }] })
  }

  #chunk(delta: Writable, finish: string | null = null, logprobs: string | null = null): Frame {
    const choice = printJson({ index: 0, delta, logprobs: logprobs === null ? null : new Raw(logprobs), finish_reason: finish })
    return { data: `${this.#headText()}"choices":[${choice}]}` }
  }

  #headText(): string {
    if (this.#head === '') this.#begin('', '')
    return this.#head
  }
}
