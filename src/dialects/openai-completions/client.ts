// OpenAI's old text completions as clients speak them and hear them: the half of the dialect that faces them.

import type { ClientDialect } from '../contract.ts'
import { openaiChatClient } from '../openai-chat/client.ts'
import { ChunkCutter } from '../openai-chat/stream-cutting.ts'
import { readIntent } from './intent.ts'
import { readRequest } from './request-reading.ts'
import { CompletionStreamWriter, writeResponse } from './response-writing.ts'
import { NO_RAW, OPENAI_COMPLETIONS } from './wire.ts'

export const openaiCompletionsClient: ClientDialect = {
  ...openaiChatClient,
  id: OPENAI_COMPLETIONS,
  paths: ['/v1/completions'],
  raw: NO_RAW,
  intent: readIntent,
  read: readRequest,
  write: writeResponse,
  writer: (intent) => new CompletionStreamWriter(intent),
  cutter: (intent) => new ChunkCutter(intent, { text: '' }),
}
