// Novita AI: where it is and what is its own. Source: novita.ai/docs/api-reference

import { LISTED_AS_STOPPING } from './abort-billing.ts'
import { openAiCompatible } from './openai-compatible.ts'

export const novita = openAiCompatible({
  id: 'novita',
  name: 'Novita AI',
  defaultBaseUrl: 'https://api.novita.ai/v3/openai',
  habits: { accepts: new Set(['top_k']) },
  hasCompletions: true,
  operations: ['openai-embeddings', 'rerank'],
  stopsBillingOnAbort: LISTED_AS_STOPPING,
})
