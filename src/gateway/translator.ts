// Translate: frames of the provider's language to frames of the client's; what one read brought is written in one go.

import type { ChatEvent } from '../core/canonical.ts'
import { GatewayError } from '../core/errors.ts'
import { JsonArrayWriter } from '../core/json-array.ts'
import { SSE_SINK, type FrameSink } from '../core/sse.ts'
import type { Frame } from '../dialects/contract.ts'
import { NO_BYTES, type Step, type StoppableCarrier } from './carrier.ts'
import type { CommittedStream } from './commit.ts'
import type { Continuation } from './trying/continuation.ts'
import type { ChatJob } from './job.ts'
import { named, servedBy } from './served-by.ts'

const encoder = new TextEncoder()

/** One that another target's answer can be put into: `begin` then begins with that one. */
export type ContinuableCarrier = StoppableCarrier & { goOn(next: CommittedStream): void }

export function translator(job: ChatJob, first: CommittedStream, continuation: Continuation | null = null): ContinuableCarrier {
  let from = first
  const sink: FrameSink = job.intent.framing === 'json-array' ? new JsonArrayWriter() : SSE_SINK
  const writer = job.client.writer(job.intent, continuation?.served ?? servedBy(job, first.opened.candidate))
  let failure: GatewayError | null = null
  /** Blocks that are begun and not ended, as the client knows it. */
  const open = new Set<number>()
  let isOver = false
  const write = (events: readonly ChatEvent[]): string => {
    let text = ''
    for (const event of continuation?.through(events) ?? events) {
      if (failure !== null) break
      if (event.kind === 'error') failure = new GatewayError(event.code, from.opened.hide(event.message))
      else {
        if (event.kind === 'block-start') open.add(event.index)
        else if (event.kind === 'block-end') open.delete(event.index)
        else if (event.kind === 'finish') isOver = true
        text += sink.text(writer.write(event.kind === 'start' ? named(event, job, first.opened.candidate) : event))
      }
    }
    return text
  }
  const read = (list: readonly Frame[]): { readonly text: string; readonly progress: boolean } => {
    let text = ''
    let progress = false
    const { frames, tally } = from
    tally.frames += list.length
    for (const frame of list) {
      const events = frames.read(frame)
      for (const event of events) {
        tally.see(event)
        progress ||= event.kind !== 'ping'
      }
      text += write(events)
    }
    return { text, progress }
  }
  const step = (text: string, progress: boolean): Step => ({ bytes: text === '' ? NO_BYTES : encoder.encode(text), progress, failure })
  const close = (): string => (failure === null ? sink.end(writer.end()) : '')
  return {
    begin() {
      const text = (continuation?.mark() ?? '') + write(from.events)
      return step(from.over ? text + close() : text, true)
    },
    take(bytes) {
      const { text, progress } = read(from.source.push(bytes))
      return step(text, progress)
    },
    end() {
      const { text } = read(from.source.end())
      const last = from.frames.end()
      for (const event of last) from.tally.see(event)
      const whole = text + write(last)
      return step(whole + close(), true)
    },
    cut() {
      if (!from.over) from.tally.cut(from.frames, job.intent.choices)
    },
    fail(error) {
      return encoder.encode(sink.end(writer.fail(error)))
    },
    goOn(next) {
      from = next
      failure = null
    },
    stop(usage) {
      if (isOver || failure !== null) return null
      const ends = [...open].map((index): ChatEvent => ({ kind: 'block-end', index }))
      const text = write([...ends, { kind: 'usage', usage }, { kind: 'finish', reason: 'length', native: null }])
      return encoder.encode(text + close())
    },
  }
}
