// NVIDIA: where it is and what is its own. Source: docs.api.nvidia.com/nim/reference/llm-apis

import { UNSAID } from './abort-billing.ts'
import { openAiCompatible } from './openai-compatible.ts'

export const nvidia = openAiCompatible({
  id: 'nvidia',
  name: 'NVIDIA',
  defaultBaseUrl: 'https://integrate.api.nvidia.com/v1',
  hasCompletions: true,
  operations: ['openai-embeddings'],
  stopsBillingOnAbort: UNSAID,
})
