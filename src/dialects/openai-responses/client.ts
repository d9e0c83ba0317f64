// OpenAI's Responses language as clients speak it and hear it: the half of the dialect that faces them. It keeps nothing between requests.

import type { ClientDialect } from '../contract.ts'
import { openaiChatClient } from '../openai-chat/client.ts'
import { writeError } from '../openai-chat/error-writing.ts'
import { readIntent } from './intent.ts'
import { NAMES } from './names.ts'
import { readRequest } from './request-reading.ts'
import { writeResponse } from './response-writing.ts'
import { ResponseCutter } from './stream-cutting.ts'
import { ResponsesStreamWriter } from './stream-writing.ts'
import { OPENAI_RESPONSES, REQUEST_RAW } from './wire.ts'

export const openaiResponsesClient: ClientDialect = {
  id: OPENAI_RESPONSES,
  paths: ['/v1/responses'],
  raw: REQUEST_RAW,
  // One API, two languages: keys and errors are the same in both.
  credential: (headers, url) => openaiChatClient.credential(headers, url),
  status: (error) => error.status,
  writeError,
  intent: readIntent,
  read: readRequest,
  names: NAMES,
  needs: { image: 'input_image', audio: 'input_audio', file: 'input_file' },
  write: writeResponse,
  writer: (intent) => new ResponsesStreamWriter(intent),
  cutter: () => new ResponseCutter(),
}
