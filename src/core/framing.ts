// The bytes of a stream as frames, whatever framing its provider uses. Nothing here knows a dialect.

import type { Frame } from '../dialects/contract.ts'
import { AwsEventStreamReader } from './aws-event-stream.ts'
import { SseReader } from './sse.ts'

export type Framing = 'sse' | 'aws-event-stream'

/** Incremental: bytes may be cut anywhere. */
export interface FramingReader {
  /** The last bytes read did not end a frame: what is written next must first close it. */
  readonly open: boolean
  /** The frames that these bytes completed. @throws GatewayError `upstream-garbled` for bytes that are no frames */
  push(bytes: Uint8Array): readonly Frame[]
  /** What can still be read when no more bytes come. */
  end(): readonly Frame[]
}

export function framingReader(framing: Framing | undefined): FramingReader {
  return framing === 'aws-event-stream' ? new AwsEventStreamReader() : new SseReader()
}

/** The media type that asks for this framing. */
export function mediaTypeOf(framing: Framing | undefined): string {
  return framing === 'aws-event-stream' ? 'application/vnd.amazon.eventstream' : 'text/event-stream'
}
