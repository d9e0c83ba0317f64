// Gemini's grounding and recitation notes → citations, and its log probabilities → OpenAI's shape. Needs the text they speak of.

import type { Citation, JsonObject } from '../../core/canonical.ts'
import { isObject, listOf, objectOf, textOf } from './wire.ts'

/** Citations of a candidate for its text; offsets come in UTF-8 bytes and leave in UTF-16 units. */
export function citationsOf(candidate: JsonObject, text: string): readonly Citation[] {
  const grounding = objectOf(candidate['groundingMetadata'])
  const chunks = listOf(grounding['groundingChunks'])
  const out: Citation[] = []
  let searched = 0
  for (const support of listOf(grounding['groundingSupports'])) {
    if (!isObject(support)) continue
    const segment = objectOf(support['segment'])
    const [start, end] = spanOf(segment, text, searched)
    searched = end ?? searched
    for (const index of listOf(support['groundingChunkIndices'])) {
      const chunk = typeof index === 'number' ? chunks[index] : undefined
      if (isObject(chunk)) out.push(citation(chunk, start, end))
    }
  }
  // Sources without a place in the text still are sources.
  if (out.length === 0) for (const chunk of chunks) if (isObject(chunk)) out.push(citation(chunk, null, null))
  for (const source of listOf(objectOf(candidate['citationMetadata'])['citations'])) {
    if (!isObject(source)) continue
    const [start, end] = spanOf(source, text, 0)
    out.push({ url: textOf(source['uri']), title: textOf(source['title']), start, end, raw: source })
  }
  return out
}

function citation(chunk: JsonObject, start: number | null, end: number | null): Citation {
  const source = objectOf(chunk['web'] ?? chunk['retrievedContext'] ?? chunk['maps'])
  return { url: textOf(source['uri']), title: textOf(source['title']), start, end, raw: chunk }
}

/** The segment's own text settles where it is; without it the byte offsets do. */
function spanOf(segment: JsonObject, text: string, from: number): readonly [number | null, number | null] {
  const words = textOf(segment['text'])
  if (words !== null) {
    const found = text.indexOf(words, from)
    const at = found < 0 ? text.indexOf(words) : found
    return at < 0 ? [null, null] : [at, at + words.length]
  }
  const { endIndex } = segment
  const startIndex = segment['startIndex'] ?? 0
  if (typeof startIndex !== 'number' || typeof endIndex !== 'number' || endIndex <= startIndex) return [null, null]
  const start = unitsAt(text, startIndex)
  const end = unitsAt(text, endIndex)
  return start === null || end === null ? [null, null] : [start, end]
}

/** UTF-16 units before a UTF-8 byte offset; `null` when the text is shorter. */
function unitsAt(text: string, bytes: number): number | null {
  let seen = 0
  let units = 0
  for (const character of text) {
    if (seen >= bytes) break
    const code = character.codePointAt(0) ?? 0
    seen += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
    units += character.length
  }
  return seen >= bytes ? units : null
}

/** `logprobsResult` as OpenAI's `logprobs` text; `null` when there is none. */
export function logprobsOf(candidate: JsonObject): string | null {
  const result = objectOf(candidate['logprobsResult'])
  const chosen = listOf(result['chosenCandidates']).filter(isObject)
  if (chosen.length === 0) return null
  const tops = listOf(result['topCandidates'])
  const content = chosen.map((token, i) => ({
    ...tokenOf(token),
    top_logprobs: listOf(objectOf(tops[i])['candidates']).filter(isObject).map(tokenOf),
  }))
  return JSON.stringify({ content, refusal: null })
}

function tokenOf(token: JsonObject): { token: string; logprob: number; bytes: null } {
  const { logProbability } = token
  return { token: textOf(token['token']) ?? '', logprob: typeof logProbability === 'number' ? logProbability : -9999, bytes: null }
}
