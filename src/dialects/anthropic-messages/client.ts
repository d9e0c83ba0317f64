// Anthropic Messages as the language of our clients.

import type { ClientDialect } from '../contract.ts'
import { statusOf, writeError } from './errors-write.ts'
import { readIntent } from './intent.ts'
import { NAMES } from './names.ts'
import { readRequest } from './request-read.ts'
import { writeResponse } from './response-write.ts'
import { MessageCutter } from './stream-cut.ts'
import { AnthropicWriter } from './stream-write.ts'
import { ANTHROPIC_MESSAGES, REQUEST_RAW } from './wire.ts'

const BEARER = /^bearer\s+(\S+)\s*$/i

export const anthropicMessagesClient: ClientDialect = {
  id: ANTHROPIC_MESSAGES,
  paths: ['/v1/messages'],
  raw: REQUEST_RAW,
  credential: (headers) => headers.get('x-api-key') || (BEARER.exec(headers.get('authorization') ?? '')?.[1] ?? null),
  intent: readIntent,
  read: readRequest,
  names: NAMES,
  needs: { image: 'image', file: 'document' },
  write: writeResponse,
  writer: () => new AnthropicWriter(),
  cutter: () => new MessageCutter(),
  status: statusOf,
  writeError,
}
