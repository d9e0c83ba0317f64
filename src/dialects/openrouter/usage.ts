// Usage as OpenRouter tells it: OpenAI's totals, and what they cost.

import type { JsonObject, Usage } from '../../core/canonical.ts'
import { dollarsNumber } from '../../core/money.ts'
import type { Served } from '../contract.ts'
import { writeUsage as writeOpenaiUsage } from '../openai-chat/usage.ts'

/**
 * An unknown cost is left out: OpenRouter's own AI SDK provider refuses an answer whose `cost` is null. `upstream_inference_cost` is
 * for keys that a client brought itself, of which there are none.
 */
export function writeUsage(usage: Usage, served: Served | null): JsonObject {
  const told = writeOpenaiUsage(usage)
  const cost = served?.costNanoUsd(usage) ?? null
  const ofPrompt = served?.costNanoUsd({ ...usage, output: 0, outputAudio: 0, outputImage: 0 }) ?? null
  return {
    ...told,
    ...(cost === null ? {} : { cost: dollarsNumber(cost) }),
    is_byok: false,
    prompt_tokens_details: {
      cached_tokens: usage.cacheRead,
      cache_write_tokens: usage.cacheWrite5m + usage.cacheWrite1h,
      audio_tokens: usage.inputAudio,
    },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoning ?? 0,
      audio_tokens: usage.outputAudio,
      image_tokens: usage.outputImage,
    },
    ...(cost === null || ofPrompt === null
      ? {}
      : {
          cost_details: {
            upstream_inference_cost: null,
            upstream_inference_prompt_cost: dollarsNumber(ofPrompt),
            upstream_inference_completions_cost: dollarsNumber(cost - ofPrompt),
          },
        }),
    ...(usage.paidToolCalls > 0 ? { server_tool_use: { web_search_requests: usage.paidToolCalls } } : {}),
  }
}
