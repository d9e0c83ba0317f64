// OpenRouter's chat language as clients speak it and hear it. It is never forwarded: its answers tell who served them and what they cost.

import type { ClientDialect } from '../contract.ts'
import { bearerOf, openaiChatClient } from '../openai-chat/client.ts'
import { writeResponse } from '../openai-chat/response-writing.ts'
import { ChatStreamWriter } from '../openai-chat/stream-writing.ts'
import { REQUEST_RAW } from '../openai-chat/wire.ts'
import { statusOf, writeError } from './error-writing.ts'
import { readIntent } from './intent.ts'
import { readRequest } from './request-reading.ts'
import { openrouterSpelling } from './spelling.ts'
import { OPENROUTER } from './wire.ts'

export const openrouterClient: ClientDialect = {
  id: OPENROUTER,
  paths: ['/api/v1/chat/completions'],
  modelNames: 'openrouter',
  // OpenRouter's own word. Rarely enough that a failure which comes soon still has its status.
  keepAlive: { comment: ': OPENROUTER PROCESSING\n\n', everyMs: 10_000 },
  raw: REQUEST_RAW,
  credential: bearerOf,
  intent: readIntent,
  read: readRequest,
  names: { ...openaiChatClient.names, reasoning: 'reasoning' },
  needs: openaiChatClient.needs,
  write: (response, intent, served) => writeResponse(response, openrouterSpelling(intent, served)),
  writer: (intent, served) => new ChatStreamWriter(openrouterSpelling(intent, served)),
  cutter: (intent) => openaiChatClient.cutter(intent),
  status: statusOf,
  writeError: (error, _requestId, provider) => writeError(error, provider),
}
