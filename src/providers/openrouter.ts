// OpenRouter: where it is and what is its own. Source: openrouter.ai/docs/api-reference

import { openAiCompatible } from './openai-compatible.ts'

export const openrouter = openAiCompatible({
  id: 'openrouter',
  name: 'OpenRouter',
  defaultBaseUrl: 'https://openrouter.ai/api/v1',
  operations: ['openai-embeddings', 'rerank', 'openai-speech', 'openai-transcriptions'],
  hasResponses: true,
  habits: {
    accepts: new Set(
      `top_k cache_control reasoning_details min_p top_a repetition_penalty image_config stop_server_tools_when trace metadata plugins prompt_cache_key`.split(
        ' ',
      ),
    ),
  },
  // It depends on who serves the model, which is not known when the stream is cut.
  stopsBillingOnAbort: {
    answer: 'unknown',
    source: 'openrouter.ai/docs/api-reference/streaming, "Stream Cancellation": by the provider behind it',
  },
  emptyIsFree: { source: 'openrouter.ai/docs/guides/features/zero-completion-insurance: for all models and providers' },
})
