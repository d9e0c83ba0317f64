// Reads an answer along for its books alone: nothing is carried to anybody. For whoever goes on reading when the client has left.

import { joinBytes } from '../core/bytes.ts'
import type { Testimony } from '../core/estate.ts'
import { framingReader } from '../core/framing.ts'
import { JsonArrayReader } from '../core/json-array.ts'
import type { FrameSource } from '../core/sse.ts'
import type { FrameReader, UpstreamDialect } from '../dialects/contract.ts'
import { upstreamDialect } from '../dialects/index.ts'
import type { Language } from '../ports.ts'
import { Tally } from './tally.ts'

/** A whole answer that is larger is not kept: what it used is then counted from its length. */
const MOST_KEPT_BYTES = 2_097_152

export class Witness {
  readonly #upstream: UpstreamDialect
  readonly #choices: number
  readonly #status: number
  readonly #headers: Headers
  readonly #tally: Tally
  readonly #stream: { readonly source: FrameSource; readonly frames: FrameReader } | null
  /** Of a whole answer; `null`: it is too large. */
  #kept: Uint8Array[] | null = []
  #size = 0
  #isOver = false

  constructor(language: Language, answer: { readonly status: number; readonly headers: Headers }) {
    this.#upstream = upstreamDialect(language.dialect)
    this.#tally = new Tally(language.emptyIsFree)
    this.#choices = language.choices
    this.#status = answer.status
    this.#headers = answer.headers
    const isArray = language.framing === 'json-array'
    const source = isArray ? new JsonArrayReader() : framingReader(language.framing)
    this.#stream = isFramed(language, answer) ? { source, frames: this.#upstream.reader() } : null
  }

  take(bytes: Uint8Array): void {
    this.#size += bytes.length
    if (this.#stream !== null) this.#read(this.#stream.source.push(bytes))
    else if (this.#size > MOST_KEPT_BYTES) this.#kept = null
    else this.#kept?.push(bytes)
  }

  /** The provider has ended its answer. */
  end(): void {
    this.#isOver = true
    if (this.#stream === null) return
    this.#read(this.#stream.source.end())
    if (this.#tally.failure === null) for (const event of this.#stream.frames.end()) this.#tally.see(event)
  }

  /** What is known when nothing more comes; of an answer that broke off too. Once. */
  tell(): Testimony {
    if (this.#stream === null) return this.#tellWhole()
    if (!this.#isOver) this.#tally.cut(this.#stream.frames, this.#choices)
    return this.#told(this.#isOver && this.#tally.failure === null)
  }

  #read(frames: ReturnType<FrameSource['push']>): void {
    if (this.#stream === null) return
    for (const frame of frames) {
      if (this.#upstream.worthReading(frame.data)) for (const event of this.#stream.frames.read(frame)) this.#tally.see(event)
      else this.#tally.contentLength += frame.data.length >> 3 // an event is mostly its envelope
    }
  }

  #tellWhole(): Testimony {
    const failed = this.#status < 200 || this.#status >= 300
    this.#tally.contentLength = this.#size
    if (this.#kept === null || !this.#isOver) return { ...this.#told(this.#isOver && !failed), refused: this.#status >= 400 }
    const text = new TextDecoder().decode(joinBytes(this.#kept))
    if (failed || text.includes('"error"')) {
      const refused = this.#upstream.readError(this.#status, this.#headers, text)?.detail.upstream !== undefined || this.#status >= 400
      if (failed || refused) return { ...this.#told(false), refused }
    }
    try {
      const { usage, finish } = this.#upstream.readUsage(text)
      this.#tally.usage = usage
      this.#tally.finished(finish, null)
    } catch {
      return this.#told(false) // no answer in this language: nobody knows what it used
    }
    return this.#told(true)
  }

  #told(whole: boolean): Testimony {
    const { usage, finish, contentLength, unbilled, upstreamId } = this.#tally
    return { seen: { usage, finish, contentLength, unbilled }, upstreamId, whole, refused: this.#isOver && unbilled }
  }
}

function isFramed(language: Language, { status, headers }: { readonly status: number; readonly headers: Headers }): boolean {
  const type = headers.get('content-type') ?? ''
  if (status < 200 || status >= 300) return false
  if (language.framing === 'json-array') return type.includes('json')
  if (/text\/event-stream|amazon\.eventstream/.test(type)) return true
  return language.stream && !type.includes('json')
}
