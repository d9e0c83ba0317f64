// Mistral: OpenAI's chat language under a strict validator (unknown members are 422 `extra_forbidden`).
// Source: Mistral's OpenAPI document 2026-01 (`additionalProperties: false`), github.com/avante-corp/avante.nvim/issues/2347

import { LISTED_AS_BILLING } from './abort-billing.ts'
import { openAiCompatible } from './openai-compatible.ts'
import { renamed } from './renamed.ts'

export const mistral = openAiCompatible({
  id: 'mistral',
  name: 'Mistral',
  defaultBaseUrl: 'https://api.mistral.ai/v1',
  operations: ['openai-embeddings', 'openai-moderations', 'openai-speech', 'openai-transcriptions'],
  stopsBillingOnAbort: LISTED_AS_BILLING,
  habits: {
    ceilingMember: 'max_tokens',
    // The last chunk always tells usage; `stream_options.include_usage` is refused.
    usageByRequest: false,
    refuses: new Set(['logit_bias', 'logprobs', 'top_logprobs', 'user', 'store', 'service_tier']),
  },
  quirks: (_dialect, member) => [
    ...renamed(member, 'seed', 'random_seed'),
    ...renamed(member, 'max_completion_tokens', 'max_tokens'),
    ...renamed(member, 'dimensions', 'output_dimension'),
  ],
})
