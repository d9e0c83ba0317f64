// Annotations of a text (citations) in the Responses language, both ways.

import type { Citation, JsonObject, JsonValue } from '../../core/canonical.ts'
import { objectsOf } from '../openai-chat/wire.ts'

export function readAnnotations(annotations: JsonValue | undefined): readonly Citation[] {
  return objectsOf(annotations).map((raw) => ({
    url: textOrNull(raw['url']),
    title: textOrNull(raw['title']) ?? textOrNull(raw['filename']),
    start: place(raw['start_index']),
    end: place(raw['end_index']),
    raw,
  }))
}

/** Only a source with an address can be told: files are known here by ids of OpenAI's own. */
export function writeAnnotations(citations: readonly Citation[]): readonly JsonObject[] {
  return citations.flatMap(({ url, title, start, end }) =>
    url === null ? [] : [{ type: 'url_citation', url, title: title ?? '', start_index: start ?? 0, end_index: end ?? start ?? 0 }],
  )
}

function textOrNull(value: JsonValue | undefined): string | null {
  return typeof value === 'string' ? value : null
}

function place(value: JsonValue | undefined): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null
}
