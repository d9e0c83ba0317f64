// The contract of every client dialect's answers: what it writes is read back by the official SDK, an independent reader. Names no dialect.

import { SERVED } from '../support/served.ts'
import { describe, expect, it } from 'vitest'
import { collect, replay } from '../../src/core/collect.ts'
import { ERRORS, GatewayError, type ErrorCode } from '../../src/core/errors.ts'
import type { ClientDialect, FrameWriter } from '../../src/dialects/contract.ts'
import { CLIENT_DIALECTS, UPSTREAM_DIALECTS } from '../../src/dialects/index.ts'
import type { ChatEvent, ChatResponse } from '../../src/core/canonical.ts'
import { answerText, RECORDINGS, type Recording } from '../support/recordings.ts'
import { intentFor, recordedEvents, textOf } from './dialect-play.ts'
import { comparable, JUDGES, plainOf, type Judge, type Plain } from './dialect-sdk.ts'

const good = RECORDINGS.filter((recording) => recording.status < 400 && !recording.features.includes('error_in_stream'))
const streams = good.filter((recording) => recording.streaming)
const wholes = good.filter((recording) => !recording.streaming)
const codes = Object.keys(ERRORS).filter((code): code is ErrorCode => code in ERRORS)
const SAID = 'The provider said: no such ünïcode — try again.'

describe.each(CLIENT_DIALECTS.map((dialect) => ({ id: dialect.id, dialect })))('client dialect $id', ({ id, dialect }) => {
  const judge = judgeOf(id)
  const heard = (response: ChatResponse): Plain => judge.hears?.(plainOf(response)) ?? plainOf(response)

  it.each(streams)('writes the stream $id so that its SDK reads the same reply', async (recording) => {
    const events = eventsOf(recording)
    const { want, got } = comparable(heard(collect(events)), await judge.stream(written(dialect, events)))
    expect(got).toEqual(want)
  })

  it.each(good)('writes $id whole so that its SDK reads the same reply', async (recording) => {
    const response = collect(eventsOf(recording))
    const { want, got } = comparable(heard(response), await judge.whole(dialect.write(response, intentFor(false), SERVED)))
    expect(got).toEqual(want)
  })

  it.each(wholes)('writes the whole answer $id as a stream that its SDK reads as the same reply', async (recording) => {
    const events = eventsOf(recording)
    const { want, got } = comparable(heard(collect(events)), await judge.stream(written(dialect, events)))
    expect(got).toEqual(want)
  })

  it.each(streams)('ends a part of $id by fail() in an error its SDK throws', async (recording) => {
    for (const kept of partsOf(eventsOf(recording))) {
      const writer = dialect.writer(intentFor(true), SERVED)
      const text = textOf([...kept.flatMap((event) => [...writer.write(event)]), ...writer.fail(new GatewayError('upstream-cut', SAID))])
      await expect(judge.stream(text), `after ${kept.length} events`).rejects.toThrow(SAID)
    }
  })

  it.each(streams)('ends a part of $id by an error event in an error its SDK throws', async (recording) => {
    for (const kept of partsOf(eventsOf(recording))) {
      const writer = dialect.writer(intentFor(true), SERVED)
      const events: readonly ChatEvent[] = [...kept, { kind: 'error', code: 'upstream-overloaded', message: SAID }]
      await expect(judge.stream(closed(writer, events)), `after ${kept.length} events`).rejects.toThrow(SAID)
    }
  })

  it('keeps usage from a stream whose client did not ask, and nothing else', async () => {
    for (const recording of streams.slice(0, 12)) {
      const events = eventsOf(recording)
      const got = await judge.stream(closed(dialect.writer(intentFor(true, false), SERVED), events))
      const want = heard(collect(events))
      expect({ ...comparable(want, got).got, usage: null }, recording.id).toEqual({ ...want, usage: null })
    }
  })

  it.each(codes)('spells the error %s in its own shape, which its SDK throws with the message', async (code) => {
    const error = new GatewayError(code, SAID, { retryAfterMs: 1500, at: 'messages[0].content' })
    const body = dialect.writeError(error, 'req-1')
    const status = dialect.status(error)
    expect(judge.isErrorShape(body), JSON.stringify(body)).toBe(true)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(600)
    const thrown = await judge.refusal(status, JSON.stringify(body))
    expect(thrown.status).toBe(status)
    expect(thrown.message).toContain(SAID)
  })

  it('spells an error that has no request id and one with an upstream body', () => {
    const upstream = { status: 422, dialect: 'some-other', body: { strange: [1, null] } }
    for (const error of [new GatewayError('upstream-refused', SAID, { upstream }), new GatewayError('gateway-bug', '')])
      expect(judge.isErrorShape(dialect.writeError(error, null))).toBe(true)
    expect(dialect.status(new GatewayError('upstream-refused', SAID, { upstream }))).toBe(422)
  })
})

function judgeOf(id: string): Judge {
  const judge = JUDGES[id]
  if (judge === undefined) throw new Error(`dialect-sdk.ts has no independent reader for the client dialect ${id}.`)
  return judge
}

/** A recording's reply as events, whole answers replayed. */
function eventsOf(recording: Recording): readonly ChatEvent[] {
  const upstream = UPSTREAM_DIALECTS.find((dialect) => dialect.id === recording.dialect)
  if (upstream === undefined) throw new Error(`No upstream dialect ${recording.dialect}.`)
  return recording.streaming ? recordedEvents(upstream, recording) : replay(upstream.read(answerText(recording)))
}

function written(dialect: ClientDialect, events: readonly ChatEvent[]): string {
  return closed(dialect.writer(intentFor(true), SERVED), events)
}

function closed(writer: FrameWriter, events: readonly ChatEvent[]): string {
  const frames = events.flatMap((event) => [...writer.write(event)])
  return textOf([...frames, ...writer.end()])
}

/** The reply cut after its first content, in its middle, and just before its end. */
function partsOf(events: readonly ChatEvent[]): readonly (readonly ChatEvent[])[] {
  const first = events.findIndex((event) => event.kind === 'block-delta')
  const marks = [1, first + 1, Math.floor(events.length / 2), events.length - 1]
  return [...new Set(marks)].filter((mark) => mark > 0).map((mark) => events.slice(0, mark))
}
