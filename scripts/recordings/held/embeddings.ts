// What recorded calls for vectors hold, in each language that has them.

import { at, isRecord, listAt, numberAt, textAt } from '../look.ts'
import { counts, type Asked, type Counts, type HeldOperation } from '../operation-facts.ts'

type Embeddings = Extract<Asked, { readonly kind: 'embeddings' }>
type Input = Embeddings['inputs'][number]

/** The same purpose under the names of OpenAI's hosts, Cohere and Gemini. */
const PURPOSES: { readonly [said: string]: Embeddings['purpose'] } = {
  query: 'query',
  search_query: 'query',
  RETRIEVAL_QUERY: 'query',
  document: 'document',
  search_document: 'document',
  RETRIEVAL_DOCUMENT: 'document',
  classification: 'classification',
  CLASSIFICATION: 'classification',
  clustering: 'clustering',
  CLUSTERING: 'clustering',
}

/** A base64 text of float32, little-endian. */
export function decoded(base64: string): readonly number[] {
  const bytes = Buffer.from(base64, 'base64')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Array.from({ length: bytes.byteLength >> 2 }, (_, i) => view.getFloat32(i * 4, true))
}

function isInput(value: unknown): value is Input {
  return typeof value === 'string' || (Array.isArray(value) && value.every((one) => typeof one === 'number'))
}

/** One text, one list of tokens, or a list of either. */
function inputsIn(input: unknown): readonly Input[] {
  const isMany = Array.isArray(input) && !input.every((one) => typeof one === 'number')
  return (isMany ? (input as readonly unknown[]) : [input]).filter(isInput)
}

function floats(value: unknown): readonly number[] | null {
  const numbers = (Array.isArray(value) ? (value as readonly unknown[]) : []).filter((one) => typeof one === 'number')
  return Array.isArray(value) && numbers.length > 0 && numbers.length === value.length ? numbers : null
}

function all(vectors: readonly (readonly number[] | null)[]): ReturnType<NonNullable<HeldOperation['told']>> {
  const found = vectors.filter((vector) => vector !== null)
  return found.length === 0 || found.length < vectors.length ? null : { kind: 'embeddings', vectors: found }
}

function input(tokens: number | null): Counts | null {
  return tokens === null ? null : counts({ input: tokens })
}

export const openaiEmbeddings: HeldOperation = {
  asked: (body) => ({
    kind: 'embeddings',
    inputs: inputsIn(at(body, 'input')),
    dimensions: numberAt(body, 'dimensions'),
    purpose: PURPOSES[textAt(body, 'input_type')] ?? null,
    format: at(body, 'encoding_format') === 'base64' ? 'base64' : 'float',
  }),
  told(body, asked) {
    // What comes as text though nobody asked for it may be of other numbers than float32 (Perplexity's are bytes).
    const isText = asked === null || (asked.kind === 'embeddings' && asked.format === 'base64')
    const data = listAt(body, 'data').toSorted((a, b) => (numberAt(a, 'index') ?? 0) - (numberAt(b, 'index') ?? 0))
    return all(
      data.map((one) => {
        const vector = at(one, 'embedding')
        if (typeof vector === 'string') return isText ? decoded(vector) : null
        return floats(vector)
      }),
    )
  },
  counts: ([body]) => input(numberAt(body, 'usage', 'prompt_tokens') ?? numberAt(body, 'usage', 'total_tokens')),
}

/** Of both calls, for one content and for many. */
export const geminiEmbeddings: HeldOperation = {
  asked(body) {
    const requests: readonly unknown[] = isRecord(body) && 'requests' in body ? listAt(body, 'requests') : [body]
    const parts = requests.map((one) => listAt(one, 'content', 'parts'))
    if (parts.some((list) => list.some((part) => typeof at(part, 'text') !== 'string'))) return null
    const [first] = requests
    return {
      kind: 'embeddings',
      inputs: parts.map((list) => list.map((part) => textAt(part, 'text')).join('')),
      dimensions: numberAt(first, 'outputDimensionality') ?? numberAt(first, 'output_dimensionality'),
      purpose: PURPOSES[textAt(first, 'taskType') || textAt(first, 'task_type')] ?? null,
    }
  },
  told(body) {
    const single = at(body, 'embedding', 'values')
    return all(single === undefined ? listAt(body, 'embeddings').map((one) => floats(at(one, 'values'))) : [floats(single)])
  },
  counts: ([body]) => input(numberAt(body, 'usageMetadata', 'promptTokenCount')),
}

export const cohereEmbed: HeldOperation = {
  asked: (body) => ({
    kind: 'embeddings',
    inputs: listAt(body, 'texts').filter((text) => typeof text === 'string'),
    dimensions: numberAt(body, 'output_dimension'),
    purpose: PURPOSES[textAt(body, 'input_type')] ?? null,
  }),
  told: (body) => all(listAt(body, 'embeddings', 'float').map(floats)),
  counts: ([body]) => input(numberAt(body, 'meta', 'billed_units', 'input_tokens')),
}
