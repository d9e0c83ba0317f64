// Embeddings as OpenAI's clients ask for them: an input, or a list of them, and vectors in the same order.
// Source: shared/specs/openai, `POST /embeddings`

import type { JsonValue } from '../core/canonical.ts'
import { malformed } from '../dialects/openai-chat/expecting.ts'
import { readModel, readText } from '../dialects/openai-chat/scanned-members.ts'
import type { EmbeddingInput, EmbeddingPurpose, OperationClient, OperationRequest, OperationUpstream } from './contract.ts'
import { OPENAI_FACE, openaiUpstream, promptUsage } from './openai.ts'
import { answerObject, countIn, expected, garbled, isList, jsonBody, NO_RAW, plainIntent, vectorOf, within } from './reading.ts'

export const OPENAI_EMBEDDINGS = 'openai-embeddings'

export const openaiEmbeddingsUpstream: OperationUpstream = {
  ...openaiUpstream(OPENAI_EMBEDDINGS, 'embeddings', promptUsage),
  write(request, { model }) {
    const { inputs, dimensions, format, purpose, others } = expected('embeddings', request)
    const text = JSON.stringify({
      model,
      input: inputs,
      encoding_format: format,
      ...(dimensions === null ? {} : { dimensions }),
    })
    return { text, dropped: purpose === null ? others : ['purpose', ...others], approximated: [] }
  },
  read(text, request) {
    const { inputs, format } = expected('embeddings', request)
    const { data, model } = answerObject(text)
    if (!isList(data) || data.length !== inputs.length) throw garbled('has not a vector for each input')
    const inOrder = data.toSorted((a, b) => (countIn(within(a, 'index')) ?? 0) - (countIn(within(b, 'index')) ?? 0))
    return {
      kind: 'embeddings',
      model: typeof model === 'string' ? model : '',
      vectors: inOrder.map((one) => {
        const vector = within(one, 'embedding')
        // Some hosts give floats whatever was asked. A text that nobody asked for may be of other numbers (Perplexity's are bytes).
        return typeof vector === 'string' && format === 'base64' ? vector : vectorOf(vector, format)
      }),
      usage: promptUsage(text),
    }
  },
}

const KNOWN = new Set(['model', 'input', 'dimensions', 'encoding_format', 'input_type'])
const PURPOSES: { readonly [said: string]: EmbeddingPurpose } = {
  query: 'query',
  search_query: 'query',
  document: 'document',
  search_document: 'document',
  classification: 'classification',
  clustering: 'clustering',
}

export const openaiEmbeddingsClient: OperationClient = {
  ...OPENAI_FACE,
  id: OPENAI_EMBEDDINGS,
  kind: 'embeddings',
  paths: ['/v1/embeddings'],
  takes: ['json'],
  names: { purpose: 'input_type' },
  intent(incoming) {
    const body = jsonBody(incoming)
    return { ...plainIntent(readModel(body), body, incoming.nowSeconds), endUserId: readText(body, 'user') }
  },
  read(body): OperationRequest {
    const said = body.parsed(NO_RAW)
    const { dimensions, encoding_format: format, input_type: purpose } = said
    if (dimensions !== undefined && dimensions !== null && !(Number.isSafeInteger(dimensions) && Number(dimensions) > 0))
      throw malformed('dimensions', 'a positive whole number')
    if (format !== undefined && format !== null && format !== 'float' && format !== 'base64')
      throw malformed('encoding_format', '"float" or "base64"')
    const known = typeof purpose === 'string' && Object.hasOwn(PURPOSES, purpose) ? (PURPOSES[purpose] ?? null) : null
    const others = Object.keys(said).filter((name) => !KNOWN.has(name) && said[name] !== null)
    return {
      kind: 'embeddings',
      inputs: inputsOf(said['input']),
      dimensions: typeof dimensions === 'number' ? dimensions : null,
      format: format === 'base64' ? 'base64' : 'float',
      purpose: known,
      others: known === null && purpose !== undefined && purpose !== null ? ['input_type', ...others] : others,
    }
  },
  write(response, intent) {
    if (response.kind !== 'embeddings') throw new Error('Vectors were expected.')
    const tokens = response.usage?.input
    return JSON.stringify({
      object: 'list',
      data: response.vectors.map((embedding, index) => ({ object: 'embedding', index, embedding })),
      model: response.model === '' ? intent.model : response.model,
      // The SDKs' types have it always; what nobody told is not zero, and absent.
      ...(tokens === undefined ? {} : { usage: { prompt_tokens: tokens, total_tokens: tokens } }),
    })
  },
}

function inputsOf(said: JsonValue | undefined): readonly EmbeddingInput[] {
  const items: readonly JsonValue[] = isList(said) ? said : [said ?? null]
  if (items.length === 0) throw malformed('input', 'a text, a list of tokens, or a list of either')
  const tokens = tokensOf(said)
  if (tokens !== null) return [tokens]
  return items.map((item, at) => {
    const input = typeof item === 'string' ? item : tokensOf(item)
    if (input === null) throw malformed(`input[${at}]`, 'a text or a list of tokens')
    return input
  })
}

function tokensOf(value: JsonValue | undefined): readonly number[] | null {
  if (!Array.isArray(value)) return null
  const tokens = value.filter((token: JsonValue) => typeof token === 'number' && Number.isSafeInteger(token))
  return tokens.length > 0 && tokens.length === value.length ? tokens : null
}
