// Groq: where it is and what is its own. Source: console.groq.com/docs/openai

import { LISTED_AS_BILLING } from './abort-billing.ts'
import { openAiCompatible } from './openai-compatible.ts'

export const groq = openAiCompatible({
  id: 'groq',
  name: 'Groq',
  defaultBaseUrl: 'https://api.groq.com/openai/v1',
  // Its OpenAI page lists these as a 400; `n` must be 1.
  habits: { refuses: new Set(['n', 'logprobs', 'top_logprobs', 'logit_bias']) },
  operations: ['openai-speech', 'openai-transcriptions', 'openai-translations'],
  stopsBillingOnAbort: LISTED_AS_BILLING,
})
