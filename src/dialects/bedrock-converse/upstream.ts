// The half of Bedrock's Converse language that faces providers. Only puts the pieces together.

import type { Edits } from '../../core/json-splice.ts'
import type { Intent, Orders, UpstreamDialect } from '../contract.ts'
import { readError } from './error-reading.ts'
import { NAMES } from './names.ts'
import { writeRequest } from './request-writing.ts'
import { readResponse, readUsage } from './response-reading.ts'
import { ConverseReader } from './stream.ts'
import { BEDROCK_CONVERSE } from './wire.ts'

export const bedrockConverseUpstream: UpstreamDialect = {
  id: BEDROCK_CONVERSE,
  names: NAMES,
  edits,
  write: writeRequest,
  read: readResponse,
  readUsage,
  reader: () => new ConverseReader(),
  worthReading: (data) =>
    data.includes('"stopReason"') || data.includes('"usage"') || data.includes('essage"') || data.includes('toolUseId'),
  isUsageOnly: () => false,
  readError,
}

/** The model stands in the path. */
function edits(_intent: Intent, { maxOutputTokens }: Orders): Edits {
  return maxOutputTokens === null ? [] : [{ path: ['inferenceConfig', 'maxTokens'], json: String(maxOutputTokens) }]
}
