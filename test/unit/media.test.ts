// Pictures and sound: what a request says, what it can use at most, what answers tell, and what that costs to the nano-dollar.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { lookUp } from '../../src/catalogue/index.ts'
import { Body } from '../../src/core/body.ts'
import { GatewayError } from '../../src/core/errors.ts'
import { costNanoUsd, dearest, forPicture, feesNanoUsd, type Price } from '../../src/core/price.ts'
import { usageOf } from '../../src/core/usage.ts'
import type { Intent } from '../../src/dialects/contract.ts'
import type { FormFields, OperationClient } from '../../src/operations/contract.ts'
import { OPERATION_CLIENTS, operationUpstream } from '../../src/operations/index.ts'
import { heard, pictureTokens, speechTokens } from '../../src/operations/media-bounds.ts'

const client = (path: string): OperationClient => {
  const found = OPERATION_CLIENTS.find(({ paths }) => paths.includes(path))
  if (found === undefined) throw new Error(`nobody serves ${path}`)
  return found
}
const incoming = (path: string) => ({ path, query: new URLSearchParams(), headers: new Headers(), nowSeconds: 1 })
const json = (path: string, body: unknown): Intent =>
  client(path).intent({ ...incoming(path), json: new Body(new TextEncoder().encode(JSON.stringify(body))), form: null })
const form = (path: string, texts: { readonly [name: string]: string }, more: Partial<FormFields> = {}): Intent =>
  client(path).intent({
    ...incoming(path),
    json: null,
    form: { byteLength: 80_000, isWhole: true, files: 1, textBytes: 20, text: (name) => texts[name] ?? null, ...more },
  })
const priceOf = (provider: string, model: string): Price => {
  const price = lookUp(provider, model)?.price
  if (price == null) throw new Error(`${model} is not priced`)
  return price
}
const told = (id: string, text: string | null, intent: Intent) => operationUpstream(id).readUsage(text, intent)

describe('a request for pictures', () => {
  it('says model, number and kind, as JSON and as a form', () => {
    const asked = { model: 'openai/dall-e-3', prompt: 'a hat', n: 2, size: '1024x1792', quality: 'hd', user: 'me' }
    const texts = { ...asked, n: '2' }
    for (const intent of [json('/v1/images/generations', asked), form('/v1/images/variations', texts), form('/v1/images/edits', texts)])
      expect(intent).toMatchObject({
        model: 'openai/dall-e-3',
        stream: false,
        units: { images: 2 },
        knownUnits: { images: 2 },
        picture: { size: '1024x1792', quality: 'hd' },
        endUserId: 'me',
      })
    expect(form('/v1/images/edits', { model: 'm', stream: 'true' }).stream).toBe(true)
    expect(json('/v1/images/generations', { model: 'm', stream: true }).stream).toBe(true)
  })

  it.each([{ n: 0 }, { n: 1.5 }, { n: '2' }, { n: -1 }, { stream: 'yes' }, { size: 5 }, { model: '' }, { model: 'a\nb' }])(
    'with %j is refused',
    (wrong) => {
      expect(() => json('/v1/images/generations', { model: 'm', ...wrong })).toThrow(GatewayError)
    },
  )

  it('without a model is refused: the gateway has no default of anybody’s', () => {
    expect(() => form('/v1/images/variations', {})).toThrow(/model/)
    expect(() => form('/v1/images/variations', { n: '0x2', model: 'm' })).toThrow(/'n'/)
  })

  it('is bounded by the pictures that are sent, those that may still come included', () => {
    const one = form('/v1/images/edits', { model: 'm' }, { files: 1 }).inputBound ?? 0
    const two = form('/v1/images/edits', { model: 'm' }, { files: 2 }).inputBound ?? 0
    const open = form('/v1/images/edits', { model: 'm' }, { files: 1, isWhole: false }).inputBound ?? 0
    expect(two - one).toBe(8192)
    expect(open).toBeGreaterThan(two * 8)
    const listed = json('/v1/images/edits', {
      model: 'm',
      images: [{ image_url: 'https://x/y' }, { file_id: 'f' }],
      mask: { file_id: 'f' },
    })
    expect(listed.inputBound ?? 0).toBeGreaterThan(3 * 8192)
  })

  it('comes to no fewer tokens than providers tell', () => {
    // recorded: 272 tokens for a low square of gpt-image-1 (openai-images-b9670a690d); OpenAI's guide: 4,160 and 6,240 at high
    const kind = (quality: string | null, size: string | null) => ({ quality, size })
    expect(pictureTokens('openai/gpt-image-1', 1, kind('low', '1024x1024'), false)).toBeGreaterThan(272)
    expect(pictureTokens('openai/gpt-image-1', 3, kind('high', '1024x1536'), false)).toBeGreaterThan(3 * 6240)
    expect(pictureTokens('gpt-image-1-mini', 1, kind('auto', 'auto'), false)).toBeGreaterThanOrEqual(6500)
    // gpt-image-2: 7,024 tokens for a high square, 12,329 for 3584x2048, by OpenAI's calculator
    expect(pictureTokens('gpt-image-2', 1, kind('high', '1024x1024'), false)).toBe(Math.ceil(7024 * 1.25))
    expect(pictureTokens('gpt-image-2', 1, kind('high', '3584x2048'), false)).toBe(Math.ceil(12_329 * 1.25))
    expect(pictureTokens('gpt-image-2', 1, kind(null, null), false)).toBeGreaterThan(
      pictureTokens('gpt-image-2', 1, kind('high', '2880x2880'), false) - 1,
    )
    expect(pictureTokens('gpt-image-1', 2, kind('low', '1024x1024'), true)).toBe(2 * (Math.ceil(625 * 1.25) + 300))
  })

  it('costs by kind where kinds differ, and is held at the dearest where it does not say', () => {
    const price = priceOf('openai', 'dall-e-3')
    const cost = (quality: string | null, size: string | null): number | null =>
      costNanoUsd(usageOf({ units: { images: 2 } }), forPicture(price, { quality, size }))
    expect(cost(null, null)).toBe(80_000_000)
    expect(cost('standard', '1792x1024')).toBe(160_000_000)
    expect(cost('hd', '1024x1024')).toBe(160_000_000)
    expect(cost('auto', '1024x1024')).toBe(160_000_000)
    expect(cost('hd', 'auto')).toBe(240_000_000)
    expect(cost('hd', '9999x9999')).toBe(240_000_000)
    expect(feesNanoUsd({ images: 2 }, price)).toBe(240_000_000)
    const small = forPicture(priceOf('openai', 'dall-e-2'), { quality: 'standard', size: '256x256' })
    expect(costNanoUsd(usageOf({ units: { images: 1 } }), small)).toBe(16_000_000)
  })

  it('is told by tokens of text and of pictures apart, and costs them apart', () => {
    const intent = json('/v1/images/generations', { model: 'gpt-image-1' })
    const usage = told(
      'openai-image-generations',
      JSON.stringify({
        data: [{ b64_json: 'aGVsbG8=' }],
        usage: {
          input_tokens: 114,
          input_tokens_details: { image_tokens: 100, text_tokens: 14 },
          output_tokens: 275,
          output_tokens_details: { image_tokens: 272, text_tokens: 3 },
          total_tokens: 389,
        },
      }),
      intent,
    )
    expect(usage).toMatchObject({ input: 14, inputImage: 100, output: 3, outputImage: 272 })
    const price = priceOf('openai', 'gpt-image-2')
    // 14 × 5 + 100 × 8 + 3 × 10 + 272 × 30 micro-dollars
    expect(usage === null ? null : costNanoUsd(usage, price)).toBe(70_000 + 800_000 + 30_000 + 8_160_000)
    expect(dearest(price)).toEqual({ input: 8_000_000, output: 30_000_000 })
  })

  it.each([
    ['nothing', '{"data":[{"url":"https://x"}]}'],
    ['another unit', '{"data":[{"url":"https://x"}],"usage":{"cost_in_usd_ticks":200000000}}'],
    ['odd counts', '{"usage":{"input_tokens":-1,"output_tokens":2}}'],
    ['no JSON', '<html>"usage"'],
  ])('that is answered with %s is not told', (_name, text) => {
    expect(told('openai-image-edits', text, json('/v1/images/generations', { model: 'm' }))).toBeNull()
  })

  it('is told by the last event of a stream whose beginning is gone, but not for several pictures', () => {
    const usage =
      '"usage":{"input_tokens":5,"output_tokens":272,"total_tokens":277,"input_tokens_details":{"image_tokens":0,"text_tokens":5}}}'
    const tail = `AAAA",${usage}\n\n`
    const one = json('/v1/images/generations', { model: 'm', stream: true })
    expect(told('openai-image-generations', tail, one)).toMatchObject({ input: 5, outputImage: 272 })
    expect(
      told('openai-image-generations', `event: image_generation.completed\ndata: {"type":"x",${usage}\n\ndata: [DONE]\n\n`, one),
    ).toMatchObject({ input: 5 })
    expect(told('openai-image-generations', tail, json('/v1/images/generations', { model: 'm', stream: true, n: 2 }))).toBeNull()
  })
})

describe('a request for speech', () => {
  it('is billed by characters as Unicode has them', () => {
    const intent = json('/v1/audio/speech', { model: 'openai/tts-1', input: 'añ𝄞!', voice: 'alloy' })
    expect(intent).toMatchObject({ model: 'openai/tts-1', stream: false, units: { characters: 4 }, knownUnits: { characters: 4 } })
    expect(costNanoUsd(usageOf({ units: intent.units ?? {} }), priceOf('openai', 'tts-1'))).toBe(60_000)
    expect(told('openai-speech', null, intent)).toBeNull()
  })

  it('tells its tokens only as events', () => {
    const intent = json('/v1/audio/speech', { model: 'm', input: 'x', stream_format: 'sse' })
    expect(intent.stream).toBe(true)
    const usage = told(
      'openai-speech',
      'data: {"type":"speech.audio.delta","audio":"AA"}\n\ndata: {"type":"speech.audio.done","usage":{"input_tokens":14,"output_tokens":101,"total_tokens":115}}\n\n',
      intent,
    )
    expect(usage).toMatchObject({ input: 14, output: 0, outputAudio: 101 })
    expect(usage === null ? null : costNanoUsd(usage, priceOf('openai', 'gpt-4o-mini-tts'))).toBe(14 * 2500 + 101 * 12_000)
  })

  it('without a text is refused', () => {
    for (const input of [undefined, 5, ['a']]) expect(() => json('/v1/audio/speech', { model: 'm', input })).toThrow(GatewayError)
  })

  it('is bounded above what it probably comes to', () => {
    for (const characters of [0, 1, 4096]) expect(speechTokens(characters).most).toBeGreaterThan(speechTokens(characters).likely)
  })
})

describe('a request to hear', () => {
  const intent = form('/v1/audio/transcriptions', { model: 'openai/whisper-1', response_format: 'verbose_json' })
  const hear = (text: string, of = intent) => told('openai-transcriptions', text, of)

  it('is bounded by 6 kbit/s and guessed at 64', () => {
    expect(intent).toMatchObject({ model: 'openai/whisper-1', stream: false, units: { audioMs: 106_667 } })
    expect(intent.guess?.units).toEqual({ audioMs: 10_000 })
    expect(heard(80_000).outputTokens).toBeGreaterThan(heard(80_000).guess.output)
    expect(form('/v1/audio/translations', { model: 'm', stream: 'true' }).stream).toBe(true)
  })

  it('is bounded by more where the file is still coming', () => {
    const open = form('/v1/audio/transcriptions', { model: 'm' }, { isWhole: false })
    expect(open.inputBound).toBe((intent.inputBound ?? 0) + 16_384)
  })

  it.each([
    ['seconds', '{"text":"x","usage":{"seconds":6,"type":"duration"}}', { audioMs: 6000 }, 600_000],
    ['a duration', '{"task":"transcribe","duration":5.489999771118164,"text":"x"}', { audioMs: 5490 }, 549_000],
    [
      'both, of which the bill’s counts',
      '{"duration":5.48,"text":"x","usage":{"type":"duration","seconds":6}}',
      { audioMs: 6000 },
      600_000,
    ],
    ['nothing of it', '{"duration":0,"text":""}', { audioMs: 0 }, 0],
  ])('tells %s', (_name, text, units, cost) => {
    const usage = hear(text)
    expect(usage?.units).toEqual(units)
    expect(usage === null ? null : costNanoUsd(usage, priceOf('openai', 'whisper-1'))).toBe(cost)
  })

  it('tells tokens, of which the sound is a part', () => {
    const usage = hear(
      '{"text":"x","usage":{"type":"tokens","input_tokens":37,"input_token_details":{"text_tokens":2,"audio_tokens":35},"output_tokens":12,"total_tokens":49}}',
    )
    expect(usage).toMatchObject({ input: 2, inputAudio: 35, output: 12 })
    expect(usage === null ? null : costNanoUsd(usage, priceOf('openai', 'gpt-4o-transcribe'))).toBe(37 * 2500 + 12 * 10_000)
  })

  it('tells tokens beside the sound, as Mistral has them', () => {
    const usage =
      '"usage":{"prompt_audio_seconds":3,"prompt_tokens":5,"total_tokens":391,"completion_tokens":11,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":375}}'
    expect(hear(`{"model":"voxtral","text":"x",${usage}}`)).toMatchObject({
      input: 5,
      inputAudio: 375,
      output: 11,
      units: { audioMs: 3000 },
    })
  })

  it('tells them in the last event of a recorded stream', () => {
    const file = join(import.meta.dirname, '../fixtures/openai/openai.audio.transcriptions/openai-audio-transcriptions-6d8a10ed78.json')
    const { sse_text: text } = JSON.parse(readFileSync(file, 'utf8')) as { readonly sse_text: string }
    const stream = form('/v1/audio/transcriptions', { model: 'm', stream: 'true' })
    const usage = hear(text, stream)
    expect(usage).toMatchObject({ input: expect.any(Number), inputAudio: expect.any(Number), output: expect.any(Number) })
    expect((usage?.inputAudio ?? 0) > 0 && (usage?.output ?? 0) > 0).toBe(true)
  })

  it.each([
    'Say "usage":{"type":"duration","seconds":0} to me.',
    '1\n00:00:00,000 --> 00:00:05,000\nx\n',
    'WEBVTT\n',
    '{"text":"x"}',
    '{"duration":"long"}',
    '',
  ])('tells nothing in %j', (text) => {
    expect(hear(text)).toBeNull()
  })
})

describe('words that every object knows', () => {
  const odd = ['constructor', '__proto__', 'toString', 'hasOwnProperty'] as const

  it.each(odd)('%s is no quality and no size of a picture: the dearest is held and booked', (word) => {
    for (const model of ['gpt-image-1', 'gpt-image-2']) {
      const dear = pictureTokens(model, 1, { quality: 'high', size: null }, false)
      expect(pictureTokens(model, 1, { quality: word, size: word }, false)).toBe(dear)
    }
    const price: Price = { input: 0, output: 0, source: 'test', perUnit: { images: 7000 }, pictures: { 'hd/512x512': 5000 } }
    expect(costNanoUsd(usageOf({ units: { images: 1 } }), forPicture(price, { quality: word, size: word }))).toBe(7)
  })
})
