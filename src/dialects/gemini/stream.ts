// GenerateContentResponse frames → canonical events. Keeps the state of one reply; a whole answer is a stream of one frame.

import type { ChatEvent, JsonObject, JsonValue } from '../../core/canonical.ts'
import { GATEWAY_NATIVE } from '../../core/collect.ts'
import { GatewayError } from '../../core/errors.ts'
import { parseKeepingRaw } from '../../core/json-raw.ts'
import type { Frame, FrameReader } from '../contract.ts'
import { citationsOf, logprobsOf } from './citation-reading.ts'
import { objectIn } from '../provider-error.ts'
import { frameError } from './error-reading.ts'
import { StreamedArguments } from './streamed-arguments.ts'
import {
  DIALECT,
  ISSUER,
  RESPONSE_RAW,
  candidateOf,
  finishOf,
  isObject,
  listOf,
  objectOf,
  paidSearches,
  textOf,
  usageFrom,
} from './wire.ts'

type OpenText = { readonly kind: 'text' | 'reasoning'; readonly index: number; text: string }
type OpenCall = {
  readonly kind: 'tool-call'
  readonly index: number
  whole: string | null
  readonly pieces: StreamedArguments
  isStreamed: boolean
}

/** Text goes on over frames until a part of another kind, or a signature, which belongs to the part it stands on. */
export class GeminiReader implements FrameReader {
  #out: ChatEvent[] = []
  #open: OpenText | OpenCall | null = null
  #sealed = false
  #started = false
  #ended = false
  #id = ''
  #model = ''
  #blocks = 0
  #calls = 0
  #usage: JsonObject = {}
  #searches = 0
  #usageSaid = ''
  #finish: string | null = null
  #blocked: string | null = null
  /** Grounding comes at the end of the text it speaks of, and again with each later frame. */
  #notes: JsonObject = {}

  read(frame: Frame): readonly ChatEvent[] {
    if (this.#ended || frame.data === '' || frame.data === '[DONE]') return []
    let response: JsonObject
    try {
      response = parseKeepingRaw(frame.data, RESPONSE_RAW)
    } catch (error) {
      const listed = objectIn(frame.data)
      if (listed === null) return this.#fail(error instanceof GatewayError ? error.message : 'The frame cannot be read.')
      response = listed
    }
    this.#response(response)
    return this.#take()
  }

  end(): readonly ChatEvent[] {
    if (this.#ended) return []
    this.#close()
    this.#ended = true
    const native = this.#finish ?? this.#blocked
    if (native === null) this.#out.push({ kind: 'error', code: 'upstream-cut', message: 'The reply stopped before its end.' })
    else this.#out.push({ kind: 'finish', reason: this.#finish === null ? 'filtered' : finishOf(this.#finish, this.#calls > 0), native })
    return this.#take()
  }

  /** For a whole answer, which cannot be cut: some hosts leave the reason out. */
  endWhole(): readonly ChatEvent[] {
    if (this.#ended || this.#finish !== null || this.#blocked !== null) return this.end()
    this.#close()
    this.#ended = true
    this.#out.push({ kind: 'finish', reason: this.#calls > 0 ? 'tool-calls' : this.#blocks > 0 ? 'stop' : 'other', native: null })
    return this.#take()
  }

  #response(response: JsonObject): void {
    const error = frameError(response)
    if (error !== null) {
      this.#ended = true
      this.#out.push({ kind: 'error', ...error })
      return
    }
    const candidate = candidateOf(response)
    if (!this.#started) {
      this.#started = true
      this.#id = textOf(response['responseId']) ?? ''
      this.#model = textOf(response['modelVersion']) ?? ''
      this.#out.push({ kind: 'start', id: this.#id, model: this.#model })
    }
    for (const part of listOf(objectOf(candidate['content'])['parts'])) if (isObject(part) && !this.#ended) this.#part(part)
    if (this.#ended) return
    this.#noteText(candidate)
    const finish = candidate['finishReason']
    if (finish !== undefined && finish !== null && finish !== 'FINISH_REASON_UNSPECIFIED')
      this.#finish = typeof finish === 'string' ? finish : JSON.stringify(finish)
    this.#blocked ??= textOf(objectOf(response['promptFeedback'])['blockReason'])
    this.#count(response['usageMetadata'], candidate)
  }

  #part(part: JsonObject): void {
    const { text, functionCall, inlineData, thoughtSignature, ...rest } = part
    const signature = textOf(thoughtSignature)
    if (isObject(functionCall)) return this.#call(functionCall, signature)
    if (typeof text === 'string') return this.#text(part['thought'] === true ? 'reasoning' : 'text', text, signature)
    const data = objectOf(inlineData)
    if (typeof data['data'] === 'string') {
      const media = {
        kind: 'media',
        mediaType: textOf(data['mimeType']) ?? 'application/octet-stream',
        source: { at: 'inline', base64: data['data'] },
      }
      return this.#whole(GATEWAY_NATIVE, { part: media })
    }
    if (Object.keys(rest).some((name) => name !== 'thought')) return this.#whole(DIALECT, part)
    if (signature !== null) this.#text('text', '', signature)
  }

  #text(kind: OpenText['kind'], text: string, signature: string | null): void {
    if (text === '' && signature === null) return
    let open = this.#open
    if (open === null || open.kind === 'tool-call' || open.kind !== kind || this.#sealed) {
      this.#close()
      open = { kind, index: this.#blocks++, text: '' }
      this.#open = open
      this.#out.push({ kind: 'block-start', index: open.index, block: { kind } })
    }
    if (text !== '') {
      open.text += text
      this.#out.push({ kind: 'block-delta', index: open.index, text })
    }
    if (signature === null) return
    // A signed part stands alone, but it stays open: its sources may come with a later frame.
    this.#sealed = true
    this.#out.push({ kind: 'block-seal', index: open.index, seal: { issuer: ISSUER, value: signature } })
  }

  #call(call: JsonObject, signature: string | null): void {
    const name = textOf(call['name'])
    const goesOn = call['willContinue'] === true
    if (name !== null) {
      this.#close()
      const index = this.#blocks++
      const id = textOf(call['id']) ?? this.#madeId(name)
      this.#calls++
      this.#open = { kind: 'tool-call', index, whole: textOf(call['args']), pieces: new StreamedArguments(), isStreamed: false }
      this.#out.push({ kind: 'block-start', index, block: { kind: 'tool-call', id, name } })
    }
    const open = this.#open
    if (open?.kind !== 'tool-call') return // a piece of no call
    if (listOf(call['partialArgs']).length > 0) {
      open.isStreamed = true
      if (!open.pieces.add(call['partialArgs'])) {
        this.#out.push(...this.#failure('The arguments of a call cannot be put together.'))
        return
      }
    }
    if (signature !== null) this.#out.push({ kind: 'block-seal', index: open.index, seal: { issuer: ISSUER, value: signature } })
    if (!goesOn) this.#close()
  }

  /** A block that comes in one piece. */
  #whole(dialect: string, value: JsonValue): void {
    this.#close()
    const index = this.#blocks++
    this.#out.push({ kind: 'block-start', index, block: { kind: 'native', dialect, value } }, { kind: 'block-end', index })
  }

  #close(): void {
    const open = this.#open
    if (open === null) return
    this.#open = null
    this.#sealed = false
    if (open.kind === 'tool-call') {
      const text = open.isStreamed || open.whole === null ? open.pieces.text() : open.whole
      this.#out.push({ kind: 'block-delta', index: open.index, text })
    }
    if (open.kind === 'text') {
      const citations = citationsOf(this.#notes, open.text)
      if (citations.length > 0) this.#out.push({ kind: 'block-note', index: open.index, citations })
      this.#notes = {}
    }
    this.#out.push({ kind: 'block-end', index: open.index })
  }

  #noteText(candidate: JsonObject): void {
    if (this.#open?.kind !== 'text') return
    for (const name of ['groundingMetadata', 'citationMetadata']) {
      const value = candidate[name]
      if (isObject(value) && Object.keys(value).length > 0) this.#notes = { ...this.#notes, [name]: value }
    }
    const logprobs = logprobsOf(candidate)
    if (logprobs !== null) this.#out.push({ kind: 'block-note', index: this.#open.index, logprobs })
  }

  /** Each frame's counts are cumulative; a count that a later frame leaves out stays. */
  #count(metadata: JsonValue | undefined, candidate: JsonObject): void {
    this.#searches = Math.max(this.#searches, paidSearches(candidate, this.#model))
    if (isObject(metadata)) this.#usage = { ...this.#usage, ...metadata }
    const usage = usageFrom(this.#usage, this.#searches)
    if (usage === null) return
    const said = JSON.stringify(usage)
    if (said === this.#usageSaid) return
    this.#usageSaid = said
    this.#out.push({ kind: 'usage', usage })
  }

  /** Most replies name no call; ids must differ between the replies of a conversation too. */
  #madeId(name: string): string {
    const reply = this.#id.replace(/[^\w-]/g, '').slice(0, 28)
    return reply === '' ? `call_${this.#calls}_${name.replace(/[^\w-]/g, '_').slice(0, 28)}` : `call_${reply}_${this.#calls}`
  }

  #fail(message: string): readonly ChatEvent[] {
    this.#out.push(...this.#failure(message))
    return this.#take()
  }

  #failure(message: string): readonly ChatEvent[] {
    this.#ended = true
    return [{ kind: 'error', code: 'upstream-garbled', message }]
  }

  #take(): readonly ChatEvent[] {
    const out = this.#out
    this.#out = []
    return out
  }
}
