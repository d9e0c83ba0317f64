// What OpenAI's Responses language calls the members of the canonical form, for reports.

export const NAMES: { readonly [canonical: string]: string } = {
  maxOutputTokens: 'max_output_tokens',
  topP: 'top_p',
  presencePenalty: 'presence_penalty',
  frequencyPenalty: 'frequency_penalty',
  toolChoice: 'tool_choice',
  parallelToolCalls: 'parallel_tool_calls',
  replyFormat: 'text.format',
  reasoning: 'reasoning.effort',
  endUserId: 'user',
  cacheKey: 'prompt_cache_key',
  logprobs: 'include',
  topLogprobs: 'top_logprobs',
}
