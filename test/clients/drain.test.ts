// Clients that leave: what the provider notices of it, and what is booked, when a key's policy says that the rest is read.

import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { INPUT_TOKENS, OUTPUT_TOKENS, startSlowProvider, type Plan, type SlowProvider, type Visit } from '../support/slow-provider.ts'
import { ADMIN_KEY, startGateway, until, type GatewayProcess } from './gateway-process.ts'

vi.setConfig({ testTimeout: 40_000 })

/** Settings of the gateway under test. */
const HOLD_SECONDS = 5
const IDLE_MS = 4000
const DRAIN_SECONDS = 20

const STREAM: Plan = { pieces: 20, everyMs: 100 }
const plans = new Map<string, Plan>([
  ...['native', 'filtered', 'translated', 'array', 'gemini', 'openrouter', 'abort', 'revoked'].map((name) => [name, STREAM] as const),
  ['plain', { pieces: 40, everyMs: 2 }],
  ['early', { ...STREAM, headersAfterMs: 1200 }],
  ['whole', { pieces: 10, everyMs: 100 }],
  ['broken', { ...STREAM, breaksAt: 18 }],
  ['silent', { ...STREAM, silentAt: 10 }],
  ['refused', { ...STREAM, headersAfterMs: 1200, status: 500 }],
  ['long', { pieces: 140, everyMs: 100 }],
  ['endless', { pieces: 10_000, everyMs: 100 }],
  ['flood', { pieces: 3000, everyMs: 0, pieceBytes: 16_384 }],
])
const GROQ = { model: 'groq/llama-3.3-70b-versatile', nanoUsd: INPUT_TOKENS * 590 + OUTPUT_TOKENS * 790 }
const GOOGLE = { model: 'google/gemini-2.5-flash', nanoUsd: INPUT_TOKENS * 300 + OUTPUT_TOKENS * 2500 }

let provider: SlowProvider
let gateway: GatewayProcess

beforeAll(async () => {
  provider = await startSlowProvider(plans)
  gateway = await startGateway(provider.origin, {
    SLUICE_HOLD_SECONDS: String(HOLD_SECONDS),
    SLUICE_IDLE_TIMEOUT_MS: String(IDLE_MS),
    SLUICE_DRAIN_SECONDS: String(DRAIN_SECONDS),
  })
}, 120_000)
afterAll(async () => {
  await gateway.stop()
  await provider.close()
}, 20_000)

type Made = { readonly key: string; readonly hash: string }
type Booked = { readonly ended: string; readonly usage_from: string; readonly cost_nano_usd: number | null }

async function admin<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
  const answer = await fetch(gateway.base + path, {
    method,
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${await answer.text()}`)
  return (await answer.json()) as Answer
}

async function makeKey(on_disconnect: string, limit: number | null = 1): Promise<Made> {
  const made = await admin<{ readonly key: string; readonly data: { readonly hash: string } }>('POST', '/api/v1/keys', {
    name: 'drain',
    limit,
    sluice: { on_disconnect, providers: ['groq', 'google'] },
  })
  return { key: made.key, hash: made.data.hash }
}

const chat = (name: string, more: object = {}): object => ({
  model: GROQ.model,
  max_tokens: 100,
  stream: true,
  messages: [{ role: 'user', content: `[[${name}]]` }],
  ...more,
})
const USAGE = { stream_options: { include_usage: true } }

type Leaving = { readonly afterBytes?: number; readonly afterMs?: number; readonly reads?: boolean }

/** Sends, and reads the whole answer. */
async function send(key: string, name: string, more: object = {}): Promise<string> {
  const answer = await fetch(`${gateway.base}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(chat(name, { ...USAGE, ...more })),
  })
  return answer.text()
}

/** Sends, and leaves by closing the connection. */
function askAndLeave(key: string, path: string, body: object, { afterBytes, afterMs, reads = true }: Leaving): Promise<void> {
  return new Promise((resolve) => {
    const request = httpRequest(gateway.base + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'x-api-key': key, 'x-goog-api-key': key, 'content-type': 'application/json' },
    })
    const leave = (): void => {
      request.destroy()
      resolve()
    }
    request.on('error', () => undefined)
    request.on('response', (response) => {
      response.on('error', () => undefined)
      if (!reads) return
      let size = 0
      response.on('data', (bytes: Buffer) => {
        size += bytes.length
        if (afterBytes !== undefined && size >= afterBytes) leave()
      })
    })
    if (afterMs !== undefined) setTimeout(leave, afterMs)
    request.end(JSON.stringify(body))
  })
}

const visitOf = (name: string): Promise<Visit> => until(5000, async () => provider.visits.get(name) ?? null)
const wholeVisit = (name: string, limitMs = 10_000): Promise<Visit> =>
  until(limitMs, async () => {
    const visit = provider.visits.get(name)
    return visit !== undefined && (visit.whole || visit.left) ? visit : null
  })

async function bookedOf({ hash }: Made, limitMs = 15_000): Promise<Booked> {
  const rows = await until(limitMs, async () => {
    const { data } = await admin<{ readonly data: readonly { readonly sluice: Booked }[] }>(
      'GET',
      `/api/v1/generations?api_key_hash=${hash}`,
    )
    return data.length === 0 ? null : data
  })
  expect(rows).toHaveLength(1)
  return (rows[0] as { readonly sluice: Booked }).sluice
}

type OwnKey = { readonly sluice: { readonly spent_nano_usd: number; readonly held_nano_usd: number } }

async function moneyOf({ key }: Made): Promise<OwnKey['sluice']> {
  const answer = await fetch(`${gateway.base}/v1/key`, { headers: { authorization: `Bearer ${key}` } })
  return ((await answer.json()) as { readonly data: OwnKey }).data.sluice
}

/** The hold while the answer runs. */
const heldBy = (made: Made): Promise<number> => until(5000, async () => (await moneyOf(made)).held_nano_usd || null)

describe('a key that drains', () => {
  it('passes an answer whose client stays, and what is sent is what would be sent without', async () => {
    const { key, hash } = await makeKey('drain')
    const text = await send(key, 'plain')
    expect(text.match(/"content":"xxxxx"/g)).toHaveLength(40)
    expect(text).toMatch(/data: \[DONE\]\n\n$/)
    expect(await bookedOf({ key, hash })).toMatchObject({ ended: 'complete', usage_from: 'provider', cost_nano_usd: GROQ.nanoUsd })
    const drained = await visitOf('plain')
    provider.visits.delete('plain')
    const other = await makeKey('abort')
    await send(other.key, 'plain')
    const straight = await visitOf('plain')
    expect(drained.headers).toEqual(straight.headers)
    expect(drained.text).toBe(straight.text)
  })

  it('sends a large body as it is sent without', async () => {
    const pad = 'A long prompt. '.repeat(30_000)
    const texts: string[] = []
    for (const policy of ['drain', 'abort']) {
      const { key } = await makeKey(policy)
      await send(key, 'large', { messages: [{ role: 'user', content: `[[large]] ${pad}` }] })
      const { headers, text } = await visitOf('large')
      texts.push(JSON.stringify(headers), text)
      provider.visits.delete('large')
    }
    expect(texts[1]?.length).toBeGreaterThan(400_000)
    expect(texts.slice(0, 2)).toEqual(texts.slice(2))
  })

  it.each([
    ['native', '/v1/chat/completions', chat('native', USAGE), GROQ],
    ['filtered', '/v1/chat/completions', chat('filtered'), GROQ],
    ['translated', '/v1/messages', chat('translated'), GROQ],
    [
      'array',
      `/v1beta/models/${GOOGLE.model}:streamGenerateContent`,
      { contents: [{ role: 'user', parts: [{ text: '[[array]]' }] }], generationConfig: { maxOutputTokens: 100 } },
      GOOGLE,
    ],
    ['gemini', '/v1/chat/completions', chat('gemini', { model: GOOGLE.model }), GOOGLE],
    ['openrouter', '/api/v1/chat/completions', chat('openrouter', { model: 'meta-llama/llama-3.3-70b-instruct' }), GROQ],
  ])(
    'reads a stream to its end when its client leaves in the middle, and books what it used: %s',
    async (name, path, body, { nanoUsd }) => {
      const made = await makeKey('drain')
      await askAndLeave(made.key, path, body, { afterBytes: 10 })
      expect((await visitOf(name)).pieces).toBeLessThan(STREAM.pieces)
      expect(await heldBy(made)).toBeGreaterThan(nanoUsd)
      expect(await wholeVisit(name)).toMatchObject({ whole: true, left: false })
      expect(await bookedOf(made)).toMatchObject({ ended: 'client-gone', usage_from: 'provider', cost_nano_usd: nanoUsd })
      expect(await moneyOf(made)).toMatchObject({ spent_nano_usd: nanoUsd, held_nano_usd: 0 })
    },
  )

  it.each([
    ['early', chat('early', USAGE), 400],
    ['whole', chat('whole', { stream: false }), 400],
  ])('goes on when its client leaves before there is an answer: %s', async (name, body, afterMs) => {
    const made = await makeKey('drain')
    await askAndLeave(made.key, '/v1/chat/completions', body, { afterMs })
    expect(await wholeVisit(name)).toMatchObject({ whole: true, left: false })
    expect(await bookedOf(made)).toMatchObject({ ended: 'client-gone', usage_from: 'provider', cost_nano_usd: GROQ.nanoUsd })
  })

  it('books nothing for a client that left before the provider refused', async () => {
    const made = await makeKey('drain')
    await askAndLeave(made.key, '/v1/chat/completions', chat('refused'), { afterMs: 400 })
    expect(await bookedOf(made)).toMatchObject({ ended: 'client-gone', usage_from: 'none', cost_nano_usd: 0 })
  })

  it.each(['broken', 'silent'])('books the hold when the rest cannot be read: %s', async (name) => {
    const made = await makeKey('drain')
    await askAndLeave(made.key, '/v1/chat/completions', chat(name, USAGE), { afterBytes: 10 })
    const held = await heldBy(made)
    expect(await wholeVisit(name)).toMatchObject({ whole: false, left: true })
    expect(await bookedOf(made)).toMatchObject({ ended: 'client-gone', usage_from: 'hold', cost_nano_usd: held })
  })

  it('goes on although the key is revoked meanwhile', async () => {
    const made = await makeKey('drain')
    await askAndLeave(made.key, '/v1/chat/completions', chat('revoked', USAGE), { afterBytes: 10 })
    await admin('PATCH', `/api/v1/keys/${made.hash}`, { disabled: true })
    expect(await wholeVisit('revoked')).toMatchObject({ whole: true })
    expect(await bookedOf(made)).toMatchObject({ usage_from: 'provider', cost_nano_usd: GROQ.nanoUsd })
  })

  it('keeps the hold for as long as the answer lasts, beyond its own life and that of an idle object', async () => {
    const made = await makeKey('drain')
    await askAndLeave(made.key, '/v1/chat/completions', chat('long', USAGE), { afterBytes: 10 })
    expect(await wholeVisit('long', 25_000)).toMatchObject({ whole: true })
    expect(await bookedOf(made)).toMatchObject({ ended: 'client-gone', usage_from: 'provider', cost_nano_usd: GROQ.nanoUsd })
  })

  it('does not read for ever', async () => {
    const made = await makeKey('drain')
    await askAndLeave(made.key, '/v1/chat/completions', chat('endless', USAGE), { afterBytes: 10 })
    const held = await heldBy(made)
    const { left, pieces } = await wholeVisit('endless', (DRAIN_SECONDS + 5) * 1000)
    expect(left).toBe(true)
    expect(pieces).toBeGreaterThan((DRAIN_SECONDS - 5) * 8)
    expect(await bookedOf(made)).toMatchObject({ usage_from: 'hold', cost_nano_usd: held })
  })

  it('reads no further ahead of a client that does not read than its pipes hold, and to the end when it leaves', async () => {
    const made = await makeKey('drain')
    await askAndLeave(made.key, '/v1/chat/completions', chat('flood', USAGE), { afterMs: 2500, reads: false })
    expect((await visitOf('flood')).sent).toBeLessThan(20_000_000)
    expect(await wholeVisit('flood')).toMatchObject({ whole: true })
    expect(await bookedOf(made)).toMatchObject({ usage_from: 'provider', cost_nano_usd: GROQ.nanoUsd })
  })
})

describe('a key that does not', () => {
  it('ends the call when its client leaves, and books the hold where the provider goes on billing', async () => {
    const made = await makeKey('abort')
    await askAndLeave(made.key, '/v1/chat/completions', chat('abort', USAGE), { afterBytes: 10 })
    expect(await wholeVisit('abort')).toMatchObject({ whole: false, left: true })
    expect(await bookedOf(made)).toMatchObject({ ended: 'client-gone', usage_from: 'hold' })
  })
})
