// Recorded streams through the request path under an elastic hold that cannot grow: forwarded in every language that is forwarded, cut at odd
// places. What arrives is read by the official SDK as a reply that met its limit, and is a beginning of the recorded one.

import { describe, expect, it, vi } from 'vitest'
import { collect } from '../../src/core/collect.ts'
import { CLIENT_DIALECTS, UPSTREAM_DIALECTS } from '../../src/dialects/index.ts'
import { PROVIDERS } from '../../src/providers/index.ts'
import { recordedEvents, streamBytes } from '../contracts/dialect-play.ts'
import { JUDGES, plainOf, SDK_CANNOT_READ } from '../contracts/dialect-sdk.ts'
import { offsets } from '../support/chance.ts'
import { fakeGateway, type FakeGateway } from '../support/fake-gateway.ts'
import { RECORDINGS, type Recording } from '../support/recordings.ts'

type Way = { readonly dialect: string; readonly provider: string; readonly path: string; readonly body: object; readonly array?: true }
const GEMINI = { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] }
const MODELS = '/v1beta/models/google/gemini-2.0-flash'
const WAYS: readonly Way[] = [
  {
    dialect: 'openai-chat',
    provider: 'openai',
    path: '/v1/chat/completions',
    body: { model: 'openai/gpt-4o-mini', messages: [], stream_options: { include_usage: true } },
  },
  { dialect: 'openai-chat', provider: 'openai', path: '/v1/chat/completions', body: { model: 'openai/gpt-4o-mini', messages: [] } },
  { dialect: 'openai-responses', provider: 'openai', path: '/v1/responses', body: { model: 'openai/gpt-4o-mini', input: 'Hi' } },
  {
    dialect: 'anthropic-messages',
    provider: 'anthropic',
    path: '/v1/messages',
    body: { model: 'anthropic/claude-sonnet-4-5', max_tokens: 9000, messages: [] },
  },
  { dialect: 'gemini', provider: 'google', path: `${MODELS}:streamGenerateContent?alt=sse`, body: GEMINI },
  { dialect: 'gemini', provider: 'google', path: `${MODELS}:streamGenerateContent`, body: GEMINI, array: true },
]
/** The provider's own counts do not add up, which the judge does not take. */
const NO_SUM = 'gemini-generateContent-aa02156fa0'
/** Whose recordings: those of OpenAI's chats alone are short. */
const FROM: { readonly [dialect: string]: string } = { 'openai-responses': 'openai', 'anthropic-messages': 'anthropic' }
/** Nano-dollars that the input of these requests takes at most, and what a slice of the answer gets. */
const HELD = { 'openai-chat': 36_000, 'openai-responses': 40_000, 'anthropic-messages': 2_000_000, gemini: 40_000 } as const

describe.each(
  WAYS.map((way) => ({ ...way, name: `${way.dialect} at ${way.path.replace(MODELS, '')} ${JSON.stringify(way.body).length}` })),
)('$name', (way) => {
  const streams = RECORDINGS.filter(
    ({ dialect, provider, status, streaming, features, request, id }) =>
      dialect === way.dialect &&
      provider.startsWith(FROM[way.dialect] ?? '') &&
      !provider.startsWith('perplexity') && // its chunks hold the text twice, and the SDK adds up both
      !Object.hasOwn(SDK_CANNOT_READ, id) &&
      status < 400 &&
      streaming &&
      !features.includes('error_in_stream') &&
      id !== NO_SUM &&
      Number(request?.['n'] ?? 1) === 1,
  )
  let stopped = 0

  it.each(streams)('ends $id in its middle', async (recording) => {
    const { gateway, wasAborted } = gatewayFor(way, recording)
    const client = CLIENT_DIALECTS.find(({ id }) => id === way.dialect)
    if (client === undefined) throw new Error('No such dialect.')
    const answer = await gateway.ask(client, way.path, { ...way.body, ...(way.dialect === 'gemini' ? {} : { stream: true }) })
    const text = (await answer.text()).replaceAll('\r\n', '\n') // as Google frames its events
    await vi.waitUntil(() => gateway.settled.length > 0)
    const row = gateway.settled[0]?.row
    const sse =
      way.array === true ? (JSON.parse(text) as readonly object[]).map((one) => `data: ${JSON.stringify(one)}\n\n`).join('') : text
    const got = await JUDGES[way.dialect]?.stream(sse)
    const upstream = UPSTREAM_DIALECTS.find(({ id }) => id === way.dialect)
    if (upstream === undefined) throw new Error('No such dialect.')
    const full = plainOf(collect(recordedEvents(upstream, recording)))
    expect(full.text.startsWith(got?.text ?? '?')).toBe(true)
    if (row?.ended === 'complete') {
      expect([got?.finish, got?.text]).toEqual([full.finish, full.text])
      return
    }
    stopped++
    expect([row?.ended, row?.finish, row?.errorCode, wasAborted()]).toEqual(['budget-stop', 'length', 'budget-exceeded', true])
    expect(got?.finish).toBe('length')
    if (got?.usage !== null) expect(got?.usage.output).toBe(row?.usage?.output)
  })

  it('stopped some', () => {
    expect(streams.length).toBeGreaterThan(0)
    expect(stopped).toBeGreaterThan(0)
  })
})

function gatewayFor(way: Way, recording: Recording): { readonly gateway: FakeGateway; readonly wasAborted: () => boolean } {
  const provider = PROVIDERS.find(({ id }) => id === way.provider)
  if (provider === undefined) throw new Error(`No provider ${way.provider}.`)
  const settings = {
    secrets: { OPENAI_API_KEY: 'k', ANTHROPIC_API_KEY: 'k', GEMINI_API_KEY: 'k', GOOGLE_API_KEY: 'k' },
    baseUrl: 'https://provider.test',
    region: null,
  }
  let cancelled = false
  const network = (): Response => {
    const bytes = way.array === true ? asArray(streamBytes(recording)) : streamBytes(recording)
    const ends = [...offsets(recording.id, bytes.length, 60), bytes.length]
    let at = 0
    const stream = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          const end = ends.shift()
          if (end === undefined) return controller.close()
          controller.enqueue(bytes.slice(at, end))
          at = end
        },
        cancel: () => void (cancelled = true),
      },
      { highWaterMark: 0 },
    )
    return new Response(stream, { headers: { 'content-type': way.array === true ? 'application/json' : 'text/event-stream' } })
  }
  const nanoUsd = HELD[way.dialect as keyof typeof HELD]
  const gateway = fakeGateway(provider, settings, network, { nanoUsd, budgeted: true, elastic: { mostNanoUsd: 1e12 } })
  return { gateway, wasAborted: () => cancelled || gateway.aborted > 0 }
}

function asArray(bytes: Uint8Array): Uint8Array {
  const elements = new TextDecoder()
    .decode(bytes)
    .split(/\r?\n\r?\n/)
    .flatMap((frame) => (frame.startsWith('data: ') ? [frame.slice(6)] : []))
  return new TextEncoder().encode(`[${elements.join(',\r\n')}\n]\n`)
}
