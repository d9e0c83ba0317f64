// Official SDKs asking for vectors, token counts and old completions, through a running gateway, and the common shape of reranking by fetch.

import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { describe, expect, it, vi } from 'vitest'
import { answerText, OPERATION_RECORDINGS, RECORDINGS, recordingOf, type Recording } from '../support/recordings.ts'
import { running } from './running.ts'

vi.setConfig({ testTimeout: 20_000 })

const VECTORS = {
  openai: 'openai-embeddings-a4248bce8f',
  google: 'gemini-embedContent-53b90bbfa7',
  cohere: 'cohere-embed-b2caf8c30c',
} as const

const up = running()

const openai = (): OpenAI => new OpenAI({ apiKey: up.gateway.key, baseURL: `${up.gateway.base}/v1`, maxRetries: 0 })
const anthropic = (): Anthropic => new Anthropic({ apiKey: up.gateway.key, baseURL: up.gateway.base, maxRetries: 0 })

describe('the OpenAI SDK', () => {
  it.each(Object.entries(VECTORS))('gets the vectors of %s as they were recorded, as floats', async (place, id) => {
    const want = vectorsOf(operation(id))
    const got = await openai().embeddings.create({
      model: `${place}/rec-${id}`,
      input: want.map((_, i) => `text ${i}`),
      encoding_format: 'float',
    })
    expect(got.data.map(({ embedding }) => embedding)).toEqual(want)
    expect(got.data.map(({ index }) => index)).toEqual(want.map((_, i) => i))
  })

  it.each([
    ['google', VECTORS.google],
    ['cohere', VECTORS.cohere],
  ])('gets the vectors of %s in base64, which it asks for by itself', async (place, id) => {
    const want = vectorsOf(operation(id))
    const { data: got, response } = await openai()
      .embeddings.create({ model: `${place}/rec-${id}`, input: want.map((_, i) => `text ${i}`) })
      .withResponse()
    expect(got.data.map(({ embedding }) => Array.from(embedding))).toEqual(want.map((vector) => [...new Float32Array(vector)]))
    const rows = await up.gateway.rows(response.headers.get('x-sluice-request-id') ?? '')
    // Google told nothing then, so it is an estimate.
    expect(rows.map((row) => row.sluice.usage_from)).toEqual([place === 'cohere' ? 'provider' : 'counted'])
  })

  it('is told what a place cannot be told, and refuses it with x-sluice-strict', async () => {
    const ask = { model: `cohere/rec-${VECTORS.cohere}`, input: ['text'], user: 'somebody', encoding_format: 'float' as const }
    const { response } = await openai().embeddings.create(ask).withResponse()
    expect(response.headers.get('x-sluice-dropped')).toBe('user')
    await expect(openai().embeddings.create(ask, { headers: { 'x-sluice-strict': 'true' } })).rejects.toThrow(/user/)
  })

  it('gets old completions whole and streamed, forwarded and from a chat', async () => {
    const whole = await openai().completions.create({ model: 'openai/rec-openai-completions-72d8c40bcd', prompt: 'Who won?' })
    expect(whole.choices[0]?.text).toContain('2018')
    const { text, usage } = await streamed('openai/rec-openai-completions-24d8acfa6a')
    expect([text.length > 0, usage]).toEqual([true, 14])
    const chat = RECORDINGS.find(
      ({ api, streaming, status, features }) =>
        api === 'anthropic.messages' &&
        streaming &&
        status < 400 &&
        features.includes('finish_length') &&
        !features.includes('error_in_stream'),
    )
    if (chat === undefined) throw new Error('No chat is recorded.')
    expect((await streamed(`anthropic/rec-${chat.id}`)).text).toBe(textDeltas(answerText(recordingOf(chat.id))))
  })

  it('is refused completions that a chat has no place for', async () => {
    const model = 'anthropic/rec-none'
    await expect(openai().completions.create({ model, prompt: ['a', 'b'] })).rejects.toMatchObject({ status: 400, param: 'prompt' })
    await expect(openai().completions.create({ model, prompt: 'a', echo: true })).rejects.toMatchObject({ status: 400, param: 'echo' })
  })

  it('is told in its own words that a place has no vectors', async () => {
    await expect(openai().embeddings.create({ model: 'anthropic/claude', input: 'x' })).rejects.toMatchObject({
      status: 400,
      param: 'model',
    })
  })
})

describe('the Anthropic SDK', () => {
  it.each([
    ['anthropic', 'anthropic-countTokens-0fea90dbbe', 'input_tokens'],
    ['google', 'gemini-countTokens-f5abb68009', 'totalTokens'],
  ])('counts the tokens of a chat at %s, which costs nothing', async (place, id, member) => {
    const { data: got, response } = await anthropic()
      .messages.countTokens({
        model: `${place}/rec-${id}`,
        system: 'Be terse.',
        messages: [{ role: 'user', content: 'What is the capital of France?' }],
        tools: [{ name: 'weather', input_schema: { type: 'object', properties: { city: { type: 'string' } } } }],
      })
      .withResponse()
    const { answer } = operation(id)
    expect({ [member]: got.input_tokens }).toMatchObject({ [member]: Reflect.get(('json' in answer ? answer.json : {}) as object, member) })
    const rows = await up.gateway.rows(response.headers.get('x-sluice-request-id') ?? '')
    expect(rows.map((row) => row.sluice.cost_nano_usd)).toEqual([0])
  })

  it('wraps what is counted at Google as the whole request, with system and tools', async () => {
    const [asked] = up.server.askedFor('gemini-countTokens-f5abb68009')
    expect(JSON.parse(asked?.bytes.toString() ?? '{}')).toMatchObject({
      generateContentRequest: {
        model: 'models/rec-gemini-countTokens-f5abb68009',
        systemInstruction: { parts: [{ text: 'Be terse.' }] },
        contents: [{ role: 'user' }],
        tools: [{}],
      },
    })
  })

  it('is told in its own words where nobody counts', async () => {
    const asked = anthropic().messages.countTokens({ model: 'groq/llama', messages: [{ role: 'user', content: 'x' }] })
    await expect(asked).rejects.toMatchObject({ status: 400, type: 'invalid_request_error' })
  })
})

describe('reranking', () => {
  it.each(['voyage-rerank-cb46d9cde1', 'together-rerank-48f3b90d0d', 'openrouter-rerank-3f83bc0b2d'])(
    'gives the results of %s in one shape',
    async (id) => {
      const recording = operation(id)
      const answer = await fetch(`${up.gateway.base}/v1/rerank`, {
        method: 'POST',
        headers: { authorization: `Bearer ${up.gateway.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: `${recording.provider}/rec-${id}`, query: 'France', documents: ['a', { text: 'b' }], top_n: 3 }),
      })
      const { results } = (await answer.json()) as {
        readonly results: readonly { readonly index: number; readonly relevance_score: number }[]
      }
      const told = ('json' in recording.answer ? recording.answer.json : {}) as {
        readonly [name: string]: readonly (typeof results)[number][]
      }
      const want = told['results'] ?? told['data'] ?? []
      expect(results.map((one) => [one.index, one.relevance_score])).toEqual(want.map((one) => [one.index, one.relevance_score]))
    },
  )

  it('is asked of Voyage in its own words', () => {
    const [asked] = up.server.askedFor('voyage-rerank-cb46d9cde1')
    expect(JSON.parse(asked?.bytes.toString() ?? '{}')).toMatchObject({ top_k: 3, documents: ['a', 'b'] })
  })
})

describe('the list of models for vectors', () => {
  it('names those of the places that are set up, as they can be asked for', async () => {
    const answer = await fetch(`${up.gateway.base}/api/v1/embeddings/models?limit=1000`)
    const { data } = (await answer.json()) as { readonly data: readonly { readonly id: string; readonly architecture: unknown }[] }
    const row = data.find(({ id }) => id === 'openai/text-embedding-3-small')
    expect(row?.architecture).toMatchObject({ output_modalities: ['embeddings'] })
    expect(data.every(({ id }) => !id.includes('gpt-'))).toBe(true)
  })
})

async function streamed(model: string): Promise<{ readonly text: string; readonly usage: number | null }> {
  const stream = await openai().completions.create({ model, prompt: 'Hello', stream: true, stream_options: { include_usage: true } })
  let text = ''
  let usage: number | null = null
  for await (const chunk of stream) {
    text += chunk.choices[0]?.text ?? ''
    usage = chunk.usage?.total_tokens ?? usage
  }
  return { text, usage }
}

/** What a recorded stream of Anthropic says as text. */
function textDeltas(stream: string): string {
  return stream
    .split('\n')
    .filter((line) => line.startsWith('data:') && line.includes('"text_delta"'))
    .map((line) => (JSON.parse(line.slice(5)) as { readonly delta: { readonly text: string } }).delta.text)
    .join('')
}

function operation(id: string): Recording {
  const found = OPERATION_RECORDINGS.find((recording) => recording.id === id)
  if (found === undefined) throw new Error(`No recording ${id} in test/fixtures.`)
  return found
}

function vectorsOf({ answer }: Recording): readonly (readonly number[])[] {
  const told = ('json' in answer ? answer.json : {}) as {
    readonly data?: readonly { readonly embedding: readonly number[] }[]
    readonly embeddings?: { readonly float: readonly (readonly number[])[] } | readonly { readonly values: readonly number[] }[]
  }
  if (told.data !== undefined) return told.data.map(({ embedding }) => embedding)
  const { embeddings } = told
  if (embeddings === undefined) throw new Error('No vectors were recorded.')
  return 'float' in embeddings ? embeddings.float : embeddings.map(({ values }) => values)
}
