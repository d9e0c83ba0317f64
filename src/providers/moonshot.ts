// Moonshot AI: where it is and what is its own. Source: platform.moonshot.ai/docs/api/chat

import { UNSAID } from './abort-billing.ts'
import { openAiCompatible } from './openai-compatible.ts'

export const moonshot = openAiCompatible({
  id: 'moonshot',
  name: 'Moonshot AI',
  defaultBaseUrl: 'https://api.moonshot.ai/v1',
  habits: { accepts: new Set(['reasoning_content']) },
  stopsBillingOnAbort: UNSAID,
})
