// Anthropic Messages as the language of a provider.

import type { Edit, Edits } from '../../core/json-splice.ts'
import type { Intent, Orders, UpstreamDialect } from '../contract.ts'
import { readError } from './errors-read.ts'
import { NAMES } from './names.ts'
import { writeRequest } from './request-write.ts'
import { readResponse, readResponseUsage } from './response-read.ts'
import { AnthropicReader, worthReading } from './stream-read.ts'
import { ANTHROPIC_MESSAGES } from './wire.ts'

const MIN_BUDGET_TOKENS = 1024

export const anthropicMessagesUpstream: UpstreamDialect = {
  id: ANTHROPIC_MESSAGES,
  names: NAMES,
  edits,
  write: writeRequest,
  read: readResponse,
  readUsage: readResponseUsage,
  reader: () => new AnthropicReader(),
  worthReading,
  isUsageOnly: () => false,
  readError,
}

/** A ceiling below the thinking budget is a 400, so the budget shrinks with it, or thinking goes where no budget is left. */
function edits(intent: Intent, orders: Orders): Edits {
  const list: Edit[] = [{ path: ['model'], json: JSON.stringify(orders.model) }]
  const ceiling = orders.maxOutputTokens
  if (ceiling === null || ceiling === intent.maxOutputTokens) return list
  list.push({ path: ['max_tokens'], json: String(ceiling) })
  if (intent.reasoningTokens !== null && intent.reasoningTokens >= ceiling) {
    if (ceiling > MIN_BUDGET_TOKENS) list.push({ path: ['thinking', 'budget_tokens'], json: String(ceiling - 1) })
    else list.push({ path: ['thinking'], json: null })
  }
  return list
}
