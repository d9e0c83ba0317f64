// Jina AI: vectors and reranking, no chat. Source: api.jina.ai/redoc

import { UNSAID } from './abort-billing.ts'
import type { Provider } from './contract.ts'
import { bearer } from './openai-compatible.ts'
import { openAiOperations } from './operations.ts'
import { renamed } from './renamed.ts'
import { settingName } from './setting-name.ts'

const KEY = settingName('jina', 'API_KEY')

export const jina: Provider = {
  id: 'jina',
  name: 'Jina AI',
  needs: [KEY],
  baseUrlSetting: settingName('jina', 'BASE_URL'),
  defaultBaseUrl: 'https://api.jina.ai/v1',
  voices: [],
  operations: openAiOperations(['openai-embeddings', 'rerank'], { issuer: 'jina' }),
  stopsBillingOnAbort: UNSAID,
  authorize: ({ secrets }) => bearer(secrets[KEY]),
  quirks: (dialect, member) => (dialect === 'openai-embeddings' ? renamed(member, 'encoding_format', 'embedding_type') : []),
}
