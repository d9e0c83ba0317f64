// Gemini's generateContent as the language of our clients. Only puts the pieces together.

import type { ClientDialect } from '../contract.ts'
import { ADDRESS, readTarget } from './address.ts'
import { writeError } from './error-writing.ts'
import { readIntent } from './intent.ts'
import { NAMES } from './names.ts'
import { REQUEST_RAW, readRequest } from './request-reading.ts'
import { writeResponse } from './response-writing.ts'
import { ChunkCutter } from './stream-cutting.ts'
import { GeminiWriter } from './stream-writing.ts'
import { DIALECT } from './wire.ts'

const BEARER = /^bearer\s+(\S+)\s*$/i

export const geminiClient: ClientDialect = {
  id: DIALECT,
  // Model and method are one piece of the path, with slashes and colons in it; `[^]` also takes what `.` does not, a line break.
  paths: [`${ADDRESS}:target{[^]+}`],
  takesNoComments: true,
  modelInPath: (path) => readTarget(path).model,
  raw: REQUEST_RAW,
  credential: (headers, url) =>
    headers.get('x-goog-api-key') || (BEARER.exec(headers.get('authorization') ?? '')?.[1] ?? (url.searchParams.get('key') || null)),
  intent: readIntent,
  read: readRequest,
  names: NAMES,
  needs: { many: 'generationConfig.candidateCount', image: 'inlineData', audio: 'inlineData', file: 'inlineData' },
  write: writeResponse,
  writer: (intent, served) => new GeminiWriter(intent, served),
  cutter: () => new ChunkCutter(),
  status: (error) => error.status,
  writeError,
}
