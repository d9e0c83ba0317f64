// Citations of the Messages API to and from the canonical form.

import type { Citation, JsonObject, JsonValue } from '../../core/canonical.ts'
import { isArray, isObject, textOr } from './wire.ts'

const LOCATIONS: ReadonlySet<JsonValue | undefined> = new Set([
  'char_location',
  'page_location',
  'content_block_location',
  'web_search_result_location',
  'search_result_location',
])

/** A citation covers the whole text block that it stands in, so it has no offsets of its own. */
export function readCitation(value: JsonValue): Citation {
  const raw = isObject(value) ? value : {}
  const source = textOr(raw['url'], textOr(raw['source'], ''))
  const title = textOr(raw['title'], textOr(raw['document_title'], ''))
  return { url: source === '' ? null : source, title: title === '' ? null : title, start: null, end: null, raw: value }
}

export function readCitations(value: JsonValue | undefined): readonly Citation[] {
  return isArray(value) ? value.map(readCitation) : []
}

/** What this dialect itself said stands as it was; another's citation with a URL is told as a web search result. `null`: cannot be said. */
export function writeCitation(citation: Citation): JsonObject | null {
  if (isObject(citation.raw) && LOCATIONS.has(citation.raw['type'])) return citation.raw
  if (citation.url === null) return null
  return { type: 'web_search_result_location', cited_text: '', encrypted_index: '', title: citation.title, url: citation.url }
}

export function writeCitations(citations: readonly Citation[] | undefined): readonly JsonObject[] {
  return (citations ?? []).map(writeCitation).filter((citation) => citation !== null)
}
