// LM Studio: where it is and what is its own. Source: lmstudio.ai/docs/developer/openai-compat

import { OWN_HARDWARE } from './abort-billing.ts'
import { openAiCompatible } from './openai-compatible.ts'

export const lmstudio = openAiCompatible({
  id: 'lmstudio',
  name: 'LM Studio',
  defaultBaseUrl: 'http://127.0.0.1:1234/v1',
  habits: { accepts: new Set(['top_k']) },
  hasCompletions: true,
  operations: ['openai-embeddings'],
  stopsBillingOnAbort: OWN_HARDWARE,
  keyOptional: true,
})
