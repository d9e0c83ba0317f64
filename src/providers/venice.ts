// Venice: where it is and what is its own. Source: docs.venice.ai/api-reference

import { UNSAID } from './abort-billing.ts'
import { openAiCompatible } from './openai-compatible.ts'

export const venice = openAiCompatible({
  id: 'venice',
  name: 'Venice',
  defaultBaseUrl: 'https://api.venice.ai/api/v1',
  operations: ['openai-embeddings', 'openai-speech', 'openai-transcriptions'],
  stopsBillingOnAbort: UNSAID,
})
