// Server-sent events: bytes to frames and frames to bytes. Framing by eventsource-parser; nothing here knows a dialect.

import { createParser, type EventSourceParser } from 'eventsource-parser'
import type { Frame } from '../dialects/contract.ts'

/** Bytes of a stream to its frames, however they are told apart. `farewell` is the text that ends what was passed on so far by these frames; `null`: nothing can be added. */
export interface FrameSource {
  push(bytes: Uint8Array): readonly Frame[]
  end(): readonly Frame[]
  farewell(frames: readonly Frame[]): string | null
}

/** Frames of a stream to text. `end` closes the stream behind these last ones. */
export interface FrameSink {
  text(frames: readonly Frame[]): string
  end(frames: readonly Frame[]): string
}

export const SSE_SINK: FrameSink = { text: framesText, end: framesText }

/** Incremental: bytes may be cut anywhere, inside a character or between CR and LF. */
export class SseReader implements FrameSource {
  readonly #decoder = new TextDecoder()
  readonly #parser: EventSourceParser
  #frames: Frame[] = []
  /** The last bytes read did not end a frame: what is written next must first close it. */
  #isOpen = false

  constructor() {
    this.#parser = createParser({
      onEvent: (event) => {
        this.#frames.push(event.event === undefined ? { data: event.data } : { event: event.event, data: event.data })
      },
    })
  }

  /** The frames that these bytes completed. */
  push(bytes: Uint8Array): readonly Frame[] {
    if (bytes.length === 0) return NONE
    const text = this.#decoder.decode(bytes, { stream: true })
    this.#isOpen = !text.endsWith('\n\n') && !text.endsWith('\r\n\r\n')
    this.#parser.feed(text)
    return this.#take()
  }

  /** What stands behind the last blank line, if it is a whole event whose sender forgot to close it. */
  end(): readonly Frame[] {
    this.#parser.feed(`${this.#decoder.decode()}\n\n`)
    return this.#take().filter((frame) => frame.data === '[DONE]' || isJson(frame.data))
  }

  farewell(frames: readonly Frame[]): string {
    return (this.#isOpen ? '\n\n' : '') + framesText(frames)
  }

  #take(): readonly Frame[] {
    if (this.#frames.length === 0) return NONE
    const frames = this.#frames
    this.#frames = []
    return frames
  }
}

const NONE: readonly Frame[] = []

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** A frame as text. Raw JSON of a provider may hold line breaks, of any kind; each line of it is a data line then. */
export function frameText(frame: Frame): string {
  const unix = frame.data.includes('\r') ? frame.data.replaceAll('\r\n', '\n').replaceAll('\r', '\n') : frame.data
  const data = unix.includes('\n') ? unix.replaceAll('\n', '\ndata: ') : unix
  return frame.event === undefined ? `data: ${data}\n\n` : `event: ${frame.event}\ndata: ${data}\n\n`
}

/** Frames as text, in one piece: what one read brought is written in one go. */
export function framesText(frames: readonly Frame[]): string {
  let text = ''
  for (const frame of frames) text += frameText(frame)
  return text
}
