// Cloudflare Workers AI over REST: where it is, which the account's id is a part of. Source: developers.cloudflare.com/workers-ai/configuration/open-ai-compatibility

import { LISTED_AS_STOPPING } from './abort-billing.ts'
import { openAiCompatible } from './openai-compatible.ts'

const ACCOUNT = 'CLOUDFLARE_ACCOUNT_ID'

export const cloudflare = openAiCompatible({
  id: 'cloudflare',
  name: 'Cloudflare Workers AI',
  defaultBaseUrl: null,
  address: {
    needs: [[ACCOUNT]],
    baseUrl(setting) {
      const account = setting(ACCOUNT)
      return account !== null && /^[A-Za-z0-9_-]+$/.test(account) ? `https://api.cloudflare.com/client/v4/accounts/${account}/ai/v1` : null
    },
  },
  operations: ['openai-embeddings'],
  stopsBillingOnAbort: LISTED_AS_STOPPING,
})
