// Hyperbolic: where it is and what is its own. Source: docs.hyperbolic.xyz/docs/rest-api

import { LISTED_AS_STOPPING } from './abort-billing.ts'
import { openAiCompatible } from './openai-compatible.ts'

export const hyperbolic = openAiCompatible({
  id: 'hyperbolic',
  name: 'Hyperbolic',
  defaultBaseUrl: 'https://api.hyperbolic.xyz/v1',
  habits: { accepts: new Set(['top_k']) },
  hasCompletions: true,
  stopsBillingOnAbort: LISTED_AS_STOPPING,
})
