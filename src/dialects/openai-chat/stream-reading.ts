// Chunks of a chat stream to events, for all hosts of this language: late, repeated or doubled usage, missing `[DONE]`, and errors inside.

import type { Block, ChatEvent, Citation, JsonObject, Part, Seal, Usage } from '../../core/canonical.ts'
import { GATEWAY_NATIVE } from '../../core/collect.ts'
import { GatewayError } from '../../core/errors.ts'
import { parseKeepingRaw } from '../../core/json-raw.ts'
import type { Frame, FrameReader } from '../contract.ts'
import { CallReader, fragmentsOf } from './call-reading.ts'
import { errorInside } from './error-reading.ts'
import { firstChoice, readAnnotations, readImages, readSources, spokenIn, textIn, thoughtIn } from './response-reading.ts'
import { readUsageOf, serviceOf } from './usage.ts'
import { ANSWER_RAW, firstText, isArray, isObject, issuerOf, objectsOf, readFinish, sealIn } from './wire.ts'

type Spoken = 'text' | 'refusal' | 'reasoning'

/**
 * Usage comes after the finish reason, and llama.cpp's even after `[DONE]`, so the finish is held back until `[DONE]` with usage
 * known, or until the end.
 */
export class ChatStreamReader implements FrameReader {
  #out: ChatEvent[] = []
  #id = ''
  #model = ''
  #started = false
  #over = false
  #sawDone = false
  #finish: string | null = null
  #usage: Usage | null = null
  /** Told beside the usage, or in other chunks only. */
  #service: Pick<Usage, 'service'> = {}
  #next = 0
  #open: { readonly kind: Spoken; readonly index: number; sealed: boolean } | null = null
  #sources: readonly Citation[] = []
  /** What was said while calls were open: only calls may interleave, so it waits for their end. */
  readonly #later: { readonly kind: Spoken; text: string }[] = []
  readonly #calls = new CallReader(
    (block) => this.#start(block),
    (event) => void this.#out.push(event),
  )

  read(frame: Frame): readonly ChatEvent[] {
    if (!this.#over) this.#readData(frame)
    return this.#take()
  }

  end(): readonly ChatEvent[] {
    if (!this.#over) {
      if (this.#finish === null && !this.#sawDone)
        this.#fail(new GatewayError('upstream-cut', 'The provider’s stream stopped before its end.'))
      else this.#conclude()
    }
    return this.#take()
  }

  #take(): readonly ChatEvent[] {
    const events = this.#out
    this.#out = []
    return events
  }

  #readData({ event, data }: Frame): void {
    const text = data.trim()
    if (text === '') return
    if (text === '[DONE]') {
      this.#sawDone = true
      if (this.#usage !== null) this.#conclude()
      return
    }
    const chunk = parseChunk(text)
    if (chunk === null) return this.#fail(new GatewayError('upstream-garbled', 'The provider sent a chunk that is not a JSON object.'))
    const error = errorInside(event === 'error' && chunk['error'] === undefined ? { error: chunk } : chunk, 200)
    if (error !== null) return this.#fail(error)
    this.#readChunk(chunk)
  }

  #readChunk(chunk: JsonObject): void {
    this.#usage = readUsageOf(chunk, this.#usage) ?? this.#usage
    this.#service = { ...this.#service, ...serviceOf(chunk) }
    this.#id ||= firstText(chunk['id'])
    this.#model ||= firstText(chunk['model'])
    const sources = readSources(chunk)
    if (sources.length > 0) this.#sources = sources
    const choice = firstChoice(chunk)
    if (choice === null) return
    this.#begin()
    this.#readDelta(spokenIn(choice, 'delta', 'message'))
    if (typeof choice['logprobs'] === 'string') this.#noteLogprobs(choice['logprobs'])
    const finish = firstText(choice['finish_reason'])
    if (finish === 'error') this.#fail(new GatewayError('upstream-failed', 'The provider ended the reply with an error.'))
    else if (finish !== '') this.#finish = finish
  }

  #readDelta(delta: JsonObject): void {
    const content = delta['content']
    const details = objectsOf(delta['reasoning_details'])
    const thought =
      firstText(delta['reasoning_content'], delta['reasoning']) ||
      thoughtIn(content) ||
      details.map((detail) => firstText(detail['text'], detail['summary'])).join('')
    if (thought !== '') this.#say('reasoning', thought)
    for (const detail of details) this.#readDetailSeal(detail)
    const text = textIn(content)
    if (text !== '') this.#say('text', text)
    const seal = sealIn(delta['extra_content'])
    if (seal !== undefined && !isArray(delta['tool_calls'])) this.#seal('text', seal)
    const citations = readAnnotations(delta['annotations'])
    if (citations.length > 0 && this.#open?.kind === 'text') this.#out.push({ kind: 'block-note', index: this.#open.index, citations })
    const refusal = firstText(delta['refusal'])
    if (refusal !== '') this.#say('refusal', refusal)
    for (const image of readImages(delta['images'])) this.#show(image)
    for (const fragment of fragmentsOf(delta)) {
      this.#close()
      this.#calls.read(fragment)
    }
  }

  #say(kind: Spoken, text: string): void {
    if (this.#calls.count > 0) {
      const last = this.#later.at(-1)
      if (last?.kind === kind) last.text += text
      else this.#later.push({ kind, text })
      return
    }
    // A signature ends the thought it signs: what follows is another one.
    if (this.#open === null || this.#open.kind !== kind || this.#open.sealed) {
      this.#close()
      this.#open = { kind, index: this.#start({ kind }), sealed: false }
    }
    this.#out.push({ kind: 'block-delta', index: this.#open.index, text })
  }

  #readDetailSeal(detail: JsonObject): void {
    const value = firstText(detail['signature'], detail['data'])
    if (value === '') return
    const issuer = issuerOf(detail['format'])
    const seal = { issuer, value }
    const callId = firstText(detail['id'])
    if (callId !== '' && this.#calls.seal(callId, seal)) return
    // A redacted thought of Anthropic or Gemini stands alone; OpenAI's belongs to the summary before it.
    const alone = firstText(detail['signature']) === '' && issuer !== 'openai'
    if (alone) this.#close()
    this.#seal('reasoning', seal)
    if (alone) this.#close()
  }

  #seal(kind: Spoken, seal: Seal): void {
    if (this.#calls.count > 0) return // the reply's calls have begun: what this seals is closed
    if (this.#open === null || this.#open.kind !== kind || this.#open.sealed) {
      this.#close()
      this.#open = { kind, index: this.#start({ kind }), sealed: false }
    }
    this.#open.sealed = true
    this.#out.push({ kind: 'block-seal', index: this.#open.index, seal })
  }

  #noteLogprobs(logprobs: string): void {
    if (
      this.#open !== null &&
      !/^\{\s*("content"|"refusal")\s*:\s*null\s*,\s*("content"|"refusal")\s*:\s*null\s*\}$/.test(logprobs.slice(0, 80))
    ) {
      this.#out.push({ kind: 'block-note', index: this.#open.index, logprobs })
    }
  }

  /** Events have no block for pictures: the gateway's own native block carries the part. */
  #show(part: Part): void {
    if (part.kind !== 'media' || part.source.at === 'file') return
    this.#close()
    const source = part.source.at === 'inline' ? { at: 'inline', base64: part.source.base64 } : { at: 'url', url: part.source.url }
    const value = { part: { kind: 'media', mediaType: part.mediaType, source } }
    this.#out.push({ kind: 'block-end', index: this.#start({ kind: 'native', dialect: GATEWAY_NATIVE, value }) })
  }

  #begin(): void {
    if (this.#started) return
    this.#started = true
    this.#calls.replyId = this.#id
    this.#out.push({ kind: 'start', id: this.#id, model: this.#model })
  }

  #start(block: Block): number {
    const index = this.#next++
    this.#out.push({ kind: 'block-start', index, block })
    return index
  }

  #close(): void {
    if (this.#open === null) return
    const { kind, index } = this.#open
    if (kind === 'text' && this.#sources.length > 0) {
      this.#out.push({ kind: 'block-note', index, citations: this.#sources })
      this.#sources = []
    }
    this.#out.push({ kind: 'block-end', index })
    this.#open = null
  }

  #closeAll(): void {
    this.#begin()
    this.#close()
    this.#calls.close()
    for (const { kind, text } of this.#later.splice(0)) {
      const index = this.#start({ kind })
      this.#out.push({ kind: 'block-delta', index, text }, { kind: 'block-end', index })
    }
    if (this.#usage !== null) this.#out.push({ kind: 'usage', usage: { ...this.#usage, ...this.#service } })
  }

  #conclude(): void {
    const hasCalls = this.#calls.count > 0
    this.#closeAll()
    this.#over = true
    this.#out.push({ kind: 'finish', reason: readFinish(this.#finish, hasCalls), native: this.#finish })
  }

  #fail({ code, message }: GatewayError): void {
    // Before anything was said an error stands alone, so that the gateway may still go elsewhere.
    if (this.#started) this.#closeAll()
    this.#over = true
    this.#out.push({ kind: 'error', code, message })
  }
}

/** Raw texts are kept only where there are some: the scan costs as much as the parse. */
function parseChunk(text: string): JsonObject | null {
  try {
    if (text.includes('"arguments"') || text.includes('"logprobs"')) return parseKeepingRaw(text, ANSWER_RAW)
    const chunk: unknown = JSON.parse(text)
    return isObject(chunk) ? chunk : null
  } catch {
    return null
  }
}
