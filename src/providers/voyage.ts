// Voyage AI: vectors and reranking, no chat. OpenAI's shape of embeddings with names of its own. Source: docs.voyageai.com/reference/embeddings-api

import { UNSAID } from './abort-billing.ts'
import type { Provider } from './contract.ts'
import { bearer } from './openai-compatible.ts'
import { openAiOperations } from './operations.ts'
import { renamed } from './renamed.ts'
import { settingName } from './setting-name.ts'

const KEY = settingName('voyage', 'API_KEY')

export const voyage: Provider = {
  id: 'voyage',
  name: 'Voyage AI',
  needs: [KEY],
  baseUrlSetting: settingName('voyage', 'BASE_URL'),
  defaultBaseUrl: 'https://api.voyageai.com/v1',
  voices: [],
  operations: [...openAiOperations(['openai-embeddings'], { issuer: 'voyage' }), { dialect: 'voyage-rerank', path: () => '/rerank' }],
  stopsBillingOnAbort: UNSAID,
  authorize: ({ secrets }) => bearer(secrets[KEY]),
  quirks: (dialect, member) =>
    dialect === 'openai-embeddings'
      ? [
          ...renamed(member, 'dimensions', 'output_dimension'),
          // It has a word for base64 only; floats are what comes without one.
          ...(member(['encoding_format']) === '"float"' ? [{ path: ['encoding_format'] as const, json: null }] : []),
        ]
      : [],
}
