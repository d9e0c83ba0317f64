// The contract of every language beside chat, held against its recordings: what is forwarded, translated, counted and refused. Names no language.

import { describe, expect, it } from 'vitest'
import { Body } from '../../src/core/body.ts'
import { ERRORS, GatewayError, type ErrorCode } from '../../src/core/errors.ts'
import type {
  OperationClient,
  OperationIncoming,
  OperationRequest,
  OperationResponse,
  OperationUpstream,
} from '../../src/operations/contract.ts'
import { OPERATION_CLIENTS, OPERATION_UPSTREAMS } from '../../src/operations/index.ts'
import { chance, oneOf } from '../support/chance.ts'
import { mutated } from '../support/mutate.ts'
import { oddJson, rawMembers } from '../support/odd-json.ts'
import { answerText, OPERATION_RECORDINGS, saidIn, textsOf, type Recording } from '../support/recordings.ts'
import { SERVED } from '../support/served.ts'
import { intentFor, ordersFor } from './dialect-play.ts'

const SPOILT = 600
const NOW_SECONDS = 1_790_000_000
const SAID = 'Somebody said no.'
const codes = Object.keys(ERRORS).filter((code): code is ErrorCode => code in ERRORS)
const encoder = new TextEncoder()
const decoder = new TextDecoder()
const clients = OPERATION_CLIENTS.filter((client) => client.takes.includes('json'))

describe('the registry of operations', () => {
  it('has each half of a language once, and mounts no path twice for the same calls', () => {
    const upstreams = OPERATION_UPSTREAMS.map(({ id }) => id)
    expect(new Set(upstreams).size).toBe(upstreams.length)
    const mounted = OPERATION_CLIENTS.flatMap((client) =>
      client.paths.map((path) => `${path} ${client.claims === undefined ? '' : client.id}`),
    )
    expect(new Set(mounted).size).toBe(mounted.length)
  })

  it('lets nobody read who cannot also write, on either side', () => {
    for (const half of [...OPERATION_CLIENTS, ...OPERATION_UPSTREAMS])
      expect(half.read === undefined, half.id).toBe(half.write === undefined)
  })
})

describe.each(clients.map((client) => ({ id: `${client.id} at ${client.paths[0]}`, client })))('operation client $id', ({ client }) => {
  const own = OPERATION_UPSTREAMS.find((upstream) => upstream.id === client.id)
  const others = OPERATION_UPSTREAMS.filter((upstream) => upstream.kind === client.kind && upstream.write !== undefined)
  const requests = recordingsFor(client)

  it.each(requests)('passes the request of $id on byte for byte outside the members it edits', (recording) => {
    if (own === undefined) throw new Error(`No provider speaks ${client.id}.`)
    const text = oddJson({ ...recording.request, ...(namesModel(client) ? { model: 'place/model' } : {}), one: 1 }, recording.id).replace(
      /\}$/,
      ', "big": 12345678901234567890 }',
    )
    const asked = incoming(client, text)
    const edits = own.edits(client.intent(asked), ordersFor('nobody'), (path) => asked.json.member(path))
    const roots = new Set<string>(edits.map(({ path }) => path[0]))
    const sent = decoder.decode(Buffer.concat(asked.json.spliced(edits)))
    expect(rawMembers(sent).filter(([name]) => !roots.has(name))).toEqual(rawMembers(text).filter(([name]) => !roots.has(name)))
    expect(JSON.stringify(JSON.parse(sent)).replaceAll(/"(models\/)?ordered-model"/g, '"_"')).toBe(
      JSON.stringify(JSON.parse(text)).replaceAll(/"(models\/[^"]+|place\/model)"/g, '"_"'),
    )
  })

  it.each(client.read === undefined ? [] : requests.filter(({ status }) => status < 400))(
    'reads the request of $id the same after its own language has written it',
    (recording) => {
      if (own?.write === undefined || client.read === undefined) return
      const asked = incoming(client, requestText(client, recording))
      const read = readOrRefused(client, asked.json)
      if (read === null) return
      const written = own.write(read, ordersFor('nobody'), client.intent(asked))
      expect(comparable(client.read(new Body(encoder.encode(written.text))), written.dropped)).toEqual(comparable(read, written.dropped))
    },
  )

  it('knows the model, holds no output and streams nothing unless it is asked to', () => {
    for (const recording of requests) {
      const intent = client.intent(incoming(client, requestText(client, recording)))
      expect(intent.model, recording.id).toBe('place/model')
      expect([intent.stream, intent.isCeilingFixed], recording.id).toEqual([recording.request?.['stream'] === true, true])
    }
  })

  it.each(['', 'null', '[]', '7', '{', '{"model":"a","model":"b"}', '{}'])('refuses the body %j, in its own shape', (text) => {
    let error: unknown = null
    try {
      const asked = incoming(client, text)
      client.intent(asked)
      client.read?.(asked.json)
    } catch (cause) {
      error = cause
    }
    // What is only forwarded is refused by the place, where the gateway itself can go by it.
    if (error === null) return expect('read' in client).toBe(false)
    expect(error).toBeInstanceOf(GatewayError)
    expect((error as GatewayError).code).toBe('request-malformed')
    expect(textsOf(client.writeError(error as GatewayError, 'req-1'))).toContain((error as GatewayError).message)
  })

  it.each(codes)('spells the error %s with its words and a status of an error', (code) => {
    const error = new GatewayError(code, SAID)
    expect(JSON.stringify(client.writeError(error, 'req-1'))).toContain(SAID)
    expect(client.status(error)).toBeGreaterThanOrEqual(400)
    expect(client.status(error)).toBeLessThan(600)
  })

  it('throws nothing but GatewayError for requests that are spoilt, whoever they are written to', () => {
    const random = chance(`operations ${client.id}`)
    const seeds = requests.map((recording) => JSON.parse(requestText(client, recording)) as object)
    const bad = new Set<string>()
    for (let i = 0; i < SPOILT && seeds.length > 0; i++) {
      const text = JSON.stringify(mutated(oneOf(random, seeds), random))
      const fault = faultOf(() => {
        const asked = incoming(client, text)
        const intent = client.intent(asked)
        for (const edit of own?.edits(intent, ordersFor('nobody'), (path) => asked.json.member(path)) ?? [])
          if (edit.json !== null) JSON.parse(edit.json)
        const read = client.read?.(asked.json)
        if (read !== undefined) for (const upstream of others) JSON.parse(upstream.write?.(read, ordersFor('nobody'), intent).text ?? '{}')
      })
      if (fault !== null) bad.add(`${fault} ${text.slice(0, 300)}`)
    }
    expect([...bad].slice(0, 4)).toEqual([])
  })
})

describe.each(OPERATION_UPSTREAMS.map((upstream) => ({ id: upstream.id, upstream })))('operation upstream $id', ({ id, upstream }) => {
  const recordings = OPERATION_RECORDINGS.filter((recording) => recording.dialect === id)
  const good = recordings.filter(({ status }) => status < 400)

  it.each(good)('finds no error in the good answer $id, and reads it for every client of its kind', (recording) => {
    const text = answerText(recording)
    expect(upstream.readError(recording.status, new Headers(recording.headers), text)).toBeNull()
    if (upstream.read === undefined) return
    for (const format of ['float', 'base64'] as const) {
      if (format === 'float' && /"embedding":\s*"/.test(JSON.stringify(recording.answer))) continue // it was recorded as base64
      const told = upstream.read(text, requestLike(upstream, recording, format))
      if ('usage' in told) expect(told.usage).toEqual(upstream.readUsage(text, intentFor(false)))
      for (const client of clients.filter((one) => one.kind === upstream.kind && one.write !== undefined)) {
        if (asksForOne(client) && 'vectors' in told && told.vectors.length > 1) continue
        const written: unknown = JSON.parse(client.write?.(told, intentFor(false), SERVED) ?? '')
        if (format === 'float') expect(numbersIn(written), client.id).toEqual(expect.arrayContaining(figuresOf(told)))
      }
    }
  })

  it.each(recordings.filter(({ status }) => status >= 400))('tells the error $id in the words of the provider', (recording) => {
    const error = upstream.readError(recording.status, new Headers(recording.headers), answerText(recording))
    expect(error).toBeInstanceOf(GatewayError)
    expect(saidIn(recording).some((said) => error?.message.includes(said) || said.includes(error?.message ?? '?'))).toBe(true)
  })

  it('throws nothing but GatewayError for answers that are spoilt, and reading usage never throws', () => {
    const random = chance(`answers ${id}`)
    const bad = new Set<string>()
    const seeds = good.map((recording) => ('json' in recording.answer ? recording.answer.json : null))
    const texts = ['', 'null', '[]', '7', '"x"', '{', '{}', '<html>', '{"usage":7}', '{"error":{}}', 'data: {"usage":{}}', '\u0000']
    for (let i = 0; i < SPOILT; i++) {
      const text = texts[i] ?? (seeds.length === 0 ? '{}' : JSON.stringify(mutated(oneOf(random, seeds), random)))
      try {
        upstream.readUsage(text, intentFor(false))
        upstream.readError(200, new Headers(), text)
        upstream.readError(500, new Headers(), text)
      } catch (error) {
        bad.add(`${String(error)} ${text.slice(0, 200)}`)
      }
      const recording = good[0]
      if (upstream.read === undefined || recording === undefined) continue
      const fault = faultOf(() => upstream.read?.(text, requestLike(upstream, recording, 'base64')))
      if (fault !== null) bad.add(`${fault} ${text.slice(0, 200)}`)
    }
    expect(upstream.readUsage(null, intentFor(false))).toBe(upstream.readUsage(null, intentFor(false)))
    expect([...bad].slice(0, 4)).toEqual([])
  })
})

function recordingsFor(client: OperationClient): readonly Recording[] {
  return OPERATION_RECORDINGS.filter(({ dialect, request }) => dialect === client.id && request !== null)
}

/** Its answers have a place for one vector. */
function asksForOne(client: OperationClient): boolean {
  return client.claims?.('/v1beta/models/place/model:embedContent') === true
}

/** Some have the model in the path alone. */
function namesModel(client: OperationClient): boolean {
  return !client.paths.some((path) => path.includes(':'))
}

/** The recorded request for another model, wherever it names one. */
function requestText(client: OperationClient, recording: Recording): string {
  const text = JSON.stringify({ ...recording.request, ...(namesModel(client) ? { model: 'place/model' } : {}) })
  return text
}

function incoming(client: OperationClient, text: string): OperationIncoming & { readonly json: Body } {
  const claimed = ['countTokens', 'embedContent', 'batchEmbedContents']
    .map((method) => `/v1beta/models/place/model:${method}`)
    .find((path) => client.claims?.(path) === true)
  return {
    path: claimed ?? client.paths[0] ?? '',
    query: new URLSearchParams(),
    headers: new Headers({ 'content-type': 'application/json' }),
    nowSeconds: NOW_SECONDS,
    json: new Body(encoder.encode(text)),
    form: null,
  }
}

/** A request that the recorded answer is the answer to. */
function requestLike(upstream: OperationUpstream, recording: Recording, format: 'float' | 'base64'): OperationRequest {
  if (upstream.kind === 'rerank') return { kind: 'rerank', query: 'q', documents: ['d'], topN: null, returnDocuments: false, others: [] }
  if (upstream.kind === 'count-tokens')
    return { kind: 'count-tokens', chat: { turns: [], tools: [], sampling: {}, extras: { dialect: '', fields: {} } } }
  const answer = 'json' in recording.answer ? recording.answer.json : null
  const lists = ['data', 'embeddings'].map((name) => memberOf(answer, name)).map((list) => memberOf(list, 'float') ?? list)
  const count = lists.find((list) => Array.isArray(list))?.length ?? 1
  return { kind: 'embeddings', inputs: Array.from({ length: count }, () => 'x'), dimensions: null, format, purpose: null, others: [] }
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (Reflect.get(value, name) as unknown) : undefined
}

/** What only one language says is left out, and where its turns stood. */
function comparable(request: OperationRequest, dropped: readonly string[]): unknown {
  if (request.kind === 'embeddings') return { ...request, others: [], purpose: dropped.includes('purpose') ? null : request.purpose }
  if (request.kind === 'rerank') return { ...request, others: [] }
  const { sampling: _, extras: __, turns, ...chat } = request.chat
  const kept = Object.entries(chat).filter(([name]) => !dropped.some((said) => said.startsWith(name)))
  return { ...Object.fromEntries(kept), turns: turns.map(({ role, parts }) => ({ role, parts })) }
}

/** `null`: it says what no other place could be told. */
function readOrRefused(client: OperationClient, body: Body): OperationRequest | null {
  try {
    return client.read?.(body) ?? null
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'request-unsupported') return null
    throw error
  }
}

/** What must come through: vectors, places and scores, the count. */
function figuresOf(told: OperationResponse): number[] {
  const { usage: _, ...figures } = { usage: null, ...told }
  return numbersIn(figures).slice(0, 50)
}

function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : []
}

function faultOf(call: () => unknown): string | null {
  try {
    call()
  } catch (error) {
    if (error instanceof GatewayError) return null
    return error instanceof Error
      ? `${error.message} ${error.stack?.split('\n').find((line) => line.includes('/src/')) ?? ''}`
      : String(error)
  }
  return null
}
