// Cohere: its own chat language, below the bare root that its SDK takes. Source: docs.cohere.com/reference/chat

import { LISTED_AS_STOPPING } from './abort-billing.ts'
import type { Provider } from './contract.ts'
import { bearer } from './openai-compatible.ts'
import { settingName } from './setting-name.ts'

const KEY = settingName('cohere', 'API_KEY')

export const cohere: Provider = {
  id: 'cohere',
  name: 'Cohere',
  needs: [KEY],
  baseUrlSetting: settingName('cohere', 'BASE_URL'),
  defaultBaseUrl: 'https://api.cohere.com',
  voices: [{ dialect: 'cohere-chat', habits: { issuer: 'cohere' }, path: () => '/v2/chat' }],
  operations: [
    { dialect: 'cohere-embed', path: () => '/v2/embed' },
    { dialect: 'rerank', path: () => '/v2/rerank' },
    { dialect: 'openai-transcriptions', path: () => '/v2/audio/transcriptions' }, // OpenAI's shape at a path of its own
  ],
  stopsBillingOnAbort: LISTED_AS_STOPPING,
  authorize: ({ secrets }) => bearer(secrets[KEY]),
}
