// Forward: the bytes as they are, read along for the books. Only the usage chunk of a client that did not ask is taken out.

import { joinBytes } from '../core/bytes.ts'
import type { Frame } from '../dialects/contract.ts'
import { NO_BYTES, type Carrier, type Step } from './carrier.ts'
import type { CommittedStream } from './commit.ts'
import type { ChatJob } from './job.ts'
import { UsageFilter } from './usage-filter.ts'

const encoder = new TextEncoder()

export function forwarder(job: ChatJob, from: CommittedStream): Carrier {
  const { source, frames, tally, opened } = from
  const { upstream } = opened.way
  const filter = job.intent.wantsUsage ? null : new UsageFilter(upstream)
  const see = (list: readonly Frame[]): void => {
    for (const frame of list) {
      if (upstream.worthReading(frame.data)) for (const event of frames.read(frame)) tally.see(event)
      else tally.contentLength += frame.data.length >> 3 // an event is mostly its envelope
    }
  }
  const pass = (bytes: Uint8Array): Uint8Array => (filter === null ? bytes : filter.push(bytes))
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
      const pieces = from.held.map(pass)
      const last = from.over ? end() : { bytes: NO_BYTES, progress: true, failure: null }
      return { ...last, bytes: joinBytes([...pieces, last.bytes]) }
    },
    take(bytes) {
      const list = source.push(bytes)
      see(list)
      return { bytes: pass(bytes), progress: list.length > 0, failure: null }
    },
    end,
    fail(error) {
      return encoder.encode(source.farewell(job.client.writer(job.intent, null).fail(error)) ?? '')
    },
  }
}
