// What Converse calls the members of the canonical form, for reports.

export const NAMES: { readonly [canonical: string]: string } = {
  maxOutputTokens: 'inferenceConfig.maxTokens',
  temperature: 'inferenceConfig.temperature',
  topP: 'inferenceConfig.topP',
  topK: 'additionalModelRequestFields.top_k',
  stop: 'inferenceConfig.stopSequences',
  toolChoice: 'toolConfig.toolChoice',
  replyFormat: 'outputConfig.textFormat',
  reasoning: 'additionalModelRequestFields',
  cache: 'cachePoint',
}
