// Usage of the Messages API to and from the canonical counts.

import type { JsonObject, JsonValue, Usage } from '../../core/canonical.ts'
import { serviceIn, usageOf } from '../../core/usage.ts'
import { isArray, isObject } from './wire.ts'

/**
 * `input_tokens` leaves cached tokens out, as the canonical form does. Writes to the cache count as 5 minutes unless told apart.
 * Compaction and advisor iterations are billed but are not in the top-level counts (`usage.iterations` of the API's reference): they stand aside.
 * `null`: nothing was told.
 */
export function readUsage(usage: JsonValue | undefined): Usage | null {
  if (!isObject(usage)) return null
  if (typeof usage['input_tokens'] !== 'number' && typeof usage['output_tokens'] !== 'number') return null
  let aside: Counts | null = null
  const iterations = usage['iterations']
  if (isArray(iterations))
    for (const iteration of iterations)
      if (isObject(iteration) && (iteration['type'] === 'compaction' || iteration['type'] === 'advisor_message'))
        aside = aside === null ? countsOf(iteration) : plus(aside, countsOf(iteration))
  const details = usage['output_tokens_details']
  const thinking = isObject(details) ? details['thinking_tokens'] : undefined
  const tools = usage['server_tool_use']
  return usageOf({
    ...countsOf(usage),
    paidToolCalls: isObject(tools) ? count(tools['web_search_requests']) : 0,
    reasoning: typeof thinking === 'number' ? count(thinking) : null,
    ...(aside === null ? {} : { aside: usageOf(aside) }),
    ...serviceIn(usage['speed'] === 'fast' ? 'fast' : usage['service_tier']),
  })
}

/** The usage told so far with what a later event tells: absent and `null` members keep their value. */
export function mergeUsage(before: JsonObject, told: JsonValue | undefined): JsonObject {
  if (!isObject(told)) return before
  const said = Object.entries(told).filter(([, value]) => value !== null)
  return { ...before, ...Object.fromEntries(said) }
}

/** The members of `usage` on the wire. Unknown usage is written as zeros: the member is required. */
export function writeUsage(usage: Usage | null): JsonObject {
  const known = usage ?? usageOf({})
  return {
    input_tokens: known.input + known.inputAudio,
    cache_creation_input_tokens: known.cacheWrite5m + known.cacheWrite1h,
    cache_read_input_tokens: known.cacheRead,
    cache_creation: { ephemeral_5m_input_tokens: known.cacheWrite5m, ephemeral_1h_input_tokens: known.cacheWrite1h },
    output_tokens: known.output + known.outputAudio + known.outputImage,
    ...(known.reasoning === null ? {} : { output_tokens_details: { thinking_tokens: known.reasoning } }),
    ...(known.paidToolCalls === 0 ? {} : { server_tool_use: { web_search_requests: known.paidToolCalls, web_fetch_requests: 0 } }),
  }
}

type Counts = Pick<Usage, 'input' | 'cacheRead' | 'cacheWrite5m' | 'cacheWrite1h' | 'output'>

function countsOf(usage: JsonObject): Counts {
  const split = usage['cache_creation']
  const written1h = isObject(split) ? count(split['ephemeral_1h_input_tokens']) : 0
  const total = usage['cache_creation_input_tokens']
  // The total is cumulative and told last; the split may be of the start of the stream only.
  const written5m =
    typeof total === 'number' ? Math.max(0, count(total) - written1h) : isObject(split) ? count(split['ephemeral_5m_input_tokens']) : 0
  return {
    input: count(usage['input_tokens']),
    cacheRead: count(usage['cache_read_input_tokens']),
    cacheWrite5m: written5m,
    cacheWrite1h: written1h,
    output: count(usage['output_tokens']),
  }
}

function plus(a: Counts, b: Counts): Counts {
  return {
    input: a.input + b.input,
    cacheRead: a.cacheRead + b.cacheRead,
    cacheWrite5m: a.cacheWrite5m + b.cacheWrite5m,
    cacheWrite1h: a.cacheWrite1h + b.cacheWrite1h,
    output: a.output + b.output,
  }
}

function count(value: JsonValue | undefined): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0
}
