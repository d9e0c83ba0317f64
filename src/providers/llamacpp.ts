// llama.cpp: where it is and what is its own. Source: github.com/ggml-org/llama.cpp/tree/master/tools/server

import { OWN_HARDWARE } from './abort-billing.ts'
import { openAiCompatible } from './openai-compatible.ts'

export const llamacpp = openAiCompatible({
  id: 'llamacpp',
  name: 'llama.cpp',
  defaultBaseUrl: 'http://127.0.0.1:8080/v1',
  habits: { accepts: new Set(['top_k', 'reasoning_content']) },
  hasCompletions: true,
  operations: ['openai-embeddings', 'rerank'],
  stopsBillingOnAbort: OWN_HARDWARE,
  keyOptional: true,
})
