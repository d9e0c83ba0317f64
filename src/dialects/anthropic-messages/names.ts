// What the Messages API calls the members of the canonical form, for reports.

export const NAMES: { readonly [canonical: string]: string } = {
  maxOutputTokens: 'max_tokens',
  topP: 'top_p',
  topK: 'top_k',
  stop: 'stop_sequences',
  replyFormat: 'output_config.format',
  reasoning: 'thinking',
  toolChoice: 'tool_choice',
  parallelToolCalls: 'tool_choice.disable_parallel_tool_use',
  endUserId: 'metadata.user_id',
  cache: 'cache_control',
}
