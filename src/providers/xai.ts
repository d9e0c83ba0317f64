// xAI: where it is and what is its own. Source: docs.x.ai

import { LISTED_AS_STOPPING } from './abort-billing.ts'
import { openAiCompatible } from './openai-compatible.ts'

export const xai = openAiCompatible({
  id: 'xai',
  name: 'xAI',
  defaultBaseUrl: 'https://api.x.ai/v1',
  hasResponses: true,
  operations: ['openai-image-generations'],
  stopsBillingOnAbort: LISTED_AS_STOPPING,
})
