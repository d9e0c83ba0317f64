// OpenAI's chat language as clients speak it and hear it: the half of the dialect that faces them.

import type { ClientDialect } from '../contract.ts'
import { writeError } from './error-writing.ts'
import { readIntent } from './intent.ts'
import { NAMES } from './names.ts'
import { readRequest } from './request-reading.ts'
import { writeResponse } from './response-writing.ts'
import { openaiSpelling } from './spelling.ts'
import { ChunkCutter } from './stream-cutting.ts'
import { ChatStreamWriter } from './stream-writing.ts'
import { OPENAI_CHAT, REQUEST_RAW } from './wire.ts'

export const openaiChatClient: ClientDialect = {
  id: OPENAI_CHAT,
  paths: ['/v1/chat/completions'],
  raw: REQUEST_RAW,
  credential: bearerOf,
  intent: readIntent,
  read: readRequest,
  names: NAMES,
  needs: { many: 'n', image: 'image_url', audio: 'input_audio', file: 'file' },
  write: (response, intent) => writeResponse(response, openaiSpelling(intent)),
  writer: (intent) => new ChatStreamWriter(openaiSpelling(intent)),
  cutter: (intent) => new ChunkCutter(intent, { delta: {} }),
  status: (error) => error.status,
  writeError,
}

/** The key of `Authorization: Bearer`, the scheme in any case, or `null`. */
export function bearerOf(headers: Headers): string | null {
  const said = headers.get('authorization') ?? ''
  const space = said.indexOf(' ')
  if (space < 0 || said.slice(0, space).toLowerCase() !== 'bearer') return null
  const key = said.slice(space + 1).trim()
  return key === '' ? null : key
}
