// SambaNova: where it is and what is its own. Source: docs.sambanova.ai/docs/en/features/openai-compatibility

import { LISTED_AS_BILLING } from './abort-billing.ts'
import { openAiCompatible } from './openai-compatible.ts'

export const sambanova = openAiCompatible({
  id: 'sambanova',
  name: 'SambaNova',
  defaultBaseUrl: 'https://api.sambanova.ai/v1',
  habits: { accepts: new Set(['top_k']) },
  hasCompletions: true,
  operations: ['openai-embeddings'],
  stopsBillingOnAbort: LISTED_AS_BILLING,
})
