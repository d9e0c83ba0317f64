// Gemini's own words (generateContent, REST v1beta): names, enums, usage and what its model generations can do. No request and no reply is built here.
// Source: googleai-openapi-2026-01 and ai.google.dev/gemini-api/docs (thinking, thought-signatures, function-calling), read 2026.

import type { FinishReason, JsonObject, JsonValue, Usage } from '../../core/canonical.ts'
import { rawPaths } from '../../core/json-raw.ts'
import { usageOf } from '../../core/usage.ts'

export const DIALECT = 'gemini'

/** The issuer of `thoughtSignature`. */
export const ISSUER = 'google'

/** Stands for the signature of a call that another model made; Gemini 3 refuses a current call without one. Source: ai.google.dev/gemini-api/docs/thought-signatures */
export const FOREIGN_SIGNATURE = 'skip_thought_signature_validator'

/** `generationConfig.stopSequences` takes no more. */
export const MAX_STOPS = 5

/** Streamed numbers stay text, so that arguments are put together without rounding. */
export const RESPONSE_RAW = rawPaths(
  'candidates.*.content.parts.*.functionCall.args',
  'candidates.*.content.parts.*.functionCall.partialArgs.*.numberValue',
)

const FINISH: ReadonlyMap<string, FinishReason> = new Map([
  ['STOP', 'stop'],
  ['MAX_TOKENS', 'length'],
  ['SAFETY', 'filtered'],
  ['RECITATION', 'filtered'],
  ['BLOCKLIST', 'filtered'],
  ['PROHIBITED_CONTENT', 'filtered'],
  ['SPII', 'filtered'],
  ['IMAGE_SAFETY', 'filtered'],
  ['IMAGE_PROHIBITED_CONTENT', 'filtered'],
  ['IMAGE_RECITATION', 'filtered'],
])

/** Gemini says STOP after tool calls too, so the calls decide. */
export function finishOf(native: string, hasCalls: boolean): FinishReason {
  const reason = FINISH.get(native) ?? 'other'
  return reason === 'stop' && hasCalls ? 'tool-calls' : reason
}

/** Gemini's word for an ending; its own where `native` is one. A refusal that is an ordinary stop elsewhere must not pass for an answer. */
export function writeFinish(reason: FinishReason, native: string | null, isRefusal: boolean): string {
  if (native !== null && FINISH.get(native) === reason) return native
  switch (reason) {
    case 'stop':
      return isRefusal ? 'SAFETY' : 'STOP'
    case 'tool-calls':
      return 'STOP'
    case 'length':
      return 'MAX_TOKENS'
    case 'filtered':
      return 'SAFETY'
    case 'paused':
    case 'other':
      return 'OTHER'
    default:
      return reason satisfies never
  }
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function objectOf(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {}
}

export function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : []
}

/** A string with something in it. */
export function textOf(value: JsonValue | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

/** The first candidate of a GenerateContentResponse. */
export function candidateOf(response: JsonObject): JsonObject {
  return objectOf(listOf(response['candidates']).find((candidate) => isObject(candidate) && (candidate['index'] ?? 0) === 0))
}

/** Counts of `usageMetadata` in our disjoint kinds; `null` when it counts nothing. Cached audio is cheaper than audio, so it is `cacheRead`. */
export function usageFrom(metadata: JsonObject, paidToolCalls: number): Usage | null {
  const prompt = countOf(metadata['promptTokenCount'])
  const candidates = countOf(metadata['candidatesTokenCount']) ?? countOf(metadata['responseTokenCount'])
  if (prompt === null && candidates === null && countOf(metadata['totalTokenCount']) === null) return null
  const cacheRead = countOf(metadata['cachedContentTokenCount']) ?? 0
  const uncached = Math.max(0, (prompt ?? 0) + (countOf(metadata['toolUsePromptTokenCount']) ?? 0) - cacheRead)
  const heard =
    modality(metadata['promptTokensDetails'], 'AUDIO') +
    modality(metadata['toolUsePromptTokensDetails'], 'AUDIO') -
    modality(metadata['cacheTokensDetails'], 'AUDIO')
  const inputAudio = Math.min(uncached, Math.max(0, heard))
  const said = metadata['candidatesTokensDetails'] ?? metadata['responseTokensDetails']
  const outputImage = Math.min(candidates ?? 0, modality(said, 'IMAGE'))
  const outputAudio = Math.min((candidates ?? 0) - outputImage, modality(said, 'AUDIO'))
  const reasoning = countOf(metadata['thoughtsTokenCount'])
  return usageOf({
    input: uncached - inputAudio,
    cacheRead,
    output: (candidates ?? 0) - outputImage - outputAudio + (reasoning ?? 0),
    inputAudio,
    outputAudio,
    outputImage,
    paidToolCalls,
    reasoning,
  })
}

/** Searches Google bills: each query from Gemini 3 on, one a grounded prompt before. Source: ai.google.dev/gemini-api/docs/google-search#pricing */
export function paidSearches(candidate: JsonObject, model: string): number {
  const queries = listOf(objectOf(candidate['groundingMetadata'])['webSearchQueries']).filter((query) => textOf(query) !== null)
  return queries.length === 0 ? 0 : isBefore(model, 3) ? 1 : queries.length
}

/** A model name that says it is older than that generation; a name that says nothing (`gemini-flash-latest`, a tuned model) is taken for new. */
export function isBefore(model: string, generation: number): boolean {
  const said = /gemini-(\d+(?:\.\d+)?)/.exec(model)
  return said !== null && Number(said[1]) < generation
}

function countOf(value: JsonValue | undefined): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null
}

function modality(details: JsonValue | undefined, kind: string): number {
  let sum = 0
  for (const entry of listOf(details)) if (isObject(entry) && entry['modality'] === kind) sum += countOf(entry['tokenCount']) ?? 0
  return sum
}
