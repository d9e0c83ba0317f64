// The bytes of a stream as frames, whatever framing its provider uses. Nothing here knows a dialect.

import { AwsEventStreamReader } from './aws-event-stream.ts'
import { AwsWrappedEventsReader } from './aws-wrapped-events.ts'
import { SseReader, type FrameSource } from './sse.ts'

/** `aws-wrapped-events`: events of another language inside an AWS event stream. */
export type Framing = 'sse' | 'aws-event-stream' | 'aws-wrapped-events'

export function framingReader(framing: Framing | undefined): FrameSource {
  if (framing === 'aws-event-stream') return new AwsEventStreamReader()
  return framing === 'aws-wrapped-events' ? new AwsWrappedEventsReader() : new SseReader()
}

/** The frames are what a client of the language can be sent, the bytes are not. */
export function isWrapped(framing: Framing | undefined): boolean {
  return framing === 'aws-wrapped-events'
}

/** The media type that asks for this framing. */
export function mediaTypeOf(framing: Framing | undefined): string {
  return framing === 'aws-event-stream' || framing === 'aws-wrapped-events' ? 'application/vnd.amazon.eventstream' : 'text/event-stream'
}
