// Cerebras: where it is and what is its own. Source: inference-docs.cerebras.ai/resources/openai

import { openAiCompatible } from './openai-compatible.ts'

export const cerebras = openAiCompatible({
  id: 'cerebras',
  name: 'Cerebras',
  defaultBaseUrl: 'https://api.cerebras.ai/v1',
  hasCompletions: true,
  stopsBillingOnAbort: { answer: 'unknown', source: 'neither Cerebras’ documentation nor OpenRouter’s list of stream cancellation says' },
  // Its OpenAI page lists these as a 400.
  habits: { refuses: new Set(['frequency_penalty', 'presence_penalty', 'logit_bias']) },
})
