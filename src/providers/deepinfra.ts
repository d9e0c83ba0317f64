// DeepInfra: where it is and what is its own. Source: deepinfra.com/docs/openai_api

import { LISTED_AS_STOPPING } from './abort-billing.ts'
import { openAiCompatible } from './openai-compatible.ts'

export const deepinfra = openAiCompatible({
  id: 'deepinfra',
  name: 'DeepInfra',
  defaultBaseUrl: 'https://api.deepinfra.com/v1/openai',
  habits: { accepts: new Set(['top_k']) },
  hasCompletions: true,
  operations: ['openai-embeddings', 'openai-image-generations'],
  stopsBillingOnAbort: LISTED_AS_STOPPING,
})
