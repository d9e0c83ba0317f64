// Events of a reply as the chunks of streamGenerateContent. Calls go out whole, with their signature, in the order they began.

import type { ChatEvent, Citation, JsonValue, Seal, Usage } from '../../core/canonical.ts'
import { GATEWAY_NATIVE } from '../../core/collect.ts'
import { GatewayError } from '../../core/errors.ts'
import type { Writable } from '../../core/json-raw.ts'
import { printJson } from '../../core/json-raw.ts'
import type { Frame, FrameWriter, Intent, Served } from '../contract.ts'
import { writeError } from './error-writing.ts'
import { Grounding } from './grounding-writing.ts'
import { logprobsResult } from './logprobs-writing.ts'
import type { WirePart } from './response-writing.ts'
import { writeCall, writeMedia, writeNative, writeText } from './response-writing.ts'
import { writeUsage } from './usage-writing.ts'
import { isObject, writeFinish } from './wire.ts'

type OpenText = { readonly kind: 'text' | 'reasoning'; text: string; citations: readonly Citation[] }
type OpenCall = { readonly kind: 'tool-call'; readonly id: string; readonly name: string; args: string; seal?: Seal; isWhole: boolean }

export class GeminiWriter implements FrameWriter {
  readonly #intent: Intent
  readonly #open = new Map<number, OpenText | OpenCall>()
  /** Calls that wait for their end, or for the end of one that began before. */
  readonly #calls: OpenCall[] = []
  readonly #grounding = new Grounding()
  #tail = ''
  #replyId: string
  #usage: Usage | null = null
  #isRefusal = false
  #hasCalled = false
  #isDone = false

  constructor(intent: Intent, served: Served | null) {
    this.#intent = intent
    this.#replyId = served?.requestId ?? ''
    this.#begin('', '')
  }

  write(event: ChatEvent): readonly Frame[] {
    if (this.#isDone) return []
    switch (event.kind) {
      case 'start':
        this.#begin(event.id, event.model)
        return []
      case 'block-start':
        return this.#startBlock(event)
      case 'block-delta':
        return this.#writeDelta(event.index, event.text)
      case 'block-note': {
        const open = this.#open.get(event.index)
        if (open?.kind === 'text' && event.citations !== undefined) open.citations = [...open.citations, ...event.citations]
        return this.#logprobs(event.logprobs)
      }
      case 'block-seal':
        return this.#writeSeal(event.index, event.seal)
      case 'block-end':
        return this.#endBlock(event.index)
      case 'usage':
        this.#usage = event.usage
        return []
      case 'finish':
        this.#isDone = true
        return [...this.#wholeCalls(true), this.#lastChunk(writeFinish(event.reason, event.native, this.#isRefusal))]
      case 'error':
        return this.fail(new GatewayError(event.code, event.message))
      case 'ping':
      case 'native':
        return []
      default:
        return event satisfies never
    }
  }

  fail(error: GatewayError): readonly Frame[] {
    this.#isDone = true
    return [{ data: JSON.stringify(writeError(error, null)) }]
  }

  end(): readonly Frame[] {
    return []
  }

  #begin(id: string, model: string): void {
    if (id !== '') this.#replyId = id
    const tail = { modelVersion: model || this.#intent.model, responseId: this.#replyId === '' ? undefined : this.#replyId }
    this.#tail = `,${printJson(tail).slice(1)}`
  }

  #startBlock({ index, block }: Extract<ChatEvent, { kind: 'block-start' }>): readonly Frame[] {
    switch (block.kind) {
      case 'refusal':
        this.#isRefusal = true
        this.#open.set(index, { kind: 'text', text: '', citations: [] })
        return []
      case 'text':
      case 'reasoning':
        this.#open.set(index, { kind: block.kind, text: '', citations: [] })
        return []
      case 'tool-call': {
        const call: OpenCall = { kind: 'tool-call', id: block.id, name: block.name, args: '', isWhole: false }
        this.#open.set(index, call)
        this.#calls.push(call)
        return []
      }
      case 'native':
        return this.#chunks(block.dialect === GATEWAY_NATIVE ? mediaIn(block.value) : writeNative(block.dialect, block.value))
      default:
        return block satisfies never
    }
  }

  #writeDelta(index: number, text: string): readonly Frame[] {
    const open = this.#open.get(index)
    if (open === undefined || text === '') return []
    if (open.kind === 'tool-call') {
      open.args += text
      return []
    }
    if (open.kind === 'text') open.text += text
    if (open.kind === 'reasoning' && this.#intent.hidesReasoning === true) return []
    return this.#chunks(writeText(open.kind, text, undefined))
  }

  /** The signature of a text follows it in an empty part, as Gemini itself sends it. */
  #writeSeal(index: number, seal: Seal): readonly Frame[] {
    const open = this.#open.get(index)
    if (open === undefined) return []
    if (open.kind !== 'tool-call') return this.#chunks(writeText(open.kind, '', seal))
    open.seal = seal
    return []
  }

  #endBlock(index: number): readonly Frame[] {
    const open = this.#open.get(index)
    this.#open.delete(index)
    if (open === undefined) return []
    if (open.kind === 'tool-call') {
      open.isWhole = true
      return this.#wholeCalls(false)
    }
    if (open.citations.length > 0) this.#grounding.add(open.citations, open.text)
    return []
  }

  #wholeCalls(all: boolean): readonly Frame[] {
    const frames: Frame[] = []
    for (let call = this.#calls[0]; call !== undefined && (all || call.isWhole); call = this.#calls[0]) {
      this.#calls.shift()
      frames.push(...this.#chunks([writeCall(call.id, call.name, call.args, call.seal, !this.#hasCalled)]))
      this.#hasCalled = true
    }
    return frames
  }

  #chunks(parts: readonly WirePart[]): readonly Frame[] {
    if (parts.length === 0) return []
    return [{ data: inOneLine(`{"candidates":[${printJson({ content: { parts, role: 'model' }, index: 0 })}]${this.#tail}`) }]
  }

  #logprobs(logprobs: string | undefined): readonly Frame[] {
    const result = logprobsResult(logprobs)
    if (result === undefined) return []
    const candidate = printJson({ content: { parts: [{ text: '' }], role: 'model' }, index: 0, logprobsResult: result })
    return [{ data: `{"candidates":[${candidate}]${this.#tail}` }]
  }

  #lastChunk(finishReason: string): Frame {
    const content: Writable = { parts: [{ text: '' }], role: 'model' }
    const candidate = printJson({ content, finishReason, index: 0, groundingMetadata: this.#grounding.metadata() })
    const usage = this.#usage === null ? '' : `,"usageMetadata":${JSON.stringify(writeUsage(this.#usage))}`
    return { data: `{"candidates":[${candidate}]${usage}${this.#tail}` }
  }
}

/** Google's SDKs read one data line an event. Outside of strings, where JSON has them escaped, a line break is white space: in the raw text of arguments. */
function inOneLine(json: string): string {
  return json.includes('\n') || json.includes('\r') ? json.replaceAll('\n', ' ').replaceAll('\r', ' ') : json
}

/** Pictures and sound travel in the gateway's own native block. */
function mediaIn(value: JsonValue): readonly WirePart[] {
  const part = isObject(value) ? value['part'] : undefined
  if (!isObject(part) || part['kind'] !== 'media' || !isObject(part['source']) || typeof part['mediaType'] !== 'string') return []
  const { url, base64 } = part['source']
  if (typeof base64 === 'string') return writeMedia(part['mediaType'], { at: 'inline', base64 })
  return typeof url === 'string' ? writeMedia(part['mediaType'], { at: 'url', url }) : []
}
