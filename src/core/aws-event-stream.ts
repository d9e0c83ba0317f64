// AWS event streams (application/vnd.amazon.eventstream): bytes to frames. Messages and their checksums by Smithy's codec; only where a
// message ends is ours. Source: smithy.io/2.0/aws/amazon-eventstream.html

import { EventStreamCodec } from '@smithy/core/event-streams'
import type { Frame } from '../dialects/contract.ts'
import type { FrameSource } from './sse.ts'
import { joinBytes } from './bytes.ts'
import { GatewayError } from './errors.ts'

const PRELUDE_BYTES = 12
const LEAST_BYTES = 16
/** Headers of at most 128 KiB and a payload of at most 24 MiB. */
const MOST_BYTES = 25_300_000

const decoder = new TextDecoder()
const encoder = new TextEncoder()
const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === 'string' ? bytes : decoder.decode(bytes)),
  (text) => encoder.encode(text),
)

/** A frame is an event's type and its payload; of an exception its type, of an error its code and its words as JSON. */
export class AwsEventStreamReader implements FrameSource {
  #waiting: Uint8Array[] = []
  #size = 0
  /** Bytes of the message that is being gathered; 0: not known yet. */
  #wanted = 0

  /** No client of ours speaks this framing: nothing can be added to bytes of it. */
  farewell(): null {
    return null
  }

  push(bytes: Uint8Array): readonly Frame[] {
    if (bytes.length === 0) return []
    this.#waiting.push(bytes)
    this.#size += bytes.length
    const frames: Frame[] = []
    while (this.#size >= Math.max(this.#wanted, PRELUDE_BYTES)) {
      const all = joinBytes(this.#waiting)
      const length = new DataView(all.buffer, all.byteOffset, all.byteLength).getUint32(0)
      if (length < LEAST_BYTES || length > MOST_BYTES) throw garbled('a message of an impossible length')
      this.#waiting = [all]
      this.#wanted = length
      if (all.length < length) break
      frames.push(frameOf(all.subarray(0, length)))
      const rest = all.subarray(length)
      this.#waiting = rest.length === 0 ? [] : [rest]
      this.#size = rest.length
      this.#wanted = 0
    }
    return frames
  }

  /** A message that is not whole cannot be read. */
  end(): readonly Frame[] {
    return []
  }
}

function frameOf(message: Uint8Array): Frame {
  let decoded: ReturnType<typeof codec.decode>
  try {
    decoded = codec.decode(message)
  } catch (cause) {
    throw garbled('a message that its checksums do not fit', cause)
  }
  const { headers, body } = decoded
  const said = (name: string): string => {
    const header = headers[name]
    return header?.type === 'string' ? header.value : ''
  }
  if (said(':message-type') === 'error') return { event: said(':error-code'), data: JSON.stringify({ message: said(':error-message') }) }
  return { event: said(':message-type') === 'exception' ? said(':exception-type') : said(':event-type'), data: decoder.decode(body) }
}

function garbled(what: string, cause?: unknown): GatewayError {
  return new GatewayError('upstream-garbled', `The provider sent ${what} in its event stream.`, { cause })
}
