// The half of Cohere's chat language (API v2) that faces providers. Only puts the pieces together.

import type { Edit, Path } from '../../core/json-splice.ts'
import type { Intent, Orders, UpstreamDialect } from '../contract.ts'
import { readError } from './error-reading.ts'
import { NAMES } from './names.ts'
import { writeRequest } from './request-writing.ts'
import { readResponse, readUsage } from './response-reading.ts'
import { CohereReader } from './stream.ts'
import { COHERE_CHAT } from './wire.ts'

export const cohereChatUpstream: UpstreamDialect = {
  id: COHERE_CHAT,
  names: NAMES,
  edits,
  write: writeRequest,
  read: readResponse,
  readUsage,
  reader: () => new CohereReader(),
  worthReading: (data) => data.includes('"message-') || data.includes('"error"') || !data.includes('"type"'),
  isUsageOnly: () => false,
  readError,
}

function edits(intent: Intent, orders: Orders, member: (path: Path) => string | null): readonly Edit[] {
  const { model, maxOutputTokens } = orders
  const list: Edit[] = model === intent.model ? [] : [{ path: ['model'], json: JSON.stringify(model) }]
  if (maxOutputTokens !== null && Number(member(['max_tokens'])) !== maxOutputTokens)
    list.push({ path: ['max_tokens'], json: JSON.stringify(maxOutputTokens) })
  return list
}
