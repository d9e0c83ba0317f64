// Anthropic: where it is and how it is authorised. Source: docs.claude.com/en/api/overview

import { LISTED_AS_STOPPING } from './abort-billing.ts'
import type { Provider } from './contract.ts'
import { settingName } from './setting-name.ts'

const KEY = settingName('anthropic', 'API_KEY')

export const anthropic: Provider = {
  id: 'anthropic',
  name: 'Anthropic',
  needs: [KEY],
  baseUrlSetting: settingName('anthropic', 'BASE_URL'),
  defaultBaseUrl: 'https://api.anthropic.com',
  voices: [
    { dialect: 'anthropic-messages', habits: { issuer: 'anthropic', accepts: new Set(['cache_control']) }, path: () => '/v1/messages' },
  ],
  operations: [{ dialect: 'anthropic-count-tokens', habits: { issuer: 'anthropic' }, path: () => '/v1/messages/count_tokens' }],
  stopsBillingOnAbort: LISTED_AS_STOPPING,
  // The client's own `anthropic-version`, where it sent one, is passed on by the gateway and wins.
  authorize: ({ secrets }) => ({ 'x-api-key': secrets[KEY] ?? '', 'anthropic-version': '2023-06-01' }),
}
