// DeepSeek: where it is and what is its own. Source: api-docs.deepseek.com

import { LISTED_AS_STOPPING } from './abort-billing.ts'
import { openAiCompatible } from './openai-compatible.ts'

export const deepseek = openAiCompatible({
  id: 'deepseek',
  name: 'DeepSeek',
  defaultBaseUrl: 'https://api.deepseek.com',
  hasResponses: true,
  habits: { accepts: new Set(['reasoning_content']) },
  stopsBillingOnAbort: LISTED_AS_STOPPING,
})
