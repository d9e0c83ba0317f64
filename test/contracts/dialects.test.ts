// The contract of every upstream dialect, held against its recordings: reading streams, whole answers and errors. Names no dialect.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ChatEvent } from '../../src/core/canonical.ts'
import { collect, replay } from '../../src/core/collect.ts'
import { GatewayError } from '../../src/core/errors.ts'
import type { Frame, UpstreamDialect } from '../../src/dialects/contract.ts'
import { UPSTREAM_DIALECTS } from '../../src/dialects/index.ts'
import { chance, offsets, oneOf, whole } from '../support/chance.ts'
import { mutated } from '../support/mutate.ts'
import { answerText, RECORDINGS, recordingsOf, saidIn, textsOf, type Recording } from '../support/recordings.ts'
import { grammarFault, namelessCalls } from './dialect-grammar.ts'
import { eventsOf, framesOf, recordedEvents, streamBytes } from './dialect-play.ts'
import { JUDGES, plainOf, SDK_CANNOT_READ } from './dialect-sdk.ts'

const EVERY_OFFSET_BELOW_BYTES = 8192
const SEEDED_OFFSETS = 200
const SPOILT_FRAMES = 2000
/** Where a provider says that a reply is done, in any wire language: a stream cut before it was cut short. */
const SAYS_FINISH =
  /"(finish_reason|finishReason|stop_reason|stopReason|blockReason)"\s*:\s*"|"type"\s*:\s*"response\.(completed|incomplete|failed)"/

describe.each(UPSTREAM_DIALECTS.map((dialect) => ({ id: dialect.id, dialect })))('upstream dialect $id', ({ id, dialect }) => {
  const recordings = recordingsOf(id)
  const streams = recordings.filter((recording) => recording.streaming && recording.status < 400)
  const wholes = recordings.filter((recording) => !recording.streaming && recording.status < 400)
  const errors = recordings.filter((recording) => recording.status >= 400)

  it('has recordings to be held against: streams, whole answers and errors', () => {
    expect([streams.length, wholes.length, errors.length].every((count) => count > 0)).toBe(true)
  })

  it.each(streams)('reads the same frames of $id wherever the bytes are cut', (recording) => {
    const bytes = streamBytes(recording)
    const uncut = JSON.stringify(framesOf([bytes]))
    const every = bytes.length <= EVERY_OFFSET_BELOW_BYTES ? bytes.length : SEEDED_OFFSETS
    const bad = offsets(recording.id, bytes.length, every).filter(
      (at) => JSON.stringify(framesOf([bytes.subarray(0, at), bytes.subarray(at)])) !== uncut,
    )
    expect(bad).toEqual([])
  })

  it.each(streams)('reads the same events of $id from bytes that come one at a time', (recording) => {
    const bytes = streamBytes(recording)
    const single = framesOf(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)))
    expect(eventsOf(dialect, single)).toEqual(recordedEvents(dialect, recording))
  })

  it.each(streams)('tells $id as a well-formed reply', (recording) => {
    const events = recordedEvents(dialect, recording)
    expect(grammarFault(events)).toBeNull()
    expect(namelessCalls(events)).toEqual([])
  })

  it.each(streams)('ends $id in a finish, or in an error if the provider said one', (recording) => {
    const last = recordedEvents(dialect, recording).at(-1)
    expect(last?.kind).toBe(recording.features.includes('error_in_stream') ? 'error' : 'finish')
  })

  it.each(streams)('ends $id in one error and no finish when it is cut before its finish', (recording) => {
    const frames = framesOf([streamBytes(recording)])
    const finish = frames.findIndex((frame) => SAYS_FINISH.test(frame.data))
    for (let kept = 0; kept < (finish < 0 ? frames.length : finish); kept++) {
      const events = eventsOf(dialect, frames.slice(0, kept))
      expect(ends(events), `after ${kept} frames`).toEqual(['error'])
      if (kept < frames.length - 1) expect(events.at(-1), `after ${kept} frames`).toMatchObject({ code: 'upstream-cut' })
    }
  })

  it.each(streams)('ends $id once when it is cut after its finish was said', (recording) => {
    const frames = framesOf([streamBytes(recording)])
    const finish = frames.findIndex((frame) => SAYS_FINISH.test(frame.data))
    if (finish < 0) return expect(recording.features).toContain('error_in_stream')
    for (let kept = finish + 1; kept <= frames.length; kept++) {
      expect(ends(eventsOf(dialect, frames.slice(0, kept))), `after ${kept} of ${frames.length} frames`).toHaveLength(1)
    }
  })

  it.each(streams.filter((recording) => !recording.features.includes('error_in_stream')))(
    'collects $id and replays it into the same reply',
    (recording) => {
      const response = collect(recordedEvents(dialect, recording))
      const replayed = replay(response)
      expect(grammarFault(replayed)).toBeNull()
      expect(collect(replayed)).toEqual(response)
    },
  )

  it.each(wholes)('reads the whole answer $id into a reply that can be streamed', (recording) => {
    const response = dialect.read(answerText(recording))
    const replayed = replay(response)
    expect(grammarFault(replayed)).toBeNull()
    expect(collect(replayed)).toEqual(response)
  })

  it.each(JUDGES[id] === undefined || JUDGES[id].isOurs === true ? [] : [...streams, ...wholes].filter(isForSdk))(
    'reads $id as the official SDK of the language does',
    async (recording) => {
      const judge = JUDGES[id]
      const text = answerText(recording)
      const theirs = await (recording.streaming ? judge?.stream(text) : judge?.whole(text))
      const own = plainOf(recording.streaming ? collect(recordedEvents(dialect, recording)) : dialect.read(text))
      expect({ ...own, usage: null }).toEqual({ ...theirs, usage: null })
    },
  )

  it.each(wholes)('tells the usage of $id the same with and without reading the rest', (recording) => {
    const text = answerText(recording)
    expect(dialect.readUsage(text).usage).toEqual(dialect.read(text).usage)
  })

  it.each(wholes)('finds no error in the good answer $id', (recording) => {
    expect(dialect.readError(recording.status, new Headers(recording.headers), answerText(recording))).toBeNull()
  })

  it.each(streams.filter((recording) => !recording.features.includes('error_in_stream')))(
    'tells usage and finish of $id from the frames that are worth reading alone',
    (recording) => {
      const frames = framesOf([streamBytes(recording)])
      const worth = frames.filter((frame) => dialect.worthReading(frame.data))
      expect(books(eventsOf(dialect, worth))).toEqual(books(eventsOf(dialect, frames)))
    },
  )

  it.each(streams.filter((recording) => recording.features.includes('error_in_stream')))(
    'finds the error in $id worth reading',
    (recording) => {
      const worth = framesOf([streamBytes(recording)]).filter((frame) => dialect.worthReading(frame.data))
      expect(eventsOf(dialect, worth).at(-1)).toEqual(recordedEvents(dialect, recording).at(-1))
    },
  )

  it.each(streams.filter((recording) => !recording.features.includes('error_in_stream')))(
    'loses nothing of $id but usage with the frames that only tell usage',
    (recording) => {
      const kept = framesOf([streamBytes(recording)]).filter((frame) => !dialect.isUsageOnly(frame))
      const { usage: _, extras: __, ...rest } = collect(eventsOf(dialect, kept))
      expect(collect(recordedEvents(dialect, recording))).toMatchObject(rest)
    },
  )

  it.each(errors)('tells the error $id in the words of the provider, with its status', (recording) => {
    const error = dialect.readError(recording.status, new Headers(recording.headers), answerText(recording))
    expectProvidersError(error, recording.status, saidIn(recording))
  })

  it.each(REPORTED.filter((one) => one.dialect === id && one.status >= 400))(
    'tells the reported error $id in the words of the provider',
    (one) => {
      const error = dialect.readError(one.status, new Headers({ 'content-type': 'application/json' }), JSON.stringify(one.body))
      expectProvidersError(error, one.status, textsOf(one.body))
    },
  )

  it.each([400, 401, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504, 529])('takes any body with status %i for an error', (status) => {
    for (const text of [
      '',
      'Bad gateway',
      '<html><h1>502</h1></html>',
      'null',
      '[]',
      '7',
      '{}',
      '{"error":null}',
      '[{"error":{}}]',
      '{"error":"no"}',
      '{"error',
    ])
      expect(dialect.readError(status, new Headers(), text), text).toBeInstanceOf(GatewayError)
  })

  it('honours Retry-After in seconds, in milliseconds and as a date', () => {
    const told = (headers: { readonly [name: string]: string }): number | undefined =>
      dialect.readError(429, new Headers(headers), '{"error":{"message":"slow down"}}')?.detail.retryAfterMs
    expect(told({ 'retry-after': '7' })).toBe(7000)
    expect(told({ 'retry-after-ms': '350', 'retry-after': '1' })).toBe(350)
    expect(told({ date: 'Wed, 21 Oct 2026 07:28:00 GMT', 'retry-after': 'Wed, 21 Oct 2026 07:28:30 GMT' })).toBe(30_000)
    expect(told({})).toBeUndefined()
  })

  it.each(['', 'null', '[]', '7', '"text"', '{"a":', '<html>', '{}'])('refuses the whole answer %j as garbled, or reads it', (text) => {
    expect(thrownBy(() => dialect.read(text))).toSatisfy(
      (error) => error === null || (error instanceof GatewayError && error.code === 'upstream-garbled'),
    )
  })

  it('never throws but GatewayError for whole answers that are spoilt', () => {
    const random = chance(`whole ${id}`)
    const bad = new Set<string>()
    for (let i = 0; i < SPOILT_FRAMES; i++) {
      const recording = oneOf(random, wholes)
      const text =
        random() < 0.05
          ? answerText(recording).slice(0, whole(random, 3000))
          : JSON.stringify(mutated('json' in recording.answer ? recording.answer.json : null, random))
      for (const call of [
        () => replay(dialect.read(text)),
        () => dialect.readUsage(text),
        () => dialect.readError(200, new Headers(), text),
      ]) {
        const error = thrownBy(call)
        if (error !== null && !(error instanceof GatewayError))
          bad.add(
            `${error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 2).join(' ') : 'no error object'} for ${text.slice(0, 300)}`,
          )
      }
    }
    expect([...bad].slice(0, 3)).toEqual([])
  })

  it('never throws and stays within the grammar for frames that are spoilt', () => {
    const random = chance(`frames ${id}`)
    const bad = new Set<string>()
    for (let spoilt = 0; spoilt < SPOILT_FRAMES;) {
      const frames = framesOf([streamBytes(oneOf(random, streams))])
      const last = whole(random, Math.min(frames.length, 40))
      const played = [
        ...frames.slice(0, last),
        ...Array.from({ length: 4 }, () => spoiltFrame(oneOf(random, frames), random)),
        ...frames.slice(last),
      ]
      spoilt += 4
      const tail = JSON.stringify(played.slice(last, last + 4)).slice(0, 400)
      try {
        const fault = grammarFault(eventsOf(dialect, played))
        if (fault !== null) bad.add(`${fault} after ${tail}`)
        played.forEach((frame) => [dialect.worthReading(frame.data), dialect.isUsageOnly(frame)])
      } catch (error) {
        bad.add(`${String(error)} after ${tail}`)
      }
    }
    expect([...bad].slice(0, 3)).toEqual([])
  })
})

function isForSdk(recording: Recording): boolean {
  return !recording.features.includes('error_in_stream') && SDK_CANNOT_READ[recording.id] === undefined
}

type Reported = { readonly id: string; readonly dialect: string; readonly status: number; readonly body: unknown }

const REPORTED: readonly Reported[] = reported()

/** Error bodies that users quoted; see test/fixtures/README.md. */
function reported(): readonly Reported[] {
  const list = JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/errors-reported.json'), 'utf8')) as readonly {
    readonly id: string
    readonly api: string
    readonly status: number
    readonly response_body: unknown
  }[]
  const dialectOf = new Map(RECORDINGS.map((recording) => [recording.api, recording.dialect]))
  return list.map((one) => ({ id: one.id, dialect: dialectOf.get(one.api) ?? one.api, status: one.status, body: one.response_body }))
}

function expectProvidersError(error: GatewayError | null, status: number, said: readonly string[]): void {
  expect(error).toBeInstanceOf(GatewayError)
  expect(error?.detail.upstream?.status).toBe(status)
  const words = said.filter((text) => text.length > 3).map((text) => text.trim().slice(0, 200))
  expect(
    words.some((text) => error?.message.includes(text) === true),
    `${error?.message} is none of ${words.join(' | ')}`,
  ).toBe(true)
}

function ends(events: readonly ChatEvent[]): readonly string[] {
  return events.map((event) => event.kind).filter((kind) => kind === 'finish' || kind === 'error')
}

/** What the books need of a reply: its last usage and its end. */
function books(events: readonly ChatEvent[]): readonly (ChatEvent | undefined)[] {
  return [events.findLast((event) => event.kind === 'usage'), events.at(-1)]
}

function thrownBy(call: () => unknown): unknown {
  try {
    call()
    return null
  } catch (error) {
    return error
  }
}

function spoiltFrame(frame: Frame, random: () => number): Frame {
  const roll = random()
  if (roll < 0.15) return { ...frame, data: frame.data.slice(0, whole(random, frame.data.length)) }
  if (roll < 0.25)
    return {
      ...frame,
      data: oneOf(random, [
        '',
        'null',
        '[]',
        '0',
        '""',
        '{}',
        '[DONE]',
        '{"error":null}',
        '{"type":"x"}',
        '\u0000',
        '{"error":{"message":7}}',
      ]),
    }
  if (roll < 0.3) return { event: oneOf(random, ['', 'error', 'ping', 'message_stop', 'nonsense']), data: frame.data }
  try {
    return { ...frame, data: JSON.stringify(mutated(JSON.parse(frame.data), random)) }
  } catch {
    return { ...frame, data: `${frame.data}x` }
  }
}

describe('the fixtures', () => {
  it('are all in a dialect that some provider speaks', () => {
    const known = new Set(UPSTREAM_DIALECTS.map((dialect: UpstreamDialect) => dialect.id))
    expect(RECORDINGS.filter((recording) => !known.has(recording.dialect)).map((recording) => recording.id)).toEqual([])
  })
})
