// What Gemini calls the members of the canonical form, for reports.

export const NAMES: { readonly [canonical: string]: string } = {
  maxOutputTokens: 'generationConfig.maxOutputTokens',
  temperature: 'generationConfig.temperature',
  topP: 'generationConfig.topP',
  topK: 'generationConfig.topK',
  seed: 'generationConfig.seed',
  stop: 'generationConfig.stopSequences',
  presencePenalty: 'generationConfig.presencePenalty',
  frequencyPenalty: 'generationConfig.frequencyPenalty',
  replyFormat: 'generationConfig.responseSchema',
  reasoning: 'generationConfig.thinkingConfig',
  toolChoice: 'toolConfig.functionCallingConfig',
  parallelToolCalls: 'toolConfig',
  endUserId: 'labels',
  cache: 'cachedContent',
  logprobs: 'generationConfig.responseLogprobs',
  topLogprobs: 'generationConfig.logprobs',
}
