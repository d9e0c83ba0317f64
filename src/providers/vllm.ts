// vLLM: where it is and what is its own. Self-hosted, so it has no address of its own. Source: docs.vllm.ai/en/stable/serving/openai_compatible_server

import { OWN_HARDWARE } from './abort-billing.ts'
import { openAiCompatible } from './openai-compatible.ts'

export const vllm = openAiCompatible({
  id: 'vllm',
  name: 'vLLM',
  defaultBaseUrl: null,
  hasCompletions: true,
  operations: ['openai-embeddings', 'rerank', 'openai-transcriptions', 'openai-translations'],
  stopsBillingOnAbort: OWN_HARDWARE,
  keyOptional: true,
  habits: { accepts: new Set(['top_k', 'min_p', 'repetition_penalty']) },
})
