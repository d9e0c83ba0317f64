// Reranking in the shape that Cohere (v2) and Jina made common: documents in, `results` with scores out, best first.
// Sources: docs.cohere.com/reference/rerank, jina.ai/reranker, shared/specs/openrouter (`/rerank`)

import type { JsonObject, JsonValue, Usage } from '../core/canonical.ts'
import { usageOf } from '../core/usage.ts'
import type { ClientBody, Intent } from '../dialects/contract.ts'
import { readCount, readModel } from '../dialects/openai-chat/scanned-members.ts'
import type { OperationClient, OperationRequest } from './contract.ts'
import { OPENAI_FACE, openaiUpstream } from './openai.ts'
import {
  answerObject,
  countIn,
  expected,
  garbled,
  isList,
  isObject,
  jsonBody,
  malformed,
  NO_RAW,
  objectIn,
  plainIntent,
  within,
} from './reading.ts'

export const RERANK = 'rerank'

/** Documents of one search, and the tokens beyond which Cohere counts a document, with the query, as several. Source: docs.cohere.com/docs/rerank-overview */
const DOCUMENTS_A_SEARCH = 100
const TOKENS_A_DOCUMENT = 500
/** `max_tokens_per_doc` unless the client says otherwise. */
const MOST_TOKENS = 4096
const KNOWN = new Set(['model', 'query', 'documents', 'top_n', 'return_documents'])

export const rerankUpstream = {
  ...openaiUpstream(RERANK, 'rerank', (text, intent) => usageIn(objectIn(text), intent)),
  write(request, { model }) {
    const { query, documents, topN, returnDocuments, others } = expected('rerank', request)
    const text = JSON.stringify({
      model,
      query,
      documents,
      ...(topN === null ? {} : { top_n: topN }),
      ...(returnDocuments ? { return_documents: true } : {}),
    })
    return { text, dropped: others, approximated: [] }
  },
  read(text) {
    const answer = answerObject(text)
    return {
      kind: 'rerank',
      id: typeof answer['id'] === 'string' ? answer['id'] : '',
      model: typeof answer['model'] === 'string' ? answer['model'] : '',
      results: readResults(answer['results']),
      usage: usageIn(answer, null),
    }
  },
} as const satisfies ReturnType<typeof openaiUpstream>

export const rerankClient: OperationClient = {
  ...OPENAI_FACE,
  id: RERANK,
  kind: 'rerank',
  paths: ['/v1/rerank', '/v2/rerank'],
  takes: ['json'],
  names: { topN: 'top_n', returnDocuments: 'return_documents' },
  intent(incoming) {
    const body = jsonBody(incoming)
    const lengths = documentLengths(body)
    return {
      ...plainIntent(readModel(body), body, incoming.nowSeconds),
      inputBound: body.refersOutside ? null : tokensBound(body, lengths),
      units: { searches: searchesBound(body, lengths) },
      likelyUnits: { searches: Math.ceil(lengths.length / DOCUMENTS_A_SEARCH) },
    }
  },
  read(body): OperationRequest {
    const said = body.parsed(NO_RAW)
    const { query, documents, top_n: topN, return_documents: returned } = said
    if (typeof query !== 'string') throw malformed('query', 'a string')
    if (!isList(documents) || documents.length === 0) throw malformed('documents', 'a list of documents')
    if (topN !== undefined && topN !== null && countIn(topN) === null) throw malformed('top_n', 'a whole number from zero up')
    if (returned !== undefined && returned !== null && typeof returned !== 'boolean') throw malformed('return_documents', 'true or false')
    return {
      kind: 'rerank',
      query,
      documents,
      topN: typeof topN === 'number' ? topN : null,
      returnDocuments: returned === true,
      others: Object.keys(said).filter((name) => !KNOWN.has(name)),
    }
  },
  write(response, intent, served) {
    const { id, model, results, usage } = expected('rerank', response)
    const { searches } = usage?.units ?? {}
    return JSON.stringify({
      id: id === '' ? served.requestId : id,
      object: 'list',
      model: model === '' ? intent.model : model,
      results: results.map(({ index, score, document }) => ({
        index,
        relevance_score: score,
        ...(document === undefined ? {} : { document: typeof document === 'string' ? { text: document } : document }),
      })),
      // Who bills searches counts no tokens: none told is not zero.
      ...(usage === null || (usage.input === 0 && searches !== undefined) ? {} : { usage: { total_tokens: usage.input } }),
      ...(searches === undefined ? {} : { meta: { billed_units: { search_units: searches } } }),
    })
  },
}

/** @throws GatewayError `upstream-garbled` */
export function readResults(
  results: JsonValue | undefined,
): readonly { readonly index: number; readonly score: number; readonly document?: JsonValue }[] {
  if (!isList(results)) throw garbled('has no results')
  return results.map((one) => {
    const index = countIn(within(one, 'index'))
    const score = within(one, 'relevance_score')
    const document = within(one, 'document')
    if (index === null || typeof score !== 'number') throw garbled('has a result without an index or a score')
    return { index, score, ...(document === undefined || document === null ? {} : { document }) }
  })
}

/** Searches where they are told (Cohere, OpenRouter), else what is likely; tokens under any of their names. */
function usageIn(answer: JsonObject | null, intent: Intent | null): Usage | null {
  const usage = answer?.['usage']
  const searches = countIn(within(within(answer?.['meta'], 'billed_units'), 'search_units')) ?? countIn(within(usage, 'search_units'))
  const tokens =
    countIn(within(usage, 'prompt_tokens')) ??
    countIn(within(usage, 'total_tokens')) ??
    countIn(within(within(answer?.['meta'], 'billed_units'), 'input_tokens')) ??
    countIn(within(within(answer?.['meta'], 'tokens'), 'input_tokens'))
  if (searches === null && tokens === null) return null
  const units = searches === null ? intent?.likelyUnits : { searches }
  return usageOf({ input: tokens ?? 0, ...(units === undefined ? {} : { units }) })
}

/** Bytes of each document as it stands in the body. @throws GatewayError `request-malformed` */
function documentLengths(body: ClientBody): readonly number[] {
  const documents: unknown = JSON.parse(body.member(['documents']) ?? 'null')
  if (!isList(documents) || documents.length === 0) throw malformed('documents', 'a list of documents')
  return documents.map((one, i) => {
    if (typeof one !== 'string' && !isObject(one)) throw malformed(`documents[${i}]`, 'a text or an object')
    return (typeof one === 'string' ? one : JSON.stringify(one)).length * 3 // a letter is at most three bytes, and a byte at most a token
  })
}

/** The query is read with each document. */
function tokensBound(body: ClientBody, lengths: readonly number[]): number {
  return body.byteLength + lengths.length * (body.member(['query'])?.length ?? 0) * 3
}

/** Never more than Cohere can count: a query takes at most half of a piece. */
function searchesBound(body: ClientBody, lengths: readonly number[]): number {
  const query = (body.member(['query'])?.length ?? 0) * 3
  const most = readCount(body, 'max_tokens_per_doc') ?? MOST_TOKENS
  const room = Math.max(TOKENS_A_DOCUMENT - query, TOKENS_A_DOCUMENT / 2)
  const pieces = lengths.reduce((sum, length) => sum + Math.max(1, Math.ceil(Math.min(length, most) / room)), 0)
  return Math.ceil(pieces / DOCUMENTS_A_SEARCH)
}
