// The contract suites' own tools: what judges must be able to fail.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ChatEvent } from '../../src/core/canonical.ts'
import { usageOf } from '../../src/core/usage.ts'
import { oddJson, rawMembers } from '../support/odd-json.ts'
import { answerText, RECORDINGS, type Recording } from '../support/recordings.ts'
import { startReplayServer, type ReplayServer } from '../support/replay-server.ts'
import { grammarFault } from './dialect-grammar.ts'

const start: ChatEvent = { kind: 'start', id: '1', model: 'm' }
const finish: ChatEvent = { kind: 'finish', reason: 'stop', native: null }
const open = (index: number, kind: 'text' | 'tool-call' = 'text'): ChatEvent => ({
  kind: 'block-start',
  index,
  block: kind === 'text' ? { kind } : { kind, id: `call-${index}`, name: 'f' },
})
const delta = (index: number): ChatEvent => ({ kind: 'block-delta', index, text: 'x' })
const close = (index: number): ChatEvent => ({ kind: 'block-end', index })

describe('the grammar checker', () => {
  it.each<[string, readonly ChatEvent[]]>([
    ['text', [start, open(0), delta(0), close(0), finish]],
    ['parallel calls', [start, open(0, 'tool-call'), open(1, 'tool-call'), delta(0), delta(1), close(1), close(0), finish]],
    ['an error in a block', [start, open(0), { kind: 'error', code: 'upstream-cut', message: 'cut' }]],
    ['an error alone', [{ kind: 'error', code: 'upstream-garbled', message: 'garbled' }]],
    ['pings', [start, { kind: 'ping' }, open(0), { kind: 'ping' }, close(0), { kind: 'usage', usage: usageOf({ input: 1 }) }, finish]],
  ])('takes %s', (_, events) => expect(grammarFault(events)).toBeNull())

  it.each<[string, readonly ChatEvent[]]>([
    ['no end', [start, open(0), close(0)]],
    ['no start', [open(0), close(0), finish]],
    ['two starts', [start, start, finish]],
    ['two ends', [start, finish, finish]],
    ['a ping after the end', [start, finish, { kind: 'ping' }]],
    ['a block that stays open', [start, open(0), finish]],
    ['a gap in the indexes', [start, open(1), close(1), finish]],
    ['text beside text', [start, open(0), open(1), close(0), close(1), finish]],
    ['text inside a call', [start, open(0, 'tool-call'), open(1), close(0), close(1), finish]],
    ['a delta of a closed block', [start, open(0), close(0), delta(0), finish]],
    ['half a token', [start, { kind: 'usage', usage: usageOf({ input: 0.5 }) }, finish]],
    ['a silent error', [start, { kind: 'error', code: 'upstream-cut', message: ' ' }]],
  ])('catches %s', (_, events) => expect(grammarFault(events)).not.toBeNull())
})

describe('the odd printer', () => {
  it.each(RECORDINGS.filter((recording) => recording.request !== null).slice(0, 30))(
    'says the same as usual of the request of $id',
    ({ id, request }) => {
      const text = oddJson(request, id)
      expect(JSON.parse(text)).toEqual(request)
      expect(text).not.toBe(JSON.stringify(request))
      expect(rawMembers(text).map(([name]) => name)).toEqual(Object.keys(request ?? {}))
    },
  )
})

describe('the replay server', () => {
  let server: ReplayServer
  beforeAll(async () => {
    server = await startReplayServer()
  })
  afterAll(() => server.close())

  const endpoint = (recording: Recording): string => {
    const { pathname } = new URL(recording.url)
    return pathname.replace(/(models?\/)[^/]+(?=:|\/converse)/, `$1rec-${recording.id}`)
  }
  const ask = (recording: Recording, tag = ''): Promise<Response> => {
    const path = tag === '' ? endpoint(recording) : endpoint(recording).replace(recording.id, `${recording.id}--${tag}`)
    const body = { ...recording.request, model: `rec-${recording.id}${tag === '' ? '' : `--${tag}`}`, stream: recording.streaming }
    return fetch(`${server.origin}${path}?alt=sse`, { method: 'POST', body: JSON.stringify(body) })
  }
  const streams = RECORDINGS.filter((recording) => recording.streaming && recording.status < 400 && recording.request !== null)

  it.each(RECORDINGS.filter((recording) => recording.url !== '').filter((_, i) => i % 7 === 0))(
    'answers with the status and bytes of $id',
    async (recording) => {
      const answer = await ask(recording)
      expect(answer.status).toBe(recording.status)
      expect(Buffer.from(await answer.arrayBuffer())).toEqual(recording.binary ?? Buffer.from(answerText(recording)))
      expect(server.askedFor(recording.id)).toMatchObject([{ refused: null, left: false }])
    },
  )

  it('answers the turns of a conversation in order', async () => {
    const [first, second] = streams.filter((one) => one.api === 'anthropic.messages')
    if (first === undefined || second === undefined) throw new Error('Too few recordings.')
    const model = `rec-${first.id}_then_${second.id}--talk`
    const turn = (): Promise<Response> =>
      fetch(`${server.origin}/v1/messages`, { method: 'POST', body: JSON.stringify({ model, stream: true }) })
    expect(await (await turn()).text()).toBe(answerText(first))
    expect(await (await turn()).text()).toBe(answerText(second))
    expect(server.askedBy(model).map(({ id }) => id)).toEqual([first.id, second.id])
  })

  it('keeps the usage chunk from those who do not ask for it', async () => {
    const recording = streams.find((one) => one.features.includes('stream_usage_option') && one.features.includes('empty_choices_chunk'))
    if (recording === undefined) throw new Error('No recording asks for usage.')
    const body = JSON.stringify({ model: `rec-${recording.id}--quiet`, stream: true })
    const text = await (await fetch(`${server.origin}${endpoint(recording)}`, { method: 'POST', body })).text()
    expect(text).not.toMatch(/"choices":\s*\[\]/)
    expect(answerText(recording)).toMatch(/"choices":\s*\[\]/)
  })

  it('drops the connection half way when told to cut', async () => {
    const recording = longest(streams)
    await expect(ask(recording, 'cut').then((answer) => answer.text())).rejects.toThrow()
    expect(server.askedFor(recording.id, 'cut')).toHaveLength(1)
  })

  it('notices that a client leaves a stream that stalls', async () => {
    const recording = longest(streams)
    const answer = await ask(recording, 'stall')
    await answer.body?.cancel()
    await expect.poll(() => server.askedFor(recording.id, 'stall')[0]?.left).toBe(true)
  })

  it('refuses an unknown recording, another API and another kind of answer', async () => {
    const recording = longest(streams)
    const body = (members: object): RequestInit => ({ method: 'POST', body: JSON.stringify({ model: `rec-${recording.id}`, ...members }) })
    expect((await fetch(`${server.origin}/v1/chat/completions`, { method: 'POST', body: '{"model":"rec-none"}' })).status).toBe(404)
    expect((await fetch(`${server.origin}/v1/embeddings`, body({ stream: true }))).status).toBe(404)
    expect(
      (await fetch(`${server.origin}${endpoint(recording).replace(':streamGenerate', ':generate')}`, body({ stream: false }))).status,
    ).toBe(409)
  })
})

function longest(recordings: readonly Recording[]): Recording {
  const found = [...recordings].sort((a, b) => answerText(b).length - answerText(a).length)[0]
  if (found === undefined) throw new Error('There is no stream.')
  return found
}
