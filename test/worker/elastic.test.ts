// Elastic holds with the real objects: what a strict key refuses is served, and streams end with the money, in the client's language.

import { createExecutionContext, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import type { Admission, Ask, Hold, KeyView, Row } from '../../src/core/account.ts'
import { expiredRow } from '../../src/core/expired-row.ts'
import { makeDeps } from '../../src/deps.ts'
import { CLIENT_DIALECTS } from '../../src/dialects/index.ts'
import { chat } from '../../src/gateway/chat.ts'
import { handle } from '../../src/gateway/handle.ts'
import type { Env } from '../../src/platform/env.ts'
import { ADMIN, ask as asked, bindings, call, makeKey, until, type Made } from './bindings.ts'

const encoder = new TextEncoder()
/** gpt-4o-mini: 150 nano-dollars a token in, 600 out. */
const IN_NANO_USD = 150
const OUT_NANO_USD = 600
const SLICE_NANO_USD = 1024 * OUT_NANO_USD
const PIECE = 'forty tokens as the provider counts and fifty-four as the gateway does: '.padEnd(160, 'word ')

const chunk = (delta: object, finish: string | null = null): string =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'gpt-4o-mini', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`
const usage = (output: number): string =>
  `data: ${JSON.stringify({ id: 'c', choices: [], usage: { prompt_tokens: 9, completion_tokens: output } })}\n\ndata: [DONE]\n\n`

/** A provider that says so many pieces, frames cut in their middle, and one after the other as they are read. */
class Talker {
  said = 0
  isAborted = false
  ceiling: unknown = null
  readonly #pieces: number

  constructor(pieces: number) {
    this.#pieces = pieces
  }

  readonly fetch = async (_url: string, init: RequestInit): Promise<Response> => {
    const body = JSON.parse(await new Response(init.body).text()) as {
      readonly max_tokens?: number
      readonly max_completion_tokens?: number
    }
    this.ceiling = body.max_tokens ?? body.max_completion_tokens ?? null
    init.signal?.addEventListener('abort', () => (this.isAborted = true))
    const stream = new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          if (this.isAborted) return controller.error(new Error('aborted'))
          if (this.said % 8 === 0) await new Promise((resolve) => setTimeout(resolve, 0))
          const text = this.said < this.#pieces ? chunk({ content: PIECE }) : chunk({}, 'stop') + usage(this.#pieces * 40)
          const bytes = encoder.encode(text)
          controller.enqueue(bytes.slice(0, 40))
          controller.enqueue(bytes.slice(40))
          if (this.said++ >= this.#pieces) controller.close()
        },
      },
      { highWaterMark: 0 },
    )
    return new Response(stream, { headers: { 'content-type': 'text/event-stream' } })
  }
}

type Asked = { readonly client?: string; readonly path?: string; readonly body?: object; readonly provider?: string }

function ask({ key }: Made, talker: Talker, { client = 'openai-chat', path, body = {} }: Asked = {}): Promise<Response> {
  const dialect = CLIENT_DIALECTS.find(({ id }) => id === client)
  if (dialect === undefined) throw new Error(`There is no ${client}.`)
  const deps = {
    ...makeDeps(bindings as unknown as Env, createExecutionContext()),
    fetch: talker.fetch,
    settings: () => ({
      secrets: { OPENAI_API_KEY: 'sk-upstream', MISTRAL_API_KEY: 'upstream' },
      baseUrl: 'http://upstream.test/v1',
      region: null,
    }),
  }
  const request = new Request(`http://sluice.test${path ?? dialect.paths[0]}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'x-api-key': key, 'x-goog-api-key': key, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'openai/gpt-4o-mini', stream: true, messages: [{ role: 'user', content: 'Hi' }], ...body }),
  })
  return handle(request, chat(dialect), deps)
}

type Record = {
  readonly finish_reason: string | null
  readonly native_tokens_completion: number | null
  readonly sluice: { readonly ended: string; readonly error: string | null; readonly cost_nano_usd: number; readonly usage_from: string }
}

async function recordOf({ key }: Made, response: Response): Promise<Record> {
  const found = await until(
    () => call('GET', `/api/v1/generation?id=${response.headers.get('x-sluice-request-id')}`, key),
    (answer) => answer.status === 200,
  )
  return (await found.json<{ readonly data: Record }>()).data
}

type Own = { readonly spent_nano_usd: number; readonly held_nano_usd: number; readonly mode: string }
const own = async ({ key }: Made): Promise<Own> =>
  (await (await call('GET', '/v1/key', key)).json<{ readonly data: { readonly sluice: Own } }>()).data.sluice

const usd = (nano: number): number => nano / 1e9

describe('a key in elastic mode', () => {
  it('is made, changed and told of', async () => {
    const made = await makeKey({ limit: 1, sluice: { mode: 'elastic' } })
    expect((await own(made)).mode).toBe('elastic')
    const listed = await (await call('GET', `/api/v1/keys/${made.hash}`, ADMIN)).json<{ readonly data: { readonly sluice: Own } }>()
    expect(listed.data.sluice.mode).toBe('elastic')
    await call('PATCH', `/api/v1/keys/${made.hash}`, ADMIN, { sluice: { requests_per_day: 5 } })
    expect((await own(made)).mode).toBe('elastic')
    expect((await call('PATCH', `/api/v1/keys/${made.hash}`, ADMIN, { sluice: { mode: 'strict' } })).status).toBe(200)
    expect((await own(made)).mode).toBe('strict')
    expect((await call('PATCH', `/api/v1/keys/${made.hash}`, ADMIN, { sluice: { mode: 'loose' } })).status).toBe(400)
    expect((await own(await makeKey({ limit: 1 }))).mode).toBe('strict')
  })

  it('serves three streams at once where a strict one serves the first alone', async () => {
    const limit = usd(4 * SLICE_NANO_USD)
    const strict = await makeKey({ limit })
    const first = await ask(strict, new Talker(5))
    expect([first.status, (await ask(strict, new Talker(5))).status]).toEqual([200, 429])
    expect(first.headers.get('x-sluice-hold')).toBeNull()
    await first.text()
    const elastic = await makeKey({ limit, sluice: { mode: 'elastic' } })
    const talkers = [new Talker(5), new Talker(5), new Talker(5)]
    const answers = await Promise.all(talkers.map((talker) => ask(elastic, talker)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(answers.map(({ headers }) => headers.get('x-sluice-hold'))).toEqual(['elastic', 'elastic', 'elastic'])
    expect(talkers.map(({ ceiling }) => ceiling)).toEqual([16_384, 16_384, 16_384])
    for (const answer of answers) {
      const text = await answer.text()
      expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
      expect(text).toContain('"finish_reason":"stop"')
      // Booked exactly, as the provider told it: 9 tokens in, 200 out.
      expect((await recordOf(elastic, answer)).sluice).toMatchObject({
        ended: 'complete',
        cost_nano_usd: 9 * IN_NANO_USD + 200 * OUT_NANO_USD,
        usage_from: 'provider',
      })
    }
    expect(await own(elastic)).toMatchObject({ spent_nano_usd: 3 * (9 * IN_NANO_USD + 200 * OUT_NANO_USD), held_nano_usd: 0 })
  })

  it('lets a long answer run to its end over many slices', async () => {
    const made = await makeKey({ limit: usd(40 * SLICE_NANO_USD), sluice: { mode: 'elastic' } })
    const answer = await ask(made, new Talker(375), { body: { stream_options: { include_usage: true }, max_tokens: 16_000 } })
    expect(answer.headers.get('x-sluice-clamped')).toBeNull()
    const text = await answer.text()
    expect(text.split(PIECE)).toHaveLength(376)
    expect(text).toContain('"completion_tokens":15000')
    expect((await recordOf(made, answer)).sluice).toMatchObject({
      ended: 'complete',
      usage_from: 'provider',
      cost_nano_usd: 9 * IN_NANO_USD + 15_000 * OUT_NANO_USD,
    })
  })

  it('whose answer is not a stream is held whole, as a strict one', async () => {
    const made = await makeKey({ limit: usd(4 * SLICE_NANO_USD), sluice: { mode: 'elastic' } })
    const whole = {
      fetch: async () =>
        Response.json({
          id: 'c',
          choices: [{ index: 0, message: { role: 'assistant', content: 'x' }, finish_reason: 'stop' }],
          usage: { prompt_tokens: 9, completion_tokens: 1 },
        }),
    }
    const answer = await ask(made, whole as unknown as Talker, { body: { stream: false } })
    expect(answer.headers.get('x-sluice-hold')).toBeNull()
    expect(Number(answer.headers.get('x-sluice-clamped')?.split('=')[1])).toBeLessThan(4096)
  })
})

describe('when nothing more is to be had', () => {
  const LIMIT = 3 * SLICE_NANO_USD
  /** What one read of the answer can cost beyond what is held: a piece and its envelope, counted as the gateway counts. */
  const ONE_READ = (PIECE.length / 3 + 1) * OUT_NANO_USD * 2

  it('a forwarded stream ends with the finish of a length limit, and what was counted is booked', async () => {
    const made = await makeKey({ limit: usd(LIMIT), sluice: { mode: 'elastic' } })
    const talker = new Talker(1e6)
    const answer = await ask(made, talker, { body: { stream_options: { include_usage: true } } })
    const text = await answer.text()
    const frames = text.split('\n\n').filter((frame) => frame !== '')
    expect(frames.at(-1)).toBe('data: [DONE]')
    for (const frame of frames.slice(0, -1)) expect(() => JSON.parse(frame.slice(6)) as unknown, frame).not.toThrow()
    expect(JSON.parse(frames.at(-3)?.slice(6) ?? '')).toMatchObject({ id: 'c', choices: [{ delta: {}, finish_reason: 'length' }] })
    expect(talker.isAborted).toBe(true)
    const record = await recordOf(made, answer)
    expect(record).toMatchObject({
      finish_reason: 'length',
      sluice: { ended: 'budget-stop', error: 'budget-exceeded', usage_from: 'counted' },
    })
    expect(record.sluice.cost_nano_usd).toBeGreaterThan(LIMIT * 0.9)
    expect(record.sluice.cost_nano_usd).toBeLessThanOrEqual(LIMIT + ONE_READ)
    expect(JSON.parse(frames.at(-2)?.slice(6) ?? '')).toMatchObject({ usage: { completion_tokens: record.native_tokens_completion } })
    // All that was read was passed on, but for a frame that was never whole.
    expect(text.split(PIECE).length - 1).toBeGreaterThanOrEqual(talker.said - 2)
  })

  it.each([
    ['anthropic-messages', undefined, { max_tokens: 30_000 }, '"stop_reason":"max_tokens"', 'data: {"type":"message_stop"}\n\n'],
    ['openai-responses', undefined, { input: 'Hi', model: 'mistral/open-mistral-nemo' }, '"reason":"max_output_tokens"', '\n\n'],
    ['openrouter', undefined, {}, '"finish_reason":"length"', 'data: [DONE]\n\n'],
    [
      'gemini',
      '/v1beta/models/openai/gpt-4o-mini:streamGenerateContent?alt=sse',
      { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] },
      '"finishReason":"MAX_TOKENS"',
      '\n\n',
    ],
    [
      'gemini',
      '/v1beta/models/openai/gpt-4o-mini:streamGenerateContent',
      { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] },
      '"finishReason":"MAX_TOKENS"',
      ']\n',
    ],
  ])('a translated stream ends so too: %s %s', async (client, path, body, finish, end) => {
    const made = await makeKey({ limit: usd(LIMIT), sluice: { mode: 'elastic' } })
    const talker = new Talker(1e6)
    const answer = await ask(made, talker, { client, ...(path === undefined ? {} : { path }), body })
    const text = await answer.text()
    expect(text).toContain(finish)
    expect(text.endsWith(end)).toBe(true)
    if (end === ']\n') expect(JSON.parse(text)).toBeInstanceOf(Array)
    expect(talker.isAborted).toBe(true)
    expect(await recordOf(made, answer)).toMatchObject({ finish_reason: 'length', sluice: { ended: 'budget-stop' } })
  })

  it('at a place that bills on, the hold is booked where it is more than what was counted', async () => {
    const made = await makeKey({ limit: usd(LIMIT), sluice: { mode: 'elastic' } })
    const answer = await ask(made, new Talker(1e6), { body: { model: 'mistral/open-mistral-nemo' } })
    await answer.text()
    const { sluice } = await recordOf(made, answer)
    expect(sluice.ended).toBe('budget-stop')
    expect(sluice.cost_nano_usd).toBeGreaterThanOrEqual(LIMIT)
    expect(sluice.cost_nano_usd).toBeLessThanOrEqual(LIMIT + ONE_READ)
  })

  it('two keys that share a budget both end, and what they spent is within it and one read of each', async () => {
    expect((await call('PUT', '/api/v1/budgets/team/elastic', ADMIN, { limit: usd(4 * SLICE_NANO_USD) })).status).toBe(200)
    const keys = [
      await makeKey({ sluice: { team: 'elastic', mode: 'elastic' } }),
      await makeKey({ sluice: { team: 'elastic', mode: 'elastic' } }),
    ]
    const answers = await Promise.all(keys.map((key) => ask(key, new Talker(1e6))))
    const texts = await Promise.all(answers.map((answer) => answer.text()))
    for (const text of texts) expect(text.endsWith('data: [DONE]\n\n') && text.includes('"finish_reason":"length"')).toBe(true)
    const records = await Promise.all(answers.map((answer, i) => recordOf(keys[i] as Made, answer)))
    for (const { sluice } of records) expect(sluice.ended).toBe('budget-stop')
    const spent = records.reduce((sum, { sluice }) => sum + sluice.cost_nano_usd, 0)
    expect(spent).toBeGreaterThan(3 * SLICE_NANO_USD)
    expect(spent).toBeLessThanOrEqual(4 * SLICE_NANO_USD + 2 * ONE_READ)
    for (const key of keys) expect(await own(key)).toMatchObject({ held_nano_usd: 0 })
  })

  it('a key that is disabled while its answer runs is given no more', async () => {
    const made = await makeKey({ limit: 1, sluice: { mode: 'elastic' } })
    const answer = await ask(made, new Talker(1e6))
    await call('PATCH', `/api/v1/keys/${made.hash}`, ADMIN, { disabled: true })
    expect((await answer.text()).includes('"finish_reason":"length"')).toBe(true)
  })
})

describe('a crash of the object', () => {
  const ELASTIC = (id: string, hash: string): Ask => {
    const plain = asked(id, hash)
    return { ...plain, outputTokens: 20_000, candidates: plain.candidates.map((one) => ({ ...one, isCountable: true })) }
  }

  it.each([
    ['of a key alone', false],
    ['of a key that shares a budget', true],
  ])('%s takes nothing back of what was granted to a running answer', async (_name, shares) => {
    if (shares) await call('PUT', '/api/v1/budgets/team/crashing', ADMIN, { limit: usd(6000) })
    const { id, hash } = await makeKey({ limit: usd(8000), sluice: { mode: 'elastic', ...(shares ? { team: 'crashing' } : {}) } })
    const object = bindings.KEYS.getByName(id)
    const granted = (await object.admit(ELASTIC(`crash-${shares}`, hash))) as Admission
    if (granted.kind !== 'granted') throw new Error('It was refused.')
    expect(granted.hold).toMatchObject({ nanoUsd: 1124, elastic: { mostNanoUsd: 20_100 } })
    const extension = { ranNanoUsd: 900, leastNanoUsd: 1200, bestNanoUsd: 4000 }
    const grown = (await object.extend(granted.hold, extension)) as Hold
    expect(grown.nanoUsd).toBe(4000)
    await runInDurableObject(object, (_, state) => state.abort('a crash')).catch(() => undefined)
    const again = bindings.KEYS.getByName(id)
    const held = ((await again.view(hash, null)) as KeyView).heldNanoUsd
    expect(held).toBeGreaterThanOrEqual(4000)
    expect(held).toBeLessThanOrEqual(8000)
    await again.renew(grown, 2000)
    // What is left goes to it still: of the shared budget, else of the key.
    const most = (await again.extend(grown, { ranNanoUsd: 3900, leastNanoUsd: 4001, bestNanoUsd: 9000 })) as Hold | null
    expect(most?.nanoUsd ?? 4000).toBeLessThanOrEqual(shares ? 6000 : 8000)
    const hold = most ?? grown
    const row: Row = { ...expiredRow(id, hold, Date.now()), costNanoUsd: 3950, ended: 'complete' }
    await again.settle([{ hold, row, answer: null }])
    expect(await again.view(hash, null)).toMatchObject({ spentNanoUsd: 3950 })
    if (shares) {
      type Team = { readonly data: { readonly sluice: { readonly spent_nano_usd: number } } }
      const team = await until(
        async () => (await (await call('GET', '/api/v1/budgets/team/crashing', ADMIN)).json<Team>()).data.sluice,
        ({ spent_nano_usd: spent }) => spent > 0,
      )
      expect(team.spent_nano_usd).toBe(3950)
    }
  })
})
