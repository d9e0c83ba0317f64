// Events of a reply as OpenAI's Responses stream: every item is added, grows and is done, and the last event repeats the whole response.

import type { Block, ChatEvent, Citation, FinishReason, Seal, Usage } from '../../core/canonical.ts'
import { GATEWAY_NATIVE } from '../../core/collect.ts'
import { GatewayError } from '../../core/errors.ts'
import { printJson, type Writable } from '../../core/json-raw.ts'
import type { Frame, FrameWriter, Intent } from '../contract.ts'
import { writeError } from '../openai-chat/error-writing.ts'
import { isObject } from '../openai-chat/wire.ts'
import { writeAnnotations } from './annotations.ts'
import {
  argumentsOf,
  callItem,
  callSealItem,
  contentPart,
  imageItem,
  ItemIds,
  messageItem,
  reasoningItem,
  writeLogprobs,
  type Call,
} from './output-items.ts'
import { responseObject } from './response-writing.ts'
import { incompleteReason, OPENAI_RESPONSES } from './wire.ts'

type Message = { readonly id: string; readonly at: number; readonly contents: Said[]; open: number; isLast: boolean }
type Said = { readonly kind: 'text' | 'refusal'; text: string; readonly citations: Citation[]; readonly logprobs: string[] }
type Open =
  | { readonly kind: 'said'; readonly message: Message; readonly content: number; readonly said: Said }
  | { readonly kind: 'thought'; item: { readonly id: string; readonly at: number } | null; text: string; seal: Seal | undefined }
  | { readonly kind: 'call'; readonly call: Call; readonly at: number; text: string; seal: Seal | undefined }

export class ResponsesStreamWriter implements FrameWriter {
  readonly #intent: Intent
  readonly #open = new Map<number, Open>()
  /** Finished items, by their place in the output. */
  readonly #output: Writable[] = []
  #ids: ItemIds
  #model: string
  #frames: Frame[] = []
  #sequence = 0
  #places = 0
  #message: Message | null = null
  #usage: Usage | null = null
  #started = false
  #over = false

  constructor(intent: Intent) {
    this.#intent = intent
    this.#ids = new ItemIds('', intent.nowSeconds)
    this.#model = intent.model
  }

  write(event: ChatEvent): readonly Frame[] {
    if (!this.#over) this.#take(event)
    return this.#drain()
  }

  fail(error: GatewayError): readonly Frame[] {
    if (!this.#over) this.#fail(error)
    return this.#drain()
  }

  end(): readonly Frame[] {
    return []
  }

  #drain(): readonly Frame[] {
    const frames = this.#frames
    this.#frames = []
    return frames
  }

  #take(event: ChatEvent): void {
    switch (event.kind) {
      case 'start':
        return this.#begin(event.id, event.model)
      case 'block-start':
        return this.#startBlock(event.index, event.block)
      case 'block-delta':
        return this.#writeDelta(event.index, event.text)
      case 'block-note':
        return this.#writeNote(event.index, event.citations ?? [], event.logprobs)
      case 'block-seal': {
        const open = this.#open.get(event.index)
        if (open !== undefined && open.kind !== 'said') open.seal = event.seal
        return
      }
      case 'block-end':
        return this.#endBlock(event.index)
      case 'usage':
        this.#usage = event.usage
        return
      case 'finish':
        return this.#finish(event.reason)
      case 'error':
        return this.#fail(new GatewayError(event.code, event.message))
      case 'ping':
      case 'native':
        return
      default:
        event satisfies never
    }
  }

  #begin(id: string, model: string): void {
    if (this.#started) return
    this.#started = true
    this.#ids = new ItemIds(id, this.#intent.nowSeconds)
    if (model !== '') this.#model = model
    this.#putResponse('response.created', null)
    this.#putResponse('response.in_progress', null)
  }

  #startBlock(index: number, block: Block): void {
    this.#begin('', '')
    if (block.kind !== 'text' && block.kind !== 'refusal') this.#leaveMessage()
    switch (block.kind) {
      case 'text':
      case 'refusal':
        return this.#startContent(index, block.kind)
      case 'reasoning':
        this.#open.set(index, { kind: 'thought', item: null, text: '', seal: undefined })
        return
      case 'tool-call': {
        const call = { id: this.#ids.item('fc'), callId: this.#ids.call(block.id), name: block.name }
        const at = this.#add(callItem(call, '', 'in_progress'))
        this.#open.set(index, { kind: 'call', call, at, text: '', seal: undefined })
        return
      }
      case 'native':
        if (block.dialect === OPENAI_RESPONSES) this.#addDone(block.value)
        else if (block.dialect === GATEWAY_NATIVE) this.#addImage(block.value)
        return
      default:
        block satisfies never
    }
  }

  #startContent(index: number, kind: 'text' | 'refusal'): void {
    if (this.#message === null) {
      const id = this.#ids.item('msg')
      this.#message = { id, at: this.#add(messageItem(id, [], 'in_progress')), contents: [], open: 0, isLast: true }
    }
    const message = this.#message
    const said: Said = { kind, text: '', citations: [], logprobs: [] }
    const content = message.contents.push(said) - 1
    message.open++
    this.#open.set(index, { kind: 'said', message, content, said })
    this.#put('response.content_part.added', { ...placeOf(message), content_index: content, part: contentPart(said) })
  }

  #writeDelta(index: number, text: string): void {
    const open = this.#open.get(index)
    if (open === undefined || text === '') return
    switch (open.kind) {
      case 'said': {
        open.said.text += text
        const place = { ...placeOf(open.message), content_index: open.content, delta: text }
        if (open.said.kind === 'refusal') this.#put('response.refusal.delta', place)
        else this.#put('response.output_text.delta', { ...place, logprobs: [] })
        return
      }
      case 'thought': {
        const item = this.#showThought(open)
        if (open.text === '') {
          this.#put('response.reasoning_summary_part.added', { ...placeOf(item), summary_index: 0, part: summaryPart('') })
        }
        open.text += text
        this.#put('response.reasoning_summary_text.delta', { ...placeOf(item), summary_index: 0, delta: text })
        return
      }
      case 'call':
        open.text += text
        this.#put('response.function_call_arguments.delta', { ...placeOf({ id: open.call.id, at: open.at }), delta: text })
        return
      default:
        open satisfies never
    }
  }

  #writeNote(index: number, citations: readonly Citation[], logprobs: string | undefined): void {
    const open = this.#open.get(index)
    if (open?.kind !== 'said') return
    if (logprobs !== undefined) open.said.logprobs.push(logprobs)
    for (const citation of citations) {
      const [annotation] = writeAnnotations([citation])
      if (annotation === undefined) continue
      const place = { ...placeOf(open.message), content_index: open.content, annotation_index: open.said.citations.length }
      open.said.citations.push(citation)
      this.#put('response.output_text.annotation.added', { ...place, annotation })
    }
  }

  #endBlock(index: number): void {
    const open = this.#open.get(index)
    this.#open.delete(index)
    switch (open?.kind) {
      case 'said':
        return this.#endContent(open.message, open.content, open.said)
      case 'thought':
        return this.#endThought(open)
      case 'call':
        return this.#endCall(open)
      case undefined:
        return
      default:
        open satisfies never
    }
  }

  #endContent(message: Message, content: number, said: Said): void {
    const place = { ...placeOf(message), content_index: content }
    const part = contentPart(said)
    if (said.kind === 'refusal') this.#put('response.refusal.done', { ...place, refusal: said.text })
    else this.#put('response.output_text.done', { ...place, text: said.text, logprobs: writeLogprobs(said.logprobs) })
    this.#put('response.content_part.done', { ...place, part })
    message.open--
    // The last message stays open: only the finish tells whether it is complete.
    if (message.open === 0 && !message.isLast) this.#done(message.at, messageItem(message.id, message.contents, 'completed'))
  }

  #leaveMessage(): void {
    const message = this.#message
    this.#message = null
    if (message === null) return
    message.isLast = false
    if (message.open === 0) this.#done(message.at, messageItem(message.id, message.contents, 'completed'))
  }

  #showThought(open: Extract<Open, { kind: 'thought' }>): { readonly id: string; readonly at: number } {
    if (open.item !== null) return open.item
    const id = this.#ids.item('rs')
    open.item = { id, at: this.#add(reasoningItem(id, '', undefined, 'in_progress')) }
    return open.item
  }

  /** A thought without text or seal is no item. */
  #endThought(open: Extract<Open, { kind: 'thought' }>): void {
    if (open.item === null && open.seal === undefined) return
    const item = this.#showThought(open)
    if (open.text !== '') {
      const place = { ...placeOf(item), summary_index: 0 }
      this.#put('response.reasoning_summary_text.done', { ...place, text: open.text })
      this.#put('response.reasoning_summary_part.done', { ...place, part: summaryPart(open.text) })
    }
    this.#done(item.at, reasoningItem(item.id, open.text, open.seal, 'completed'))
  }

  #endCall({ call, at, text, seal }: Extract<Open, { kind: 'call' }>): void {
    const place = placeOf({ id: call.id, at })
    const args = argumentsOf(text)
    if (text === '') this.#put('response.function_call_arguments.delta', { ...place, delta: args })
    this.#put('response.function_call_arguments.done', { ...place, name: call.name, arguments: args })
    this.#done(at, callItem(call, args, 'completed'))
    if (seal !== undefined) this.#addDone(callSealItem(this.#ids.item('rs'), call.callId, seal))
  }

  /** Pictures travel in the gateway's own native block. */
  #addImage(value: unknown): void {
    const part = isObject(value) ? value['part'] : undefined
    if (!isObject(part) || part['kind'] !== 'media' || !isObject(part['source'])) return
    const { mediaType, source } = part
    if (typeof mediaType !== 'string' || !mediaType.startsWith('image/') || typeof source['base64'] !== 'string') return
    this.#addDone(imageItem(this.#ids.item('ig'), mediaType, source['base64']))
  }

  #finish(reason: FinishReason): void {
    this.#begin('', '')
    for (const index of this.#open.keys()) this.#endBlock(index)
    const message = this.#message
    const reasonOfCut = incompleteReason(reason)
    if (message !== null) {
      this.#done(message.at, messageItem(message.id, message.contents, reasonOfCut === null ? 'completed' : 'incomplete'))
      this.#message = null
    }
    this.#over = true
    this.#putResponse(reasonOfCut === null ? 'response.completed' : 'response.incomplete', reason)
  }

  /** As OpenAI does: an `error` event, and a failed response where one was begun. Its SDKs throw for the member `error`; its reference has the flat members. */
  #fail(error: GatewayError): void {
    this.#over = true
    const { error: said } = writeError(error)
    if (!isObject(said)) return
    const { type: _, ...flat } = said
    this.#put('error', { ...flat, error: said })
    if (this.#started) this.#putResponse('response.failed', 'failed', { code: said['code'] ?? 'server_error', message: said['message'] })
  }

  #add(item: Writable): number {
    const at = this.#places++
    this.#put('response.output_item.added', { output_index: at, item })
    return at
  }

  #addDone(item: Writable): void {
    this.#done(this.#add(item), item)
  }

  #done(at: number, item: Writable): void {
    this.#output[at] = item
    this.#put('response.output_item.done', { output_index: at, item })
  }

  #putResponse(type: string, end: FinishReason | 'failed' | null, error: Writable = null): void {
    const output = end === null ? [] : this.#output.filter((item) => item !== undefined)
    const told = { id: this.#ids.responseId, model: this.#model, output, usage: end === null ? null : this.#usage, end, error }
    this.#put(type, { response: responseObject(this.#intent, told) })
  }

  #put(type: string, members: { readonly [name: string]: Writable }): void {
    this.#frames.push({ event: type, data: printJson({ type, sequence_number: this.#sequence++, ...members }) })
  }
}

function placeOf({ id, at }: { readonly id: string; readonly at: number }): { readonly item_id: string; readonly output_index: number } {
  return { item_id: id, output_index: at }
}

function summaryPart(text: string): Writable {
  return { type: 'summary_text', text }
}
