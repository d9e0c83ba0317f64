// What Cohere calls the members of the canonical form, for reports.

export const NAMES: { readonly [canonical: string]: string } = {
  maxOutputTokens: 'max_tokens',
  topP: 'p',
  topK: 'k',
  stop: 'stop_sequences',
  presencePenalty: 'presence_penalty',
  frequencyPenalty: 'frequency_penalty',
  toolChoice: 'tool_choice',
  replyFormat: 'response_format',
  reasoning: 'thinking',
}
