// A stream that waits for its provider: what the client hears meanwhile, and what is booked when it leaves.

import { createExecutionContext } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { makeDeps } from '../../src/deps.ts'
import { openrouterClient } from '../../src/dialects/openrouter/client.ts'
import { chat } from '../../src/gateway/chat.ts'
import { handle } from '../../src/gateway/handle.ts'
import type { Env } from '../../src/platform/env.ts'
import { bindings, call, makeKey, until } from './bindings.ts'

const COMMENT = ': OPENROUTER PROCESSING\n\n'
const client = { ...openrouterClient, keepAlive: { comment: COMMENT, everyMs: 20 } }
const encoder = new TextEncoder()

const chunk = (delta: object, finish: string | null = null): string =>
  `data: ${JSON.stringify({ id: 'c', model: 'gpt-4o-mini', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`
const LAST = `data: ${JSON.stringify({ id: 'c', model: 'gpt-4o-mini', choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 } })}\n\ndata: [DONE]\n\n`

/** A provider that answers when it is told to. */
class Upstream {
  signal: AbortSignal | null = null
  readonly #answer = Promise.withResolvers<Response>()

  readonly fetch = (_url: string, init: RequestInit): Promise<Response> => {
    this.signal = init.signal ?? null
    return Promise.race([
      this.#answer.promise.then((answer) => (answer.status === 200 ? answer : answer.clone())), // a refusal is asked for again
      new Promise<Response>((_, reject) => init.signal?.addEventListener('abort', () => reject(new Error('aborted')), { once: true })),
    ])
  }

  answer(body: BodyInit, status = 200): void {
    this.#answer.resolve(
      new Response(body, { status, headers: { 'content-type': status === 200 ? 'text/event-stream' : 'application/json' } }),
    )
  }

  /** Begins a stream; what it says is written to it. */
  begin(): WritableStreamDefaultWriter<Uint8Array> {
    const { readable, writable } = new IdentityTransformStream()
    this.answer(readable)
    const out = writable.getWriter()
    // As a fetch that is ended.
    this.signal?.addEventListener('abort', () => void out.abort(new Error('aborted')).catch(() => undefined), { once: true })
    return out
  }
}

async function ask(
  upstream: Upstream,
  ceiling: object = { max_tokens: 50 },
): Promise<{ readonly key: string; readonly response: Promise<Response> }> {
  const { key } = await makeKey({ limit: 1 })
  const deps = {
    ...makeDeps(bindings as unknown as Env, createExecutionContext()),
    fetch: upstream.fetch,
    settings: () => ({ secrets: { OPENAI_API_KEY: 'sk-upstream' }, baseUrl: 'http://upstream.test/v1', region: null }),
  }
  const request = new Request('http://sluice.test/api/v1/chat/completions', {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'openai/gpt-4o-mini', ...ceiling, stream: true, messages: [{ role: 'user', content: 'Hi' }] }),
  })
  return { key, response: handle(request, chat(client), deps) }
}

type Record = { readonly total_cost: number | null; readonly cancelled: boolean; readonly sluice: { readonly ended: string } }

async function recordOf(key: string, id: string | null): Promise<Record> {
  const found = await until(
    () => call('GET', `/api/v1/generation?id=${id}`, key),
    (answer) => answer.status === 200,
  )
  return (await found.json<{ readonly data: Record }>()).data
}

/** Reads until the text holds what is wanted, or the stream ends. */
async function readUntil(reader: ReadableStreamDefaultReader<Uint8Array>, wanted: (text: string) => boolean): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text
    text += decoder.decode(value, { stream: true })
    if (wanted(text)) return text
  }
}

const readerOf = (response: Response): ReadableStreamDefaultReader<Uint8Array> => {
  if (response.body === null) throw new Error('no body')
  return response.body.getReader()
}

describe('a stream on OpenRouter’s mount', () => {
  it('hears comments while its provider is silent, then its answer, which is booked', async () => {
    const upstream = new Upstream()
    const { key, response } = await ask(upstream)
    const answer = await response
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toContain('text/event-stream')
    const id = answer.headers.get('x-generation-id')
    const reader = readerOf(answer)
    expect(await readUntil(reader, (text) => text.length >= 2 * COMMENT.length)).toBe(COMMENT + COMMENT)
    const out = upstream.begin()
    await out.write(encoder.encode(chunk({ role: 'assistant', content: 'Hel' })))
    await readUntil(reader, (text) => text.includes('"Hel"'))
    // Silent again, in the middle of the answer: comments stand between frames.
    expect(await readUntil(reader, (text) => text.includes(COMMENT))).toBe(COMMENT)
    await out.write(encoder.encode(chunk({ content: 'lo' }, 'stop') + LAST))
    await out.close()
    const rest = await readUntil(reader, () => false)
    expect(rest.replaceAll(COMMENT, '')).toMatch(/^data: .*"lo".*data: \[DONE\]\n\n$/s)
    expect(await recordOf(key, id)).toMatchObject({ sluice: { ended: 'complete' } })
  })

  it('is told of the ceiling that its budget sets, though nobody has answered yet', async () => {
    const upstream = new Upstream()
    const { response } = await ask(upstream, {})
    const early = await response
    expect(early.headers.get('x-sluice-clamped')).toBe('max_tokens=16384')
    expect(early.headers.get('x-sluice-provider')).toBeNull()
    upstream.answer(chunk({ content: 'x' }) + chunk({}, 'stop') + LAST)
    expect(await early.text()).toContain(COMMENT)
  })

  it('is told in the stream of a failure that comes after a comment, and of one that comes before by its status', async () => {
    const late = new Upstream()
    const { key, response } = await ask(late)
    const answer = await response
    const reader = readerOf(answer)
    await readUntil(reader, (text) => text.includes(COMMENT))
    late.answer(JSON.stringify({ error: { message: 'Slow down.', type: 'rate_limit_error' } }), 429)
    const text = (await readUntil(reader, () => false)).replaceAll(COMMENT, '')
    expect(answer.status).toBe(200)
    expect(JSON.parse(text.slice('data: '.length, text.indexOf('\n\n')))).toMatchObject({
      id: answer.headers.get('x-generation-id'),
      error: { code: 429 },
      choices: [{ finish_reason: 'error' }],
    })
    expect(await recordOf(key, answer.headers.get('x-generation-id'))).toMatchObject({ total_cost: 0, sluice: { ended: 'failed' } })

    const soon = new Upstream()
    soon.answer(JSON.stringify({ error: { message: 'Slow down.', type: 'rate_limit_error' } }), 429)
    const refused = await (await ask(soon, { max_tokens: 50, num_retries: 0 })).response
    expect(refused.status).toBe(429)
    expect(await refused.text()).not.toContain(COMMENT)
  })

  it('that its client leaves before the first word of the answer ends the call, and is booked as left', async () => {
    const upstream = new Upstream()
    const { key, response } = await ask(upstream)
    const answer = await response
    const reader = readerOf(answer)
    await readUntil(reader, (text) => text.includes(COMMENT))
    await reader.cancel()
    await until(
      () => Promise.resolve(upstream.signal?.aborted),
      (aborted) => aborted === true,
    )
    expect(upstream.signal?.aborted).toBe(true)
    expect(await recordOf(key, answer.headers.get('x-generation-id'))).toMatchObject({ cancelled: true, sluice: { ended: 'client-gone' } })
    const held = await (await call('GET', '/v1/key', key)).json<{ readonly data: { readonly limit_remaining: number } }>()
    expect(held.data.limit_remaining).toBeGreaterThan(0.99)
  })

  it('that its client leaves in the middle of an answer that came after comments is booked as left', async () => {
    const upstream = new Upstream()
    const { key, response } = await ask(upstream)
    const answer = await response
    const reader = readerOf(answer)
    await readUntil(reader, (text) => text.includes(COMMENT))
    const out = upstream.begin()
    await out.write(encoder.encode(chunk({ role: 'assistant', content: 'Hel' })))
    await readUntil(reader, (text) => text.includes('"Hel"'))
    await reader.cancel()
    await out.write(encoder.encode(chunk({ content: 'lo' }))).catch(() => undefined)
    expect(await recordOf(key, answer.headers.get('x-generation-id'))).toMatchObject({ cancelled: true, sluice: { ended: 'client-gone' } })
  })
})
