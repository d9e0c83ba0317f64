// Hugging Face: where it is and what is its own. Source: huggingface.co/docs/inference-providers

import { LISTED_AS_BILLING } from './abort-billing.ts'
import { openAiCompatible } from './openai-compatible.ts'

export const huggingface = openAiCompatible({
  id: 'huggingface',
  name: 'Hugging Face',
  defaultBaseUrl: 'https://router.huggingface.co/v1',
  stopsBillingOnAbort: LISTED_AS_BILLING,
})
