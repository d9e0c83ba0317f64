// The half of the Gemini dialect that faces providers: generateContent, whole and streamed with `alt=sse`. Only puts the pieces together.

import type { Intent, Orders, UpstreamDialect } from '../contract.ts'
import type { Edits, Path } from '../../core/json-splice.ts'
import { readError } from './error-reading.ts'
import { NAMES } from './names.ts'
import { writeRequest } from './request-writing.ts'
import { readResponse, readUsage } from './response-reading.ts'
import { GeminiReader } from './stream.ts'
import { DIALECT } from './wire.ts'

export const geminiUpstream: UpstreamDialect = {
  id: DIALECT,
  names: NAMES,
  edits,
  write: (request, _intent, orders) => writeRequest(request, orders),
  read: readResponse,
  readUsage,
  reader: () => new GeminiReader(),
  worthReading: (data) =>
    data.includes('"usageMetadata"') || data.includes('"finishReason"') || data.includes('"error"') || data.includes('"promptFeedback"'),
  isUsageOnly: () => false,
  readError,
}

/** The model stands in the path. Google takes either spelling of a member, so the ceiling is set where the client would have it. */
function edits(_intent: Intent, orders: Orders, member: (path: Path) => string | null): Edits {
  if (orders.maxOutputTokens === null) return []
  const outer = member(['generationConfig']) === null && member(['generation_config']) !== null ? 'generation_config' : 'generationConfig'
  const inner = member([outer, 'max_output_tokens']) === null ? 'maxOutputTokens' : 'max_output_tokens'
  return [{ path: [outer, inner], json: String(orders.maxOutputTokens) }]
}
