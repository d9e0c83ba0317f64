// A client and a provider of one language with the gateway between them: the bytes pass. Raw requests, because an SDK would print its own JSON.

import { describe, expect, it, vi } from 'vitest'
import { oddJson, rawMembers } from '../support/odd-json.ts'
import { RECORDINGS, type Recording } from '../support/recordings.ts'
import type { Asked } from '../support/replay-server.ts'
import { running } from './running.ts'
import { CLIENTS, failureOf } from './sdk-calls.ts'

/** Recordings' providers that the gateway names otherwise; all others have their own name. */
const RENAMED: { readonly [recorded: string]: string } = { gemini: 'google' }
const MOUNT: { readonly [dialect: string]: string } = {
  'openai-chat': '/v1/chat/completions',
  'openai-responses': '/v1/responses',
  'anthropic-messages': '/v1/messages',
}
/** Places whose recordings were made through an API that the gateway does not call them by. */
const ELSEWHERE = new Set(['ollama anthropic.messages', 'bedrock bedrock.invoke'])

const ours = RECORDINGS.filter(
  (recording) =>
    recording.request !== null && MOUNT[recording.dialect] !== undefined && !ELSEWHERE.has(`${recording.provider} ${recording.api}`),
)
const good = ours.filter((recording) => recording.status < 400)
const asking = good.filter((recording) => recording.features.includes('stream_usage_option'))
const errors = ours.filter((recording) => recording.status >= 400 && recording.status !== 401)

vi.setConfig({ testTimeout: 20_000 }) // a row may take a flush of the key's object to show

const up = running()

describe('between a client and a provider of one language', () => {
  it.each(good)('the request and the answer of $id pass byte for byte, and one row is booked', async (recording) => {
    const { text, answer, asked } = await pass(recording, 'same', recording.request ?? {})
    expect(answer.status).toBe(recording.status)
    expect(await answer.text()).toBe(asked.sent.toString('utf8'))
    const edited = new Set(recording.streaming && recording.dialect === 'openai-chat' ? ['model', 'stream_options'] : ['model'])
    expect(outside(asked.bytes.toString('utf8'), edited)).toEqual(outside(text, edited))
    expect(JSON.parse(asked.bytes.toString('utf8'))).toMatchObject({ model: `rec-${recording.id}--same` })
    const rows = await up.gateway.rows(answer.headers.get('x-sluice-request-id') ?? '')
    expect(rows).toHaveLength(1)
  })

  it.each(asking)('usage is asked of the provider for $id but kept from a client that did not ask', async (recording) => {
    const { stream_options: _, ...request } = recording.request ?? {}
    const { answer, asked } = await pass(recording, 'quiet', request)
    expect(JSON.parse(asked.bytes.toString('utf8'))).toMatchObject({ stream_options: { include_usage: true } })
    const straight = await fetch(`${up.server.origin}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ model: `rec-${recording.id}--straight`, stream: true }),
    })
    expect(await answer.text()).toBe(await straight.text())
    const rows = await up.gateway.rows(answer.headers.get('x-sluice-request-id') ?? '')
    expect(rows.map((row) => row.sluice.usage_from === 'provider')).toEqual([true])
  })

  it.each(errors)('the SDK throws for $id what it throws when it talks to the provider itself', async (recording) => {
    const client = CLIENTS[recording.dialect]
    if (client === undefined) throw new Error(`No SDK for ${recording.dialect}.`)
    const question = (model: string): Parameters<typeof client>[1] => ({ model, stream: recording.streaming, body: {} })
    const through = await failureOf(client(up.gateway, question(modelOf(recording, 'error'))))
    const straight = await failureOf(client({ base: up.server.origin, key: 'straight' }, question(`rec-${recording.id}--straight`)))
    expect({ status: through.status, kind: through.kind }).toEqual({ status: straight.status, kind: straight.kind })
  })

  it.each(ours.filter((recording) => recording.status === 401))(
    'the refusal of our credential in $id is not told as the fault of the client',
    async (recording) => {
      const { answer } = await pass(recording, 'refused', recording.request ?? {})
      expect(answer.status).toBeGreaterThanOrEqual(500)
      expect(await answer.json()).toMatchObject({ error: { message: expect.any(String) } })
    },
  )

  it.each(good.filter((recording) => recording.streaming).slice(0, 6))(
    'a connection that drops in $id ends in an error the SDK throws',
    async (recording) => {
      const client = CLIENTS[recording.dialect]
      if (client === undefined) throw new Error(`No SDK for ${recording.dialect}.`)
      await failureOf(client(up.gateway, { model: modelOf(recording, 'cut'), stream: true, body: {} }))
    },
  )

  // The native way looks at a copy now and then; what came since its last look must count like the rest, and a half frame must be closed.
  it('a dropped stream ends in an error of its own and is booked alike, whether its bytes pass natively or not', async () => {
    const streams = good
      .filter((one) => one.streaming && one.provider === 'openai' && one.request?.['stream_options'] !== undefined)
      .slice(0, 8)
    let compared = 0
    for (const recording of streams) {
      const { stream_options: _, ...request } = recording.request ?? {}
      const booked: (number | null | undefined)[] = []
      for (const options of [{ stream_options: { include_usage: true } }, {}]) {
        const answer = await ask(recording, oddJson({ ...request, ...options, model: modelOf(recording, 'cut') }, recording.id, PLAIN))
        if (answer.status !== 200) continue // its first half holds no content yet: nothing was begun
        const last = (await answer.text()).trimEnd().split('\n\n').at(-1) ?? ''
        expect(JSON.parse(last.replace(/^data: /, '')), recording.id).toMatchObject({
          error: { message: expect.stringContaining('broke off') },
        })
        const [row] = await up.gateway.rows(answer.headers.get('x-sluice-request-id') ?? '')
        expect(row?.sluice.ended).toBe('upstream-cut')
        booked.push(row?.native_tokens_completion)
      }
      expect(booked[0], recording.id).toBe(booked[1])
      if ((booked[0] ?? 0) > 0) compared++
    }
    expect(compared).toBeGreaterThan(1)
  })

  // A workerd of one's own notices a client's leaving when it writes to it; Cloudflare's edge at once.
  it.each([true, false])(
    'a client that leaves a stream is not billed twice and its provider is told (usage asked for: %s)',
    async (asked) => {
      const recording = good.find((one) => one.streaming && one.provider === 'openai' && one.request?.['stream_options'] !== undefined)
      if (recording === undefined || recording.request === null) throw new Error('No stream of OpenAI.')
      const { stream_options: _, ...request } = recording.request
      const options = asked ? { stream_options: { include_usage: true } } : {}
      const stop = new AbortController()
      const before = up.server.askedFor(recording.id, 'drip').length
      const answer = await ask(
        recording,
        oddJson({ ...request, ...options, model: modelOf(recording, 'drip') }, recording.id, PLAIN),
        stop.signal,
      )
      await answer.body?.getReader().read()
      stop.abort()
      await expect.poll(() => up.server.askedFor(recording.id, 'drip')[before]?.left, { timeout: 10_000 }).toBe(true)
      expect(await up.gateway.rows(answer.headers.get('x-sluice-request-id') ?? '')).toHaveLength(1)
    },
  )
})

const PLAIN = new Set(['model'])

type Passed = { readonly text: string; readonly answer: Response; readonly asked: Asked }

async function pass(recording: Recording, tag: string, request: { readonly [member: string]: unknown }): Promise<Passed> {
  const text = oddJson({ ...request, model: modelOf(recording, tag) }, recording.id, PLAIN)
  const answer = await ask(recording, text)
  const asked = up.server.askedFor(recording.id, tag).at(-1)
  if (asked === undefined) throw new Error(`Nothing reached the provider: ${answer.status} ${(await answer.text()).slice(0, 300)}`)
  if (asked.refused !== null) throw new Error(asked.refused)
  return { text, answer, asked }
}

function ask(recording: Recording, text: string, signal?: AbortSignal): Promise<Response> {
  const headers = { authorization: `Bearer ${up.gateway.key}`, 'content-type': 'application/json', 'anthropic-version': '2023-06-01' }
  return fetch(`${up.gateway.base}${MOUNT[recording.dialect]}`, {
    method: 'POST',
    headers,
    body: text,
    ...(signal === undefined ? {} : { signal }),
  })
}

function modelOf(recording: Recording, tag: string): string {
  return `${RENAMED[recording.provider] ?? recording.provider}/rec-${recording.id}--${tag}`
}

function outside(text: string, names: ReadonlySet<string>): readonly (readonly [string, string])[] {
  return rawMembers(text).filter(([name]) => !names.has(name))
}
