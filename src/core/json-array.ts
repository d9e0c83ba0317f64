// A stream framed as one JSON array, as Google sends it without `alt=sse`: bytes to elements and elements to text. Knows no dialect.

import type { Frame } from '../dialects/contract.ts'
import type { FrameSink, FrameSource } from './sse.ts'

/** Incremental: bytes may be cut anywhere. Elements are told apart by their brackets; what stands in them is not checked. */
export class JsonArrayReader implements FrameSource {
  readonly #decoder = new TextDecoder()
  #place: 'before' | 'between' | 'inside' | 'behind' = 'before'
  #hasElements = false
  #depth = 0
  #inString = false
  #escaped = false
  #element: string[] = []

  /** The elements that these bytes completed. */
  push(bytes: Uint8Array): readonly Frame[] {
    if (bytes.length === 0) return NONE
    const text = this.#decoder.decode(bytes, { stream: true })
    const frames: Frame[] = []
    let start = 0
    for (let at = 0; at < text.length; at++) {
      const c = text.charCodeAt(at)
      if (this.#place === 'inside') {
        if (!this.#isLast(c)) continue
        this.#element.push(text.slice(start, at + 1))
        frames.push({ data: this.#element.join('') })
        this.#element = []
        this.#place = 'between'
        this.#hasElements = true
      } else if (this.#place === 'before') {
        if (c === OPEN_LIST) this.#place = 'between'
      } else if (this.#place === 'between') {
        if (c === OPEN_OBJECT || c === OPEN_LIST) {
          this.#place = 'inside'
          this.#depth = 1
          start = at
        } else if (c === CLOSE_LIST) this.#place = 'behind'
      }
    }
    if (this.#place === 'inside') this.#element.push(text.slice(start))
    return frames
  }

  /** An element that was never closed is none. */
  end(): readonly Frame[] {
    return NONE
  }

  /** What makes these frames the last elements of what has been passed on so far; `null`: nothing can be added to it. */
  farewell(frames: readonly Frame[]): string | null {
    if (this.#place === 'inside' || this.#place === 'behind') return null
    const list = frames.map((frame) => frame.data).join(',\n')
    return `${this.#place === 'before' ? '[' : this.#hasElements ? ',\n' : ''}${list}]\n`
  }

  /** Does this character close the element? */
  #isLast(c: number): boolean {
    if (this.#escaped) this.#escaped = false
    else if (c === BACKSLASH) this.#escaped = this.#inString
    else if (c === QUOTE) this.#inString = !this.#inString
    else if (!this.#inString) {
      if (c === OPEN_OBJECT || c === OPEN_LIST) this.#depth++
      else if (c === CLOSE_OBJECT || c === CLOSE_LIST) return --this.#depth === 0
    }
    return false
  }
}

const NONE: readonly Frame[] = []
const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/** Frames as elements of one array. */
export class JsonArrayWriter implements FrameSink {
  #isBegun = false

  text(frames: readonly Frame[]): string {
    let text = ''
    for (const frame of frames) {
      text += (this.#isBegun ? ',\r\n' : '[') + frame.data + '\n'
      this.#isBegun = true
    }
    return text
  }

  /** What closes the array behind these last frames. */
  end(frames: readonly Frame[]): string {
    const last = this.text(frames)
    return this.#isBegun ? `${last}]\n` : '[]\n'
  }
}
