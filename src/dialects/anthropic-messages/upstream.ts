// Anthropic Messages as the language of a provider.

import type { Edit, Edits, Path } from '../../core/json-splice.ts'
import type { Intent, Orders, UpstreamDialect } from '../contract.ts'
import { readError } from './errors-read.ts'
import { withoutForeignSeals } from './foreign-seals.ts'
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
  withoutForeignSeals,
  write: writeRequest,
  read: readResponse,
  readUsage: readResponseUsage,
  reader: () => new AnthropicReader(),
  worthReading,
  isUsageOnly: () => false,
  readError,
}

/** A ceiling below the thinking budget is a 400, so the budget shrinks with it, or thinking goes where no budget is left. */
function edits(intent: Intent, orders: Orders, member: (path: Path) => string | null): Edits {
  const list: Edit[] = [{ path: ['model'], json: JSON.stringify(orders.model) }]
  const wish = ownCaching(orders, member)
  if (wish !== null) list.push({ path: ['cache_control'], json: wish })
  const ceiling = orders.maxOutputTokens
  if (ceiling === null || ceiling === intent.maxOutputTokens) return list
  list.push({ path: ['max_tokens'], json: String(ceiling) })
  if (intent.reasoningTokens !== null && intent.reasoningTokens >= ceiling) {
    if (ceiling > MIN_BUDGET_TOKENS) list.push({ path: ['thinking', 'budget_tokens'], json: String(ceiling - 1) })
    else list.push({ path: ['thinking'], json: null })
  }
  return list
}

const MOST_BREAKPOINTS = 4

/**
 * The API's own automatic caching, where the place has it and the client's own marks leave room. Marks of an hour may stand where the
 * automatic one would, and two lives at one place are a 400. Source: platform.claude.com/docs/en/build-with-claude/prompt-caching
 */
function ownCaching({ cache, habits }: Orders, member: (path: Path) => string | null): string | null {
  if (cache === undefined || habits.accepts?.has('cache_control') !== true || member(['cache_control']) !== null) return null
  const texts = (['tools', 'system', 'messages'] as const).map((name) => member([name]) ?? '').join()
  // A quoted word inside a text has a backslash before its closing quote, so it is not found.
  const own = texts.split('"cache_control"').length - 1
  if (own >= MOST_BREAKPOINTS || (own > 0 && texts.includes('"1h"'))) return null
  return cache.ttl === '1h' && own === 0 ? '{"type":"ephemeral","ttl":"1h"}' : '{"type":"ephemeral"}'
}
