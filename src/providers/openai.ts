// OpenAI: where it is and what is its own. Source: platform.openai.com/docs/api-reference

import { LISTED_AS_STOPPING } from './abort-billing.ts'
import { openAiCompatible } from './openai-compatible.ts'
import { ALL_OF_OPENAI } from './operations.ts'

export const openai = openAiCompatible({
  id: 'openai',
  name: 'OpenAI',
  defaultBaseUrl: 'https://api.openai.com/v1',
  hasResponses: true,
  hasCompletions: true,
  operations: ALL_OF_OPENAI,
  stopsBillingOnAbort: LISTED_AS_STOPPING,
  // `max_tokens` is a 400 for its reasoning models.
  habits: { ceilingMember: 'max_completion_tokens', accepts: new Set(['prompt_cache_key', 'prompt_cache_retention']) },
})
