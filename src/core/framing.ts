// The bytes of a stream as frames, whatever framing its provider uses. Nothing here knows a dialect.

import { AwsEventStreamReader } from './aws-event-stream.ts'
import { SseReader, type FrameSource } from './sse.ts'

export type Framing = 'sse' | 'aws-event-stream'

export function framingReader(framing: Framing | undefined): FrameSource {
  return framing === 'aws-event-stream' ? new AwsEventStreamReader() : new SseReader()
}

/** The media type that asks for this framing. */
export function mediaTypeOf(framing: Framing | undefined): string {
  return framing === 'aws-event-stream' ? 'application/vnd.amazon.eventstream' : 'text/event-stream'
}
