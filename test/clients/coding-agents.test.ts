// What coding agents send, as it was recorded: to the place it was recorded at, and to places of other languages. Raw requests with the
// agents' own headers, because their quirks are the point.

import { describe, expect, it } from 'vitest'
import { askedFacts } from '../support/asked-facts.ts'
import { RECORDINGS, recordingOf, type Recording } from '../support/recordings.ts'
import type { Asked } from '../support/replay-server.ts'
import { STREAMED_TALKS, TALKS, type Api } from './conversations.ts'
import { running } from './running.ts'

const MOUNT: { readonly [api: string]: string } = { 'anthropic.messages': '/v1/messages?beta=true', 'openai.responses': '/v1/responses' }
/** Places of another language, and how an answer of theirs is told to begin. */
const OTHERS: { readonly [api: string]: readonly Api[] } = {
  'anthropic.messages': ['openai chat', 'google'],
  'openai.responses': ['anthropic', 'google'],
}
/** Those that continue a response which the provider keeps cannot go elsewhere. */
const isStateless = (recording: Recording): boolean => recording.request?.['previous_response_id'] === undefined
/** Headers of one connection, or that `fetch` sets itself. */
const OF_THE_CONNECTION = /^(?:host|connection|content-length|accept-encoding|transfer-encoding|authorization|x-api-key)$/

/** Hosts whose recorded requests are sent to the place that speaks as they do. */
const PLACE: { readonly [recorded: string]: string } = { anthropic: 'anthropic', openai: 'openai', chatgpt: 'openai', copilot: 'openai' }

const agents = RECORDINGS.filter(
  ({ request, url, provider, api }) =>
    request !== null &&
    PLACE[provider] !== undefined &&
    ((api === 'anthropic.messages' && url.includes('?beta=true')) ||
      (api === 'openai.responses' && JSON.stringify(request['include'] ?? null).includes('encrypted_content'))),
)

const up = running()

describe('a recorded request of a coding agent', () => {
  it('is one of Claude Code or Codex among others', () => {
    expect(agents.some(({ requestHeaders }) => requestHeaders['user-agent']?.startsWith('claude-cli/'))).toBe(true)
    expect(agents.some(({ request }) => request?.['client_metadata'] !== undefined)).toBe(true)
  })

  it.each(agents)('passes to its own place byte for byte, beta headers and all: $id', async (recording) => {
    const name = `rec-${recording.id}--agent`
    const { answer, asked } = await send(recording, `${PLACE[recording.provider]}/${name}`, name)
    if (recording.status !== 401) expect(answer.status).toBe(recording.status) // a refused credential is ours, not the client's
    if (recording.status < 400) expect(await answer.text()).toBe(asked.sent.toString('utf8'))
    expect(JSON.parse(asked.bytes.toString('utf8'))).toEqual({ ...recording.request, model: name })
    for (const header of ['anthropic-beta', 'anthropic-version'])
      expect(asked.headers[header] ?? null, header).toBe(recording.requestHeaders[header] ?? asked.headers[header] ?? null)
  })

  const crossings = agents
    .filter(isStateless)
    .flatMap((recording) => (OTHERS[recording.api] ?? []).map((api) => ({ id: recording.id, recording, api })))
  it.each(crossings)('keeps instructions, turns and tools on its way to $api: $id', async ({ recording, api }) => {
    const isStream = recording.request?.['stream'] === true
    const talk = (isStream ? STREAMED_TALKS : TALKS)[api]
    const [, answering] = talk.turns
    const name = `rec-${answering}--${recording.id}`
    const { answer, asked } = await send(recording, `${talk.provider}/${name}`, name)
    const told = await answer.text()
    expect(answer.status, told).toBe(200)
    expect(saidTo(recording.api, isStream, told)).toContain(talk.says)
    expect(asked.headers['anthropic-beta']).toBeUndefined()
    const got = askedFacts(recordingOf(answering).api, JSON.parse(asked.bytes.toString('utf8')))
    const wanted = askedFacts(recording.api, recording.request)
    expect(wanted.turns.length).toBeGreaterThan(0)
    expect(got).toEqual(wanted)
    const tools = recording.request?.['tools']
    const isForOthers = (tool: { readonly type?: string }): boolean =>
      (tool.type ?? 'custom') !== (recording.api === 'openai.responses' ? 'function' : 'custom')
    if (Array.isArray(tools) && tools.some(isForOthers)) expect(answer.headers.get('x-sluice-dropped')).toContain('tools[')
  })
})

describe('around its requests an agent', () => {
  it('asks HEAD / whether anybody is there and gets 200 without a body', async () => {
    const answer = await fetch(`${up.gateway.base}/`, { method: 'HEAD' })
    expect(answer.status).toBe(200)
    expect(await answer.text()).toBe('')
  })
})

async function send(
  recording: Recording,
  model: string,
  upstreamModel: string,
): Promise<{ readonly answer: Response; readonly asked: Asked }> {
  const headers = Object.entries(recording.requestHeaders).filter(([name]) => !OF_THE_CONNECTION.test(name))
  const answer = await fetch(`${up.gateway.base}${MOUNT[recording.api]}`, {
    method: 'POST',
    headers: {
      ...Object.fromEntries(headers),
      'content-type': 'application/json',
      'x-api-key': up.gateway.key,
      authorization: `Bearer ${up.gateway.key}`,
    },
    body: JSON.stringify({ ...recording.request, model }),
  })
  const asked = up.server.askedBy(upstreamModel).at(-1)
  if (asked === undefined) throw new Error(`Nothing reached the provider: ${answer.status} ${(await answer.text()).slice(0, 300)}`)
  if (asked.refused !== null) throw new Error(asked.refused)
  return { answer, asked }
}

/** The text of an answer, read by hand. */
function saidTo(api: string, isStream: boolean, told: string): string {
  if (isStream) {
    const events = told
      .split('\n')
      .flatMap((line): readonly Event[] => (line.startsWith('data: {') ? [JSON.parse(line.slice(6)) as Event] : []))
    const isDelta = (event: Event): boolean => event.type === 'content_block_delta' || event.type === 'response.output_text.delta'
    return events
      .map((event) => (isDelta(event) ? (typeof event.delta === 'string' ? event.delta : (event.delta?.text ?? '')) : ''))
      .join('')
  }
  const answer = JSON.parse(told) as {
    readonly content?: readonly Text[]
    readonly output?: readonly { readonly content?: readonly Text[] }[]
  }
  const texts = api === 'anthropic.messages' ? (answer.content ?? []) : (answer.output ?? []).flatMap(({ content }) => content ?? [])
  return texts.map(({ text }) => text ?? '').join('')
}

type Text = { readonly text?: string }
type Event = { readonly type?: string; readonly delta?: string | Text }
