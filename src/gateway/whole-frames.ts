// What a client is passed of a forwarded stream that may be ended early: whole frames only, so that words of our own can follow at any time.

import { joinBytes } from '../core/bytes.ts'
import { JsonArrayReader, JsonArrayWriter } from '../core/json-array.ts'
import { framingReader, isWrapped } from '../core/framing.ts'
import { framesText, type FrameSource } from '../core/sse.ts'
import type { Usage } from '../core/canonical.ts'
import { NO_BYTES, type Step, type StoppableCarrier } from './carrier.ts'
import type { CommittedStream } from './commit.ts'
import type { ChatJob } from './job.ts'
import { UsageFilter } from './usage-filter.ts'

const encoder = new TextEncoder()
const LEAVES_NOTHING_OUT = { isUsageOnly: () => false }

/** Forward with every event read: what runs can be counted exactly, and be stopped. */
export function stoppableForwarder(job: ChatJob, from: CommittedStream): StoppableCarrier {
  const { source, frames, tally, opened } = from
  const { upstream, voice } = opened.way
  const isArray = source instanceof JsonArrayReader
  const isRewritten = isArray || isWrapped(voice.framing)
  const filter = new UsageFilter(job.intent.wantsUsage ? LEAVES_NOTHING_OUT : upstream)
  const elements = new JsonArrayWriter()
  const cutter = job.client.cutter(job.intent)
  /** The bytes of these frames as the client gets them. */
  const passed = (bytes: Uint8Array, list: ReturnType<FrameSource['push']>): Uint8Array => {
    for (const frame of list) cutter.see(frame)
    if (isArray) return encoder.encode(elements.text(list))
    return filter.push(isRewritten ? encoder.encode(framesText(list)) : bytes)
  }
  const end = (): Step => {
    if (!from.over) {
      for (const frame of source.end()) for (const event of frames.read(frame)) tally.see(event)
      if (tally.failure === null) for (const event of frames.end()) tally.see(event)
    }
    // An error that the provider itself sent has passed through; one that nobody sent must be said.
    const unsaid = tally.failure?.code === 'upstream-cut' || tally.failure?.code === 'upstream-garbled' ? tally.failure : null
    if (isArray) return { bytes: unsaid === null ? encoder.encode(elements.end([])) : NO_BYTES, progress: true, failure: unsaid }
    return { bytes: filter.end(), progress: true, failure: unsaid }
  }
  return {
    begin() {
      // What was held is read once more for its frames: the events of them are counted already.
      const again: FrameSource = isArray ? new JsonArrayReader() : framingReader(voice.framing)
      const pieces = from.held.map((bytes) => passed(bytes, again.push(bytes)))
      const last = from.over ? end() : { bytes: NO_BYTES, progress: true, failure: null }
      return { ...last, bytes: joinBytes([...pieces, last.bytes]) }
    },
    take(bytes) {
      const list = source.push(bytes)
      tally.frames += list.length
      for (const frame of list) for (const event of frames.read(frame)) tally.see(event)
      return { bytes: passed(bytes, list), progress: list.length > 0, failure: null }
    },
    end,
    cut() {
      if (!from.over) tally.cut(frames, job.intent.choices)
    },
    fail(error) {
      const said = job.client.writer(job.intent, null).fail(error)
      return encoder.encode(isArray ? elements.end(said) : framesText(said))
    },
    stop(usage: Usage) {
      const said = cutter.cut(usage)
      return said === null ? null : encoder.encode(isArray ? elements.end(said) : framesText(said))
    },
  }
}
