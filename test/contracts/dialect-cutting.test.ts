// The contract of ending a stream early as if the output limit were reached, in every client dialect: forwarded, by its cutter behind whole
// frames; translated, by its writer. What the official SDK reads is the reply so far, with the finish of a length limit.

import { describe, expect, it } from 'vitest'
import type { ChatEvent, Usage } from '../../src/core/canonical.ts'
import { collect } from '../../src/core/collect.ts'
import { usageOf } from '../../src/core/usage.ts'
import type { Frame } from '../../src/dialects/contract.ts'
import { CLIENT_DIALECTS, UPSTREAM_DIALECTS } from '../../src/dialects/index.ts'
import { SERVED } from '../support/served.ts'
import { RECORDINGS, type Recording } from '../support/recordings.ts'
import { framesOf, intentFor, recordedEvents, streamBytes, textOf } from './dialect-play.ts'
import { comparable, JUDGES, plainOf, SDK_CANNOT_READ } from './dialect-sdk.ts'

const USAGE: Usage = usageOf({ input: 11, output: 7 })
/** Perplexity's chunks repeat the whole text in a `message`, which the SDK adds to the deltas. */
const READ_TWICE = 'perplexity-chat-'
const streams = RECORDINGS.filter(
  ({ id, status, streaming, features, request }) =>
    status < 400 &&
    streaming &&
    !features.includes('error_in_stream') &&
    !Object.hasOwn(SDK_CANNOT_READ, id) &&
    Number(request?.['n'] ?? 1) === 1, // several answers are held whole
)

describe.each(CLIENT_DIALECTS.map((dialect) => ({ id: dialect.id, dialect })))('client dialect $id', ({ id, dialect }) => {
  const judge = JUDGES[id]
  const forwarded = streams.filter((recording) => recording.dialect === id && !recording.id.startsWith(READ_TWICE))
  const cuts = new Set<string>()

  it.each(forwarded)('cuts the forwarded stream $id so that its SDK reads a reply that met its limit', async (recording) => {
    const frames = framesOf([streamBytes(recording)])
    const upstream = upstreamOf(recording)
    for (const at of partsOf(frames.length)) {
      const cutter = dialect.cutter(intentFor(true))
      const reader = upstream.reader()
      const events: ChatEvent[] = []
      for (const frame of frames.slice(0, at)) {
        cutter.see(frame)
        events.push(...reader.read(frame))
      }
      const last = cutter.cut(USAGE)
      if (last === null || !events.some(({ kind }) => kind === 'block-delta')) continue
      cuts.add(recording.id)
      const got = await judge?.stream(textOf([...frames.slice(0, at), ...last]))
      const want = plainOf(collect(cutShort(events)))
      expect([got?.finish, got?.text], `after ${at} frames`).toEqual(['length', want.text])
      if (recording.dialect !== 'anthropic-messages') expect(got?.usage).toMatchObject({ input: 11, output: 7 })
      else expect(got?.usage?.output).toBe(7)
    }
  })

  if (forwarded.length > 0)
    it('cuts most of them in their middle', () => {
      expect(cuts.size).toBeGreaterThan(forwarded.length / 2)
    })

  it.each(forwarded)('says nothing behind the finish of $id', (recording) => {
    const cutter = dialect.cutter(intentFor(true))
    for (const frame of framesOf([streamBytes(recording)])) cutter.see(frame)
    expect(cutter.cut(USAGE)).toBeNull()
  })

  it.each(streams.filter((_, i) => i % 4 === 0))(
    'writes $id cut short so that its SDK reads a reply that met its limit',
    async (recording) => {
      const events = recordedEvents(upstreamOf(recording), recording)
      for (const at of partsOf(events.length)) {
        const cut = cutShort(events.slice(0, at))
        if (events.slice(0, at).some(({ kind }) => kind === 'finish')) continue
        const writer = dialect.writer(intentFor(true), SERVED)
        const frames: Frame[] = cut.flatMap((event) => [...writer.write(event)])
        const plain = plainOf(collect(cut))
        const { want, got } = comparable(
          judge?.hears?.(plain) ?? plain,
          (await judge?.stream(textOf([...frames, ...writer.end()]))) ?? plain,
        )
        expect([got.finish, got.text, got.usage], `after ${at} events`).toEqual([
          want.refused ? want.finish : 'length',
          want.text,
          want.usage,
        ])
      }
    },
  )
})

describe('a chat stream whose host sends an empty finish reason', () => {
  it('is not taken for one that has ended', () => {
    for (const dialect of CLIENT_DIALECTS) {
      const cutter = dialect.cutter(intentFor(true))
      cutter.see({ data: '{"id":"c","choices":[{"index":0,"delta":{"content":"\\"finish_reason\\":\\"stop\\""},"finish_reason":""}]}' })
      expect(cutter.cut(USAGE)).not.toBeNull()
    }
  })
})

/** As the gateway does it: open blocks end, the usage is what was counted, the finish is the length. */
function cutShort(events: readonly ChatEvent[]): readonly ChatEvent[] {
  const open = new Set<number>()
  for (const event of events) {
    if (event.kind === 'block-start') open.add(event.index)
    if (event.kind === 'block-end') open.delete(event.index)
  }
  const ends = [...open].map((index): ChatEvent => ({ kind: 'block-end', index }))
  return [...events, ...ends, { kind: 'usage', usage: USAGE }, { kind: 'finish', reason: 'length', native: null }]
}

function partsOf(length: number): readonly number[] {
  return [...new Set([2, 3, 4, 0.25, 0.5, 0.75, 0.9].map((part) => (part < 1 ? Math.floor(part * length) : part)))].filter(
    (at) => at > 0 && at < length,
  )
}

function upstreamOf({ dialect }: Recording): (typeof UPSTREAM_DIALECTS)[number] {
  const upstream = UPSTREAM_DIALECTS.find(({ id }) => id === dialect)
  if (upstream === undefined) throw new Error(`No upstream dialect ${dialect}.`)
  return upstream
}
