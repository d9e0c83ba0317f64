// Fireworks: where it is and what is its own. Source: docs.fireworks.ai/tools-sdks/openai-compatibility

import { LISTED_AS_STOPPING } from './abort-billing.ts'
import { openAiCompatible } from './openai-compatible.ts'

export const fireworks = openAiCompatible({
  id: 'fireworks',
  name: 'Fireworks',
  defaultBaseUrl: 'https://api.fireworks.ai/inference/v1',
  habits: { accepts: new Set(['top_k', 'min_p', 'repetition_penalty']) },
  hasCompletions: true,
  operations: ['openai-embeddings', 'rerank'],
  stopsBillingOnAbort: LISTED_AS_STOPPING,
})
