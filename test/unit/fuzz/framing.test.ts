// Framings: server-sent events and AWS event streams, wherever the bytes are cut and whatever they are.

import { EventStreamCodec } from '@smithy/core/event-streams'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AwsEventStreamReader } from '../../../src/core/aws-event-stream.ts'
import { GatewayError } from '../../../src/core/errors.ts'
import { framesText, SseReader, type FrameSource } from '../../../src/core/sse.ts'
import type { Frame } from '../../../src/dialects/contract.ts'
import { cutAt, holds, MARKS } from './holds.ts'
import { VALUE_TEXT } from './odd-text.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === 'string' ? bytes : decoder.decode(bytes)),
  (text) => encoder.encode(text),
)

function framesOf(source: FrameSource, pieces: readonly Uint8Array[]): readonly Frame[] {
  return [...pieces.flatMap((piece) => [...source.push(piece)]), ...source.end()]
}

/** A line's text: no line breaks of any kind. */
const LINE = fc.string({ unit: 'grapheme', maxLength: 8 }).map((text) => text.replaceAll(/[\r\n\0]/g, '·'))
const BREAK = fc.constantFrom('\n', '\r\n', '\r')

/** What a provider may send as one event, and the frame it is; `null`: none. */
const EVENT = fc
  .record({
    data: fc.array(
      fc.oneof(
        VALUE_TEXT.map((text) => text.replaceAll(/[\r\n]/g, ' ')),
        LINE,
      ),
      { minLength: 1, maxLength: 3 },
    ),
    event: fc.option(LINE.filter((name) => name !== '')),
    space: fc.constantFrom('', ' '),
    comment: fc.option(LINE),
    ending: BREAK,
  })
  .map(({ data, event, space, comment, ending }) => {
    // One space behind the colon is no part of the data; a text that begins with one needs it.
    const lead = (line: string): string => (line.startsWith(' ') ? ' ' : space)
    const lines = [
      ...(comment === null ? [] : [`:${comment}`]),
      ...(event === null ? [] : [`event:${lead(event)}${event}`]),
      'retry: 10',
      ...data.map((line) => `data:${lead(line)}${line}`),
      '',
    ]
    const frame: Frame = event === null ? { data: data.join('\n') } : { event, data: data.join('\n') }
    return { text: lines.map((line) => line + ending).join(''), frame }
  })

describe('server-sent events', () => {
  it('are the same frames wherever the bytes are cut, and those that were sent', () => {
    holds(
      fc.property(fc.array(EVENT, { maxLength: 5 }), MARKS, fc.boolean(), (events, marks, hasMark) => {
        const bytes = encoder.encode((hasMark ? '\uFEFF' : '') + events.map(({ text }) => text).join(''))
        expect(framesOf(new SseReader(), cutAt(bytes, marks))).toEqual(events.map(({ frame }) => frame))
      }),
      2000,
    )
  })

  it('are the same frames for any bytes wherever these are cut', () => {
    const NOISE = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc
        .array(fc.constantFrom('data', ':', ' ', '\n', '\r', '\r\n', 'event', 'é', '🙂', '{"a":1}', '[DONE]', '\0', 'id', '\uFEFF'), {
          maxLength: 30,
        })
        .map((words) => encoder.encode(words.join(''))),
    )
    holds(
      fc.property(NOISE, MARKS, (bytes, marks) => {
        expect(framesOf(new SseReader(), cutAt(bytes, marks))).toEqual(framesOf(new SseReader(), [bytes]))
      }),
      3000,
    )
  })

  it('are read as they were written, JSON with line breaks of every kind included', () => {
    const FRAME = fc.record({ event: fc.constantFrom('message_start', 'error', 'x'), data: VALUE_TEXT })
    holds(
      fc.property(fc.array(FRAME, { maxLength: 4 }), (frames) => {
        const read = framesOf(new SseReader(), [encoder.encode(framesText(frames))])
        const said = (list: readonly Frame[]): unknown => list.map(({ event, data }) => [event, JSON.parse(data)])
        expect(said(read)).toEqual(said(frames))
      }),
      1000,
    )
  })
})

const MESSAGE = fc.record({ type: fc.constantFrom('messageStart', 'contentBlockDelta', 'x'), body: VALUE_TEXT, isException: fc.boolean() })

function encoded({ type, body, isException }: { readonly type: string; readonly body: string; readonly isException: boolean }): Uint8Array {
  return codec.encode({
    headers: {
      ':message-type': { type: 'string', value: isException ? 'exception' : 'event' },
      [isException ? ':exception-type' : ':event-type']: { type: 'string', value: type },
    },
    body: encoder.encode(body),
  })
}

describe('AWS event streams', () => {
  it('are the same frames wherever the bytes are cut, and those that were sent', () => {
    holds(
      fc.property(fc.array(MESSAGE, { maxLength: 4 }), MARKS, (messages, marks) => {
        const bytes = Buffer.concat(messages.map(encoded))
        const frames = messages.map(({ type, body }) => ({ event: type, data: body }))
        expect(framesOf(new AwsEventStreamReader(), cutAt(bytes, marks))).toEqual(frames)
      }),
      800,
    )
  })

  it('throw nothing but GatewayError for bytes that are spoilt or are none of theirs', () => {
    const SPOILT = fc
      .tuple(fc.array(MESSAGE, { minLength: 1, maxLength: 3 }), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }))
      .map(([messages, spots]) => {
        const bytes = new Uint8Array(Buffer.concat(messages.map(encoded)))
        for (const [at, byte] of spots) bytes[at % bytes.length] = byte
        return bytes
      })
    holds(
      fc.property(fc.oneof(SPOILT, fc.uint8Array({ maxLength: 60 })), MARKS, (bytes, marks) => {
        try {
          framesOf(new AwsEventStreamReader(), cutAt(bytes, marks))
        } catch (error) {
          expect(error).toBeInstanceOf(GatewayError)
        }
      }),
      1000,
    )
  })
})
