// Pictures and sound inside the Worker: what goes to the provider, what comes back, and what is booked, to the nano-dollar.

import { createExecutionContext, env, waitOnExecutionContext } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { createCatalogue } from '../../src/catalogue/index.ts'
import { parseOverlay } from '../../src/catalogue/overlay.ts'
import { makeDeps } from '../../src/deps.ts'
import { handle } from '../../src/gateway/handle.ts'
import { operation } from '../../src/gateway/operation.ts'
import { OPERATION_CLIENTS } from '../../src/operations/index.ts'
import type { Env } from '../../src/platform/env.ts'
import type { Deps } from '../../src/ports.ts'
import { bindings, call, makeKey, until, type Made } from './bindings.ts'

/** One call as the provider saw it. `whole`: its body came to its end. */
type Seen = { readonly url: string; readonly headers: Headers; bytes: Uint8Array; whole: boolean }
type Answer = (seen: Seen) => Response

const settings = {
  ...(env as object),
  OPENAI_API_KEY: 'sk-openai',
  GROQ_API_KEY: 'sk-groq',
  TOGETHER_API_KEY: 'sk-together',
} as unknown as Env
const BOUNDARY = 'the-boundary'
const encoder = new TextEncoder()

/** A gateway in front of a provider of ours. */
function gateway(answer: Answer, more: Partial<Deps> = {}) {
  const seen: Seen[] = []
  const ask = async (made: Made, path: string, init: RequestInit): Promise<Response> => {
    const client = OPERATION_CLIENTS.find(({ paths }) => paths.includes(path))
    if (client === undefined) throw new Error(`nobody serves ${path}`)
    const context = createExecutionContext()
    const deps: Deps = { ...makeDeps(settings, context), fetch: upstream, ...more }
    const headers = new Headers(init.headers)
    headers.set('authorization', `Bearer ${made.key}`)
    const request = new Request(`http://sluice.test${path}`, { method: 'POST', ...init, headers })
    const response = await handle(request, operation(client), deps)
    const whole = new Response(await response.arrayBuffer(), response)
    await waitOnExecutionContext(context)
    return whole
  }
  const upstream: Deps['fetch'] = async (url, init) => {
    const request = new Request(url, init)
    const entry: Seen = { url, headers: request.headers, bytes: new Uint8Array(), whole: false }
    seen.push(entry)
    for await (const piece of request.body ?? []) entry.bytes = joined([entry.bytes, piece])
    entry.whole = true
    return answer(entry)
  }
  return { ask, seen }
}

const json = (body: unknown, status = 200): Response => Response.json(body, { status })
const text = (name: string, value: string): string => `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
const fileHead = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n`
const END = `\r\n--${BOUNDARY}--\r\n`
const FORM = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` }

function form(...parts: readonly (string | Uint8Array)[]): Uint8Array {
  return joined(parts.map((part) => (typeof part === 'string' ? encoder.encode(part) : part)))
}

/** Of eight million bytes: `toEqual` takes seconds. */
function isSame(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a?.length === b.length && a.every((byte, at) => byte === b[at])
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** Sound in which everything stands that could be taken for a boundary. */
function sound(size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  const near = encoder.encode(`\r\n--${BOUNDARY.slice(0, -1)}\r\n\r\n-`)
  bytes.set(near.subarray(0, size))
  for (let at = near.length; at < size; at *= 2) bytes.copyWithin(at, 0, at)
  return bytes
}

/** A body that comes in pieces; `before` runs ahead of each. */
function coming(
  bytes: Uint8Array,
  pieceBytes: number,
  before: (at: number) => Promise<void> = async () => undefined,
): ReadableStream<Uint8Array> {
  let at = 0
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        await before(at)
        if (at >= bytes.length) return controller.close()
        controller.enqueue(bytes.slice(at, at + pieceBytes))
        at += pieceBytes
      },
    },
    { highWaterMark: 0 },
  )
}

type Booked = {
  readonly cost_nano_usd: number | null
  readonly usage_from: string
  readonly units: string | null
  readonly [column: string]: unknown
}

/** The request's one row, and what the key's object says was spent and is still held. */
async function booked(made: Made, response: Response): Promise<{ readonly row: Booked; readonly spent: number; readonly held: number }> {
  const id = response.headers.get('x-sluice-request-id') ?? ''
  const found = await until(
    async () => {
      await call('GET', '/v1/key', made.key)
      return bindings.DB.prepare('SELECT * FROM requests WHERE id = ?1').bind(id).all<Booked>()
    },
    (rows) => rows.results.length > 0,
  )
  expect(found.results).toHaveLength(1)
  const view = await bindings.KEYS.getByName(made.id).view(made.hash, null)
  if (!('spentNanoUsd' in view)) throw new Error('no view')
  return { row: found.results[0] as Booked, spent: view.spentNanoUsd, held: view.heldNanoUsd }
}

describe('speech', () => {
  it('is passed on as the bytes it is, and booked by its characters', async () => {
    const bytes = sound(300_000)
    const made = await makeKey({ limit: 1 })
    const { ask, seen } = gateway(() => new Response(bytes as BodyInit, { headers: { 'content-type': 'audio/mpeg' } }))
    const body = JSON.stringify({ voice: 'alloy', input: 'Grüße 𝄞', model: 'openai/tts-1' })
    const response = await ask(made, '/v1/audio/speech', { body })
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'audio/mpeg'])
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes)
    expect(new TextDecoder().decode(seen[0]?.bytes)).toBe(body.replace('openai/tts-1', 'tts-1'))
    const { row, spent, held } = await booked(made, response)
    expect(row).toMatchObject({
      dialect: 'openai-speech',
      ended: 'complete',
      usage_from: 'counted',
      units: '{"characters":7}',
      cost_nano_usd: 105_000,
    })
    expect([spent, held]).toEqual([105_000, 0])
  })

  it('whose usage is never told is booked at its hold under a budget, and guessed without one', async () => {
    const { ask } = gateway(() => new Response(sound(10) as BodyInit, { headers: { 'content-type': 'audio/mpeg' } }))
    const body = JSON.stringify({ model: 'openai/gpt-4o-mini-tts', input: 'x'.repeat(150), voice: 'alloy' })
    const poor = await makeKey({ limit: 1 })
    const held = await booked(poor, await ask(poor, '/v1/audio/speech', { body }))
    expect(held.row).toMatchObject({ usage_from: 'hold', ended: 'complete' })
    expect(held.spent).toBe(held.row.cost_nano_usd)
    const rich = await makeKey()
    const guessed = await booked(rich, await ask(rich, '/v1/audio/speech', { body }))
    expect(guessed.row).toMatchObject({ usage_from: 'counted', input: 50, output_audio: 210, cost_nano_usd: 50 * 2500 + 210 * 12_000 })
    expect(guessed.row.cost_nano_usd ?? 0).toBeLessThan(held.row.cost_nano_usd ?? 0)
  })
})

describe('pictures', () => {
  it('of one kind are held at the dearest and booked at their own price', async () => {
    const made = await makeKey({ limit: 0.25 })
    const { ask, seen } = gateway(() => json({ created: 1, data: [{ url: 'https://x/1' }] }))
    const picture = { model: 'openai/dall-e-3', prompt: 'a hat', size: '1024x1024' }
    const response = await ask(made, '/v1/images/generations', { body: JSON.stringify(picture) })
    expect(await response.json()).toEqual({ created: 1, data: [{ url: 'https://x/1' }] })
    expect(response.headers.get('x-sluice-cost-usd')).toBe('0.04')
    expect(seen[0]?.url).toBe('https://api.openai.com/v1/images/generations')
    const { row, spent } = await booked(made, response)
    expect(row).toMatchObject({ cost_nano_usd: 40_000_000, units: '{"images":1}', output: 0, usage_from: 'counted' })
    expect(spent).toBe(40_000_000)
    const refused = await ask(made, '/v1/images/generations', { body: JSON.stringify({ ...picture, n: 3 }) })
    expect(refused.status).toBe(429)
    expect(seen).toHaveLength(1)
    const generation = await call('GET', `/api/v1/generation?id=${response.headers.get('x-sluice-request-id') ?? ''}`, made.key)
    expect(await generation.json()).toMatchObject({ data: { num_media_completion: 1, sluice: { usage: { units: { images: 1 } } } } })
  })

  it('that are billed by the token are booked by what is told, those that were sent apart', async () => {
    const made = await makeKey({ limit: 1 })
    const usage = {
      input_tokens: 114,
      input_tokens_details: { image_tokens: 100, text_tokens: 14 },
      output_tokens: 272,
      output_tokens_details: { image_tokens: 272, text_tokens: 0 },
      total_tokens: 386,
    }
    const { ask, seen } = gateway(() => json({ data: [{ b64_json: 'aGVsbG8=' }], usage }))
    const body = form(
      text('model', 'openai/gpt-image-1'),
      text('prompt', 'a hat'),
      text('quality', 'low'),
      fileHead.replace('"file"', '"image[]"'),
      sound(500),
      END,
    )
    const response = await ask(made, '/v1/images/edits', { body: body as BodyInit, headers: FORM })
    expect(response.status).toBe(200)
    expect(seen[0]?.bytes).toEqual(
      form(
        text('model', 'gpt-image-1'),
        text('prompt', 'a hat'),
        text('quality', 'low'),
        fileHead.replace('"file"', '"image[]"'),
        sound(500),
        END,
      ),
    )
    const { row, spent } = await booked(made, response)
    const cost = 14 * 5000 + 100 * 10_000 + 272 * 40_000
    expect(row).toMatchObject({ cost_nano_usd: cost, input: 14, input_image: 100, output_image: 272, usage_from: 'provider', units: null })
    expect(spent).toBe(cost)
  })

  it('that come without usage from a model billed by the token do not come for nothing', async () => {
    const { ask } = gateway(() => json({ data: [{ url: 'https://x' }] }))
    const made = await makeKey({ limit: 1 })
    const body = JSON.stringify({ model: 'openai/gpt-image-1', prompt: 'x', quality: 'low', size: '1024x1024' })
    const { row } = await booked(made, await ask(made, '/v1/images/generations', { body }))
    expect(row.usage_from).toBe('hold')
    expect(row.cost_nano_usd ?? 0).toBeGreaterThan(272 * 40_000)
  })
})

describe('a transcription', () => {
  const said = json.bind(null, { text: 'Hello.', usage: { type: 'duration', seconds: 6 } })

  it('goes out with the provider’s own name of the model and is booked by its seconds', async () => {
    const made = await makeKey({ limit: 1 })
    const { ask, seen } = gateway(() => said())
    const body = form(fileHead, sound(5000), '\r\n', text('model', 'openai/whisper-1'), text('language', 'ä'), END.slice(2))
    const response = await ask(made, '/v1/audio/transcriptions', { body: body as BodyInit, headers: FORM })
    expect(await response.json()).toEqual({ text: 'Hello.', usage: { type: 'duration', seconds: 6 } })
    expect(seen[0]?.bytes).toEqual(form(fileHead, sound(5000), '\r\n', text('model', 'whisper-1'), text('language', 'ä'), END.slice(2)))
    expect(seen[0]?.headers.get('content-type')).toBe(FORM['content-type'])
    const { row, spent, held } = await booked(made, response)
    expect(row).toMatchObject({
      cost_nano_usd: 600_000,
      units: '{"audioMs":6000}',
      usage_from: 'provider',
      dialect: 'openai-transcriptions',
    })
    expect([spent, held]).toEqual([600_000, 0])
  })

  it('of eight mebibytes streams: the provider has read most before the client has sent the last', async () => {
    const file = sound(8 * 1024 * 1024)
    const body = form(text('model', 'openai/whisper-1'), fileHead, file, END)
    const { ask, seen } = gateway(() => said())
    const made = await makeKey({ limit: 10 })
    const lastPiece = Math.floor(body.length / 262_144) * 262_144
    const stream = coming(body, 262_144, async (at) => {
      if (at !== lastPiece) return
      const read = await until(
        async () => seen[0]?.bytes.length ?? 0,
        (bytes) => bytes > 6_000_000,
      )
      expect(read).toBeGreaterThan(6_000_000)
    })
    const response = await ask(made, '/v1/audio/transcriptions', {
      body: stream as BodyInit,
      headers: { ...FORM, 'content-length': String(body.length) },
    })
    expect(response.status).toBe(200)
    expect(isSame(seen[0]?.bytes, form(text('model', 'whisper-1'), fileHead, file, END))).toBe(true)
    expect((await booked(made, response)).row).toMatchObject({ cost_nano_usd: 600_000 })
  }, 20_000)

  it.each([
    ['a second model', text('model', 'openai/gpt-4o-transcribe'), 400],
    ['no end', null, 400],
  ])('with %s behind what already streams is refused, and nothing is booked for it', async (_name, last, status) => {
    const file = sound(2 * 1024 * 1024)
    const tail = last === null ? '\r\n' : `\r\n${last}--${BOUNDARY}--\r\n`
    const body = form(text('model', 'openai/whisper-1'), fileHead, file, tail)
    const { ask, seen } = gateway(() => said())
    const made = await makeKey({ limit: 100 }) // of unknown length: held as the largest form
    const response = await ask(made, '/v1/audio/transcriptions', { body: coming(body, 65_536) as BodyInit, headers: FORM })
    expect(response.status).toBe(status)
    expect(seen.map(({ whole }) => whole)).toEqual([false])
    expect(new TextDecoder().decode(seen[0]?.bytes)).not.toContain('gpt-4o-transcribe')
    const { row, spent, held } = await booked(made, response)
    expect(row).toMatchObject({ cost_nano_usd: 0, usage_from: 'none', ended: 'failed', error_code: 'request-malformed' })
    expect([spent, held]).toEqual([0, 0])
  })

  it('that says behind what already streams how many pictures there are to be is refused: the hold is of one', async () => {
    const body = form(
      text('model', 'openai/dall-e-2'),
      text('prompt', 'a hat'),
      fileHead,
      sound(2 * 1024 * 1024),
      `\r\n${text('n', '10')}--${BOUNDARY}--\r\n`,
    )
    const { ask, seen } = gateway(() => json({ created: 1, data: [] }))
    const made = await makeKey({ limit: 100 })
    const response = await ask(made, '/v1/images/edits', { body: coming(body, 65_536) as BodyInit, headers: FORM })
    expect([response.status, await response.json()]).toMatchObject([400, { error: { param: 'n' } }])
    expect(seen.map(({ whole }) => whole)).toEqual([false])
    expect(await booked(made, response)).toMatchObject({ spent: 0, held: 0 })
  })

  it('that says so behind a file and its model is counted', async () => {
    const fields = `\r\n${text('model', 'openai/dall-e-2')}${text('n', '3')}${text('size', '256x256')}--${BOUNDARY}--\r\n`
    const { ask } = gateway(() => json({ created: 1, data: [] }))
    const made = await makeKey({ limit: 100 })
    const response = await ask(made, '/v1/images/edits', {
      body: coming(form(fileHead, sound(2 * 1024 * 1024), fields), 65_521) as BodyInit,
      headers: FORM,
    })
    expect(response.status).toBe(200)
    expect((await booked(made, response)).row).toMatchObject({ cost_nano_usd: 48_000_000 })
  })

  it('whose client leaves in the middle ends, and gives its hold back', async () => {
    const body = form(text('model', 'openai/whisper-1'), fileHead, sound(3 * 1024 * 1024), END)
    const stream = coming(body, 65_536, async (at) => {
      if (at > 2 * 1024 * 1024) throw new Error('gone')
    })
    const { ask, seen } = gateway(() => said())
    const made = await makeKey({ limit: 100 })
    const response = await ask(made, '/v1/audio/transcriptions', { body: stream as BodyInit, headers: FORM })
    expect(response.status).toBeGreaterThanOrEqual(400)
    expect(seen.map(({ whole }) => whole)).toEqual([false])
    expect(await booked(made, response)).toMatchObject({ spent: 0, held: 0 })
  })

  it('larger than the limit is refused, whether its length is said or not', async () => {
    const { ask, seen } = gateway(() => said(), {
      limits: { ...makeDeps(settings, createExecutionContext()).limits, formBytes: 1_500_000 },
    })
    const made = await makeKey({ limit: 100 })
    const body = form(text('model', 'openai/whisper-1'), fileHead, sound(1_600_000), END)
    const told = await ask(made, '/v1/audio/transcriptions', {
      body: coming(body, 65_536) as BodyInit,
      headers: { ...FORM, 'content-length': String(body.length) },
    })
    expect([told.status, seen.length]).toEqual([413, 0])
    const untold = await ask(made, '/v1/audio/transcriptions', { body: coming(body, 65_536) as BodyInit, headers: FORM })
    expect(untold.status).toBe(413)
    expect(seen.every(({ whole }) => !whole)).toBe(true)
  })

  it('may name its model behind the file, as long as the file can be held', async () => {
    const limits = { ...makeDeps(settings, createExecutionContext()).limits, bodyBytes: 3_000_000 }
    const { ask, seen } = gateway(() => said(), { limits })
    const made = await makeKey()
    const behind = (size: number): Uint8Array => form(fileHead, sound(size), '\r\n', text('model', 'openai/whisper-1'), END.slice(2))
    const good = await ask(made, '/v1/audio/transcriptions', { body: coming(behind(2_500_000), 65_536) as BodyInit, headers: FORM })
    expect([good.status, new TextDecoder().decode(seen[0]?.bytes.slice(-80)).includes('\r\nwhisper-1\r\n')]).toEqual([200, true])
    const bad = await ask(made, '/v1/audio/transcriptions', { body: coming(behind(3_500_000), 65_536) as BodyInit, headers: FORM })
    expect([bad.status, seen.length]).toEqual([413, 1])
    expect(await bad.text()).toContain('before the file')
  })

  it('that is small goes to a second place when the first fails', async () => {
    const rows = { mode: 'transcription', openrouterId: 'openai/whisper-large-v3', input: 0, output: 0 }
    const catalogue = createCatalogue(
      parseOverlay(
        JSON.stringify({
          version: 'x',
          models: {
            'groq/whisper-large-v3': { ...rows, perAudioSecond: '0.00003' },
            'together/openai/whisper-large-v3': { ...rows, perAudioSecond: '0.00002' },
          },
        }),
      ),
    )
    const { ask, seen } = gateway(({ url }) => (url.includes('together') ? json({ error: { message: 'busy' } }, 503) : said()), {
      catalogue: async () => catalogue,
    })
    const made = await makeKey({ limit: 10 })
    const body = form(text('model', 'openai/whisper-large-v3'), fileHead, sound(5000), END)
    const response = await ask(made, '/api/v1/audio/transcriptions', { body: body as BodyInit, headers: FORM })
    expect([response.status, response.headers.get('x-sluice-provider')]).toEqual([200, 'groq'])
    expect(seen).toHaveLength(2)
    expect(seen[1]?.bytes).toEqual(form(text('model', 'whisper-large-v3'), fileHead, sound(5000), END))
    expect((await booked(made, response)).row).toMatchObject({ cost_nano_usd: 6 * 30_000, provider: 'groq' })
  })
})
