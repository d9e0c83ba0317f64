// Pictures and sound asked for by the official SDK through a running gateway: what a provider said is what comes out.

import OpenAI, { toFile } from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MEDIA_RECORDINGS, mediaBytes, startMediaServer, type MediaRecording, type MediaServer } from '../support/media-server.ts'
import { startGateway, type GatewayProcess } from './gateway-process.ts'

const NAMED = {
  'tts-1': 'openai-audio-speech-db3c2f0496',
  'whisper-1': 'openai-audio-transcriptions-416fa6c160',
  'gpt-image-1': 'openai-images-b9670a690d',
} as const

let server: MediaServer
let gateway: GatewayProcess
let openai: OpenAI
beforeAll(async () => {
  server = await startMediaServer(NAMED)
  gateway = await startGateway(server.origin)
  openai = new OpenAI({ apiKey: gateway.key, baseURL: `${gateway.base}/v1`, maxRetries: 0 })
}, 120_000)
afterAll(async () => {
  await gateway?.stop()
  await server?.close()
}, 20_000)

const ours = (api: string): readonly MediaRecording[] =>
  MEDIA_RECORDINGS.filter((one) => one.api === api && ['openai', 'xai', 'mistral'].includes(one.provider))
const good = (api: string): readonly MediaRecording[] => ours(api).filter(({ status }) => status < 400)
const model = ({ provider, id }: MediaRecording): string => `${provider}/rec-${id}`
const sound = (): Promise<File> => toFile(Buffer.from('RIFF\r\n--not a boundary\r\n\xff', 'latin1'), 'a.wav', { type: 'audio/wav' })
const requestId = (response: Response): string => response.headers.get('x-sluice-request-id') ?? ''

async function failure(call: PromiseLike<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> {
  const error: unknown = await Promise.resolve(call).then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof OpenAI.APIError)) throw new Error('The call must fail by an error of the SDK.', { cause: error })
  return error
}

describe('speech', () => {
  it.each(good('openai.audio.speech'))('of $id comes out byte for byte', async (recording) => {
    const response = await openai.audio.speech.create({ model: model(recording), input: 'hello', voice: 'alloy' })
    expect(Buffer.from(await response.arrayBuffer()).equals(mediaBytes(recording))).toBe(true)
    expect(response.headers.get('content-type')).toBe(recording.response_headers?.['content-type'])
  })

  it('is booked by its characters', async () => {
    const response = await openai.audio.speech.create({ model: 'openai/tts-1', input: 'hello', voice: 'alloy' })
    await response.arrayBuffer()
    const rows = await gateway.rows(requestId(response))
    expect(rows.map(({ sluice }) => sluice.cost_nano_usd)).toEqual([75_000])
  })
})

describe('hearing', () => {
  it.each(good('openai.audio.transcriptions').filter(({ streaming }) => !streaming))(
    '$id is told as the provider did',
    async (recording) => {
      const answer = await openai.audio.transcriptions.create({ model: model(recording), file: await sound(), language: 'en' })
      expect(answer).toMatchObject(recording.response_body as object)
      const [asked] = server.askedFor(recording.id)
      expect(asked?.bytes.includes(Buffer.from('RIFF\r\n--not a boundary\r\n\xff', 'latin1'))).toBe(true)
      expect(Number(asked?.headers['content-length'] ?? asked?.bytes.length)).toBe(asked?.bytes.length)
    },
  )

  it.each(good('openai.audio.transcriptions').filter(({ streaming }) => streaming))(
    'the events of $id come one by one',
    async (recording) => {
      const stream = await openai.audio.transcriptions.create({ model: model(recording), file: await sound(), stream: true })
      let text = ''
      let last = ''
      for await (const event of stream) {
        if (event.type === 'transcript.text.delta') text += event.delta
        if (event.type === 'transcript.text.done') last = event.text
      }
      expect(text.length).toBeGreaterThan(10)
      expect(text).toBe(last)
    },
  )

  it.each(good('openai.audio.translations'))('$id is translated as the provider did', async (recording) => {
    expect(await openai.audio.translations.create({ model: model(recording), file: await sound() })).toMatchObject(
      recording.response_body as object,
    )
  })

  it('is booked by its seconds, and a large file goes out with its length', async () => {
    const file = await toFile(Buffer.alloc(3_000_000, 7), 'a.wav')
    const { data, response } = await openai.audio.transcriptions.create({ model: 'openai/whisper-1', file }).withResponse()
    expect(data.text).toContain('sun')
    const rows = await gateway.rows(requestId(response))
    expect(rows.map(({ sluice }) => sluice.cost_nano_usd)).toEqual([600_000])
    const asked = server.askedFor(NAMED['whisper-1']).at(-1)
    expect(asked?.bytes.length ?? 0).toBeGreaterThan(3_000_000)
    expect(asked?.headers['content-length']).toBe(String(asked?.bytes.length))
  })
})

describe('pictures', () => {
  const kind = ({ url }: MediaRecording): string => /\/images\/(\w+)$/.exec(url)?.[1] ?? ''
  const ask = async (recording: MediaRecording): Promise<unknown> => {
    const image = await toFile(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), 'a.png', { type: 'image/png' })
    if (kind(recording) === 'generations') return openai.images.generate({ model: model(recording), prompt: 'a cat' })
    if (kind(recording) === 'edits') return openai.images.edit({ model: model(recording), prompt: 'a cat', image: [image, image] })
    return openai.images.createVariation({ model: model(recording), image })
  }

  it.each(good('openai.images'))('of $id come out as the provider told them', async (recording) => {
    expect(await ask(recording)).toMatchObject(recording.response_body as object)
  })

  it.each(ours('openai.images').filter(({ status }) => status >= 400))(
    'the refusal of $id is thrown by the SDK in its words',
    async (recording) => {
      const { error } = recording.response_body as { readonly error: { readonly message: string } }
      const thrown = await failure(ask(recording))
      expect([thrown.status, thrown.message.includes(error.message)]).toEqual([recording.status, true])
    },
  )

  it('are booked by the tokens that are told', async () => {
    const { response } = await openai.images.generate({ model: 'openai/gpt-image-1', prompt: 'a circle', quality: 'low' }).withResponse()
    const rows = await gateway.rows(requestId(response))
    expect(rows.map(({ sluice }) => sluice.cost_nano_usd)).toEqual([14 * 5000 + 272 * 40_000])
  })

  it('without a model are refused: nobody’s default is taken', async () => {
    const thrown = await failure(openai.images.generate({ prompt: 'a cat' }))
    expect([thrown.status, thrown.message.includes("'model'")]).toEqual([400, true])
  })
})
