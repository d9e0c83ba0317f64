// What OpenAI's chat language calls the members of the canonical form, for reports.

export const NAMES: { readonly [canonical: string]: string } = {
  maxOutputTokens: 'max_tokens',
  topP: 'top_p',
  topK: 'top_k',
  presencePenalty: 'presence_penalty',
  frequencyPenalty: 'frequency_penalty',
  toolChoice: 'tool_choice',
  parallelToolCalls: 'parallel_tool_calls',
  replyFormat: 'response_format',
  reasoning: 'reasoning_effort',
  endUserId: 'user',
  cache: 'cache_control',
  cacheKey: 'prompt_cache_key',
  topLogprobs: 'top_logprobs',
}
