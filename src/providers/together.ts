// Together AI: where it is and what is its own. Source: docs.together.ai/docs/openai-api-compatibility

import { LISTED_AS_STOPPING } from './abort-billing.ts'
import { openAiCompatible } from './openai-compatible.ts'

export const together = openAiCompatible({
  id: 'together',
  name: 'Together AI',
  defaultBaseUrl: 'https://api.together.xyz/v1',
  habits: { accepts: new Set(['top_k', 'min_p', 'repetition_penalty']) },
  hasCompletions: true,
  operations: ['openai-embeddings', 'rerank', 'openai-image-generations', 'openai-speech', 'openai-transcriptions', 'openai-translations'],
  stopsBillingOnAbort: LISTED_AS_STOPPING,
})
