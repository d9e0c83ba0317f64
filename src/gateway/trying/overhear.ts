// Listens along to an answer that is to be compared with another: its first words are kept in memory until then, and nothing is said of it elsewhere.

import type { ChatEvent, ChatResponse } from '../../core/canonical.ts'
import type { Heard } from '../../core/shadow.ts'
import type { Carrier, Step } from '../carrier.ts'
import { frameSource, type CommittedStream, type CommittedWhole } from '../commit.ts'
import type { ChatJob } from '../job.ts'

/** Of texts in UTF-16: 64 kB. */
const MOST_CHARACTERS = 32_768
/** A whole answer is read only when it is compared; a larger one is not kept for that. */
const MOST_BYTES = 65_536

export class Ear {
  #text = ''
  #characters = 0
  #finish: Heard['finish'] = null
  #hasHeard = false
  #isDeaf = false
  #later: (() => ChatResponse) | null = null
  /** Blocks of thoughts, which are no part of the answer. */
  readonly #thoughts = new Set<number>()

  /** `null`: nothing was heard, or not all of it could be. */
  get heard(): Heard | null {
    if (this.#later !== null) {
      const read = this.#later
      this.#later = null
      this.#try(() => this.#takeResponse(read()))
    }
    if (this.#isDeaf || !this.#hasHeard) return null
    return { text: this.#text, characters: this.#characters, finish: this.#finish }
  }

  /** What comes now is of another target, and what was heard no whole answer. */
  deafen(): void {
    this.#isDeaf = true
  }

  hearWhole({ response, bytes, opened }: Pick<CommittedWhole, 'response' | 'bytes' | 'opened'>): void {
    if (bytes.length > MOST_BYTES) this.#isDeaf = true
    else this.#later = () => response ?? opened.way.upstream.read(new TextDecoder().decode(bytes))
  }

  /** The same carrier, and what it is given is heard. Read by a reader of its own: the carriers skip what does not concern the books. */
  along<C extends Carrier>(carrier: C, job: ChatJob, from: CommittedStream): C {
    const source = frameSource(job, from.opened.way)
    const frames = from.opened.way.upstream.reader()
    const hear = (bytes: Uint8Array): void =>
      this.#try(() => {
        for (const frame of source.push(bytes)) for (const event of frames.read(frame)) this.#take(event)
      })
    const end = (): void =>
      this.#try(() => {
        for (const frame of source.end()) for (const event of frames.read(frame)) this.#take(event)
        for (const event of frames.end()) this.#take(event)
      })
    const begin = (): Step => {
      for (const bytes of from.held) hear(bytes)
      if (from.over) end()
      return carrier.begin()
    }
    const take = (bytes: Uint8Array): Step => {
      hear(bytes)
      return carrier.take(bytes)
    }
    const over = (): Step => {
      end()
      return carrier.end()
    }
    return { ...carrier, begin, take, end: over }
  }

  /** Whatever goes wrong in here must not become the answer's trouble. */
  #try(hear: () => void): void {
    if (this.#isDeaf) return
    try {
      hear()
    } catch {
      this.#isDeaf = true
    }
  }

  #take(event: ChatEvent): void {
    this.#hasHeard = true
    if (event.kind === 'block-start') {
      if (event.block.kind === 'reasoning') this.#thoughts.add(event.index)
      else this.#thoughts.delete(event.index)
      if (event.block.kind === 'tool-call') this.#add(` ${event.block.name} `)
    } else if (event.kind === 'block-delta' && !this.#thoughts.has(event.index)) this.#add(event.text)
    else if (event.kind === 'finish') this.#finish = event.reason
  }

  #takeResponse({ parts, finish }: ChatResponse): void {
    this.#hasHeard = true
    this.#finish = finish.reason
    for (const part of parts) {
      if (part.kind === 'text' || part.kind === 'refusal') this.#add(part.text)
      else if (part.kind === 'tool-call') this.#add(` ${part.name} ${part.arguments}`)
    }
  }

  #add(text: string): void {
    this.#characters += text.length
    if (this.#text.length < MOST_CHARACTERS) this.#text += text.slice(0, MOST_CHARACTERS - this.#text.length)
  }
}
