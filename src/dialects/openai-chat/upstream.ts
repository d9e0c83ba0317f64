// OpenAI's chat language as providers hear and speak it: the half of the dialect that faces them.

import type { Edit } from '../../core/json-splice.ts'
import type { Frame, Intent, Orders, UpstreamDialect } from '../contract.ts'
import type { Path } from '../../core/json-splice.ts'
import { readError } from './error-reading.ts'
import { isUsageOnly, worthReading } from './frame-glance.ts'
import { NAMES } from './names.ts'
import { writeRequest } from './request-writing.ts'
import { readResponse, readUsageOfBody } from './response-reading.ts'
import { ChatStreamReader } from './stream-reading.ts'
import { OPENAI_CHAT } from './wire.ts'

export const openaiChatUpstream: UpstreamDialect = {
  id: OPENAI_CHAT,
  names: NAMES,
  edits,
  write: writeRequest,
  read: readResponse,
  readUsage: readUsageOfBody,
  reader: () => new ChatStreamReader(),
  worthReading,
  isUsageOnly: ({ data }: Frame) => isUsageOnly(data),
  readError,
}

function edits(intent: Intent, orders: Orders, member: (path: Path) => string | null): readonly Edit[] {
  const list: Edit[] = []
  if (orders.model !== intent.model) list.push({ path: ['model'], json: JSON.stringify(orders.model) })
  if (intent.stream && !intent.wantsUsage && orders.habits.usageByRequest !== false) {
    list.push({ path: ['stream_options', 'include_usage'], json: 'true' })
  }
  if (orders.maxOutputTokens !== null) list.push(...ceilingEdits(orders.maxOutputTokens, orders, member))
  return list
}

/** The ceiling goes where the client put its own. A client that sent both is held to it in both: hosts differ in which one they obey. */
function ceilingEdits(ceiling: number, { habits }: Orders, member: (path: Path) => string | null): readonly Edit[] {
  const used = (['max_completion_tokens', 'max_tokens'] as const).filter((name) => {
    const text = member([name])
    return text !== null && text !== 'null'
  })
  const names = used.length > 0 ? used : [habits.ceilingMember ?? 'max_tokens']
  return names.filter((name) => Number(member([name])) !== ceiling).map((name) => ({ path: [name], json: JSON.stringify(ceiling) }))
}
