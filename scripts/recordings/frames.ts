// What stands in the frames of a recorded stream, by libraries alone: the judge of our own framing must not be our own framing.

import { createParser } from 'eventsource-parser'
import { EventStreamCodec } from '@smithy/core/event-streams'
import type { Answer } from './exchange.ts'
import { isRecord, parsed, textAt } from './look.ts'

const decoder = new TextDecoder()
const encoder = new TextEncoder()
const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === 'string' ? bytes : decoder.decode(bytes)),
  (text) => encoder.encode(text),
)

/** The JSON values of a stream, in order. Of an AWS event stream each is `{ <event type>: <payload> }`. */
export function valuesOf(answer: Answer): readonly unknown[] {
  if ('bytes' in answer) return awsValues(answer.bytes)
  if ('json' in answer) return Array.isArray(answer.json) ? answer.json : [answer.json]
  const values: unknown[] = []
  const parser = createParser({
    onEvent: ({ data }) => {
      const value = parsed(data)
      if (value !== undefined) values.push(value)
    },
  })
  parser.feed(`${answer.stream}\n\n`)
  return values
}

/** Of events of another language that an AWS event stream wraps in base64, those events; an exception of AWS is an `error` of theirs. */
export function wrappedValuesOf(answer: Answer): readonly unknown[] {
  return valuesOf(answer).map((value) => {
    const bytes = textAt(value, 'chunk', 'bytes')
    if (bytes !== '') return parsed(Buffer.from(bytes, 'base64').toString('utf8'))
    return { type: 'error', error: isRecord(value) ? Object.values(value)[0] : value }
  })
}

/** Messages begin with their own length. */
function awsValues(bytes: Uint8Array): readonly unknown[] {
  const values: unknown[] = []
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let from = 0; from + 16 <= bytes.length;) {
    const length = view.getUint32(from)
    const { headers, body } = codec.decode(bytes.subarray(from, from + length))
    const said = (name: string): string => {
      const header = headers[name]
      return header?.type === 'string' ? header.value : ''
    }
    values.push({ [said(':event-type') || said(':exception-type') || said(':error-code')]: parsed(decoder.decode(body)) ?? {} })
    from += length
  }
  return values
}
