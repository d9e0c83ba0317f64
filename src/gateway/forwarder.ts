// Forward: the bytes as they are, read along for the books. Only the usage chunk of a client that did not ask is taken out, and events that
// a provider wraps in a framing of its own are unwrapped.

import { joinBytes } from '../core/bytes.ts'
import { framingReader, isWrapped } from '../core/framing.ts'
import { framesText } from '../core/sse.ts'
import type { Frame } from '../dialects/contract.ts'
import { NO_BYTES, type Carrier, type Step } from './carrier.ts'
import type { CommittedStream } from './commit.ts'
import type { ChatJob } from './job.ts'
import { UsageFilter } from './usage-filter.ts'

const encoder = new TextEncoder()

export function forwarder(job: ChatJob, from: CommittedStream): Carrier {
  const { source, frames, tally, opened } = from
  const { upstream, voice } = opened.way
  const wrapped = isWrapped(voice.framing)
  const filter = job.intent.wantsUsage ? null : new UsageFilter(upstream)
  const see = (list: readonly Frame[]): void => {
    for (const frame of list) {
      if (upstream.worthReading(frame.data)) for (const event of frames.read(frame)) tally.see(event)
      else tally.contentLength += frame.data.length >> 3 // an event is mostly its envelope
    }
  }
  const filtered = (bytes: Uint8Array): Uint8Array => (filter === null ? bytes : filter.push(bytes))
  const pass = (bytes: Uint8Array, list: readonly Frame[]): Uint8Array => filtered(wrapped ? encoder.encode(framesText(list)) : bytes)
  const end = (): Step => {
    if (!from.over) {
      see(source.end())
      if (tally.failure === null) for (const event of frames.end()) tally.see(event)
    }
    // An error that the provider itself sent has passed through; one that nobody sent must be said.
    const unsaid = tally.failure?.code === 'upstream-cut' || tally.failure?.code === 'upstream-garbled' ? tally.failure : null
    return { bytes: filter === null ? NO_BYTES : filter.end(), progress: true, failure: unsaid }
  }
  return {
    begin() {
      const again = wrapped ? framingReader(voice.framing) : null // `source` has gone past what was held
      const pieces = from.held.map((bytes) => pass(bytes, again?.push(bytes) ?? []))
      const last = from.over ? end() : { bytes: NO_BYTES, progress: true, failure: null }
      return { ...last, bytes: joinBytes([...pieces, last.bytes]) }
    },
    take(bytes) {
      const list = source.push(bytes)
      see(list)
      return { bytes: pass(bytes, list), progress: list.length > 0, failure: null }
    },
    end,
    cut() {
      if (!from.over) tally.cut(frames, job.intent.choices)
    },
    fail(error) {
      return encoder.encode(source.farewell(job.client.writer(job.intent, null).fail(error)) ?? '')
    },
  }
}
