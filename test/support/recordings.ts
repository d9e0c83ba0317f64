// The recordings of test/fixtures: what is there, in which language it is, and the exact bytes a provider answered with.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { AwsEventStreamReader } from '../../src/core/aws-event-stream.ts'
import { framesText } from '../../src/core/sse.ts'
import { oddJson } from './odd-json.ts'

export type Recording = {
  readonly id: string
  readonly provider: string
  readonly api: string
  readonly dialect: string
  readonly url: string
  readonly status: number
  readonly streaming: boolean
  readonly features: readonly string[]
  /** The body that was sent to the provider; `null` when it was not recorded. */
  readonly request: { readonly [member: string]: unknown } | null
  /** Headers of the request, names in lower case; credentials were never recorded. */
  readonly requestHeaders: { readonly [name: string]: string }
  readonly headers: { readonly [name: string]: string }
  /** What the provider answered: an event stream as text, or a JSON value. */
  readonly answer: { readonly stream: string } | { readonly json: unknown }
  /** The bytes of a stream that is no text, as the provider sent them; `answer` is then its frames as server-sent events. */
  readonly binary: Buffer | null
}

/** The language of a recording's `api`. A new language gets its line here; its contract suite then finds its recordings. */
const DIALECT_OF_API: { readonly [api: string]: string } = {
  'openai.chat': 'openai-chat',
  'openai.completions': 'openai-completions',
  'openai.responses': 'openai-responses',
  'anthropic.messages': 'anthropic-messages',
  'gemini.generateContent': 'gemini',
  'cohere.chat.v2': 'cohere-chat',
  'bedrock.converse': 'bedrock-converse',
}

/** The same for what is asked beside chat; two languages may be one `api`. */
const OPERATION_OF_API: { readonly [api: string]: (stored: Stored) => string } = {
  'openai.embeddings': () => 'openai-embeddings',
  'openai.moderations': () => 'openai-moderations',
  'gemini.embedContent': ({ url }) => (url.endsWith(':batchEmbedContents') ? 'gemini-embeddings' : 'gemini-embedding'),
  'cohere.embed': ({ url }) => (url.includes('/v2/') ? 'cohere-embed' : ''),
  'cohere.rerank': () => 'rerank',
  rerank: ({ provider }) => (provider === 'voyage' ? 'voyage-rerank' : 'rerank'),
  'anthropic.countTokens': () => 'anthropic-count-tokens',
  'gemini.countTokens': () => 'gemini-count-tokens',
  'bedrock.countTokens': () => 'bedrock-count-tokens',
}

/** Any folder in the format of test/fixtures can be put in its place, to hold the dialects against a larger collection by hand. */
const FOLDER = process.env['SLUICE_TEST_RECORDINGS'] ?? join(import.meta.dirname, '../fixtures')

/** Headers that are only true of the recorded transport, or that a provider of ours must not repeat. */
const NOT_REPEATED =
  /^(connection|keep-alive|transfer-encoding|content-length|content-encoding|te|trailer|upgrade|set-cookie|alt-svc|strict-transport-security|server|date|via|vary)$/i

export const RECORDINGS: readonly Recording[] = load((row) => dialectOf(row) !== null)

/** What is asked beside chat; `dialect` is the language of the place. */
export const OPERATION_RECORDINGS: readonly Recording[] = load(({ api }) => Object.hasOwn(OPERATION_OF_API, api))

/** Languages that only clients speak, and the language of providers whose shape they share: whose requests they are held against. */
const SHAPE_OF: { readonly [dialect: string]: string } = { openrouter: 'openai-chat' }

/** The provider language in the shape of this one: mostly itself. */
export function shapeOf(dialect: string): string {
  return SHAPE_OF[dialect] ?? dialect
}

/** The recordings in a dialect, or in the shape of one, for `it.each`. */
export function recordingsOf(dialect: string): readonly Recording[] {
  return RECORDINGS.filter((recording) => recording.dialect === shapeOf(dialect))
}

/** The recording of an id. @throws when there is none: a test then names a fixture that is not there */
export function recordingOf(id: string): Recording {
  const found = RECORDINGS.find((recording) => recording.id === id)
  if (found === undefined) throw new Error(`No recording ${id} in test/fixtures.`)
  return found
}

/** The bytes of the answer. JSON that was stored parsed is printed oddly: no reader may depend on spelling. */
export function answerText(recording: Recording): string {
  if ('stream' in recording.answer) return recording.answer.stream
  return typeof recording.answer.json === 'string' ? recording.answer.json : oddJson(recording.answer.json, recording.id)
}

/** Every text in a JSON value: where a message that claims to be the provider's own words must come from. */
export function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(textsOf)
}

/** Every text that a recorded answer says; a JSON body that was stored as a stream's text is read as JSON. */
export function saidIn({ answer }: Recording): readonly string[] {
  if ('json' in answer) return textsOf(answer.json)
  try {
    return textsOf(JSON.parse(answer.stream))
  } catch {
    return [answer.stream]
  }
}

type Row = { readonly api: string; readonly model?: string; readonly streaming?: boolean; readonly status?: number }

/** Bedrock's invocations are in each model's own format: whole answers of today's Claude are Anthropic's. */
function dialectOf({ api, model, streaming, status }: Row): string | null {
  if (api !== 'bedrock.invoke') return DIALECT_OF_API[api] ?? null
  return streaming === false && status === 200 && /anthropic\.claude-(3|[a-z]+-\d)/.test(model ?? '') ? 'anthropic-messages' : null
}

function load(isWanted: (row: Row) => boolean): readonly Recording[] {
  const rows: unknown = JSON.parse(readFileSync(join(FOLDER, 'index.json'), 'utf8'))
  if (!Array.isArray(rows)) throw new Error('test/fixtures/index.json is no list.')
  const known = rows.filter((row: Row) => isWanted(row))
  return known.map((row: { readonly file: string }) => recording(JSON.parse(readFileSync(join(FOLDER, row.file), 'utf8')) as Stored))
}

type Stored = {
  readonly id: string
  readonly provider: string
  readonly api: string
  readonly model?: string
  readonly url: string
  readonly status: number
  readonly streaming: boolean
  readonly features?: readonly string[]
  readonly request_body?: { readonly [member: string]: unknown } | null
  readonly request_headers?: { readonly [name: string]: string }
  readonly response_headers?: { readonly [name: string]: string }
  readonly response_body?: unknown
  readonly sse_text?: string
  /** Bytes of a stream that is no text: an AWS event stream. */
  readonly response_base64?: string
}

function recording(stored: Stored): Recording {
  const headers: { [name: string]: string } = {}
  for (const [name, value] of Object.entries(stored.response_headers ?? {})) {
    if (!NOT_REPEATED.test(name) && !/[\r\n]/.test(value)) headers[name.toLowerCase()] = value
  }
  const stream = stored.sse_text ?? arrayAsStream(stored) ?? eventStreamAsText(stored)
  headers['content-type'] ??= stream === null ? 'application/json' : 'text/event-stream'
  if (stored.sse_text === undefined && stream !== null) headers['content-type'] = 'text/event-stream'
  return {
    id: stored.id,
    provider: stored.provider,
    api: stored.api,
    dialect: dialectOf(stored) ?? OPERATION_OF_API[stored.api]?.(stored) ?? '',
    url: stored.url,
    status: stored.status,
    streaming: stored.streaming,
    features: stored.features ?? [],
    request: stored.request_body ?? null,
    requestHeaders: Object.fromEntries(Object.entries(stored.request_headers ?? {}).map(([name, value]) => [name.toLowerCase(), value])),
    headers,
    answer: stream === null ? { json: stored.response_body ?? null } : { stream },
    binary: stored.response_base64 === undefined ? null : Buffer.from(stored.response_base64, 'base64'),
  }
}

/** The frames of an AWS event stream as server-sent events: its own framing has tests of its own. */
function eventStreamAsText(stored: Stored): string | null {
  if (stored.response_base64 === undefined) return null
  return framesText(new AwsEventStreamReader().push(Buffer.from(stored.response_base64, 'base64')))
}

/** Google streams one JSON array to those who do not ask for events; we ask, so we are served what Google then sends. */
function arrayAsStream(stored: Stored): string | null {
  if (!stored.streaming || !Array.isArray(stored.response_body)) return null
  return stored.response_body.map((item) => `data: ${JSON.stringify(item)}\r\n\r\n`).join('')
}
