// Alibaba Cloud: where it is and what is its own. Source: alibabacloud.com/help/en/model-studio/compatibility-of-openai-with-dashscope (the address is the international one)

import { LISTED_AS_BILLING } from './abort-billing.ts'
import { openAiCompatible } from './openai-compatible.ts'

export const alibaba = openAiCompatible({
  id: 'alibaba',
  name: 'Alibaba Cloud',
  defaultBaseUrl: 'https://dashscope-intl.aliyuncs.com/compatible-mode/v1',
  habits: { accepts: new Set(['top_k']) },
  operations: ['openai-embeddings'],
  stopsBillingOnAbort: LISTED_AS_BILLING,
})
