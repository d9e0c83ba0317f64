// Embeddings in Gemini's language, towards its clients and providers: one content (`embedContent`) or many (`batchEmbedContents`).
// Source: ai.google.dev/api/embeddings

import type { JsonObject, JsonValue, Usage } from '../core/canonical.ts'
import { GatewayError } from '../core/errors.ts'
import { usageOf } from '../core/usage.ts'
import type { ClientBody } from '../dialects/contract.ts'
import { geminiClient } from '../dialects/gemini/client.ts'
import { methodIn, readTarget } from '../dialects/gemini/address.ts'
import { readError } from '../dialects/gemini/error-reading.ts'
import { malformed, said, snakeOf } from '../dialects/gemini/spelling.ts'
import { faceOf } from './chat-face.ts'
import type { EmbeddingPurpose, OperationClient, OperationRequest, OperationUpstream } from './contract.ts'
import {
  answerObject,
  countIn,
  expected,
  floatsOf,
  garbled,
  isList,
  isObject,
  jsonBody,
  NO_RAW,
  objectIn,
  plainIntent,
  textsOf,
  vectorOf,
  within,
} from './reading.ts'

/** Many contents in one call. */
export const GEMINI_EMBEDDINGS = 'gemini-embeddings'
/** One content: another path and another shape, so a language of its own. */
export const GEMINI_EMBEDDING = 'gemini-embedding'

const TASKS: { readonly [purpose in EmbeddingPurpose]: string } = {
  query: 'RETRIEVAL_QUERY',
  document: 'RETRIEVAL_DOCUMENT',
  classification: 'CLASSIFICATION',
  clustering: 'CLUSTERING',
}

export const geminiEmbeddingsUpstream: OperationUpstream = {
  id: GEMINI_EMBEDDINGS,
  kind: 'embeddings',
  edits(_intent, { model }, member) {
    const text = member(['requests'])
    const requests: unknown = text === null ? null : JSON.parse(text)
    // Each names the model once more, and it must be the one of the path.
    if (!isList(requests) || !requests.some((one) => within(one, 'model') !== undefined)) return []
    const named = requests.map((one) => (isObject(one) && one['model'] !== undefined ? { ...one, model: resource(model) } : one))
    return [{ path: ['requests'], json: JSON.stringify(named) }]
  },
  write(request, { model }) {
    const { inputs, dimensions, purpose, others } = expected('embeddings', request)
    const requests = textsOf(inputs).map((text) => ({
      model: resource(model),
      content: { parts: [{ text }] },
      ...(purpose === null ? {} : { taskType: TASKS[purpose] }),
      ...(dimensions === null ? {} : { outputDimensionality: dimensions }),
    }))
    return { text: JSON.stringify({ requests }), dropped: others, approximated: [] }
  },
  read(text, request) {
    const { inputs, format } = expected('embeddings', request)
    const answer = answerObject(text)
    const { embeddings } = answer
    if (!isList(embeddings) || embeddings.length !== inputs.length) throw garbled('has not a vector for each input')
    return {
      kind: 'embeddings',
      model: '',
      vectors: embeddings.map((one) => vectorOf(within(one, 'values'), format)),
      usage: usageIn(answer),
    }
  },
  readUsage: readTold,
  readError,
}

/** Only for clients of this very call. */
export const geminiEmbeddingUpstream: OperationUpstream = {
  id: GEMINI_EMBEDDING,
  kind: 'embeddings',
  edits: (_intent, { model }, member) => (member(['model']) === null ? [] : [{ path: ['model'], json: JSON.stringify(resource(model)) }]),
  readUsage: readTold,
  readError,
}

export const geminiEmbeddingsClient: OperationClient = clientOf(GEMINI_EMBEDDINGS, 'batchEmbedContents', {
  requests(body) {
    const requests = said(body, 'requests')
    if (!isList(requests) || requests.length === 0) throw malformed('requests', 'a list of requests')
    return requests
  },
  write: (vectors) => ({ embeddings: vectors.map((values) => ({ values })) }),
})

export const geminiEmbeddingClient: OperationClient = clientOf(GEMINI_EMBEDDING, 'embedContent', {
  requests: (body) => [body],
  write: ([values = []]) => ({ embedding: { values } }),
})

type Shape = {
  requests(body: JsonObject): readonly JsonValue[]
  write(vectors: readonly (readonly number[])[]): JsonObject
}

function clientOf(id: string, method: string, shape: Shape): OperationClient {
  return {
    id,
    kind: 'embeddings',
    ...faceOf(geminiClient),
    paths: geminiClient.paths,
    claims: (path) => methodIn(path) === method,
    takes: ['json'],
    names: { dimensions: 'outputDimensionality', purpose: 'taskType' },
    intent(incoming) {
      const body = jsonBody(incoming)
      return plainIntent(readTarget(incoming.path).model, body, incoming.nowSeconds)
    },
    read: (body) => readRequests(shape.requests(parsed(body))),
    write(response, intent) {
      const { vectors, usage } = expected('embeddings', response)
      const floats = vectors.map((vector) => (typeof vector === 'string' ? floatsOf(vector) : vector))
      if (!floats.every((vector) => vector !== null)) throw new Error(`Vectors for ${intent.model} are no floats.`)
      return JSON.stringify({
        ...shape.write(floats),
        ...(usage === null ? {} : { usageMetadata: { promptTokenCount: usage.input } }),
      })
    },
  }
}

function parsed(body: ClientBody): JsonObject {
  return body.parsed(NO_RAW)
}

/** All requests of a batch are for the same thing, or it is several. */
function readRequests(requests: readonly JsonValue[]): OperationRequest {
  const inputs: string[] = []
  const others = new Set<string>()
  const settings = new Set<string>()
  let purpose: EmbeddingPurpose | null = null
  let dimensions: number | null = null
  for (const [i, one] of requests.entries()) {
    if (!isObject(one)) throw malformed(`requests[${i}]`, 'an object')
    inputs.push(textOf(said(one, 'content'), i))
    const task = said(one, 'taskType')
    const known = Object.entries(TASKS).find(([, name]) => name === task)?.[0]
    purpose = isPurpose(known) ? known : null
    if (task !== undefined && purpose === null) others.add('taskType')
    dimensions = countIn(said(one, 'outputDimensionality'))
    settings.add(JSON.stringify([task, dimensions]))
    for (const name of Object.keys(one)) if (!KNOWN.has(name)) others.add(name)
  }
  if (settings.size > 1)
    throw new GatewayError('request-unsupported', 'Requests of one batch must have the same taskType and outputDimensionality here.', {
      at: 'requests',
    })
  return { kind: 'embeddings', inputs, dimensions, format: 'float', purpose, others: [...others] }
}

const KNOWN = new Set(['model', 'content', 'taskType', 'outputDimensionality'].flatMap((name) => [name, snakeOf(name)]))

function isPurpose(word: string | undefined): word is EmbeddingPurpose {
  return word !== undefined && Object.hasOwn(TASKS, word)
}

/** The text of a content. @throws GatewayError `request-unsupported` for pictures and sounds */
function textOf(content: JsonValue | undefined, i: number): string {
  const at = `requests[${i}].content`
  const parts = within(content, 'parts')
  const list = isList(parts) ? parts : isObject(parts) ? [parts] : []
  if (list.length === 0) throw malformed(`${at}.parts`, 'a list of parts')
  return list
    .map((part) => {
      const text = within(part, 'text')
      if (typeof text === 'string') return text
      throw new GatewayError('request-unsupported', `${at} has a part that is no text, which this place cannot embed.`, { at })
    })
    .join('')
}

/** `x` is `models/x`; a name with a collection of its own stays. */
function resource(model: string): string {
  return model.includes('/') ? model : `models/${model}`
}

function readTold(text: string | null): Usage | null {
  return usageIn(objectIn(text))
}

function usageIn(answer: JsonObject | null): Usage | null {
  const count = countIn(within(answer?.['usageMetadata'], 'promptTokenCount'))
  return count === null ? null : usageOf({ input: count })
}
