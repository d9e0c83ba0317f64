// Embeddings in Cohere's language (v2), towards providers. Source: docs.cohere.com/reference/embed

import type { JsonObject, Usage } from '../core/canonical.ts'
import { usageOf } from '../core/usage.ts'
import { readError } from '../dialects/cohere-chat/error-reading.ts'
import type { EmbeddingPurpose, OperationUpstream } from './contract.ts'
import { answerObject, countIn, expected, garbled, isList, objectIn, textsOf, vectorOf, within } from './reading.ts'

export const COHERE_EMBED = 'cohere-embed'

const TYPES: { readonly [purpose in EmbeddingPurpose]: string } = {
  query: 'search_query',
  document: 'search_document',
  classification: 'classification',
  clustering: 'clustering',
}

export const cohereEmbedUpstream: OperationUpstream = {
  id: COHERE_EMBED,
  kind: 'embeddings',
  edits: (intent, { model }) => (model === intent.model ? [] : [{ path: ['model'], json: JSON.stringify(model) }]),
  write(request, { model }) {
    const { inputs, dimensions, purpose, others } = expected('embeddings', request)
    const text = JSON.stringify({
      model,
      texts: textsOf(inputs),
      // It cannot be left out; what is embedded without a word about it is mostly what will be searched in.
      input_type: TYPES[purpose ?? 'document'],
      embedding_types: ['float'],
      ...(dimensions === null ? {} : { output_dimension: dimensions }),
    })
    return { text, dropped: others, approximated: purpose === null ? ['purpose'] : [] }
  },
  read(text, request) {
    const { inputs, format } = expected('embeddings', request)
    const answer = answerObject(text)
    const vectors = within(answer['embeddings'], 'float')
    if (!isList(vectors) || vectors.length !== inputs.length) throw garbled('has not a vector for each input')
    return { kind: 'embeddings', model: '', vectors: vectors.map((vector) => vectorOf(vector, format)), usage: usageIn(answer) }
  },
  readUsage: (text) => usageIn(objectIn(text)),
  readError,
}

function usageIn(answer: JsonObject | null): Usage | null {
  const billed = within(answer?.['meta'], 'billed_units')
  const count = countIn(within(billed, 'input_tokens'))
  return count === null ? null : usageOf({ input: count })
}
