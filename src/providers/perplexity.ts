// Perplexity: where it is and what is its own. Source: docs.perplexity.ai/guides/chat-completions-guide

import { LISTED_AS_BILLING } from './abort-billing.ts'
import { openAiCompatible } from './openai-compatible.ts'

export const perplexity = openAiCompatible({
  id: 'perplexity',
  name: 'Perplexity',
  defaultBaseUrl: 'https://api.perplexity.ai',
  operations: ['openai-embeddings'],
  // The chat stands at the bare root, these below a version.
  operationsBelow: '/v1',
  stopsBillingOnAbort: LISTED_AS_BILLING,
})
