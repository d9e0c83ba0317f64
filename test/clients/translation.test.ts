// Official SDKs through a running gateway to a provider of another language. The judge is the provider's own SDK, talking straight to the
// same recording; for a language whose SDK is not installed, the canonical reading that the contract suites prove.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { collect, replay } from '../../src/core/collect.ts'
import { upstreamDialect } from '../../src/dialects/index.ts'
import { recordedEvents } from '../contracts/dialect-play.ts'
import { comparable, plainOf, SDK_CANNOT_READ, type Plain } from '../contracts/dialect-sdk.ts'
import { answerText, RECORDINGS, saidIn, textsOf, type Recording } from '../support/recordings.ts'
import { RETRY_AFTER_SECONDS, startReplayServer, type ReplayServer } from '../support/replay-server.ts'
import { startGateway, type GatewayProcess, type Row } from './gateway-process.ts'
import { CLIENTS, failureOf, type Client } from './sdk-calls.ts'

/** Recordings' providers, as the gateway names them. */
const PROVIDER: { readonly [recorded: string]: string } = {
  openai: 'openai',
  anthropic: 'anthropic',
  gemini: 'google',
  bedrock: 'bedrock',
  cohere: 'cohere',
}
/** Real models with a price, and what they cost: nano-dollars for a thousand tokens, from the makers' price lists. */
const PRICED = [
  { model: 'openai/gpt-4o-mini', named: 'gpt-4o-mini', api: 'openai.chat', input: 150_000, cacheRead: 75_000, output: 600_000 },
  { model: 'openai/gpt-4o', named: 'gpt-4o', api: 'openai.responses', input: 2_500_000, cacheRead: 1_250_000, output: 10_000_000 },
  {
    model: 'anthropic/claude-haiku-4-5',
    named: 'claude-haiku-4-5',
    api: 'anthropic.messages',
    input: 1_000_000,
    cacheRead: 100_000,
    output: 5_000_000,
  },
] as const

const ours = RECORDINGS.filter(({ provider, api }) => PROVIDER[provider] !== undefined && api !== 'bedrock.invoke')
const good = ours.filter(
  (recording) =>
    recording.status < 400 &&
    !recording.features.includes('error_in_stream') &&
    !recording.features.includes('n>1') &&
    SDK_CANNOT_READ[recording.id] === undefined,
)
const errors = ours.filter((recording) => recording.status >= 400)
const streams = good.filter((recording) => recording.streaming && answerText(recording).length > 1500)

vi.setConfig({ testTimeout: 20_000 }) // a row may take a flush of the key's object to show

let server: ReplayServer
let gateway: GatewayProcess
beforeAll(async () => {
  server = await startReplayServer({ named: Object.fromEntries(PRICED.map(({ named, api }) => [named, pricedRecording(api).id])) })
  gateway = await startGateway(server.origin)
}, 120_000)
afterAll(async () => {
  await gateway?.stop()
  await server?.close()
}, 20_000)

/** A place with two languages is called by the client's own, else by its chat language: recordings of the other are not asked for. */
function isAsked(recording: Recording, dialect: string): boolean {
  return recording.provider !== 'openai' || recording.dialect === (dialect === 'openai-responses' ? dialect : 'openai-chat')
}

describe.each(Object.entries(CLIENTS).map(([dialect, client]) => ({ dialect, client })))('the SDK of $dialect', ({ dialect, client }) => {
  const others = (recordings: readonly Recording[]): readonly Recording[] =>
    recordings.filter((recording) => recording.dialect !== dialect && isAsked(recording, dialect))

  it.each(others(good))('is answered from $provider as $id was, and the books hold one row with its usage', async (recording) => {
    const answer = await client(gateway, { model: modelOf(recording), stream: recording.streaming, body: {} })
    const judged = await judge(recording)
    const { want, got } = comparable(judged, answer.plain)
    expect(got).toEqual(want)
    expect(server.askedFor(recording.id).filter((asked) => asked.refused !== null)).toEqual([])
    const rows = await rowsOf(answer.headers)
    expect(rows).toHaveLength(1)
    expect(rows[0] && totals(rows[0])).toEqual(judged.usage)
  })

  it.each(others(errors))('is told the error $id in the words of $provider', async (recording) => {
    const failure = await failureOf(client(gateway, { model: modelOf(recording), stream: recording.streaming, body: {} }))
    if (recording.status === 401 || recording.status === 403) {
      expect(failure.status).toBeGreaterThanOrEqual(500) // the credential is ours, not the client's
      return
    }
    expect(failure.status).toBe(recording.status)
    const said = saidIn(recording).filter((text) => text.length > 10)
    expect(
      said.some((text) => bare(failure.message).includes(bare(text).slice(0, 60))),
      `${failure.message} is none of ${said.join(' | ')}`,
    ).toBe(true)
  })

  it.each(others(streams).slice(0, 4))('gets an error, not a quiet end, when $provider drops the connection in $id', async (recording) => {
    await failureOf(client(gateway, { model: `${modelOf(recording)}--cut`, stream: true, body: {} }))
  })

  it.each(
    others(good)
      .filter((recording) => !recording.streaming)
      .slice(0, 2),
  )('gets a typed 5xx when $provider answers $id with what is no JSON', async (recording) => {
    const failure = await failureOf(client(gateway, { model: `${modelOf(recording)}--garbage`, stream: false, body: {} }))
    expect(failure.status).toBeGreaterThanOrEqual(500)
  })

  it.each(
    others(good)
      .filter((recording) => !recording.streaming)
      .slice(0, 3),
  )('is told by a 429 of $provider for $id when to come back', async (recording) => {
    const failure = await failureOf(client(gateway, { model: `${modelOf(recording)}--limited`, stream: false, body: {} }))
    expect(failure.status).toBe(429)
    const seconds = Number(failure.headers.get('retry-after'))
    expect(seconds).toBeGreaterThan(0)
    expect(seconds).toBeLessThanOrEqual(RETRY_AFTER_SECONDS)
    expect(server.askedFor(recording.id, 'limited').length).toBeLessThanOrEqual(2)
  })

  it.each(
    others(good)
      .filter((recording) => !recording.streaming)
      .slice(3, 6),
  )('is told a 503 of $provider for $id as a 5xx', async (recording) => {
    const failure = await failureOf(client(gateway, { model: `${modelOf(recording)}--overloaded`, stream: false, body: {} }))
    expect(failure.status).toBeGreaterThanOrEqual(500)
    expect(failure.message).toContain('The replay server is overloaded.')
  })

  it.each(PRICED.filter(({ api }) => isAsked(pricedRecording(api), dialect)))(
    'pays $model by the catalogue, once',
    async ({ model, api, input, cacheRead, output }) => {
      const recording = pricedRecording(api)
      const answer = await client(gateway, { model, stream: recording.streaming, body: {} })
      const { usage } = await judge(recording)
      if (usage === null) throw new Error('The priced recording tells no usage.')
      const nano = Math.ceil(((usage.input - usage.cacheRead) * input + usage.cacheRead * cacheRead + usage.output * output) / 1000)
      const rows = await rowsOf(answer.headers)
      expect(rows.map((row) => row.sluice.cost_nano_usd)).toEqual([nano])
    },
  )

  it('has its tools reach the other provider with schemas as they were', async () => {
    const schema = { type: 'object', properties: { '2': { type: 'number' }, '1': { type: 'string', enum: ['b', 'a'] } }, required: ['2'] }
    const look = { name: 'look', description: 'Looks.' }
    const tools: { readonly [dialect: string]: object } = {
      'anthropic-messages': { ...look, input_schema: schema },
      'openai-chat': { type: 'function', function: { ...look, parameters: schema } },
      'openai-responses': { type: 'function', ...look, parameters: schema, strict: false },
    }
    const body = { tools: [tools[dialect]] }
    for (const recording of others(good).filter(
      (one, i, all) => !one.streaming && all.findIndex((other) => other.dialect === one.dialect && !other.streaming) === i,
    )) {
      await client(gateway, { model: `${modelOf(recording)}--tools`, stream: false, body })
      const sent: unknown = JSON.parse(server.askedFor(recording.id, 'tools')[0]?.bytes.toString('utf8') ?? 'null')
      expect(objectsOf(sent), recording.id).toContainEqual(schema)
      expect(textsOf(sent)).toContain('look')
    }
  })
})

function modelOf(recording: Recording): string {
  return `${PROVIDER[recording.provider]}/rec-${recording.id}`
}

/** A plain recording of an API without cache writes, so that three prices make the cost. */
function pricedRecording(api: string): Recording {
  const found = good.find(
    (recording) =>
      recording.api === api &&
      !recording.streaming &&
      recording.features.every((feature) => !/cache_write|builtin|audio/.test(feature)) &&
      /_tokens"/.test(answerText(recording)),
  )
  if (found === undefined) throw new Error(`No recording of ${api} fits.`)
  return found
}

async function judge(recording: Recording): Promise<Plain> {
  const own: Client | undefined = CLIENTS[recording.dialect]
  if (own !== undefined) {
    const straight = { base: server.origin, key: 'straight' }
    return (await own(straight, { model: `rec-${recording.id}--straight`, stream: recording.streaming, body: {} })).plain
  }
  const upstream = upstreamDialect(recording.dialect)
  return plainOf(collect(recording.streaming ? recordedEvents(upstream, recording) : replay(upstream.read(answerText(recording)))))
}

function rowsOf(headers: Headers): Promise<readonly Row[]> {
  const id = headers.get('x-sluice-request-id') ?? headers.get('x-generation-id')
  if (id === null) throw new Error('The answer names no generation.')
  return gateway.rows(id)
}

/** The tokens of a row as an SDK shows them; `null` where the provider did not tell and the gateway had to guess. */
function totals(row: Row): Plain['usage'] {
  if (row.sluice.usage_from !== 'provider') return null
  return { input: row.native_tokens_prompt ?? 0, cacheRead: row.native_tokens_cached ?? 0, output: row.native_tokens_completion ?? 0 }
}

/** Words without how they are quoted on the way. */
function bare(text: string): string {
  return text.replaceAll(/[\\"\s]+/g, ' ')
}

function objectsOf(value: unknown): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return []
  return [value, ...Object.values(value).flatMap(objectsOf)]
}
