// Reranking in Voyage's language, towards providers: the common shape with other names. Source: docs.voyageai.com/reference/reranker-api

import type { JsonObject, JsonValue, Usage } from '../core/canonical.ts'
import { GatewayError } from '../core/errors.ts'
import { usageOf } from '../core/usage.ts'
import { readError } from '../dialects/openai-chat/error-reading.ts'
import type { OperationUpstream } from './contract.ts'
import { answerObject, countIn, expected, objectIn, within } from './reading.ts'
import { readResults } from './rerank.ts'

export const VOYAGE_RERANK = 'voyage-rerank'

export const voyageRerankUpstream: OperationUpstream = {
  id: VOYAGE_RERANK,
  kind: 'rerank',
  edits: (intent, { model }) => (model === intent.model ? [] : [{ path: ['model'], json: JSON.stringify(model) }]),
  write(request, { model }) {
    const { query, documents, topN, returnDocuments, others } = expected('rerank', request)
    const text = JSON.stringify({
      model,
      query,
      documents: documents.map(textOf),
      ...(topN === null ? {} : { top_k: topN }),
      ...(returnDocuments ? { return_documents: true } : {}),
    })
    return { text, dropped: others, approximated: [] }
  },
  read(text) {
    const answer = answerObject(text)
    const { model } = answer
    return {
      kind: 'rerank',
      id: '',
      model: typeof model === 'string' ? model : '',
      results: readResults(answer['data']),
      usage: usageIn(answer),
    }
  },
  readUsage: (text) => usageIn(objectIn(text)),
  readError,
}

function textOf(document: JsonValue, i: number): string {
  const text = typeof document === 'string' ? document : within(document, 'text')
  if (typeof text === 'string') return text
  throw new GatewayError('request-unsupported', `documents[${i}] has no text, and Voyage reranks texts only.`, { at: `documents[${i}]` })
}

function usageIn(answer: JsonObject | null): Usage | null {
  const count = countIn(within(answer?.['usage'], 'total_tokens'))
  return count === null ? null : usageOf({ input: count })
}
