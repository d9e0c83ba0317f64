// A provider of ours for tests: answers a request for model `rec-<id>` with that recording's status, headers and bytes, cut at seeded
// odd places, and keeps what it was asked. It speaks no language itself and listens on loopback only.

import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { offsets } from './chance.ts'
import { answerText, OPERATION_RECORDINGS, RECORDINGS, type Recording } from './recordings.ts'

/** One request as it arrived. `refused` says why it was not answered from a recording. */
export type Asked = {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
  /** The model's name as it was asked for. */
  readonly model: string
  readonly id: string | null
  readonly tag: string | null
  /** What was sent, as far as it was meant to be sent. */
  sent: Buffer
  refused: string | null
  /** The client closed the connection before the answer was whole. */
  left: boolean
}

export type ReplayServer = {
  readonly origin: string
  readonly asked: readonly Asked[]
  /** Requests for a recording, in order of arrival; only those with the tag when one is given. */
  askedFor(id: string, tag?: string): readonly Asked[]
  /** Requests for a model by its whole name, such as the turns of one conversation. */
  askedBy(model: string): readonly Asked[]
  close(): Promise<void>
}

/** `limited` and `overloaded` refuse with 429 and 503, and say when to come back; `slow` waits before the first byte; `drip` sends half, then a comment every 50 ms without end; `stall` sends half and no more; `cut` sends half and drops the connection; `garbage` sends no JSON. */
export const BEHAVIOURS = ['cut', 'stall', 'slow', 'drip', 'garbage', 'limited', 'overloaded'] as const
type Behaviour = (typeof BEHAVIOURS)[number]

const SLOW_MS = 300
/** `rec-<first>_then_<second>`: the turns of a conversation, each answered by its own recording; a new conversation wants a new tag. */
const THEN = '_then_'
export const RETRY_AFTER_SECONDS = 7

/** Which API an endpoint's path is; `stream` where the path itself says whether a stream is asked for. Any prefix goes. */
const ENDPOINTS: readonly { readonly ending: RegExp; readonly api: string; readonly stream?: boolean }[] = [
  { ending: /\/chat\/completions$/, api: 'openai.chat' },
  { ending: /\/completions$/, api: 'openai.completions' },
  { ending: /\/embeddings$/, api: 'openai.embeddings' },
  { ending: /\/messages\/count_tokens$/, api: 'anthropic.countTokens' },
  { ending: /\/rerank$/, api: 'rerank' },
  { ending: /:batchEmbedContents$/, api: 'gemini.embedContent', stream: false },
  { ending: /:countTokens$/, api: 'gemini.countTokens', stream: false },
  { ending: /\/v2\/embed$/, api: 'cohere.embed' },
  { ending: /\/count-tokens$/, api: 'bedrock.countTokens' },
  { ending: /\/responses$/, api: 'openai.responses' },
  { ending: /\/messages$/, api: 'anthropic.messages' },
  { ending: /\/v2\/chat$/, api: 'cohere.chat.v2' },
  { ending: /\/invoke$/, api: 'bedrock.invoke', stream: false },
  { ending: /\/invoke-with-response-stream$/, api: 'bedrock.invoke', stream: true },
  // Claude on Vertex answers as Anthropic does.
  { ending: /:rawPredict$/, api: 'anthropic.messages', stream: false },
  { ending: /:streamRawPredict$/, api: 'anthropic.messages', stream: true },
  { ending: /\/converse$/, api: 'bedrock.converse', stream: false },
  { ending: /\/converse-stream$/, api: 'bedrock.converse', stream: true },
  { ending: /:generateContent$/, api: 'gemini.generateContent', stream: false },
  { ending: /:streamGenerateContent$/, api: 'gemini.generateContent', stream: true },
]

export type ReplayOptions = {
  /** Real model names and the recording each is answered with: a `rec-` model has no price. */
  readonly named?: { readonly [model: string]: string }
}

/** Starts on a free port. Call `close` when done. */
export async function startReplayServer({ named = {} }: ReplayOptions = {}): Promise<ReplayServer> {
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    answer(request, response, named, asked).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The replay server has no port.')
  return {
    origin: `http://127.0.0.1:${address.port}`,
    asked,
    askedBy: (model) => asked.filter((one) => one.model === model),
    askedFor: (id, tag) => asked.filter((one) => one.id === id && (tag === undefined || one.tag === tag)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  named: { readonly [model: string]: string },
  asked: Asked[],
): Promise<void> {
  const bytes = await bytesOf(request)
  const url = new URL(request.url ?? '/', 'http://replay')
  const path = decodeURIComponent(url.pathname)
  const body = objectOf(bytes)
  const model = typeof body['model'] === 'string' ? body['model'] : (/\/models?\/([^:/]+)[:/]/.exec(path)?.[1] ?? '')
  const name = named[model] ?? /rec-([A-Za-z0-9._-]+)/.exec(model)?.[1] ?? null
  const [ids, tag] = name === null ? [null, null] : splitTag(name)
  const id = ids?.split(THEN)[asked.filter((one) => one.model === model).length % ids.split(THEN).length] ?? null
  const entry: Asked = {
    path: request.url ?? '/',
    headers: request.headers,
    bytes,
    model,
    id,
    tag,
    sent: Buffer.alloc(0),
    refused: null,
    left: false,
  }
  asked.push(entry)
  response.on('close', () => (entry.left = !response.writableFinished))

  const endpoint = ENDPOINTS.find((one) => one.ending.test(path))
  const recording = [...RECORDINGS, ...OPERATION_RECORDINGS].find((one) => one.id === id)
  const refuse = (status: number, why: string): void => {
    entry.refused = why
    entry.sent = Buffer.from(JSON.stringify({ error: { message: why, type: 'replay_server', param: null, code: 'replay_server' } }))
    response.writeHead(status, { 'content-type': 'application/json', 'x-should-retry': 'false' }).end(entry.sent)
  }
  if (recording === undefined) return refuse(404, `no recording for ${request.method} ${path}`)
  if (endpoint === undefined || endpoint.api !== recording.api.replace('cohere.rerank', 'rerank'))
    return refuse(404, `${recording.id} is ${recording.api}, asked for ${endpoint?.api ?? path}`)
  const streamAsked = endpoint.stream ?? body['stream'] === true
  if (recording.status < 400 && streamAsked !== recording.streaming)
    return refuse(409, `${recording.id} is ${recording.streaming ? 'a stream' : 'whole'}, asked for the other`)
  if (endpoint.stream === true && endpoint.api === 'gemini.generateContent' && url.searchParams.get('alt') !== 'sse')
    return refuse(400, 'a stream is served as events only: ask with alt=sse')

  if (tag === 'limited' || tag === 'overloaded') {
    entry.sent = Buffer.from(JSON.stringify({ error: { message: `The replay server is ${tag}.`, type: tag, code: tag } }))
    response
      .writeHead(tag === 'limited' ? 429 : 503, { 'content-type': 'application/json', 'retry-after': String(RETRY_AFTER_SECONDS) })
      .end(entry.sent)
    return
  }

  const usageAsked = isObject(body['stream_options']) && body['stream_options']['include_usage'] === true
  entry.sent =
    tag === 'garbage' ? Buffer.from('<html>not what you asked for') : (recording.binary ?? Buffer.from(bodyText(recording, usageAsked)))
  await send(response, recording, entry, BEHAVIOURS.find((behaviour) => behaviour === tag) ?? null)
}

async function send(response: ServerResponse, recording: Recording, entry: Asked, behaviour: Behaviour | null): Promise<void> {
  if (behaviour === 'slow') await wait(SLOW_MS)
  const bytes = entry.sent
  const half = behaviour === 'cut' || behaviour === 'stall' || behaviour === 'drip'
  const framing = recording.binary === null ? {} : { 'content-type': 'application/vnd.amazon.eventstream' }
  response.writeHead(recording.status, { ...recording.headers, ...framing })
  response.flushHeaders()
  for (const piece of pieces(half ? bytes.subarray(0, Math.floor(bytes.length / 2)) : bytes, recording.id)) {
    if (response.destroyed) return
    response.write(piece)
    await new Promise(setImmediate)
  }
  if (behaviour === 'drip') while (!response.destroyed) await wait(50, response.write(': still thinking\n\n'))
  if (behaviour === 'cut') response.destroy()
  else if (behaviour !== 'stall') response.end()
}

/** As the provider would: the chunk that only tells usage goes to those who asked, where the recording was made by one who asked. */
function bodyText(recording: Recording, usageAsked: boolean): string {
  const text = answerText(recording)
  const recordedAsking = isObject(recording.request?.['stream_options']) && recording.request['stream_options']['include_usage'] === true
  if (usageAsked || !recordedAsking || !recording.streaming) return text
  return text
    .split(/(?<=\n\r?\n)/)
    .filter((frame) => !/"choices"\s*:\s*\[\s*\]/.test(frame) || !/"usage"\s*:\s*\{/.test(frame))
    .join('')
}

/** Seeded odd cuts, always also inside the first wide character and between the first CR and LF. */
function pieces(bytes: Buffer, seed: string): readonly Buffer[] {
  const marks = new Set(offsets(seed, bytes.length, Math.min(24, 1 + bytes.length / 40)))
  const wide = bytes.findIndex((byte) => byte >= 0xc2)
  if (wide >= 0) marks.add(wide + 1)
  const carriageReturn = bytes.indexOf('\r\n')
  if (carriageReturn >= 0) marks.add(carriageReturn + 1)
  const ends = [...marks].filter((at) => at > 0 && at < bytes.length).sort((a, b) => a - b)
  return [...ends, bytes.length].map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end))
}

/** `rec-<id>--<tag>`: the tag chooses a behaviour, or only tells requests apart. */
function splitTag(name: string): readonly [id: string, tag: string | null] {
  const at = name.indexOf('--')
  return at < 0 ? [name, null] : [name.slice(0, at), name.slice(at + 2)]
}

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of request) if (part instanceof Buffer) parts.push(part)
  return Buffer.concat(parts)
}

function objectOf(bytes: Buffer): { readonly [name: string]: unknown } {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
