// Token counts of OpenAI's chat language, in the spellings of its hosts, to and from counts that never overlap.

import type { JsonObject, JsonValue, Usage } from '../../core/canonical.ts'
import { inputTokens, outputTokens } from '../../core/price.ts'
import { serviceIn, usageOf } from '../../core/usage.ts'
import { isObject } from './wire.ts'

/** Usage of an answer or a chunk, or `null` when it tells none. Groq's streams keep it under `x_groq`. */
export function readUsageOf(answer: JsonObject, before: Usage | null = null): Usage | null {
  const groq = answer['x_groq']
  const usage = readUsage(answer['usage'], before) ?? (isObject(groq) ? readUsage(groq['usage'], before) : null)
  return usage === null ? null : { ...usage, ...serviceOf(answer) }
}

/** The service tier of an answer or a chunk: beside the usage, and also in chunks that have none. */
export function serviceOf(answer: JsonObject): Pick<Usage, 'service'> {
  return serviceIn(answer['service_tier'])
}

/** `before` is what an earlier chunk told: a chunk that counts only one side does not forget the other. */
function readUsage(said: JsonValue | undefined, before: Usage | null): Usage | null {
  if (!isObject(said)) return null
  const prompt = count(said['prompt_tokens'])
  const completion = count(said['completion_tokens'])
  if (prompt === null && completion === null) return null
  const input = prompt === null && before !== null ? keptInput(before) : readInput(said, prompt ?? 0, completion ?? 0)
  const output = completion === null && before !== null ? keptOutput(before) : readOutput(said, prompt ?? 0, completion ?? 0)
  return usageOf({ ...input, ...output, paidToolCalls: readPaidToolCalls(said) || (before?.paidToolCalls ?? 0) })
}

function readInput(said: JsonObject, told: number, completion: number): Partial<Usage> {
  const details = member(said, 'prompt_tokens_details')
  const heard = count(details['audio_tokens']) ?? 0
  // Mistral counts sound beside `prompt_tokens`, everyone else inside; the total tells which.
  const prompt = heard > 0 && count(said['total_tokens']) === told + completion + heard ? told + heard : told
  // In order: OpenAI, DeepSeek, Moonshot, Mistral, and hosts in front of Anthropic.
  const cacheRead =
    count(details['cached_tokens']) ??
    count(said['prompt_cache_hit_tokens']) ??
    count(said['cached_tokens']) ??
    count(said['num_cached_tokens']) ??
    count(said['cache_read_input_tokens']) ??
    0
  const written = count(details['cache_write_tokens']) ?? count(said['cache_creation_input_tokens']) ?? 0
  const cacheWrite1h = Math.min(written, count(member(said, 'cache_creation')['ephemeral_1h_input_tokens']) ?? 0)
  const uncached = uncachedOf(prompt, cacheRead, written)
  const inputAudio = Math.min(uncached, heard)
  return { input: uncached - inputAudio, cacheRead, cacheWrite5m: written - cacheWrite1h, cacheWrite1h, inputAudio }
}

/**
 * `prompt_tokens` includes what was read from a cache and written to one, except where it cannot: Grok on Azure counts reads
 * beside it, and OpenRouter's Gemini bills the same tokens as read and as stored.
 */
function uncachedOf(prompt: number, cacheRead: number, written: number): number {
  if (cacheRead + written <= prompt) return prompt - cacheRead - written
  return cacheRead <= prompt && cacheRead > 0 ? prompt - cacheRead : prompt
}

function readOutput(said: JsonObject, prompt: number, completion: number): Partial<Usage> {
  const details = member(said, 'completion_tokens_details')
  const reasoning = count(details['reasoning_tokens']) ?? count(said['reasoning_tokens'])
  // xAI counts reasoning beside `completion_tokens`, everyone else inside; the total tells which.
  const beside = reasoning !== null && reasoning > 0 && count(said['total_tokens']) === prompt + completion + reasoning
  const total = beside ? completion + reasoning : completion
  const outputAudio = Math.min(total, count(details['audio_tokens']) ?? 0)
  const outputImage = Math.min(total - outputAudio, count(details['image_tokens']) ?? 0)
  return { output: total - outputAudio - outputImage, outputAudio, outputImage, reasoning }
}

/** Web searches: of OpenRouter (two spellings) and of Perplexity. */
function readPaidToolCalls(said: JsonObject): number {
  return (
    count(member(said, 'server_tool_use')['web_search_requests']) ??
    count(member(said, 'server_tool_use_details')['web_search_requests']) ??
    count(said['num_search_queries']) ??
    0
  )
}

function keptInput({ input, cacheRead, cacheWrite5m, cacheWrite1h, inputAudio }: Usage): Partial<Usage> {
  return { input, cacheRead, cacheWrite5m, cacheWrite1h, inputAudio }
}

function keptOutput({ output, outputAudio, outputImage, reasoning }: Usage): Partial<Usage> {
  return { output, outputAudio, outputImage, reasoning }
}

function member(of: JsonObject, name: string): JsonObject {
  const value = of[name]
  return isObject(value) ? value : {}
}

function count(value: JsonValue | undefined): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null
}

/** Usage as OpenAI tells it: totals, and what is part of them. `cache_write_tokens` is OpenRouter's, told only where something was written. */
export function writeUsage(usage: Usage): JsonObject {
  const prompt = inputTokens(usage)
  const completion = outputTokens(usage)
  const written = usage.cacheWrite5m + usage.cacheWrite1h
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: {
      cached_tokens: usage.cacheRead,
      audio_tokens: usage.inputAudio,
      ...(written > 0 ? { cache_write_tokens: written } : {}),
    },
    completion_tokens_details: { reasoning_tokens: usage.reasoning ?? 0, audio_tokens: usage.outputAudio },
  }
}
