// What recorded calls for a ranking hold, in the common shape (Cohere's, Jina's) and in Voyage's.

import { at, listAt, numberAt, textAt } from '../look.ts'
import { counts, type HeldOperation, type Ranked } from '../operation-facts.ts'

function asks(most: string): NonNullable<HeldOperation['asked']> {
  return (body) => ({
    kind: 'rerank',
    query: textAt(body, 'query'),
    documents: listAt(body, 'documents'),
    topN: numberAt(body, most),
    returnDocuments: at(body, 'return_documents') === true,
  })
}

function tells(list: string): NonNullable<HeldOperation['told']> {
  return (body) => {
    if (!Array.isArray(at(body, list))) return null
    const results = listAt(body, list).map((one): Ranked => {
      const document = at(one, 'document')
      const ranked = { index: numberAt(one, 'index'), score: numberAt(one, 'relevance_score') }
      return document === undefined || document === null ? ranked : { ...ranked, document }
    })
    return { kind: 'rerank', results }
  }
}

/** Cohere and OpenRouter bill searches and tell no tokens; all others tell tokens. */
const countsOf: HeldOperation['counts'] = ([body]) => {
  const searches = numberAt(body, 'meta', 'billed_units', 'search_units') ?? numberAt(body, 'usage', 'search_units')
  const input = numberAt(body, 'usage', 'prompt_tokens') ?? numberAt(body, 'usage', 'total_tokens')
  return searches === null && input === null ? null : counts({ searches, input })
}

export const rerank: HeldOperation = { asked: asks('top_n'), told: tells('results'), counts: countsOf }

export const voyageRerank: HeldOperation = { asked: asks('top_k'), told: tells('data'), counts: countsOf }
