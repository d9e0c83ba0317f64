// Z.AI: where it is and what is its own. Source: docs.z.ai/api-reference

import { UNSAID } from './abort-billing.ts'
import { openAiCompatible } from './openai-compatible.ts'

export const zai = openAiCompatible({
  id: 'zai',
  name: 'Z.AI',
  defaultBaseUrl: 'https://api.z.ai/api/paas/v4',
  habits: { accepts: new Set(['reasoning_content']) },
  stopsBillingOnAbort: UNSAID,
})
