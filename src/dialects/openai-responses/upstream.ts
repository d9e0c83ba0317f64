// OpenAI's Responses language as providers hear and speak it: the half of the dialect that faces them.

import type { Edit, Path } from '../../core/json-splice.ts'
import type { Intent, Orders, UpstreamDialect } from '../contract.ts'
import { startsMember } from '../openai-chat/frame-glance.ts'
import { withoutForeignSeals } from './foreign-seals.ts'
import { readError } from './error-reading.ts'
import { NAMES } from './names.ts'
import { writeRequest } from './request-writing.ts'
import { readResponse, readUsageOfBody, ResponsesStreamReader } from './stream-reading.ts'
import { OPENAI_RESPONSES } from './wire.ts'

export const openaiResponsesUpstream: UpstreamDialect = {
  id: OPENAI_RESPONSES,
  names: NAMES,
  edits,
  withoutForeignSeals,
  write: writeRequest,
  read: readResponse,
  readUsage: readUsageOfBody,
  reader: () => new ResponsesStreamReader(),
  worthReading,
  isUsageOnly: () => false,
  readError,
}

function edits(intent: Intent, orders: Orders, member: (path: Path) => string | null): readonly Edit[] {
  const list: Edit[] = []
  if (orders.model !== intent.model) list.push({ path: ['model'], json: JSON.stringify(orders.model) })
  if (orders.maxOutputTokens !== null && Number(member(['max_output_tokens'])) !== orders.maxOutputTokens) {
    list.push({ path: ['max_output_tokens'], json: JSON.stringify(orders.maxOutputTokens) })
  }
  return list
}

/** A quoted word inside a text has a backslash before its closing quote, so it is not found. Items that begin tell whether there are calls. */
const WORTH = ['"response.completed"', '"response.incomplete"', '"response.failed"', '"response.created"', '"response.output_item.added"']

/** `"error":null` stands in every response object. */
function worthReading(data: string): boolean {
  return WORTH.some((word) => data.includes(word)) || (data.includes('"error"') && !startsMember(data, '"error"', 'n'))
}
