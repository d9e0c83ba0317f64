// Whoever reads an answer on for its books alone learns what whoever carries it learns: held against every recording.

import { describe, expect, it } from 'vitest'
import { framingReader, type Framing } from '../../src/core/framing.ts'
import { upstreamDialect } from '../../src/dialects/index.ts'
import { Tally } from '../../src/gateway/tally.ts'
import { Witness } from '../../src/gateway/witness.ts'
import { answerText, RECORDINGS, type Recording } from '../support/recordings.ts'

const streams = RECORDINGS.filter(({ status, answer }) => status === 200 && 'stream' in answer)
const wholes = RECORDINGS.filter(({ status, answer }) => status === 200 && 'json' in answer)
const encoder = new TextEncoder()

const framingOf = ({ binary }: Recording): Framing | undefined => (binary === null ? undefined : 'aws-event-stream')
const bytesOf = (recording: Recording): Uint8Array =>
  recording.binary === null ? encoder.encode(answerText(recording)) : new Uint8Array(recording.binary)

function witnessOf(recording: Recording, stream: boolean): Witness {
  const framing = framingOf(recording)
  const type = !stream ? 'application/json' : framing === undefined ? 'text/event-stream' : 'application/vnd.amazon.eventstream'
  const dialect = upstreamDialect(recording.dialect as Parameters<typeof upstreamDialect>[0]).id
  return new Witness(
    { dialect, framing, stream, choices: 1, emptyIsFree: false },
    { status: 200, headers: new Headers({ 'content-type': type }) },
  )
}

/** What a translation would have learned: every frame read. */
function readWhole(recording: Recording): Tally {
  const tally = new Tally()
  const source = framingReader(framingOf(recording))
  const frames = upstreamDialect(recording.dialect as Parameters<typeof upstreamDialect>[0]).reader()
  for (const frame of [...source.push(bytesOf(recording)), ...source.end()]) for (const event of frames.read(frame)) tally.see(event)
  for (const event of frames.end()) tally.see(event)
  return tally
}

describe('a witness of an answer', () => {
  it.each(streams)('learns the usage and the finish of the stream $id', (recording) => {
    const tally = readWhole(recording)
    const witness = witnessOf(recording, true)
    const bytes = bytesOf(recording)
    for (let at = 0; at < bytes.length; at += 111) witness.take(bytes.subarray(at, at + 111))
    witness.end()
    const { seen, whole } = witness.tell()
    expect({ usage: seen.usage, finish: seen.finish, whole }).toEqual({
      usage: tally.usage,
      finish: tally.finish,
      whole: tally.failure === null,
    })
  })

  it.each(wholes)('learns the usage of the answer $id', (recording) => {
    const text = answerText(recording)
    const witness = witnessOf(recording, false)
    witness.take(encoder.encode(text))
    witness.end()
    const told = upstreamDialect(recording.dialect as Parameters<typeof upstreamDialect>[0]).readUsage(text)
    expect(witness.tell()).toMatchObject({ whole: true, refused: false, seen: told })
  })
})
