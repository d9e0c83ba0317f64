// Ollama: where it is and what is its own. Only its OpenAI surface. Source: docs.ollama.com/openai

import { OWN_HARDWARE } from './abort-billing.ts'
import { openAiCompatible } from './openai-compatible.ts'

export const ollama = openAiCompatible({
  id: 'ollama',
  name: 'Ollama',
  defaultBaseUrl: 'http://127.0.0.1:11434/v1',
  hasCompletions: true,
  operations: ['openai-embeddings'],
  stopsBillingOnAbort: OWN_HARDWARE,
  keyOptional: true,
})
