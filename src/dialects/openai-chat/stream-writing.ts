// Events of a reply as OpenAI's chat completion chunks.

import type { ChatEvent, Citation, Seal, Usage } from '../../core/canonical.ts'
import { GATEWAY_NATIVE } from '../../core/collect.ts'
import { GatewayError } from '../../core/errors.ts'
import { printJson, Raw, type Writable } from '../../core/json-raw.ts'
import type { Frame, FrameWriter } from '../contract.ts'
import { distinctCallId } from './response-reading.ts'
import { writeCitation, writeImage, writeSeal } from './response-writing.ts'
import type { Spelling } from './spelling.ts'
import { isObject, writeFinish } from './wire.ts'

type Open =
  | { readonly kind: 'text' | 'refusal'; readonly before: number }
  | { readonly kind: 'reasoning'; text: string; detailed: boolean; sealed: boolean }
  /** `head`: its first piece, not sent yet: some clients look for a signature there and nowhere else. */
  | {
      readonly kind: 'tool-call'
      readonly id: string
      readonly call: number
      hasArguments: boolean
      head: { readonly [name: string]: Writable } | null
    }

type Finish = { readonly reason: string; readonly native: string | null }

export class ChatStreamWriter implements FrameWriter {
  readonly #spelling: Spelling
  readonly #open = new Map<number, Open>()
  readonly #taken = new Set<string>()
  #head = ''
  #replyId = ''
  #calls = 0
  #details = 0
  #textLength = 0
  #usage: Usage | null = null
  #failed = false

  constructor(spelling: Spelling) {
    this.#spelling = spelling
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
        return [this.#chunk({}, { reason: writeFinish(event.reason), native: event.native })]
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
    return [{ data: printJson(this.#spelling.failure(error)) }]
  }

  end(): readonly Frame[] {
    if (this.#failed) return []
    const done = { data: '[DONE]' }
    const { last } = this.#spelling
    const usage = this.#spelling.tellsUsage && this.#usage !== null ? this.#spelling.usage(this.#usage) : undefined
    if (usage === undefined && last === undefined) return [done]
    return [{ data: `${this.#headText()}"choices":[],${printJson({ usage, ...last }).slice(1)}` }, done]
  }

  #begin(id: string, model: string): readonly Frame[] {
    this.#replyId = id
    this.#head = `${printJson(this.#spelling.head('chat.completion.chunk', id, model)).slice(0, -1)},`
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
        if (this.#spelling.reasoning !== null) this.#open.set(index, { kind: 'reasoning', text: '', detailed: false, sealed: false })
        return []
      case 'tool-call': {
        const call = this.#calls++
        const id = distinctCallId(block.id, this.#replyId, call, this.#taken)
        const head = { id, type: 'function', function: { name: block.name, arguments: '' } }
        this.#open.set(index, { kind: 'tool-call', id, call, hasArguments: false, head })
        return []
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
        return [this.#thoughtChunk(open, text)]
      case 'tool-call':
        open.hasArguments = true
        return [...this.#headOf(open), this.#callChunk(open.call, { function: { arguments: text } })]
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
    if (open.kind === 'tool-call') {
      const detail = this.#spelling.ofCall(open.id, seal, this.#details)
      // Readers that check a chunk's shape want a `function` in every piece of a call.
      if (detail === null) return this.#headOf(open, { function: { arguments: '' }, extra_content: writeSeal(seal) })
      this.#details++
      return [...this.#headOf(open), this.#chunk({ reasoning_details: [detail] })]
    }
    if (open.kind !== 'reasoning') return [this.#chunk({ extra_content: writeSeal(seal) })]
    open.sealed = true
    const details = this.#spelling.sealing(open.text, seal, this.#details)
    this.#details += details.length
    return [this.#chunk({ reasoning_details: details })]
  }

  #endBlock(index: number): readonly Frame[] {
    const open = this.#open.get(index)
    this.#open.delete(index)
    if (open?.kind === 'reasoning' && open.detailed && !open.sealed) this.#details++
    if (open?.kind !== 'tool-call' || open.hasArguments) return []
    return [...this.#headOf(open), this.#callChunk(open.call, { function: { arguments: '{}' } })]
  }

  /** The first piece of a call, once, with `more` in it; later, `more` alone. */
  #headOf(open: Extract<Open, { kind: 'tool-call' }>, more?: { readonly [name: string]: Writable }): readonly Frame[] {
    const { head, call } = open
    open.head = null
    if (head !== null) return [this.#callChunk(call, { ...more, ...head })]
    return more === undefined ? [] : [this.#callChunk(call, more)]
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

  #thoughtChunk(open: Extract<Open, { kind: 'reasoning' }>, text: string): Frame {
    const details = this.#spelling.piece(text, this.#details)
    open.detailed ||= details.length > 0
    return this.#chunk({
      [this.#spelling.reasoning ?? 'reasoning']: text,
      ...(details.length === 0 ? {} : { reasoning_details: details }),
    })
  }

  #chunk(delta: Writable, finish: Finish | null = null, logprobs: string | null = null): Frame {
    const choice = printJson({
      index: 0,
      delta,
      logprobs: logprobs === null ? null : new Raw(logprobs),
      finish_reason: finish?.reason ?? null,
      ...this.#spelling.choice(finish?.native ?? null),
    })
    return { data: `${this.#headText()}"choices":[${choice}]}` }
  }

  #headText(): string {
    if (this.#head === '') this.#begin('', '')
    return this.#head
  }
}
