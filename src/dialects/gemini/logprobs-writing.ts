// Log probabilities in OpenAI's shape → `logprobsResult`.

import type { JsonObject, JsonValue } from '../../core/canonical.ts'
import { isObject, listOf, textOf } from './wire.ts'

/** `logprobs` is raw JSON text. Undefined: it tells nothing of the reply's tokens. */
export function logprobsResult(logprobs: string | undefined): JsonObject | undefined {
  const tokens = logprobs === undefined ? [] : tokensIn(logprobs)
  if (tokens.length === 0) return undefined
  return {
    topCandidates: tokens.map((token) => ({ candidates: listOf(token['top_logprobs']).filter(isObject).map(candidateOf) })),
    chosenCandidates: tokens.map(candidateOf),
  }
}

function candidateOf(token: JsonObject): JsonObject {
  const { logprob } = token
  return { token: textOf(token['token']) ?? '', ...(typeof logprob === 'number' ? { logProbability: logprob } : {}) }
}

function tokensIn(text: string): readonly JsonObject[] {
  try {
    const value = JSON.parse(text) as JsonValue
    return isObject(value) ? listOf(value['content']).filter(isObject) : []
  } catch {
    return []
  }
}
