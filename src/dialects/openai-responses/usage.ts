// Token counts of OpenAI's Responses language, to and from counts that never overlap.

import type { JsonObject, JsonValue, Usage } from '../../core/canonical.ts'
import { inputTokens, outputTokens } from '../../core/price.ts'
import { serviceIn, usageOf } from '../../core/usage.ts'
import { isObject, objectsOf } from '../openai-chat/wire.ts'

/** Usage of a response object, or `null` when it tells none. `searches`: calls of web search that its items showed, where the usage does not count them. */
export function readUsageOf(response: JsonObject, searches = searchesIn(response)): Usage | null {
  const said = response['usage']
  if (!isObject(said)) return null
  const input = count(said['input_tokens'])
  const output = count(said['output_tokens'])
  if (input === null && output === null) return null
  const details = member(said, 'input_tokens_details')
  const cached = Math.min(count(details['cached_tokens']) ?? 0, input ?? 0)
  const written = Math.min(count(details['cache_write_tokens']) ?? 0, (input ?? 0) - cached)
  const reasoning = count(member(said, 'output_tokens_details')['reasoning_tokens'])
  return usageOf({
    input: (input ?? 0) - cached - written,
    cacheRead: cached,
    cacheWrite5m: written,
    output: output ?? 0,
    // xAI counts all it ran; OpenAI's web searches are its items.
    paidToolCalls: count(said['num_server_side_tools_used']) ?? searches,
    reasoning,
    ...serviceIn(response['service_tier']),
  })
}

/** Web searches among the items of a response. */
export function searchesIn(response: JsonObject): number {
  return objectsOf(response['output']).filter(isSearch).length
}

/** Opening a page of a result is part of the search before it. */
export function isSearch(item: JsonObject): boolean {
  if (item['type'] !== 'web_search_call') return false
  const action = item['action']
  return !isObject(action) || action['type'] === undefined || action['type'] === 'search'
}

/** Usage as this language tells it: totals, and what is part of them. */
export function writeUsage(usage: Usage): JsonObject {
  const input = inputTokens(usage)
  const output = outputTokens(usage)
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: usage.cacheRead },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: usage.reasoning ?? 0 },
    total_tokens: input + output,
  }
}

function member(of: JsonObject, name: string): JsonObject {
  const value = of[name]
  return isObject(value) ? value : {}
}

function count(value: JsonValue | undefined): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null
}
